"""When a failed request is worth another try, and how long to wait before it."""

import random

from msgspec import Struct

from slm_mux.errors import (
    ConnectionLostError,
    ModelError,
    RateLimitError,
    RequestTimeoutError,
    ServerFaultError,
    TransientError,
)


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often and how long one draw may try again.

    A wait doubles from `first_wait` to `longest_wait`, and is cut at random to between half and
    all of that, so that draws that failed together do not come back together. An endpoint's own
    Retry-After is honoured as the least wait. A draw gives up when its waits would add up to more
    than `total_seconds`; the requests themselves have the model's timeout. One that timed out is
    sent once more only.
    """

    attempts: int = 8
    """At most this many requests per draw."""
    connect_attempts: int = 3
    """The same where nothing answers at the address."""
    timeout_attempts: int = 2
    """The same for requests that time out."""
    first_wait: float = 0.5
    longest_wait: float = 20.0
    total_seconds: float = 60.0

    def wait_before_next(
        self, error: ModelError, *, attempt: int, waited: float, jitter: random.Random
    ) -> float | None:
        """Seconds to wait after a failed attempt, or None to give up.

        Args:
            error: what the attempt ended with.
            attempt: how many attempts were made, >= 1.
            waited: the seconds of the waits before this one.
            jitter: where the random part of the wait comes from.
        """
        if not isinstance(error, TransientError):
            return None
        if attempt >= self._attempts_after(error):
            return None
        backoff = min(self.first_wait * 2.0 ** (attempt - 1), self.longest_wait)
        wait = backoff * jitter.uniform(0.5, 1.0)
        if isinstance(error, RateLimitError | ServerFaultError) and error.retry_after is not None:
            wait = error.retry_after + (wait - backoff / 2)
        return wait if waited + wait <= self.total_seconds else None

    def _attempts_after(self, error: TransientError) -> int:
        if isinstance(error, RequestTimeoutError):
            return self.timeout_attempts
        unreachable = isinstance(error, ConnectionLostError) and error.never_connected
        return self.connect_attempts if unreachable else self.attempts
