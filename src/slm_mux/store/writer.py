"""Durable writing for many callers at once: they share one commit."""

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from slm_mux.errors import StoreError
from slm_mux.store import drawing, series
from slm_mux.store.connection import BUSY_SECONDS, Connection
from slm_mux.store.drawing import PreparedDraw
from slm_mux.store.rows import Draw

_GROUP_DRAWS = 2000
"""A commit takes no more draws than about this, so that the first of them need not wait long."""

_KNOWN_SERIES = 200_000
"""Digests whose rows are remembered; some 30 MB."""


class _Waiter(Struct, gc=False):
    draws: Sequence[Draw]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class StoreWriter:
    """Writes draws in a thread with a connection of its own.

    While one commit waits for the disk, the draws of all callers gather for the next, so the disk's
    latency is paid once for many. A waiter that is cancelled takes nothing back: its draws are paid
    for, so they are stored.

    Args:
        store_path: a store; it is made when there is none.
        busy_seconds: how long a commit waits for another process's; >= 0.

    Raises:
        StoreError: the file cannot be opened.
    """

    def __init__(
        self, store_path: str | os.PathLike[str], *, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self._connection = Connection(Path(store_path), busy_seconds=busy_seconds)
        self._queue: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._rows: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="slm-mux-store", daemon=True)
        self._thread.start()

    async def keep(self, draws: Sequence[Draw]) -> None:
        """Store draws; returns when they are on the disk.

        The rules of `Store.put_draws` hold.

        Raises:
            StoreError: they could not be stored, none of them. A later call may succeed.
            InvalidRequestError: a draw has not exactly one of completion and failure.
        """
        loop = asyncio.get_running_loop()
        # No await before the draws are in the queue: a cancellation must not lose them.
        waiter = _Waiter(tuple(draws), loop, loop.create_future())
        with self._lock:
            if self._closed:
                raise StoreError(f"{self._connection.path}: the writer has been closed")
            self._queue.put(waiter)
        await waiter.done

    async def aclose(self) -> None:
        """Write what is waiting, and close. Closing twice is allowed."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        try:
            open_for_more = True
            while open_for_more:
                group, open_for_more = self._next_group()
                self._write(group)
                if len(self._rows) > _KNOWN_SERIES:
                    self._rows.clear()
        finally:
            self._connection.close()
            self._refuse_the_rest()

    def _refuse_the_rest(self) -> None:
        """Leave nobody waiting, should the thread have ended by an error of this module."""
        with self._lock:
            self._closed = True
            left = []
            with contextlib.suppress(queue.Empty):
                while True:
                    left.append(self._queue.get_nowait())
        gone = StoreError(f"{self._connection.path}: the writer has stopped")
        _settle([waiter for waiter in left if waiter is not None], gone)

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
        try:
            if draws:
                with self._connection.writing() as db:
                    drawing.write(db, draws, self._rows.__getitem__)
        except Exception as error:  # noqa: BLE001 (as above)
            _settle(ready, error)
        else:
            _settle(ready, None)

    def _ready(self, waiter: _Waiter) -> list[PreparedDraw]:
        # Compressed in this thread, too: in the callers' it would overlap with the commit before,
        # but the two threads then hand the interpreter's lock to and fro and are slower together.
        prepared = [drawing.prepare(draw) for draw in waiter.draws]
        self._find_series({draw.series for draw in prepared})
        return prepared

    def _find_series(self, digests: set[str]) -> None:
        unknown = digests - self._rows.keys()
        if not unknown:
            return
        with self._connection.reading() as db:
            self._rows.update(series.known_rows(db, unknown))


def _settle(waiters: Sequence[_Waiter], error: Exception | None) -> None:
    """Tell callers, each in its own event loop; one that is gone needs no answer."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiter in waiters:
        by_loop.setdefault(waiter.loop, []).append(waiter.done)
    for loop, futures in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_answer, futures, error)


def _answer(futures: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
