"""A model that says what it is told to say: for tests, without network or weights."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from slm_mux.errors import InvalidRequestError
from slm_mux.models.base import Limits, Request
from slm_mux.types import Completion

Reply = str | Completion | Exception
"""A text, a whole completion, or an exception to raise in its place."""


class ScriptedModel:
    """A fake model with given replies.

    A reply is chosen when a call of `complete` starts, before any delay, so with `by="order"` the
    first call gets the first reply however long the calls take. Where several draws start at the
    same time, which draw gets which reply is then the caller's order of starting them. `by="seed"`
    and a callable depend on the request alone, so the same draws get the same replies in any order,
    and again after a retry.

    Args:
        name: the name in the pool.
        replies: either a callable that is given the request and returns a reply (or raises), or a
            non-empty sequence of replies. After the last one the first comes again.
        by: which reply of a sequence a draw gets: "order", the next one; "seed", the one at
            seed modulo their number (then every request must carry a seed).
        delay: seconds between the call and its reply, >= 0.
        limits: as of any model.
        draws_at_once: whether one request may ask for several draws; they get replies in a row.

    Raises:
        InvalidRequestError: no replies, or a negative delay.
    """

    def __init__(
        self,
        name: str,
        replies: Sequence[Reply] | Callable[[Request], Reply],
        *,
        by: Literal["order", "seed"] = "order",
        delay: float = 0.0,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        draws_at_once: bool = False,
    ) -> None:
        if isinstance(replies, str):
            replies = [replies]
        if not callable(replies) and not replies:
            raise InvalidRequestError(f"{name}: a scripted model needs at least one reply")
        if not delay >= 0:
            raise InvalidRequestError(f"{name}: delay is {delay}; give seconds, 0 or more")
        self.name = name
        self.endpoint = f"scripted:{name}"
        self.limits = limits
        self.draws_at_once = draws_at_once
        self._replies = replies if callable(replies) else tuple(replies)
        self._by = by
        self._delay = delay
        self._given = 0
        self.requests: list[Request] = []
        """Every request received, in order."""
        self.in_flight = 0
        """Calls that have started and not ended."""
        self.max_in_flight = 0
        """The most there were of these at one time."""
        self.cancelled = 0
        """Calls that were cancelled during their delay."""
        self.closed = 0
        """How many times `aclose` was called."""

    def __repr__(self) -> str:
        return f"ScriptedModel({self.name!r})"

    async def complete(self, request: Request) -> list[Completion]:
        """Give the next n replies.

        Raises:
            InvalidRequestError: n > 1 without `draws_at_once`, n < 1, or no seed with `by="seed"`.
            Exception: one that is among the replies; of several draws at once, the first such.
        """
        if request.n < 1 or (request.n > 1 and not self.draws_at_once):
            raise InvalidRequestError(
                f"{self.name}: n is {request.n}; it must be 1 unless draws_at_once is set"
            )
        self.requests.append(request)
        replies = [self._reply(request, index) for index in range(request.n)]
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self._delay)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        return [self._completion(reply) for reply in replies]

    async def aclose(self) -> None:
        """Nothing to close; the call is counted."""
        self.closed += 1

    def _reply(self, request: Request, index: int) -> Reply:
        """Choose the reply of the draw at `index` of one request."""
        if callable(self._replies):
            return self._replies(request)
        if self._by == "seed":
            if request.seed is None:
                raise InvalidRequestError(f'{self.name}: by="seed" needs a seed in every request')
            return self._replies[(request.seed + index) % len(self._replies)]
        self._given += 1
        return self._replies[(self._given - 1) % len(self._replies)]

    def _completion(self, reply: Reply) -> Completion:
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Completion):
            return reply
        return Completion(text=reply, finish_reason="stop", served_model=self.name)
