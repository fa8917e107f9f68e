"""Ctrl-C while a model is being loaded.

llama.cpp holds the interpreter's lock while it loads a file, for about a second per gigabyte, so no
Python code can answer a Ctrl-C. Before the first draw is in there is nothing to print; then the
system's own way of ending a process is let through, which needs no Python.
"""

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slm_mux.models.embedded import LOADED, LOADING, EmbeddedModel
from slm_mux.models.pool import Pool

_SIGACTION_BYTES = 1024
"""More than any system's struct sigaction has; it is only kept and put back."""


@contextmanager
def ending_while_loading(pool: Pool, nothing_to_show: Callable[[], bool]) -> Iterator[None]:
    """Let Ctrl-C end the process at once while a model is being loaded.

    Args:
        pool: whose embedded models are watched.
        nothing_to_show: whether ending without a word loses nothing; asked as loading starts.
    """
    engines = {m.model.engine for m in pool if isinstance(m.model, EmbeddedModel)}
    if os.name != "posix" or not engines:
        yield
        return
    libc = ctypes.CDLL(None)
    kept = ctypes.create_string_buffer(_SIGACTION_BYTES)
    replaced = False

    def watch(_done: int, _total: int | None, what: str) -> None:
        # In the loading thread, where `signal.signal` is not allowed.
        nonlocal replaced
        if what == LOADING and nothing_to_show():
            libc.sigaction(int(signal.SIGINT), None, kept)
            libc.signal(int(signal.SIGINT), None)
            replaced = True
        elif what == LOADED and replaced:
            libc.sigaction(int(signal.SIGINT), kept, None)
            replaced = False

    before = {engine: engine.progress for engine in engines}
    for engine in engines:
        engine.progress = watch
    try:
        yield
    finally:
        for engine, progress in before.items():
            engine.progress = progress
