"""Models that are down are not asked: a circuit breaker around each member of a pool.

What a model's error says is put into words for clients here, where it comes up: nothing after this
can show a client where a model is.
"""

import time
from collections.abc import Callable
from typing import Literal

from slm_mux.errors import (
    ModelError,
    PermanentError,
    RateLimitError,
    RequestRefusedError,
)
from slm_mux.models.base import Model, Request, identity_of
from slm_mux.server.wire.failures import told
from slm_mux.types import Completion

State = Literal["closed", "open", "half_open"]
Admitted = Literal["no", "as usual", "as a trial"]


class CircuitOpenError(PermanentError):
    """The model was not asked, because its last requests failed."""


class Circuit:
    """Counts failures in a row; opens at so many, and lets one request through after a while.

    Args:
        failures: in a row that open it, >= 1.
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

    def admit(self) -> Admitted:
        """Whether a request may go. A trial must end in one of the three methods below."""
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
        """The model is down, or misbehaves."""
        self._in_a_row += 1
        if self._in_a_row >= self._most:
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
        self.seconds: float | None = None
        """How long the last completion took."""
        self.problem: str | None = None
        """The last failure, in words for clients; None once it answered again."""
        self.limited_until: float | None = None
        """Clock time until which its endpoint wants no requests, by the last 429 that said so."""


class GuardedModel:
    """A model as the server asks it: behind its breaker, its errors in words for clients.

    Args:
        model: whom to ask.
        circuit: its breaker.
        report: told how each request ended: the seconds it took, and its error, as the model raised
            it, or None.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        model: Model,
        *,
        circuit: Circuit,
        report: Callable[[str, float, ModelError | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inner = model
        """The model itself."""
        self.circuit = circuit
        self.watched = Watched()
        self.name = model.name
        self.endpoint = model.endpoint
        self.limits = model.limits
        self.draws_at_once = model.draws_at_once
        self.identity = identity_of(model)
        self.model: str | None = getattr(model, "model", None)
        """The name that its endpoint serves it under, where it has one."""
        self.in_flight = 0
        """Requests on their way."""
        self._report = report
        self._clock = clock

    def __repr__(self) -> str:
        return f"GuardedModel({self.inner!r})"

    @property
    def limited_for(self) -> float | None:
        """Seconds until its endpoint takes requests again, as far as it said so; None otherwise."""
        until = self.watched.limited_until
        return None if until is None or until <= self._clock() else until - self._clock()

    async def complete(self, request: Request) -> list[Completion]:
        """Ask once, unless the breaker is open.

        Raises:
            CircuitOpenError: it is.
            ModelError: as the model does, with a message for clients.
            InvalidRequestError: as the model does.
        """
        circuit, clock = self.circuit, self._clock
        admitted = circuit.admit()
        if admitted == "no":
            raise self._open()
        trial = admitted == "as a trial"
        self.in_flight += 1
        started = clock()
        try:
            found = await self.inner.complete(request)
        except ModelError as error:
            trial = False
            raise self._failed(error, clock() - started) from None
        finally:
            self.in_flight -= 1
            if trial:
                circuit.gave_up_trial()
        now = clock()
        self._answered(now, now - started)
        return found

    async def aclose(self) -> None:
        """Close the model."""
        await self.inner.aclose()

    def _answered(self, now: float, seconds: float) -> None:
        self.circuit.succeeded()
        watched = self.watched
        watched.answered_at = now
        watched.seconds = seconds
        watched.problem = None
        self._report(self.name, seconds, None)

    def _failed(self, error: ModelError, seconds: float) -> ModelError:
        """Take in a failure; returns it as it may be told."""
        public = error.reworded(told(error, self.name, endpoint=self.endpoint))
        if isinstance(error, RequestRefusedError | RateLimitError):
            # It is there: it only does not take this, or not now.
            self.circuit.succeeded()
            wait = getattr(error, "retry_after", None)
            if wait is not None:
                self.watched.limited_until = self._clock() + wait
        else:
            self.circuit.failed()
            self.watched.failed_at = self._clock()
            self.watched.problem = str(public)
        self._report(self.name, seconds, error)
        return public

    def _open(self) -> CircuitOpenError:
        last = f"; the last: {self.watched.problem}" if self.watched.problem else ""
        return CircuitOpenError(
            f"{self.name}: not asked, since {self.circuit.in_a_row} requests in a row failed{last}",
            model=self.name,
        )
