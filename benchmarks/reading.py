"""How long it takes to read an answer out of a completion of about 600 characters.

    python benchmarks/reading.py

Prints microseconds per read, for each answer kind and form of completion (the best and the median
of the rounds; whatever else the machine does only adds).
"""

import functools
import platform
import statistics
import timeit

from slm_mux.answers.base import AnswerKind
from slm_mux.answers.choice import ChoiceKind
from slm_mux.answers.json_value import JsonKind
from slm_mux.answers.label import LabelKind
from slm_mux.answers.number import NumberKind
from slm_mux.answers.text import TextKind

ROUNDS, REPEATS = 30, 200

STEPS = (
    "To find how many pears are left we go through the day step by step. In the morning the shop "
    "has 14 crates with 9 pears each, which is 14 * 9 = 126 pears. Before noon it sells 48 of "
    "them, so 126 - 48 = 78 pears stay on the shelf. After lunch a farmer brings 3 more crates of "
    "the same size, which adds 3 * 9 = 27 pears: now there are 78 + 27 = 105 pears. In the evening "
    "the last guest takes 3 pears home. The right way to check this is to count what came and what "
    "went: 126 + 27 = 153 pears came, 48 + 3 = 51 pears went. Both ways of counting agree here.\n"
)
MESSAGE = (
    "The message opens with a friendly greeting and then promises a large prize to whoever clicks "
    "on a link within the hour. It gives no name that could be checked, and the address it was "
    "sent from has nothing to do with the company it speaks of. Real notices of this sort come "
    "with a reference and do not press for time. On the other hand the language is correct and "
    "there is no attachment. Weighing the one against the other, the pressure and the unknown link "
    "count for more than the good spelling does, and nothing else in it speaks for its sender.\n"
)
RECORDS = ",\n".join(
    f'  {{"name": "crate {i}", "pears": {9 * i}, "sold": false}}' for i in range(12)
)

CASES: list[tuple[str, AnswerKind, str]] = [
    ("number, in a box", NumberKind(), STEPS + r"So there are \(\boxed{102}\) pears."),
    ("number, after a phrase", NumberKind(), STEPS + "The answer is 102."),
    ("number, after ####", NumberKind(), STEPS + "#### 102"),
    ("number, with a unit", NumberKind(), STEPS + r"\[ \boxed{102 \text{ pears}} \]"),
    ("number, the last one", NumberKind(), STEPS + "So there are 102 pears."),
    ("choice, after a phrase", ChoiceKind({"A": "spam", "B": "ham"}), MESSAGE + "Answer: A"),
    ("choice, in a box", ChoiceKind({"A": "spam", "B": "ham"}), MESSAGE + r"\boxed{A}"),
    ("label, after a phrase", LabelKind(["spam", "ham"]), MESSAGE + "Answer: spam"),
    ("json, in a block of code", JsonKind(), f"Here it is:\n```json\n[\n{RECORDS}\n]\n```\n"),
    ("text", TextKind(), MESSAGE),
]


def main() -> None:
    """Measure and print."""
    print(f"microseconds per read, Python {platform.python_version()}")
    for name, kind, completion in CASES:
        if kind.read(completion) is None:
            raise SystemExit(f"{name}: the completion cannot be read")
        timer = timeit.Timer(functools.partial(kind.read, completion))
        rounds = timer.repeat(repeat=ROUNDS, number=REPEATS)
        took = [seconds / REPEATS * 1e6 for seconds in rounds]
        print(
            f"{name:26} {len(completion):4} characters"
            f"  best {min(took):6.1f}, median {statistics.median(took):6.1f}"
        )


if __name__ == "__main__":
    main()
