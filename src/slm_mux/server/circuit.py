"""A circuit breaker's states, and what is remembered of what is behind it.

Members of several pools that are the same model at the same endpoint share one of each.
"""

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]
Admitted = Literal["no", "as usual", "as a trial"]


class Circuit:
    """Counts failures in a row; once open, lets one request through after a while.

    Args:
        failures: in a row that are enough to open it, >= 1.
        seconds: that it stays open before one request tries the model again, > 0.
        clock: monotonic seconds.
    """

    def __init__(
        self, *, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._seconds = seconds
        self._clock = clock
        self._in_a_row = 0
        self._opened: float | None = None
        self._trying = False
        self.being_checked = False
        """Whether somebody finds out at the moment if it must open."""

    @property
    def state(self) -> State:
        """closed: it is asked. open: it is not. half_open: one request is trying it, or may."""
        if self._opened is None:
            return "closed"
        return "half_open" if self._trying or self.opens_in == 0 else "open"

    @property
    def opens_in(self) -> float:
        """Seconds until a request may try the model; 0 for now."""
        if self._opened is None:
            return 0.0
        return max(0.0, self._opened + self._seconds - self._clock())

    @property
    def in_a_row(self) -> int:
        """Failures since the last success."""
        return self._in_a_row

    @property
    def failed_enough(self) -> bool:
        """Whether there were as many failures in a row as open it."""
        return self._in_a_row >= self._most

    def admit(self) -> Admitted:
        """Whether a request may go. After a trial comes one of the next four methods."""
        if self._opened is None:
            return "as usual"
        if self._trying or self.opens_in > 0:
            return "no"
        self._trying = True
        return "as a trial"

    def succeeded(self) -> None:
        """The model answered."""
        self._in_a_row = 0
        self._opened = None
        self._trying = False

    def failed(self) -> None:
        """A request failed. That alone opens nothing: see `failed_enough` and `open`."""
        self._in_a_row += 1

    def open(self) -> None:
        """Have the model not asked from now on."""
        self._opened = self._clock()
        self._trying = False

    def gave_up_trial(self) -> None:
        """The trial ended without showing whether the model is there."""
        self._trying = False


class Watched:
    """What is known of a model from the requests that it was sent."""

    def __init__(self) -> None:
        self.answered_at: float | None = None
        """Clock time of the last completion."""
        self.failed_at: float | None = None
        """Clock time of the last failure that shows that it is down; None once it answered."""
        self.seconds: float | None = None
        """How long the last completion took."""
        self.problem: str | None = None
        """The last failure, in words for clients, without a name; None once it answered."""
        self.limited_until: float | None = None
        """Clock time until which its endpoint wants no requests, by the last 429 that said so."""
