"""Sends a request within its endpoint's limits, and again where that may help."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, cast

from msgspec import Struct

from slm_mux.errors import ModelError
from slm_mux.models.base import Model, Request
from slm_mux.sampling.events import Observer, RequestRetried, RequestSent
from slm_mux.sampling.limits import Limiter
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.types import Completion


class Sent(Struct):
    """How a request ended: with completions or with an error, never with both."""

    completions: list[Completion]
    error: ModelError | None
    seconds: float
    """From when it was first let through to its end, waits between tries included."""


class Cost:
    """The requests of one question, as they are sent."""

    def __init__(self) -> None:
        self.requests = 0
        self.cancelled = 0
        self.stopped = False
        """Whether the question needs no further request."""


class Sender:
    """Keeps one limiter per endpoint, across all questions.

    Args:
        retries: when a failed request is sent again.
        limiters: by endpoint, kept up to date here; several senders may share them.
    """

    def __init__(self, retries: RetryPolicy, limiters: dict[str, Limiter]) -> None:
        self._retries = retries
        self._limiters = limiters
        self._jitter = random.Random()  # noqa: S311 (spreads waits; decides nothing)

    async def send(
        self,
        model: Model,
        request: Request,
        *,
        draws: tuple[int, ...],
        cost: Cost,
        observe: Observer | None,
        sending: set[asyncio.Task[Any]],
        on_wait: Callable[[], None] | None = None,
    ) -> Sent:
        """Ask a model, waiting for its endpoint's limits and trying again as the policy says.

        Args:
            model: whom to ask.
            request: what.
            draws: the draw indices it is for.
            cost: counts each try, and a cancelled one.
            observe: told of each try.
            sending: holds the task for as long as it waits here: it can be cancelled then without
                losing a completion.
            on_wait: called before each wait between two tries.

        Raises:
            asyncio.CancelledError: the request was closed.
        """
        limiter = self._limiter(model)
        clock = asyncio.get_running_loop().time
        started = waited = 0.0
        attempt = 0
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        sending.add(task)
        try:
            while True:
                if not limiter.acquire_now(model.name):
                    await limiter.acquire(model.name)
                if cost.stopped:
                    limiter.release()
                    raise asyncio.CancelledError
                try:
                    attempt += 1
                    cost.requests += 1
                    if attempt == 1:
                        started = clock()
                    if observe:
                        observe(RequestSent(model.name, draws))
                    completions = await model.complete(request)
                    return Sent(completions, None, clock() - started)
                except asyncio.CancelledError:
                    cost.cancelled += 1
                    raise
                except ModelError as error:
                    failed = error
                finally:
                    limiter.release()
                wait = self._retries.wait_before_next(
                    failed, attempt=attempt, waited=waited, jitter=self._jitter
                )
                if wait is None:
                    failed.tries = attempt
                    return Sent([], failed, clock() - started)
                if getattr(failed, "retry_after", None) is not None:
                    limiter.hold(wait)
                if observe:
                    observe(RequestRetried(model.name, attempt, wait, str(failed)))
                if on_wait:
                    on_wait()
                waited += wait
                await asyncio.sleep(wait)
        finally:
            sending.discard(task)

    def _limiter(self, model: Model) -> Limiter:
        limiter = self._limiters.get(model.endpoint)
        if limiter is None:
            limiter = self._limiters[model.endpoint] = Limiter(model.limits)
        return limiter
