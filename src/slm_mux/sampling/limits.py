"""One limiter per endpoint: how many requests at once, how many a minute, which model's turn."""

import asyncio
import collections
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from slm_mux.models.base import Limits

MINUTE = 60.0
TURN = 2
"""How often a model's places may be filled in one turn while another model waits for its own."""


class Limiter:
    """Lets requests through in the order in which they asked.

    Where models take turns, requests of the model at work go before those of others until it has
    had its turn: one after the other they would leave all places but one empty.

    Args:
        limits: what the endpoint can take.
        clock: monotonic seconds; a test may bring its own.
    """

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._waiting: collections.deque[tuple[str, asyncio.Future[None]]] = collections.deque()
        self._in_flight = 0
        self._model_at_work: str | None = None
        self._had = 0
        """Requests let through in the turn of the model at work."""
        self._not_before = -float("inf")
        self._held = False
        self._timer: asyncio.TimerHandle | None = None
        rate = limits.requests_per_minute
        # A rate below one a minute means one request per longer window.
        self._burst = max(1, int(rate)) if rate is not None else 0
        self._window = MINUTE * self._burst / rate if rate is not None else 0.0
        self._starts: collections.deque[float] = collections.deque(maxlen=self._burst or 1)

    @property
    def in_flight(self) -> int:
        """Requests let through and not finished."""
        return self._in_flight

    @asynccontextmanager
    async def slot(self, model: str) -> AsyncIterator[None]:
        """Wait for a place, hold it for one request, give it back."""
        await self.acquire(model)
        try:
            yield
        finally:
            self.release()

    def hold(self, seconds: float) -> None:
        """Let nothing through for a while: the endpoint said that it has had enough."""
        self._not_before = max(self._not_before, self._clock() + seconds)
        self._held = True

    def acquire_now(self, model: str) -> bool:
        """Take a place if there is one and nobody waits for it; `release` gives it back."""
        if self._waiting or self._wait(model) != 0:
            return False
        self._admit(model)
        return True

    async def acquire(self, model: str) -> None:
        """Wait for a place; `release` gives it back."""
        if self.acquire_now(model):
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((model, place))
        self._let_through()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release()
            else:
                # Its place in the queue is passed over, since it is done.
                self._let_through()
            raise

    def release(self) -> None:
        """Give a place back, once for each `acquire` that returned."""
        self._in_flight -= 1
        if self._in_flight == 0:
            self._model_at_work = None
        if self._waiting:
            self._let_through()

    def _let_through(self) -> None:
        while (first := self._next()) is not None:
            model, place = first
            wait = self._wait(model)
            if wait == 0:
                self._admit(model)
                place.set_result(None)
                continue
            if wait is not None and self._timer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(wait, self._on_timer)
            return
        # Nobody waits. A timer kept would outlive its loop, and in the next one none would be set.
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> tuple[str, asyncio.Future[None]] | None:
        """Whose request comes next; None where nobody waits."""
        # Who was let through before its turn, or has left, is passed over.
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()
        if not self._waiting:
            return None
        at_work = self._model_at_work
        if (
            self._limits.one_model_at_a_time
            and at_work not in (None, self._waiting[0][0])
            and self._had < TURN * self._limits.max_in_flight
        ):
            for model, place in self._waiting:
                if model == at_work and not place.done():
                    return model, place
        return self._waiting[0]

    def _on_timer(self) -> None:
        self._timer = None
        self._let_through()

    def _wait(self, model: str) -> float | None:
        """Seconds until a request of this model may start; None: until another one ends."""
        if self._in_flight >= self._limits.max_in_flight:
            return None
        if self._limits.one_model_at_a_time and self._model_at_work not in (None, model):
            return None
        if not self._burst and not self._held:
            return 0.0
        ready = self._not_before
        if self._burst and len(self._starts) == self._burst:
            ready = max(ready, self._starts[0] + self._window)
        wait = max(0.0, ready - self._clock())
        self._held = self._held and wait > 0
        return wait

    def _admit(self, model: str) -> None:
        self._in_flight += 1
        self._had = self._had + 1 if model == self._model_at_work else 1
        self._model_at_work = model
        if self._burst:
            self._starts.append(self._clock())
