"""Results that a limit by wall time cut short: good for now, never to be kept.

The same text, read on a machine that is less busy, may get another result. So whatever meets such a
limit says so (`mark_provisional`), and whoever would keep the result looks (`watching`). The mark
travels beside the results, in the thread that computes them.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

T = TypeVar("T")


class Watch:
    """What was marked while it was looked."""

    def __init__(self) -> None:
        self.provisional = False
        """Whether a limit by wall time was met."""


_WATCH: Final[ContextVar[Watch | None]] = ContextVar("slm_mux_provisional", default=None)


def mark_provisional() -> None:
    """Say that the result under way in this thread rests on a limit by wall time."""
    watch = _WATCH.get()
    if watch is not None:
        watch.provisional = True


@contextmanager
def watching() -> Iterator[Watch]:
    """Look whether results of this thread are marked. Of two that look, the inner one sees it.

    Whoever remembers a result remembers its mark with it, and marks again when giving it out; see
    `remembering`.
    """
    watch = Watch()
    token = _WATCH.set(watch)
    try:
        yield watch
    finally:
        _WATCH.reset(token)


def remembering(compute: Callable[[str], T], *, most: int) -> Callable[[str], T]:
    """Remember the last results of a function, each with its mark.

    Args:
        compute: gives the result for a text.
        most: how many results are kept, >= 1.
    """

    @functools.lru_cache(maxsize=most)
    def watched(text: str) -> tuple[T, bool]:
        with watching() as watch:
            result = compute(text)
        return result, watch.provisional

    def remembered(text: str) -> T:
        result, provisional = watched(text)
        if provisional:
            mark_provisional()
        return result

    return remembered
