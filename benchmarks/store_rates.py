"""How fast the store takes samples, and how fast it says what is in it.

    python benchmarks/store_rates.py [--folder DIR] [--rows 20000] [--series 50000] [--draws 10]

Writes rows with texts of 800 characters at full durability, in turns: through `StoreWriter` as a
collector does (64 callers with a few draws each), in batches through `put_draws`, and, as the
yardstick, the bare `executemany` of the texts alone into one table. Then fills a store with
series x draws samples and measures what a collector and an evaluation ask of it.
"""

import argparse
import asyncio
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from slm_mux.store import Draw, Reading, Series, Store, StoreWriter
from slm_mux.types import Completion, Problem

ROUNDS = 5
CALLERS, DRAWS_PER_CALL = 64, 16
BATCH = 1000
CHARACTERS = 800
MEMBERS = 5
WORDS = (
    "the number of pears in each box is so we have to add what came and take away what went then "
    "total equals first second next therefore remaining half of per day cost dollars times"
)


def a_text(generator: random.Random) -> str:
    """Make up a completion that is about as hard to compress as a real one."""
    vocabulary = WORDS.split()
    words: list[str] = []
    length = 0
    while length < CHARACTERS:
        word = (
            str(generator.randrange(10_000))
            if generator.random() < 0.2
            else generator.choice(vocabulary) + generator.choice(("", "", "s", "ed", "ing"))
        )
        words.append(word)
        length += len(word) + 1
    return " ".join(words)[:CHARACTERS]


def a_series(problem: int, member: int) -> Series:
    """Ask one model one question."""
    return Series(
        member=f"model {member}",
        identity=f"openai:http://127.0.0.1:8000/v1|model-{member}",
        messages=({"role": "user", "content": f"What is {problem} + {problem}? " * 4},),
        settings={"temperature": 0.3, "max_tokens": 512},
        seed=0,
    )


def a_draw(series: str, draw: int, text: str) -> Draw:
    """Draw once."""
    completion = Completion(
        text=text,
        finish_reason="stop",
        prompt_tokens=100,
        completion_tokens=200,
        served_model="model",
    )
    return Draw(
        series=series,
        draw=draw,
        seed=draw,
        completion=completion,
        seconds=1.5,
        collected_at="2026-11-21T12:00:00Z",
    )


def fresh(path: Path, problems: int, members: int) -> list[str]:
    """Make a store with its task and series; return the digests."""
    with Store.open(path) as store:
        names = [f"problem {number}" for number in range(problems)]
        store.put_task(
            "task",
            [Problem(id=name, question=name, kind="number", target="1") for name in names],
            source="made up",
            sha256="00",
        )
        asked = [
            (name, a_series(number, member))
            for number, name in enumerate(names)
            for member in range(members)
        ]
        store.put_asked("task", asked)
        return [series.digest for _, series in asked]


def bare(path: Path, draws: list[Draw]) -> None:
    """Insert the texts alone, uncompressed, with the same durability."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT)")
    for start in range(0, len(draws), BATCH):
        database.execute("BEGIN IMMEDIATE")
        rows = [(draw.completion.text,) for draw in draws[start : start + BATCH] if draw.completion]
        database.executemany("INSERT INTO texts (text) VALUES (?)", rows)
        database.execute("COMMIT")
    database.close()


def in_batches(path: Path, draws: list[Draw]) -> None:
    """Store through `put_draws`."""
    with Store.open(path) as store:
        for start in range(0, len(draws), BATCH):
            store.put_draws(draws[start : start + BATCH])


def collecting(path: Path, draws: list[Draw]) -> None:
    """Store through `StoreWriter`, from many tasks at once."""

    async def caller(writer: StoreWriter, mine: list[Draw]) -> None:
        for start in range(0, len(mine), DRAWS_PER_CALL):
            await writer.keep(mine[start : start + DRAWS_PER_CALL])

    async def collect() -> None:
        writer = StoreWriter(path)
        async with asyncio.TaskGroup() as group:
            for number in range(CALLERS):
                group.create_task(caller(writer, draws[number::CALLERS]))
        await writer.aclose()

    asyncio.run(collect())


def timed(call: Callable[[], object]) -> float:
    """Return how long a call takes, in seconds."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def writing(folder: Path, rows: int) -> None:
    """Measure the three ways of writing, in turns."""
    generator = random.Random(0)
    per_series = 20
    texts = [a_text(generator) for _ in range(rows)]
    ways = {"bare executemany": bare, "put_draws": in_batches, "StoreWriter": collecting}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    size = 0
    for turn in range(ROUNDS):
        for name, way in ways.items():
            path = folder / f"{turn} {name}.db"
            digests = [] if way is bare else fresh(path, rows // per_series, 1)
            draws = [
                a_draw(digests[number // per_series] if digests else "", number % per_series, text)
                for number, text in enumerate(texts)
            ]
            before = time.process_time()
            rates[name].append(rows / timed(partial(way, path, draws)))
            processor[name].append((time.process_time() - before) / rows * 1e6)
            if way is in_batches:
                size = path.stat().st_size
            path.unlink()
    print(f"{rows} rows of {CHARACTERS} characters; {size / rows:.0f} bytes a row in the file")
    for name, found in rates.items():
        ratios = [
            mine / yours for mine, yours in zip(found, rates["bare executemany"], strict=True)
        ]
        print(
            f"{name:18} {statistics.median(found):8,.0f} rows/s (best {max(found):,.0f})"
            f"  ratio {statistics.median(ratios):.2f}"
            f"  {statistics.median(processor[name]):.0f} us of processor time a row"
        )


def asking(folder: Path, series: int, draws: int) -> None:
    """Measure what is asked of a large store, and of a usual one."""
    path = folder / "large.db"
    digests = fresh(path, series // MEMBERS, MEMBERS)
    with Store.open(path) as store:
        for start in range(0, len(digests), 2000):
            piece = digests[start : start + 2000]
            store.put_draws([a_draw(one, draw, "7") for one in piece for draw in range(draws)])

    def missing() -> None:
        with Store.open(path) as store:
            found = store.drawn(digests)
            assert sum(map(len, found.values())) == series * draws

    print(f"{series * draws} samples: open, and find what is missing  {timed(missing):.2f} s")
    path.unlink()

    path = folder / "usual.db"
    digests = fresh(path, 500, MEMBERS)
    generator = random.Random(0)
    text = a_text(generator)
    with Store.open(path) as store:
        store.put_draws([a_draw(one, draw, text) for one in digests for draw in range(9)])
        ids = [row.sample_id for row in store.draw_rows("task")]
        reading = Reading("42", "42")
        put = timed(lambda: store.put_readings("reader", [(one, reading) for one in ids]))
        calls: dict[str, Callable[[], object]] = {
            "draw_rows": lambda: store.draw_rows("task"),
            "readings": lambda: store.readings("reader", ids),
            "texts": lambda: store.texts(ids),
        }
        print(f"500 problems x {MEMBERS} models x 9 draws = {len(ids)} samples")
        print(f"put_readings       {put:.3f} s")
        for name, call in calls.items():
            times = [timed(call) for _ in range(5)]
            print(f"{name:18} {statistics.median(times):.3f} s (best {min(times):.3f})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--series", type=int, default=50_000)
    parser.add_argument("--draws", type=int, default=10)
    given = parser.parse_args()
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{os.cpu_count()} cores"
    )
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        writing(Path(folder), given.rows)
        asking(Path(folder), given.series, given.draws)


if __name__ == "__main__":
    main()
