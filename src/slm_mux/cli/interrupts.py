"""Ctrl-C: while a model is loaded, while samples are drawn, and how the process ends after it.

llama.cpp holds the interpreter's lock while it loads a file, for about a second per gigabyte, so no
Python code can answer a Ctrl-C. Before the first draw is in there is nothing to print; then the
system's own way of ending a process is let through, which needs no Python.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from slm_mux.cli.console import INTERRUPTED
from slm_mux.models.embedded import LOADED, LOADING, EmbeddedModel
from slm_mux.models.pool import Pool
from slm_mux.models.signals import KeptAction

CLOSE_WITHIN = 0.3
"""Seconds that closing connections may take after Ctrl-C."""


@contextmanager
def ending_while_loading(pool: Pool, nothing_to_show: Callable[[], bool]) -> Iterator[None]:
    """Let Ctrl-C end the process at once while a model is being loaded.

    Args:
        pool: whose embedded models are watched.
        nothing_to_show: whether ending without a word loses nothing; asked as loading starts.
    """
    engines = {m.model.engine for m in pool if isinstance(m.model, EmbeddedModel)}
    kept: KeptAction | None = None

    def put_back() -> None:
        nonlocal kept
        if kept is not None:
            kept.put_back()
            kept = None

    def watch(_done: int, _total: int | None, what: str) -> None:
        nonlocal kept
        if what == LOADING and nothing_to_show():
            kept = KeptAction(signal.SIGINT)
            kept.let_the_system_act()
        elif what == LOADED:
            put_back()

    before = {engine: engine.progress for engine in engines}
    for engine in engines:
        engine.progress = watch
    try:
        yield
    finally:
        for engine, progress in before.items():
            engine.progress = progress
        put_back()


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process at once, without a word, though SQLite waits for a lock."""
    if not callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    kept = KeptAction(signal.SIGINT)
    kept.let_the_system_act()
    try:
        yield
    finally:
        kept.put_back()


class Presses:
    """Ctrl-C or SIGTERM while a task runs: the first cancels it, others wait to be asked for.

    Python's own handler would raise KeyboardInterrupt at the second one, wherever the event loop
    is then, also while samples are being written.

    Args:
        task: of the event loop that is running.
    """

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._loop = task.get_loop()
        self._cancelled = False
        self._again = asyncio.Event()

    def handle(self, *_: object) -> None:
        """Take in a signal."""
        self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        if self._cancelled:
            self._again.set()
        else:
            self._cancelled = True
            self._task.cancel()

    async def another(self) -> None:
        """Wait for one that comes from now on."""
        self._again.clear()
        await self._again.wait()


@contextmanager
def presses_cancel(task: asyncio.Task[Any]) -> Iterator[Presses]:
    """Handle Ctrl-C and SIGTERM as `Presses` does within the block, unless they are ignored."""
    presses = Presses(task)
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A Ctrl-C that the system itself acts on, or nobody, was set so by whoever started this.
    ours = [
        number
        for number, action in before.items()
        if callable(action) or (number == signal.SIGTERM and action == signal.SIG_DFL)
    ]
    for number in ours:
        signal.signal(number, presses.handle)
    try:
        yield presses
    finally:
        for number in ours:
            signal.signal(number, before[number])


async def close_soon(closing: Awaitable[object]) -> None:
    """Wait for connections to close after Ctrl-C, but not for long."""
    # Python before 3.11.3 reports this timeout as the cancellation that led here.
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(CLOSE_WITHIN):
            await closing


def leave() -> NoReturn:
    """End the process after Ctrl-C."""
    sys.stdout.flush()
    sys.stderr.flush()
    # A native thread may be amid a batch of tokens; waiting for it would take seconds.
    os._exit(INTERRUPTED)
