"""A request's answer, by the method that its model name gives: mux, or what it is compared with."""

from collections.abc import Sequence

from msgspec import Struct

from slm_mux.discussion.workflows import WORKFLOWS
from slm_mux.mux.methods import OF_ONE_MODEL, draws_of
from slm_mux.sampling.events import Observer
from slm_mux.server.rosters import ServedPool
from slm_mux.server.settings import ServerSettings
from slm_mux.server.wire.caps import Caps, check_draws
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.request import ChatAsk
from slm_mux.types import Decision


class Answered(Struct, frozen=True, kw_only=True):
    """A decision, and how it was drawn."""

    decision: Decision
    temperature_used: float | None
    """That of every draw; None where each model has its own."""


def models_asked(served: ServedPool, method: str) -> int:
    """How many models of a pool a method asks."""
    return 1 if method in OF_ONE_MODEL else len(served.pool)


def temperature_of(ask: ChatAsk, *, draws: Sequence[int], settings: ServerSettings) -> float | None:
    """The temperature of a request's draws: the one asked for, where draws can differ at it.

    Args:
        ask: the request.
        draws: k of each model that is asked; none of them for a discussion, in which hardly any
            prompt is asked twice.
        settings: the floor.
    """
    if ask.temperature is None or max(draws, default=1) < 2:
        return ask.temperature
    return max(ask.temperature, settings.temperature_floor)


async def answer(
    served: ServedPool,
    name: ModelName,
    ask: ChatAsk,
    *,
    settings: ServerSettings,
    caps: Caps,
    observe: Observer,
) -> Answered:
    """Ask a pool.

    Args:
        served: the pool.
        name: the method.
        ask: the request, settled for this name.
        settings: the floor of the temperature.
        caps: the most draws.
        observe: told of everything that happens.

    Raises:
        RefusedError, InvalidRequestError, NoAnswerError, SandboxError: there is no answer.
    """
    draws: list[int] = []
    if name.method not in WORKFLOWS:
        draws = [k for _, k in draws_of(served.pool, name.method, samples=ask.samples)]
    if ask.samples is not None:
        check_draws(sum(draws), caps)
    temperature = temperature_of(ask, draws=draws, settings=settings)
    decision = await served.mux.ask(
        ask.conversation,
        method=name.method,
        kind=ask.kind or "auto",
        choices=ask.choices,
        labels=ask.labels,
        samples=ask.samples,
        temperature=temperature,
        top_p=ask.top_p,
        max_tokens=ask.max_tokens,
        stop=ask.stop,
        extra=ask.extra,
        stopping=ask.stopping,
        seed=ask.seed,
        fall_back_to_text=True,
        observe=observe,
    )
    return Answered(decision=decision, temperature_used=temperature)
