"""A request's answer, by the method that its model name gives: mux, or one of its baselines.

Each answers as `slm_mux.methods` does on a table of the same draws; only the models that a method
needs are asked.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.sampling.events import Observer
from slm_mux.server.rosters import ServedPool
from slm_mux.server.settings import ServerSettings
from slm_mux.server.wire.caps import Caps, check_draws
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.request import ChatAsk
from slm_mux.types import ClassCount, Decision, Sample, Stopping, Vote

METHODS = ("single", "self_consistency", "agent_forest")
"""What may be asked for beside mux."""
_OF_ONE_MODEL = ("single", "self_consistency")
"""Those that ask the model with the best record alone."""


class Answered(Struct, frozen=True, kw_only=True):
    """A decision, and how it was drawn."""

    decision: Decision
    temperature_used: float | None
    """That of every draw; None where each model has its own."""


def models_asked(served: ServedPool, method: str) -> int:
    """How many models of a pool a method asks."""
    return 1 if method in _OF_ONE_MODEL else len(served.pool)


def temperature_of(ask: ChatAsk, *, draws: Sequence[int], settings: ServerSettings) -> float | None:
    """The temperature of a request's draws: the one asked for, where draws can differ at it.

    Args:
        ask: the request.
        draws: k of each model that is asked.
        settings: the floor.
    """
    if ask.temperature is None or max(draws) < 2:
        return ask.temperature
    return max(ask.temperature, settings.temperature_floor)


async def answer(
    served: ServedPool,
    name: ModelName,
    ask: ChatAsk,
    *,
    settings: ServerSettings,
    caps: Caps,
    samples: Sequence[Sample],
    observe: Observer,
) -> Answered:
    """Ask a pool.

    Args:
        served: the pool.
        name: the method.
        ask: the request, settled for this name.
        settings: the floor of the temperature.
        caps: the most draws.
        samples: the draws that are in, while the pool is asked and after: `observe` adds them.
        observe: told of everything that happens.

    Raises:
        RefusedError, InvalidRequestError, NoAnswerError, SandboxError: there is no answer.
    """
    all_draws = served.draws(ask.samples)
    draws: tuple[int, ...] = all_draws
    if name.method == "single":
        draws = (1,)
    elif name.method == "self_consistency":
        draws = (sum(all_draws),)
    if ask.samples is not None:
        check_draws(sum(draws), caps)
    temperature = temperature_of(ask, draws=draws, settings=settings)
    one_model = name.method in _OF_ONE_MODEL
    decision = await (served.best if one_model else served.mux).ask(
        ask.conversation,
        kind=ask.kind or "auto",
        choices=ask.choices,
        labels=ask.labels,
        samples=draws[0] if one_model else ask.samples,
        temperature=temperature,
        top_p=ask.top_p,
        max_tokens=ask.max_tokens,
        stop=ask.stop,
        extra=ask.extra,
        stopping=_stopping(ask, name.method),
        seed=ask.seed,
        fall_back_to_text=True,
        observe=observe,
    )
    if name.method == "agent_forest":
        decision = by_pooled_vote(decision, served.ranking, samples)
    return Answered(decision=decision, temperature_used=temperature)


def _stopping(ask: ChatAsk, method: str) -> Stopping | None:
    if method != "agent_forest":
        return ask.stopping
    # What settles mux's answer does not settle that of a vote of all draws.
    if ask.stopping not in (None, "none"):
        raise InvalidRequestError(
            f"agent_forest counts every draw, so that it cannot stop early: stopping is "
            f"{ask.stopping!r}, but must be 'none' or left out"
        )
    return "none"


def by_pooled_vote(
    decision: Decision, ranking: Sequence[int], samples: Sequence[Sample]
) -> Decision:
    """Decide by one vote of all draws, as `slm_mux.methods.AgentForest` does.

    Args:
        decision: mux's, with the votes of all models.
        ranking: positions of the models, best record first.
        samples: the draws.

    Returns:
        The same decision with another answer; its confidence is a share of all draws.
    """
    total = sum(vote.k for vote in decision.votes)
    counts: dict[str, int] = {}
    first: dict[str, tuple[tuple[int, int], Vote, ClassCount]] = {}
    for place, position in enumerate(ranking):
        vote = decision.votes[position]
        for found in vote.counts:
            key = found.canonical
            counts[key] = counts.get(key, 0) + found.count
            # All draws in one row: by index, and those of one index by the models' records.
            seen = ((found.first_draw, place), vote, found)
            if key not in first or seen[0] < first[key][0]:
                first[key] = seen
    canonical = min(counts, key=lambda key: (-counts[key], first[key][0]))
    _, vote, found = first[canonical]
    drawn = (vote.model, found.first_draw)
    completion = next(s.completion for s in samples if (s.model, s.draw) == drawn)
    share = counts[canonical] / total
    changes: dict[str, Any] = {
        "answer": found.answer,
        "canonical": canonical,
        "model": vote.model,
        "confidence": share,
        "confidence_bounds": (share, share),
        "tie_break": "none",
        "completion": completion,
        "text": completion.text if completion else None,
    }
    return replace(decision, **changes)
