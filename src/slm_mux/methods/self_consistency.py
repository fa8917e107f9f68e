"""Self-consistency: the majority of many draws of one model (Wang et al. 2022, arXiv 2203.11171).

The model is the best on validation. To compare it with mux at an equal budget it gets as many draws
as all models of mux together, or as many as cost no more tokens.
"""

import math
from fractions import Fraction

from msgspec import Struct

from slm_mux.methods.base import Context, Outcome, Unavailable, by_votes
from slm_mux.table import VoteTable


class SelfConsistency(Struct, frozen=True):
    """The best model's majority over some number of draws.

    Args:
        draws: >= 1; by default as many as all models have together.
        name: the name in results.
    """

    draws: int | None = None
    name: str = "self_consistency"

    def plan(self, context: Context) -> tuple[int, ...]:
        """All draws of one model."""
        wanted = sum(context.k) if self.draws is None else self.draws
        return tuple(wanted * (m == context.ranking[0]) for m in range(len(context.k)))

    def decide(self, table: VoteTable, problem: int, context: Context) -> Outcome:
        """Decide by the model's vote; equal classes by the lowest draw."""
        return by_votes(table, problem, self.plan(context))


def at_equal_tokens(table: VoteTable, context: Context) -> SelfConsistency | Unavailable:
    """Give the best model as many draws as cost, on average, no more tokens than mux's draws.

    The number is one for all problems, so it is fixed before any of them is drawn. It is known only
    where the table's draws reach the budget: that is, one more of average cost would exceed it.
    """
    name = "self_consistency_equal_tokens"
    best = context.ranking[0]
    there = table.complete_draws()[best]
    reason = table.lacking(context.k)
    spent = table.tokens()
    if reason is None and there and len(table.problems):
        # Over all problems together, rounded once: draws that cost as much as mux's have the same
        # sum, in whatever order it is taken.
        cost = [math.fsum(spent[best, :, : draw + 1].flat) for draw in range(there)]
        budget = math.fsum(
            tokens for m, k in enumerate(context.k) for tokens in spent[m, :, :k].flat
        )
        affordable = sum(total <= budget for total in cost)
        if not (math.isfinite(budget) and math.isfinite(cost[-1])):
            reason = "the tokens of some completions are unknown"
        elif affordable == 0:
            reason = f"{table.models[best]}: one draw costs more than all the draws of mux"
        elif affordable == there and Fraction(cost[-1]) * (there + 1) <= Fraction(budget) * there:
            each = budget / len(table.problems)
            reason = (
                f"{table.models[best]}: more draws are affordable for the {each:,.0f} tokens a "
                f"problem than the {there} that there are"
            )
        else:
            return SelfConsistency(draws=affordable, name=name)
    return Unavailable(name=name, reason=reason or "there is nothing to count tokens of")
