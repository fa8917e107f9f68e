"""Durable writing for many callers at once: they share one commit."""

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from slm_mux.errors import StoreError
from slm_mux.store import drawing, series
from slm_mux.store.connection import BUSY_SECONDS, Connection
from slm_mux.store.drawing import PreparedDraw
from slm_mux.store.packing import Packer
from slm_mux.store.rows import Draw
from slm_mux.wording import counted

_GROUP_DRAWS = 2000
"""A commit takes no more draws than about this, so that the first of them need not wait long."""

_KNOWN_SERIES = 200_000
"""Digests whose rows are remembered; some 30 MB."""


LOCKED_SECONDS = 600.0
"""How long a commit is tried again while other programs keep the store locked."""

_TRIES = 3
"""Of a commit that meets a full disk: another program may just be cleaning up."""
_PAUSE = 0.5
"""Seconds at least between the beginnings of two tries."""

_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
"""Errors after which the same commit may succeed."""


class _Waiter(Struct, gc=False):
    draws: Sequence[Draw]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]


class StoreWriter:
    """Writes draws in a thread with a connection of its own.

    While one commit waits for the disk, the draws of all callers gather for the next, so the disk's
    latency is paid once for many. A waiter that is cancelled takes nothing back: its draws are paid
    for, so they are stored.

    For the same reason a commit that meets a locked store or a full disk is tried again. What still
    could not be stored then stays here, though its callers have been told: it is tried once more
    with each later commit, and by `aclose`.

    Args:
        store_path: a store; it is made when there is none.
        busy_seconds: how long one try of a commit waits for another process's; >= 0.
        locked_seconds: how long a commit is tried while the store is locked; >= 0.

    Raises:
        StoreError: the file cannot be opened.
    """

    def __init__(
        self,
        store_path: str | os.PathLike[str],
        *,
        busy_seconds: float = BUSY_SECONDS,
        locked_seconds: float = LOCKED_SECONDS,
    ) -> None:
        self._connection = Connection(Path(store_path), busy_seconds=busy_seconds)
        self._locked_seconds = locked_seconds
        self._unwritten: list[PreparedDraw] = []
        self._last: list[_Waiter] = []
        """Callers whose draws the last try, in closing, decides on."""
        self._lost: StoreError | None = None
        self._closing = threading.Event()
        self._queue: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._rows: dict[str, int] = {}
        self._packer = Packer()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="slm-mux-store", daemon=True)
        self._thread.start()

    async def keep(self, draws: Sequence[Draw]) -> int:
        """Store draws; returns when they are on the disk.

        The rules of `Store.put_draws` hold.

        Returns:
            How many (series, draw) have a row, or a completion, that they had not.

        Raises:
            StoreError: they could not be stored, none of them. A later call may succeed, and then
                stores these as well.
            InvalidRequestError: a draw has not exactly one of completion and failure.
        """
        loop = asyncio.get_running_loop()
        # No await before the draws are in the queue: a cancellation must not lose them.
        waiter = _Waiter(tuple(draws), loop, loop.create_future())
        with self._lock:
            if self._closed:
                raise StoreError(f"{self._connection.path}: the writer has been closed")
            self._queue.put(waiter)
        return await waiter.done

    async def aclose(self) -> None:
        """Write what is waiting, and close. Closing twice is allowed.

        Raises:
            StoreError: draws that were given to `keep` could not be stored; told once.
        """
        with self._lock:
            if not self._closed:
                self._closed = True
                self._closing.set()
                self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        lost, self._lost = self._lost, None
        if lost is not None:
            raise lost

    def _work(self) -> None:
        try:
            open_for_more = True
            while open_for_more:
                group, open_for_more = self._next_group()
                self._write(group)
                if len(self._rows) > _KNOWN_SERIES and not self._unwritten:
                    self._rows.clear()
            self._end()
        finally:
            self._connection.close()
            self._refuse_the_rest()

    def _end(self) -> None:
        """Try for the last time what could not be stored before."""
        new, self._lost = self._write_unwritten()
        mine = sum(len(waiter.draws) for waiter in self._last)
        _settle(self._last, self._lost or new[len(new) - mine :])

    def _refuse_the_rest(self) -> None:
        """Leave nobody waiting, should the thread have ended by an error of this module."""
        with self._lock:
            self._closed = True
            left = []
            with contextlib.suppress(queue.Empty):
                while True:
                    left.append(self._queue.get_nowait())
        gone = StoreError(f"{self._connection.path}: the writer has stopped")
        _settle([*self._last, *(waiter for waiter in left if waiter is not None)], gone)

    def _next_group(self) -> tuple[list[_Waiter], bool]:
        """Wait for a caller; take with it all who are waiting by then."""
        group: list[_Waiter] = []
        draws = 0
        while draws < _GROUP_DRAWS:
            try:
                waiter = self._queue.get(block=not group)
            except queue.Empty:
                break
            if waiter is None:
                return group, False
            group.append(waiter)
            draws += len(waiter.draws)
        return group, True

    def _write(self, group: list[_Waiter]) -> None:
        """Store a group in one transaction; a caller whose draws are wrong stands alone."""
        draws: list[PreparedDraw] = []
        ready: list[_Waiter] = []
        for waiter in group:
            try:
                draws += self._ready(waiter)
            except Exception as error:  # noqa: BLE001 (whatever it is, the caller must hear of it)
                _settle([waiter], error)
            else:
                ready.append(waiter)
        if self._unwritten and self._closing.is_set():
            self._leave_for_last(draws, ready)
            return
        try:
            if draws:
                self._write_unwritten()
            new = self._commit(draws) if draws else []
        except Exception as error:  # noqa: BLE001 (as above)
            if _passing(error) is None:
                _settle(ready, error)
            elif self._closing.is_set():
                self._leave_for_last(draws, ready)
            else:
                self._unwritten += draws
                _settle(ready, error)
        else:
            _settle(ready, new)

    def _leave_for_last(self, draws: list[PreparedDraw], callers: list[_Waiter]) -> None:
        # Who closes waits: each try of a locked store may take a minute, so there is one for all.
        self._unwritten += draws
        self._last += callers

    def _write_unwritten(self) -> tuple[list[bool], StoreError | None]:
        """Try what could not be stored before.

        Returns:
            For each draw whether it is new; and why they cannot be stored now, either.
        """
        if not self._unwritten:
            return [], None
        try:
            new = self._write_once(self._unwritten)
        except StoreError as error:
            lost = counted(len(self._unwritten), "sample")
            return [], StoreError(f"{error} (not stored: {lost} that had come in)")
        self._unwritten.clear()
        return new, None

    def _commit(self, draws: list[PreparedDraw]) -> list[bool]:
        """Write in one transaction, trying again while that may help; says which are new."""
        tries = 0
        give_up = time.monotonic() + self._locked_seconds
        while True:
            began, tries = time.monotonic(), tries + 1
            try:
                return self._write_once(draws)
            except StoreError as error:
                code = _passing(error)
                enough = tries >= _TRIES if code == sqlite3.SQLITE_FULL else began >= give_up
                if code is None or enough or self._closing.is_set():
                    raise
            self._closing.wait(max(0.0, began + _PAUSE - time.monotonic()))

    def _write_once(self, draws: Sequence[PreparedDraw]) -> list[bool]:
        with self._connection.writing() as db:
            return drawing.write(db, draws, self._rows)

    def _ready(self, waiter: _Waiter) -> list[PreparedDraw]:
        # Compressed in this thread, too: in the callers' it would overlap with the commit before,
        # but the two threads then hand the interpreter's lock to and fro and are slower together.
        prepared = [drawing.prepare(draw, self._packer) for draw in waiter.draws]
        self._find_series({draw.series for draw in prepared})
        return prepared

    def _find_series(self, digests: set[str]) -> None:
        unknown = digests - self._rows.keys()
        if not unknown:
            return
        with self._connection.reading() as db:
            self._rows.update(series.known_rows(db, unknown))


def _passing(error: Exception) -> int | None:
    """SQLite's code of an error after which the same commit may succeed; None for another."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code & 0xFF if code is not None and code & 0xFF in _PASSING else None


def _settle(waiters: Sequence[_Waiter], outcome: Exception | list[bool]) -> None:
    """Tell callers, each in its own event loop; one that is gone needs no answer.

    Args:
        waiters: who waits.
        outcome: for each draw of all of them, in their order, whether it is new; or what went
            wrong.
    """
    answers: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int]]] = {}
    start = 0
    for waiter in waiters:
        new = 0
        if not isinstance(outcome, Exception):
            new = sum(outcome[start : start + len(waiter.draws)])
            start += len(waiter.draws)
        answers.setdefault(waiter.loop, []).append((waiter.done, new))
    error = outcome if isinstance(outcome, Exception) else None
    for loop, told in answers.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_answer, told, error)


def _answer(told: Sequence[tuple[asyncio.Future[int], int]], error: Exception | None) -> None:
    for future, new in told:
        if future.done():
            continue
        if error is None:
            future.set_result(new)
        else:
            future.set_exception(error)
