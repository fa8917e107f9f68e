"""One budget for all methods: the draws that it affords each of them on the problems of a table.

The budget is a number of prompt and completion tokens that a question may cost, on average over the
problems. The draws are one number for all problems. They are known only where the table's draws
reach the budget: that is, one more of average cost would exceed it.
"""

import math
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.methods.base import Context, Discussed, Method, Unavailable
from slm_mux.methods.self_consistency import SelfConsistency
from slm_mux.methods.single import Single
from slm_mux.table import VoteTable

_UNKNOWN = "the tokens of some completions are unknown"


class Affordable(Struct, frozen=True, kw_only=True):
    """How many draws a budget affords; either they are known, or the reason why not."""

    draws: int | None = None
    reason: str | None = None
    by_mean: int | None = None
    """Where it affords more draws than there are: how many, by the mean cost of these."""

    @property
    def attainable(self) -> int | None:
        """How many draws a method could have; None where nothing is affordable, or known."""
        return self.draws if self.draws is not None else self.by_mean


class Spending(Struct, frozen=True, kw_only=True):
    """What one budget affords."""

    each: Affordable
    """Draws of every model."""
    best: Affordable
    """Draws of the best model on validation."""
    one: Affordable
    """One draw of it."""

    @classmethod
    def of(cls, table: VoteTable, context: Context, budget: float) -> "Spending":
        """Look up what a budget affords.

        Args:
            table: what was drawn.
            context: says which model is the best.
            budget: tokens a question, >= 0.
        """
        everyone, best = range(len(context.k)), (context.ranking[0],)
        draws = table.complete_draws()[best[0]]
        return cls(
            each=_affordable(table, everyone, _costs(table, everyone, table.common_draws), budget),
            best=_affordable(table, best, _costs(table, best, draws), budget),
            one=_first(table, best, _costs(table, best, min(1, draws)), budget)
            or Affordable(draws=1),
        )

    @property
    def k(self) -> int | None:
        """Draws of every model; None where that is not known."""
        return self.each.draws

    def of_all(self, method: Method) -> Method | Unavailable:
        """A method that takes the draws of every model, where they are affordable."""
        return method if self.each.reason is None else _unavailable(method.name, self.each)

    def single(self, method: Single) -> Method | Unavailable:
        """The best model's one draw, where it is affordable."""
        return method if self.one.reason is None else _unavailable(method.name, self.one)

    def self_consistency(self) -> Method | Unavailable:
        """The best model's draws, as many as are affordable."""
        if self.best.draws is None:
            return _unavailable("self_consistency", self.best)
        return SelfConsistency(draws=self.best.draws)


def _costs(table: VoteTable, models: Sequence[int], there: int) -> list[float]:
    """Mean tokens a question of the first draws of each of these models: of 1 draw, of 2, ..."""
    spent = table.tokens()
    # Each sum is rounded once.
    return [
        math.fsum(tokens for m in models for tokens in spent[m, :, :draws].flat)
        / len(table.problems)
        for draws in range(1, there + 1)
        if table.problems
    ]


def _first(
    table: VoteTable, models: Sequence[int], costs: Sequence[float], budget: float
) -> Affordable | None:
    """Say why not even one draw is affordable; None: it is."""
    who = "each model" if len(models) > 1 else table.models[models[0]]
    if not costs:
        return Affordable(reason=f"no draw of {who} is there on every problem")
    if not math.isfinite(costs[-1]):
        return Affordable(reason=_UNKNOWN)
    if costs[0] > budget:
        return Affordable(reason=f"one draw of {who} costs {costs[0]:,.0f} tokens a question")
    return None


def _affordable(
    table: VoteTable, models: Sequence[int], costs: Sequence[float], budget: float
) -> Affordable:
    """Count the draws, of those that are there on every problem, that a budget affords."""
    if (none := _first(table, models, costs, budget)) is not None:
        return none
    there, count = len(costs), sum(cost <= budget for cost in costs)
    if count == there and costs[-1] * (there + 1) <= budget * there:
        who = "each model" if len(models) > 1 else table.models[models[0]]
        return Affordable(
            reason=f"more draws of {who} are affordable for {budget:,.0f} tokens a question than "
            f"the {there} that there are",
            # Draws that cost nothing say nothing of what more would cost.
            by_mean=max(there + 1, int(budget * there / costs[-1])) if costs[-1] else None,
        )
    return Affordable(draws=count)


def too_dear(held: Discussed, budget: float | None) -> Discussed:
    """Make a method unavailable whose discussions cost more than the budget."""
    if budget is None or held.reason is not None or not held.outcomes:
        return held
    known = [one.tokens for one in held.outcomes if one.tokens is not None]
    mean = math.fsum(known) / len(known) if known else 0.0
    if len(known) < len(held.outcomes):
        return replace(held, outcomes=(), reason=_UNKNOWN)
    if mean <= budget:
        return held
    return replace(held, outcomes=(), reason=f"costs {mean:,.0f} tokens a question")


def _unavailable(name: str, found: Affordable) -> Unavailable:
    return Unavailable(name=name, reason=str(found.reason))
