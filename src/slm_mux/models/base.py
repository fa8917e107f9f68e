"""What a model is to the rest of the package: a name, limits, and one coroutine."""

from typing import Any, Protocol

from msgspec import Struct

from slm_mux.types import Completion, Message

HIGHEST_TEMPERATURE = 10.0
"""No endpoint takes more; what is written above it is a slip."""


class Generation(Struct, frozen=True, kw_only=True):
    """Settings of one draw. None leaves the choice to the endpoint."""

    temperature: float | None = None
    """In [0, HIGHEST_TEMPERATURE]."""
    top_p: float | None = None
    """In (0, 1]."""
    max_tokens: int | None = None
    """>= 1; per draw."""
    stop: tuple[str, ...] = ()
    extra: dict[str, Any] = {}
    """Further fields of the request's body, sent as they are."""


class Request(Struct, frozen=True, kw_only=True):
    """What a model is asked: once, or n times at once."""

    messages: tuple[Message, ...]
    generation: Generation
    seed: int | None = None
    """In [0, 2**31)."""
    n: int = 1
    """>= 1; more than 1 only for a model whose `draws_at_once` is true."""


class Limits(Struct, frozen=True, kw_only=True):
    """What an endpoint can take. Models of one endpoint share one set of limits."""

    max_in_flight: int = 16
    """>= 1 requests at the same time."""
    requests_per_minute: float | None = None
    """> 0; None for no limit."""
    one_model_at_a_time: bool = False
    """Requests of different models wait for each other (they would share the cores)."""


class Model(Protocol):
    """One endpoint, or one embedded engine, and the name it serves."""

    name: str
    """The name in the pool; unique there."""
    endpoint: str
    """Models with equal `endpoint` share one limiter."""
    limits: Limits
    draws_at_once: bool
    """Whether one request may ask for several draws (their own seeds are lost then)."""

    async def complete(self, request: Request) -> list[Completion]:
        """Ask once, without retries.

        Returns:
            1 .. n completions; fewer than n where the endpoint ignores `n`.

        Raises:
            TransientError: trying again may help.
            PermanentError: it would not.
            asyncio.CancelledError: the request was closed, so that the server stops generating.
        """
        ...

    async def aclose(self) -> None:
        """Close connections and free memory; the model may be used again afterwards."""
        ...


def identity_of(model: Model) -> str:
    """What serves the model, whatever the pool calls it; part of each sample's address.

    A model may say so itself with an attribute `identity`; else it is its endpoint and its name.
    """
    return str(getattr(model, "identity", f"{model.endpoint}|{model.name}"))
