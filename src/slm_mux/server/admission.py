"""How many requests are answered at the same time, how many wait, and how often a key may ask."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from slm_mux.server.settings import KeyLimits, ServerSettings

MINUTE = 60.0
LONGEST_ADVICE = 60
"""Seconds; nobody is told to come back later than that for want of a place."""


class BusyError(Exception):
    """The request cannot be taken now.

    Args:
        message: one sentence for people.
        reason: one word for metrics: queue, rate, key or bodies.
        retry_after: seconds after which another try makes sense, >= 1.
    """

    def __init__(self, message: str, *, reason: str, retry_after: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class Admission:
    """Places for requests, given in the order in which they were asked for.

    Args:
        places: requests at work at the same time, >= 1.
        queue: requests that may wait, >= 0.
        longest_wait: seconds a request waits for a place.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        places: int,
        *,
        queue: int,
        longest_wait: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._queue = queue
        self._longest_wait = longest_wait
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._at_work = 0
        self._mean_seconds = 1.0

    @property
    def at_work(self) -> int:
        """Requests that have a place."""
        return self._at_work

    @property
    def waiting(self) -> int:
        """Requests that wait for one."""
        return sum(not place.done() for place in self._waiting)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, hold it, give it back.

        Raises:
            BusyError: too many wait already, or none became free in time.
        """
        await self._take()
        started = self._clock()
        try:
            yield
        finally:
            # A running mean of how long places are held, for the advice when to come back.
            self._mean_seconds += 0.1 * (self._clock() - started - self._mean_seconds)
            self._at_work -= 1
            self._let_in()

    async def _take(self) -> None:
        if self._at_work < self._places and not self._waiting:
            self._at_work += 1
            return
        if self.waiting >= self._queue:
            raise self._busy("the server has as many requests as it takes")
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._longest_wait):
                await place
        except TimeoutError:
            if self._given(place):
                return
            raise self._busy(f"no place became free within {self._longest_wait:g} s") from None
        except asyncio.CancelledError:
            if self._given(place):
                self._at_work -= 1
                self._let_in()
            raise
        finally:
            if not self._given(place):
                place.cancel()
                self._drop_gone()

    @staticmethod
    def _given(place: asyncio.Future[None]) -> bool:
        return place.done() and not place.cancelled()

    def _let_in(self) -> None:
        self._drop_gone()
        while self._waiting and self._at_work < self._places:
            self._at_work += 1
            self._waiting.popleft().set_result(None)
            self._drop_gone()

    def _drop_gone(self) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()

    def _busy(self, what: str) -> BusyError:
        ahead = self.waiting + self._at_work
        seconds = math.ceil(self._mean_seconds * ahead / self._places)
        return BusyError(
            f"{what}; come back later",
            reason="queue",
            retry_after=min(max(seconds, 1), LONGEST_ADVICE),
        )


class _Allowance:
    """What one key may do: a bucket that fills at its rate, and requests at the same time."""

    def __init__(self, limits: KeyLimits, now: float) -> None:
        self.limits = limits
        self.concurrent = 0
        rate = limits.requests_per_minute
        self._per_second = None if rate is None else rate / MINUTE
        self._most = max(1.0, rate or 1.0)
        self._left = self._most
        self._since = now

    def wait(self, now: float) -> float:
        """Take one request out; or return the seconds until one is there."""
        if self._per_second is None:
            return 0.0
        self._left = min(self._most, self._left + (now - self._since) * self._per_second)
        self._since = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._per_second


class Allowances:
    """The limits of every key.

    Args:
        settings: where the limits come from.
        clock: monotonic seconds.
    """

    def __init__(
        self, settings: ServerSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._known: dict[str, _Allowance] = {}

    def count(self, label: str) -> None:
        """Count one request of a key.

        Raises:
            BusyError: it has had as many as it may within a minute.
        """
        wait = self._of(label).wait(self._clock())
        if wait > 0:
            raise BusyError(
                "this key has asked as often as it may within a minute",
                reason="rate",
                retry_after=math.ceil(wait),
            )

    @contextmanager
    def one(self, label: str) -> Iterator[None]:
        """Hold one of the requests that a key may have at the same time.

        Raises:
            BusyError: it has as many as it may.
        """
        allowance = self._of(label)
        most = allowance.limits.max_concurrent
        if most is not None and allowance.concurrent >= most:
            raise BusyError(
                f"this key has {most} requests at work, as many as it may",
                reason="key",
                retry_after=1,
            )
        allowance.concurrent += 1
        try:
            yield
        finally:
            allowance.concurrent -= 1

    def _of(self, label: str) -> _Allowance:
        """Labels are those of the server's keys, so their number is bounded."""
        if label not in self._known:
            settings = self._settings
            own = settings.keys.get(label, KeyLimits())
            rate, most = own.requests_per_minute, own.max_concurrent
            limits = KeyLimits(
                requests_per_minute=settings.key_requests_per_minute if rate is None else rate,
                max_concurrent=settings.key_max_concurrent if most is None else most,
            )
            self._known[label] = _Allowance(limits, self._clock())
        return self._known[label]
