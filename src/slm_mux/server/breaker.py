"""Models that are down are not asked: a circuit breaker around each member of a pool.

What a model's error says is put into words for clients here, where it comes up: nothing after this
can show a client where a model is.
"""

import asyncio
import time
from collections.abc import Callable

from slm_mux.errors import (
    AuthenticationError,
    ConnectionLostError,
    EmbeddedEngineError,
    ModelError,
    ModelNotFoundError,
    PermanentError,
    QuotaExhaustedError,
    RateLimitError,
    RequestRefusedError,
    RequestTimeoutError,
)
from slm_mux.models.base import Generation, Model, Request, identity_of
from slm_mux.server.circuit import Circuit, Watched
from slm_mux.server.wire.failures import words_of
from slm_mux.types import Completion

CHECK = Request(messages=({"role": "user", "content": "Hi"},), generation=Generation(max_tokens=1))
"""What a model is asked before its breaker opens on what a client's prompt may have caused."""


class CircuitOpenError(PermanentError):
    """The model was not asked, because its last requests failed."""


class GuardedModel:
    """A model as the server asks it: behind its breaker, its errors in words for clients.

    Args:
        model: whom to ask.
        circuit: its breaker, and that of whoever else asks the same model.
        watched: what is known of it, shared in the same way.
        report: told how each request ended: the seconds it took, and its error, as the model raised
            it, or None.
        check_seconds: in which it must answer `CHECK`, > 0.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        model: Model,
        *,
        circuit: Circuit,
        watched: Watched,
        report: Callable[[str, float, ModelError | None], None],
        check_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inner = model
        """The model itself."""
        self.circuit = circuit
        self.watched = watched
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
        self._check_seconds = check_seconds
        self._clock = clock

    def __repr__(self) -> str:
        return f"GuardedModel({self.inner!r})"

    @property
    def context(self) -> int | None:
        """Tokens of its context, where that is known."""
        found: int | None = getattr(self.inner, "context", None)
        return found

    @property
    def limited_for(self) -> float | None:
        """Seconds until its endpoint takes requests again, as far as it said so; None otherwise."""
        until = self.watched.limited_until
        return None if until is None or until <= self._clock() else until - self._clock()

    @property
    def asked_again_in(self) -> float | None:
        """Seconds until it may be asked again, for its limit or its breaker; None for now."""
        if self.circuit.state == "closed":
            return self.limited_for
        return self.circuit.opens_in

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
            public = self._took_in(error, clock() - started)
            if self._must_open(error, trial=trial):
                await self._open_unless_there(error)
            raise public from None
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
        watched.problem = watched.failed_at = None
        self._report(self.name, seconds, None)

    def _took_in(self, error: ModelError, seconds: float) -> ModelError:
        """Take in a failure; returns it as it may be told."""
        self._report(self.name, seconds, error)
        words = words_of(error, endpoint=self.endpoint)
        if _is_there(error):
            self.circuit.succeeded()
            wait = getattr(error, "retry_after", None)
            if wait is not None:
                self.watched.limited_until = self._clock() + wait
        else:
            self.circuit.failed()
            self.watched.problem = words
            if _whatever_the_prompt(error):
                self.watched.failed_at = self._clock()
        return error.reworded(f"{self.name}: {words}")

    def _must_open(self, error: ModelError, *, trial: bool) -> bool:
        """Whether this failure opens the breaker, unless a check shows the model to be there."""
        circuit = self.circuit
        if _is_there(error) or not circuit.failed_enough:
            return False
        # What was on its way when it opened says nothing new.
        return trial or circuit.state == "closed"

    async def _open_unless_there(self, error: ModelError) -> None:
        """Open the breaker, if need be after a question of the server's own."""
        circuit = self.circuit
        if circuit.being_checked:
            return
        if not _whatever_the_prompt(error):
            circuit.being_checked = True
            try:
                if await self._answers_a_check():
                    return
            finally:
                circuit.being_checked = False
        circuit.open()
        self.watched.failed_at = self._clock()

    async def _answers_a_check(self) -> bool:
        started = self._clock()
        try:
            async with asyncio.timeout(self._check_seconds):
                await self.inner.complete(CHECK)
        except ModelError as error:
            self._report(self.name, self._clock() - started, error)
            if not _is_there(error):
                return False
            self.circuit.succeeded()
            return True
        except TimeoutError:
            seconds = self._clock() - started
            late = RequestTimeoutError(
                f"{self.name}: a check of one token had no answer within {self._check_seconds:g} s",
                model=self.name,
            )
            self._report(self.name, seconds, late)
            return False
        now = self._clock()
        self._answered(now, now - started)
        return True

    def _open(self) -> CircuitOpenError:
        last = f"; the last: {self.watched.problem}" if self.watched.problem else ""
        return CircuitOpenError(
            f"{self.name}: not asked, since {self.circuit.in_a_row} requests in a row failed{last}",
            model=self.name,
        )


def _is_there(error: ModelError) -> bool:
    """Whether the model only does not take this, or not now."""
    return isinstance(error, RequestRefusedError | RateLimitError)


def _whatever_the_prompt(error: ModelError) -> bool:
    """Whether a failure cannot come from what was asked, so that any question would meet it."""
    if isinstance(error, ConnectionLostError):
        return error.never_connected
    if isinstance(error, AuthenticationError):
        # Some services answer 403 to a prompt that they do not like.
        return error.status != 403
    return isinstance(error, ModelNotFoundError | QuotaExhaustedError | EmbeddedEngineError)
