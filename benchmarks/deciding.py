"""How long votes and a decision take once answers are read: 5 models x 9 draws.

    python benchmarks/deciding.py

Prints microseconds per decision (the best and the median of the rounds; whatever else the machine
does only adds), and the ratio to counting the same answers with collections.Counter alone.
"""

import collections
import platform
import random
import statistics
import timeit

from slm_mux.types import Answer
from slm_mux.voting import decide, vote

MODELS, DRAWS, ROUNDS, REPEATS = 5, 9, 30, 500


def main() -> None:
    """Measure and print."""
    chance = random.Random(0)
    answers = [
        [Answer(text, text) for text in chance.choices(["72", "27", "36", "9"], k=DRAWS)]
        for _ in range(MODELS)
    ]
    names = [f"model-{index}" for index in range(MODELS)]

    def decision() -> None:
        decide(
            [
                vote(name, drawn, validation_accuracy=0.5)
                for name, drawn in zip(names, answers, strict=True)
            ]
        )

    def counting() -> None:
        for drawn in answers:
            collections.Counter(answer.key for answer in drawn).most_common(1)

    took = [t / REPEATS * 1e6 for t in timeit.repeat(decision, repeat=ROUNDS, number=REPEATS)]
    base = [t / REPEATS * 1e6 for t in timeit.repeat(counting, repeat=ROUNDS, number=REPEATS)]
    print(f"{MODELS} models x {DRAWS} read answers, Python {platform.python_version()}")
    print(f"votes and decision  best {min(took):5.1f} us, median {statistics.median(took):5.1f} us")
    print(f"Counter alone       best {min(base):5.1f} us, median {statistics.median(base):5.1f} us")
    print(f"ratio of the bests  {min(took) / min(base):.2f}")


if __name__ == "__main__":
    main()
