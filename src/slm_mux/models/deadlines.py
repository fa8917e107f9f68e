"""Deadlines of many requests that all may take equally long, under one timer.

`asyncio.timeout` sets and cancels a timer of the event loop for each request, which costs as much
as a tenth of a local request. Deadlines that are equally far away end in the order in which they
began, so a single timer, set for the oldest, serves them all.
"""

import asyncio
from types import TracebackType

_CLOCK_RESOLUTION = 1e-3
"""Seconds that a timer may fire early."""


class Deadlines:
    """Ends what takes too long. Belongs to the event loop that runs when it is made.

    Args:
        seconds: that each body under `deadline` may take, > 0.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._open: dict[Deadline, None] = {}
        """Oldest first."""
        self._timer: asyncio.TimerHandle | None = None

    def deadline(self) -> "Deadline":
        """Begin a deadline for the body of a `with` in the running task."""
        return Deadline(self)

    def open(self, deadline: "Deadline") -> None:
        """Count a deadline's seconds from now."""
        deadline.at = self._loop.time() + self._seconds
        self._open[deadline] = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline.at, self._on_timer)

    def close(self, deadline: "Deadline") -> None:
        """Forget a deadline."""
        self._open.pop(deadline, None)

    def break_off(self) -> None:
        """End every body that is still under way in ConnectionAbortedError."""
        while self._open:
            deadline = next(iter(self._open))
            del self._open[deadline]
            deadline.error = ConnectionAbortedError("closed while it was under way")
            deadline.task.cancel()

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.time() + _CLOCK_RESOLUTION
        while self._open:
            deadline = next(iter(self._open))
            if deadline.at > now:
                self._timer = self._loop.call_at(deadline.at, self._on_timer)
                return
            del self._open[deadline]
            deadline.error = TimeoutError()
            deadline.task.cancel()


class Deadline:
    """As with `asyncio.timeout`, a body that takes too long ends in TimeoutError.

    Someone else's cancellation of the task stays a cancellation.
    """

    __slots__ = ("_all", "_cancelling", "at", "error", "task")

    def __init__(self, all_of_them: Deadlines) -> None:
        self._all = all_of_them
        self.at = 0.0
        self.error: Exception | None = None
        """What the body ends in, once it is to end."""

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self.task = task
        self._cancelling = task.cancelling()
        self._all.open(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.error is None:
            self._all.close(self)
        elif self.task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise self.error from None
