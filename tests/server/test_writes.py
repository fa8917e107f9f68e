"""Replies that are written with one system call."""

import asyncio

from slm_mux.server.writes import LONGEST_JOINED, JoinedWrites


class Recorder(asyncio.Transport):
    """A transport that remembers what was done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("closed")

    def abort(self) -> None:
        self.done.append("aborted")

    def is_closing(self) -> bool:
        return "closed" in self.done


async def test_what_one_turn_writes_is_one_write() -> None:
    """Head and body go together; what a later turn writes does not wait for more."""
    below = Recorder()
    writes = JoinedWrites(below, asyncio.get_running_loop())
    for part in (b"head", b"", b"body"):
        writes.write(part)
    assert below.done == []
    await asyncio.sleep(0)
    assert below.done == [b"headbody"]
    writes.write(b"more")
    await asyncio.sleep(0)
    assert below.done == [b"headbody", b"more"]


async def test_long_ones_are_not_copied() -> None:
    """They go as they are, after what was written before them; many short ones are not kept."""
    below = Recorder()
    writes = JoinedWrites(below, asyncio.get_running_loop())
    long = b"x" * (LONGEST_JOINED + 1)
    writes.write(b"head")
    writes.write(long)
    assert below.done == [b"head", long]
    for _ in range(3):
        writes.write(b"y" * (LONGEST_JOINED // 2))
    assert below.done[2:] == [b"y" * (LONGEST_JOINED // 2 * 3)]
    await asyncio.sleep(0)
    assert len(below.done) == 3


async def test_the_end_of_a_connection() -> None:
    """Closing comes after what was written, breaking off does not wait for it."""
    for end, done in (("close", [b"last", "closed"]), ("abort", ["aborted"])):
        below = Recorder()
        writes = JoinedWrites(below, asyncio.get_running_loop())
        writes.write(b"last")
        getattr(writes, end)()
        await asyncio.sleep(0)
        assert below.done == done
        assert writes.is_closing() == (end == "close")
