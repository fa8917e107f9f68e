"""A collector in a process of its own, for tests that kill it.

    python -m tests.store.collecting STORE SERIES DRAWS CALLERS [OFFSET]

Draws what the store lacks of SERIES x DRAWS, beginning with the series numbered OFFSET, and prints
"series draw" for each sample when it is kept.
"""

import asyncio
import sys
from pathlib import Path

from slm_mux.store import Draw, Store, StoreWriter
from tests.store.making import completed, problem, series


def text_of(number: int, draw: int) -> str:
    """What "model" m1 answers to problem `number` at this draw: always the same."""
    return f"Draw {draw} of problem {number} says {number * 7919 + draw}. " * 12


def prepared(path: Path, count: int) -> list[str]:
    """Register the series; returns their digests."""
    names = [f"q{number}" for number in range(count)]
    with Store.open(path) as store:
        store.put_task("demo", [problem(name) for name in names], source="", sha256="00")
        store.put_asked("demo", [(name, series(name)) for name in names])
    return [series(name).digest for name in names]


async def collect(path: Path, count: int, draws: int, callers: int, offset: int = 0) -> None:
    digests = prepared(path, count)
    with Store.open(path) as store:
        drawn = store.drawn(digests)
    missing = [
        (number % count, draw)
        for number in range(offset, count + offset)
        for draw in range(draws)
        if draw not in drawn[digests[number % count]]
    ]
    waiting = iter(missing)
    writer = StoreWriter(path)

    async def caller() -> None:
        for number, draw in waiting:
            await writer.keep([made(number, draw)])
            sys.stdout.write(f"{number} {draw}\n")
            sys.stdout.flush()

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    await writer.aclose()


def made(number: int, draw: int) -> Draw:
    return completed(series(f"q{number}"), draw, text_of(number, draw))


if __name__ == "__main__":
    asyncio.run(collect(Path(sys.argv[1]), *map(int, sys.argv[2:])))
