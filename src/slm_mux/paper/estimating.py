"""What an exhibit would take before anything is drawn: calls, tokens and price."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from slm_mux.collecting.shortfall import Estimate, MemberNeeds, estimate, needs_of
from slm_mux.discussion.base import Workflow
from slm_mux.discussion.of_pool import workflows_of
from slm_mux.models.pool import Pool
from slm_mux.paper.exhibits import DISCUSSIONS
from slm_mux.paper.planning import Draws, Plan, first_draws, later_draws
from slm_mux.readers import Readers
from slm_mux.store.store import Store


class DiscussionEstimate(Struct, frozen=True, kw_only=True):
    """What a method of discussion would take, roughly.

    Every call is taken to have the mean prompt and completion of the members' plain draws, and to
    read one such completion of every member besides, so that tokens and cost may be more or less.
    """

    method: str
    calls: int
    """At most. Openings that are plain draws are among them, although these are in the store by
    then where they are drawn for mux too."""
    prompt_tokens: float
    completion_tokens: float | None
    cost: float | None


class Part(Struct, frozen=True, kw_only=True):
    """What one set of draws would take."""

    what: str
    problems: int
    k: int
    estimates: tuple[Estimate, ...]
    at_most: bool = False
    """Whether who is asked is known only when other draws are in: then some of these will do."""


class PlanEstimate(Struct, frozen=True, kw_only=True):
    """What a plan would take: calls at most, tokens and cost as far as they can be estimated."""

    parts: tuple[Part, ...]
    discussions: tuple[DiscussionEstimate, ...]

    @property
    def calls(self) -> int:
        """At most."""
        return sum(one.draws for part in self.parts for one in part.estimates) + sum(
            one.calls for one in self.discussions
        )

    @property
    def prompt_tokens(self) -> float:
        """Estimated, for these calls."""
        return sum(one.prompt_tokens for one in self._every)

    @property
    def completion_tokens(self) -> float | None:
        """Estimated, for these calls; None where a completion's length is not known."""
        return _sum(one.completion_tokens for one in self._every)

    @property
    def cost(self) -> float | None:
        """Estimated, in the currency of the pool file's prices; None where one is missing."""
        return _sum(one.cost for one in self._every)

    @property
    def _every(self) -> list[Estimate | DiscussionEstimate]:
        """All that would be drawn."""
        found: list[Estimate | DiscussionEstimate] = [
            one for part in self.parts for one in part.estimates if one.draws
        ]
        return [*found, *self.discussions]

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "parts": msgspec.to_builtins(self.parts),
            "discussions": msgspec.to_builtins(self.discussions),
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
        }


def estimated(made: Plan, store: Store | None, readers: Readers) -> PlanEstimate:
    """Estimate what a plan would take.

    Args:
        made: the plan.
        store: what is there; None where there is no store yet.
        readers: of answer kinds.

    Raises:
        PoolError: two members would be asked the same in the same way; or a method is set wrongly.
    """
    parts = [_part(made, draws, store, readers) for draws in first_draws(made)]
    everyone = [member.name for member in made.pool]
    for draws in later_draws(made, everyone):
        part = _part(made, draws, store, readers, at_most=True)
        if not made.exhibit.searches:
            part = _dearest(_beyond(part, parts[-1]))
        parts.append(part)
    workflows = (
        workflows_of(made.pool, [line for line in DISCUSSIONS if line in made.lines])
        if made.gap is None
        else []
    )
    each = _mean_draws(made, store, readers) if workflows else []
    return PlanEstimate(
        parts=tuple(parts),
        discussions=tuple(_discussion(made, workflow, each) for workflow in workflows),
    )


def _part(
    made: Plan, draws: Draws, store: Store | None, readers: Readers, *, at_most: bool = False
) -> Part:
    needs = _needs(made, draws, store, readers)
    return Part(
        what=draws.what,
        problems=len(draws.problems),
        k=draws.k,
        estimates=tuple(estimate(one, store=store, task=made.name) for one in needs),
        at_most=at_most,
    )


def _needs(made: Plan, draws: Draws, store: Store | None, readers: Readers) -> list[MemberNeeds]:
    return needs_of(
        made.name,
        draws.problems,
        draws.pool,
        store=store,
        readers=readers,
        settings=replace(made.settings, samples=draws.k),
    )


def _beyond(part: Part, before: Part) -> Part:
    """Leave out the draws of the same problems that are estimated already."""
    known = {one.member: one for one in before.estimates}

    def less(one: Estimate) -> Estimate:
        first = known[one.member]
        most, first_most = one.completion_tokens_at_most, first.completion_tokens_at_most
        return replace(
            one,
            draws=one.draws - first.draws,
            prompt_tokens=one.prompt_tokens - first.prompt_tokens,
            completion_tokens=_less(one.completion_tokens, first.completion_tokens),
            completion_tokens_at_most=None
            if most is None or first_most is None
            else most - first_most,
            cost=_less(one.cost, first.cost),
        )

    return replace(part, estimates=tuple(less(one) for one in part.estimates))


def _sum(values: Iterable[float | None]) -> float | None:
    """None as soon as one is not known."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _dearest(part: Part) -> Part:
    """Keep the member whose draws take most: one of them will be asked, and which is not known."""
    most = max(
        part.estimates,
        key=lambda one: (one.cost or 0.0, one.prompt_tokens + (one.completion_tokens or 0.0)),
    )
    return replace(part, estimates=(most,))


class _MeanDraw(Struct, frozen=True, kw_only=True):
    """One plain draw of a member, on average."""

    prompt_tokens: float
    completion_tokens: float | None


def _mean_draws(made: Plan, store: Store | None, readers: Readers) -> list[_MeanDraw]:
    once = Draws(what="", problems=made.measured, pool=made.pool, k=1)
    # Nothing counts as there already: it is the whole that is divided by the number of draws.
    whole = [
        estimate(one, store=store, task=made.name) for one in _needs(made, once, None, readers)
    ]
    return [
        _MeanDraw(
            prompt_tokens=one.prompt_tokens / max(one.draws, 1),
            completion_tokens=None
            if one.completion_tokens is None
            else one.completion_tokens / max(one.draws, 1),
        )
        for one in whole
    ]


def _discussion(made: Plan, workflow: Workflow, each: Sequence[_MeanDraw]) -> DiscussionEstimate:
    names = [member.name for member in made.pool]
    calls = workflow.calls(names) * len(made.measured)
    prompt = sum(one.prompt_tokens for one in each) / len(each)
    known = [one.completion_tokens for one in each if one.completion_tokens is not None]
    completion = sum(known) / len(each) if len(known) == len(each) else None
    prompt += sum(known)
    return DiscussionEstimate(
        method=workflow.name,
        calls=calls,
        prompt_tokens=calls * prompt,
        completion_tokens=None if completion is None else calls * completion,
        cost=None if completion is None else _cost(made.pool, calls, prompt, completion),
    )


def _cost(pool: Pool, calls: int, prompt: float, completion: float) -> float | None:
    """The mean of the members' prices."""
    prices = [member.price for member in pool]
    costs = [
        price.of(round(calls * prompt), round(calls * completion))
        for price in prices
        if price is not None
    ]
    return sum(costs) / len(costs) if len(costs) == len(prices) else None
