"""Signal handlers as the system has them, which `signal.signal` cannot see or put back.

`signal.signal` works in the main thread alone, and Python does not know that native code replaced
its handler.
"""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGACTION_BYTES = 1024
"""More than any system's struct sigaction has; it is only kept and put back."""


class KeptAction:
    """What the process does on a signal now, to be put back later, from any thread.

    On systems without sigaction nothing is kept and nothing put back.

    Args:
        number: the signal.
    """

    def __init__(self, number: signal.Signals) -> None:
        self._number = int(number)
        self._libc = ctypes.CDLL(None) if os.name == "posix" else None
        self._kept = ctypes.create_string_buffer(_SIGACTION_BYTES)
        if self._libc is not None:
            self._libc.sigaction(self._number, None, self._kept)

    def let_the_system_act(self) -> None:
        """Let the signal do what it does to a program that does not handle it."""
        if self._libc is not None:
            self._libc.signal(self._number, None)

    def put_back(self) -> None:
        """Handle the signal again as when this was made."""
        if self._libc is not None:
            self._libc.sigaction(self._number, self._kept, None)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Put back the handlers of Ctrl-C and SIGTERM that the block replaces."""
    kept = [KeptAction(signal.SIGINT), KeptAction(signal.SIGTERM)]
    try:
        yield
    finally:
        for action in kept:
            action.put_back()
