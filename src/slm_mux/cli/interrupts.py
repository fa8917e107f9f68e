"""Ctrl-C: while a model is being loaded, and how the process ends after it.

llama.cpp holds the interpreter's lock while it loads a file, for about a second per gigabyte, so no
Python code can answer a Ctrl-C. Before the first draw is in there is nothing to print; then the
system's own way of ending a process is let through, which needs no Python.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

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
