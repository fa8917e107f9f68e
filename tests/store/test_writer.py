"""Writing for many callers: durable, shared commits, and what happens when it fails."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.store import Draw, Store, StoreWriter
from slm_mux.types import Completion
from tests.store.making import completed, completion_of, failed, filled, series

ONE = series("q0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "samples.db"
    filled(file, problems=1, members=["m1"], draws=1).close()
    return file


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[StoreWriter]:
    open_writer = StoreWriter(path)
    yield open_writer
    await open_writer.aclose()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """No other connection can write meanwhile."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("ROLLBACK")
    database.close()


def draws(path: Path) -> list[int]:
    with Store.open(path, read_only=True) as store:
        return sorted(store.drawn([ONE.digest])[ONE.digest])


async def test_what_was_kept_is_there(path: Path, writer: StoreWriter) -> None:
    """When `keep` returns, another connection sees the rows."""
    await writer.keep([completed(ONE, 1), failed(ONE, 2)])
    assert draws(path) == [0, 1, 2]
    await writer.keep([])
    await writer.keep([completed(ONE, 1, "other"), completed(ONE, 2)])
    with Store.open(path) as store:
        assert store.info().failed == 0
        got = completion_of(store, ONE.digest, 1)
        assert got is not None
        assert got.text == "It is 7."


async def test_each_caller_is_told_how_many_are_new(path: Path, writer: StoreWriter) -> None:
    """Draws that were stored before, or came with another caller, do not count."""
    batches = [
        [completed(ONE, 0), completed(ONE, 1)],
        [completed(ONE, 1), failed(ONE, 2)],
        [completed(ONE, 3), completed(ONE, 4)],
        [],
    ]
    with locked(path):
        callers = [asyncio.create_task(writer.keep(batch)) for batch in batches]
        await asyncio.sleep(0)
    assert await asyncio.gather(*callers) == [1, 1, 2, 0]
    assert await writer.keep([completed(ONE, 2), completed(ONE, 3)]) == 1


async def test_callers_share_commits(path: Path, writer: StoreWriter) -> None:
    """What gathers while one commit waits goes into the next one, all of it."""
    statements: list[str] = []
    writer._connection.db.set_trace_callback(statements.append)
    async with asyncio.TaskGroup() as group:
        with locked(path):
            for number in range(1, 101):
                group.create_task(writer.keep([completed(ONE, number)]))
            await asyncio.sleep(0)
    assert draws(path) == list(range(101))
    assert statements.count("COMMIT") <= 2


async def test_a_cancelled_caller_loses_nothing(path: Path, writer: StoreWriter) -> None:
    """The draws of a caller that was cancelled while it waited are stored, once."""
    with locked(path):
        waiting = asyncio.create_task(writer.keep([completed(ONE, 1)]))
        large = asyncio.create_task(writer.keep([completed(ONE, 2, "x" * 300_000)]))
        await asyncio.sleep(0)
        assert waiting.cancel()
        assert large.cancel()
        await asyncio.gather(waiting, large, return_exceptions=True)
        assert waiting.cancelled()
    await writer.keep([completed(ONE, 1), completed(ONE, 3)])
    assert draws(path) == [0, 1, 2, 3]


async def test_a_full_disk_reaches_every_caller(path: Path, writer: StoreWriter) -> None:
    """A commit that fails fails for all its callers; a later one stores their draws as well."""
    database = writer._connection.db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    texts = ["".join(chr(0x4E00 + number * 37 % 9999) for number in range(2000))] * 5
    with locked(path):
        callers = [
            asyncio.create_task(writer.keep([completed(ONE, number, text)]))
            for number, text in enumerate(texts, 1)
        ]
        await asyncio.sleep(0)
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(result) for result in results} == {StoreError}
    assert all("the disk is full" in str(result) for result in results)
    assert draws(path) == [0]
    database.execute("PRAGMA max_page_count = 1000000")
    await writer.keep([completed(ONE, 6)])
    assert draws(path) == [0, 1, 2, 3, 4, 5, 6]


async def test_a_disk_that_is_full_until_closing(path: Path) -> None:
    """What a full disk refused is stored in closing, when there is room by then."""
    writer = StoreWriter(path)
    database = writer._connection.db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="the disk is full"):
        await writer.keep([completed(ONE, 1, "".join(map(chr, range(0x4E00, 0x7E00))))])
    database.execute("PRAGMA max_page_count = 1000000")
    await writer.aclose()
    assert draws(path) == [0, 1]


async def test_a_disk_that_stays_full(path: Path) -> None:
    """Closing says, once, that samples could not be stored."""
    writer = StoreWriter(path)
    database = writer._connection.db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    waiting = asyncio.create_task(
        writer.keep([completed(ONE, 1, "".join(map(chr, range(0x4E00, 0x7E00))))])
    )
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(StoreError, match="disk is full.*not stored: 1 sample that had come in"):
        await writer.aclose()
    await writer.aclose()
    assert draws(path) == [0]


async def test_a_lock_longer_than_a_try_loses_nothing(path: Path) -> None:
    """A store that stays locked for several tries of a commit costs no sample and no error."""
    statements: list[str] = []
    writer = StoreWriter(path, busy_seconds=0.01)
    writer._connection.db.set_trace_callback(statements.append)
    with locked(path):
        callers = [
            asyncio.create_task(writer.keep([completed(ONE, number)])) for number in range(1, 6)
        ]
        while statements.count("BEGIN IMMEDIATE") < 3:
            await asyncio.sleep(0.01)
        assert not any(caller.done() for caller in callers)
    await asyncio.gather(*callers)
    await writer.aclose()
    assert draws(path) == [0, 1, 2, 3, 4, 5]


async def test_a_lock_that_lasts(path: Path) -> None:
    """A commit fails when the store stays locked for too long; a later one stores its draws."""
    writer = StoreWriter(path, busy_seconds=0.01, locked_seconds=0)
    with locked(path), pytest.raises(StoreError, match="another program is writing"):
        await writer.keep([completed(ONE, 1)])
    await writer.keep([completed(ONE, 2)])
    assert draws(path) == [0, 1, 2]
    await writer.aclose()


async def test_closing_while_the_store_is_locked(path: Path) -> None:
    """Closing tries once more, for all who wait; only when that fails, too, they are told."""
    writer = StoreWriter(path, busy_seconds=0.01)
    with locked(path):
        callers = [
            asyncio.create_task(writer.keep([completed(ONE, number)])) for number in range(1, 4)
        ]
        await asyncio.sleep(0)
        with pytest.raises(StoreError, match="not stored: 3 samples that had come in"):
            await writer.aclose()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(result) for result in results} == {StoreError}
    assert draws(path) == [0]


async def test_one_wrong_caller_stands_alone(path: Path, writer: StoreWriter) -> None:
    """Draws that cannot be stored fail for their caller, not for those in the same commit."""
    stranger = completed(series("q0", "m9"), 1)
    large = "x" * 300_000
    neither = Draw(series=ONE.digest, draw=5)
    large_and_neither = [completed(ONE, 6, large), neither]
    with locked(path):
        callers = [
            asyncio.create_task(writer.keep(batch))
            for batch in (
                [completed(ONE, 1)],
                [stranger],
                [completed(ONE, 2)],
                [neither],
                large_and_neither,
                [completed(ONE, 3, large)],
            )
        ]
        await asyncio.sleep(0)
    results = await asyncio.gather(*callers, return_exceptions=True)
    told = [type(result) for result in results]
    assert told == [int, StoreError, int, InvalidRequestError, InvalidRequestError, int]
    assert draws(path) == [0, 1, 2, 3]


async def test_closing_writes_what_waits(path: Path) -> None:
    """Closing stores everything that was given before; after it nothing is taken."""
    writer = StoreWriter(path)
    callers = [asyncio.create_task(writer.keep([completed(ONE, n)])) for n in range(1, 50)]
    await asyncio.sleep(0)
    await writer.aclose()
    await writer.aclose()
    await asyncio.gather(*callers)
    assert draws(path) == list(range(50))
    with pytest.raises(StoreError, match="the writer has been closed"):
        await writer.keep([completed(ONE, 60)])


async def test_any_text_is_kept(path: Path, writer: StoreWriter) -> None:
    """Half characters, NULs and 10 MB go through the writer, too."""
    texts = ["\ud800", "\x00", "y" * 10_000_000]
    for number, text in enumerate(texts, 1):
        completion = Completion(text=text, reasoning=text[:10])
        await writer.keep([Draw(series=ONE.digest, draw=number, completion=completion)])
    with Store.open(path) as store:
        for number, text in enumerate(texts, 1):
            got = completion_of(store, ONE.digest, number)
            assert got == Completion(text=text, reasoning=text[:10])


def test_a_writer_of_two_loops(path: Path) -> None:
    """The writer does not care which event loop a caller runs in."""
    writer = StoreWriter(path)
    for number in (1, 2):
        asyncio.run(writer.keep([completed(ONE, number)]))
    asyncio.run(writer.aclose())
    assert draws(path) == [0, 1, 2]
