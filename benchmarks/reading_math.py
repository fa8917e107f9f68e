r"""How fast completions with LaTeX answers are read for the first time.

    python benchmarks/reading_math.py [RECORDING [PROBLEMS [DRAWS]]]

500 problems x 45 draws by default. RECORDING is JSON Lines, packed with gzip or not, of objects
with `completions`, a list of texts; its texts are taken in turn. Without it, or with "-",
completions are made up: each problem has one right answer, written in several ways, and wrong ones
near it.

Reading goes the way of an evaluation: texts come out of a store, answers go back into it. Prints
the rate, by the clock and by processor time (worker processes included), and how the keys were
found.
"""

import gzip
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from slm_mux.answers.math import MathKind
from slm_mux.evaluation.keeping import Notebook
from slm_mux.evaluation.reading import read_samples
from slm_mux.readers import Readers
from slm_mux.store import Draw, Series, Store
from slm_mux.types import Completion, Problem

FILLER = (
    "We write the equation again, with all terms on one side, and see what follows from it. " * 8
)

FORMS: tuple[Callable[[int, int], tuple[str, ...]], ...] = (
    lambda a, b: (
        rf"\frac{{{a}}}{{{b}}}",
        rf"\dfrac{{{a}}}{{{b}}}",
        rf"\tfrac {{{a}}} {{{b}}}",
        f"{a}/{b}",
    ),
    lambda a, b: (f"{a * b}", rf"{a * b}\,", rf"${a * b}$", f"{a * b}.0", rf"{a * b}\text{{ cm}}"),
    lambda a, b: (rf"{a}\sqrt{{{b}}}", rf"{a} \sqrt {{{b}}}", rf"\sqrt{{{b}}}\cdot {a}"),
    lambda a, b: (rf"\left({a}, {b}\right)", f"({a},{b})", rf"( {a} ,\ {b} )"),
    lambda a, b: (f"x^2+{a}x-{b}", f"x^{{2}} + {a} x - {b}", f"{a}x + x^2 - {b}"),
    lambda a, b: (rf"{a * b}\pi", rf"{a * b} \pi", rf"\pi \cdot {a * b}"),
    lambda a, b: (rf"[{a}, {a + b})", rf"\left[{a},{a + b}\right)"),
)


def made_up(problems: int, draws: int) -> Iterator[list[str]]:
    """Make up each problem's completions."""
    chance = random.Random(0)
    for number in range(problems):
        form = FORMS[number % len(FORMS)]
        a, b = chance.randint(2, 40), chance.randint(2, 40)
        texts = []
        for _ in range(draws):
            off = 0 if chance.random() < 0.6 else chance.randint(1, 9)
            answer = chance.choice(form(a + off, b))
            texts.append(f"{FILLER}So the answer is \\boxed{{{answer}}}.")
        yield texts


def recorded(path: Path, problems: int, draws: int) -> Iterator[list[str]]:
    """Take a recording's completions in turn; problems of it come again when they run out."""
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()
    rows = [json.loads(line)["completions"] for line in lines]
    for _, texts in zip(range(problems), cycle(rows), strict=False):
        yield [text for _, text in zip(range(draws), cycle(texts), strict=False)]


def processor_seconds() -> float:
    """What this process and its ended children have used."""
    uses = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def main() -> None:
    """Fill a store, read it, print the figures."""
    given = sys.argv[1] if len(sys.argv) > 1 else "-"
    problems, draws = (*map(int, sys.argv[2:]), *(500, 45)[len(sys.argv[2:]) :])
    texts = made_up(problems, draws) if given == "-" else recorded(Path(given), problems, draws)
    readers = Readers()
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "s.db") as store:
        items = [Problem(id=f"q{n}", question=f"{n}?", kind="math") for n in range(problems)]
        store.put_task("made", items, source="", sha256="00")
        distinct = set()
        with store.transaction():
            for item, some in zip(items, texts, strict=True):
                series = Series(
                    member="m",
                    identity="m",
                    messages=({"role": "user", "content": item.question},),
                    settings={},
                    seed=0,
                )
                store.put_asked("made", [(item.id, series)])
                store.put_draws(
                    [
                        Draw(series=series.digest, draw=draw, completion=Completion(text=text))
                        for draw, text in enumerate(some)
                    ]
                )
                distinct.update(some)
        kind = readers.of("math")
        assert isinstance(kind, MathKind)
        rows = store.draw_rows("made")
        before, started = processor_seconds(), time.perf_counter()
        read = read_samples(
            store,
            rows,
            {item.id: item for item in items},
            {},
            readers=readers,
            notebook=Notebook(store),
        )
        clock = time.perf_counter() - started
        found = kind.statistics()
        readers.close()
        spent = processor_seconds() - before
    keys = found.settled_by_normaliser + found.kept_as_text + found.settled_by_workers
    readable = sum(answer is not None for answer in read.answers.values())
    print(f"{len(rows)} completions, {len(distinct)} of them distinct; {readable} readable")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{clock:.1f} s on the clock: {len(rows) / clock:,.0f} completions/s")
    print(f"{spent:.1f} s of processor time: {len(rows) / spent:,.0f} completions/s")
    for what, count in (
        ("the normaliser settled", found.settled_by_normaliser),
        ("kept as text (too large, or no maths)", found.kept_as_text),
        ("workers settled", found.settled_by_workers),
    ):
        print(f"{what}: {count} ({count / keys:.1%})")
    print(f"wall limit hits {found.wall_limit_hits}, worker failures {found.worker_failures}")


if __name__ == "__main__":
    main()
