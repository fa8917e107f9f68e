"""Agent Forest: the majority of all models' draws in one pool (Li et al. 2024, 2402.05120)."""

from msgspec import Struct

from slm_mux.errors import NoAnswerError
from slm_mux.methods.base import Context, Outcome, outcome
from slm_mux.table import VoteTable
from slm_mux.voting import decide, vote


class AgentForest(Struct, frozen=True):
    """One vote of all draws.

    The pool is ordered by draw index, then by the models' ranking; of equally large classes the one
    that appears first in it wins. The answer is attributed to the model that gave it first.
    """

    name: str = "agent_forest"

    def plan(self, context: Context) -> tuple[int, ...]:
        """The same draws as mux."""
        return context.k

    def decide(self, table: VoteTable, problem: int, context: Context) -> Outcome:
        """Decide by the pooled vote."""
        draws = self.plan(context)
        pool = [(m, draw) for draw in range(max(draws)) for m in context.ranking if draw < draws[m]]
        drawn = [table.drawn(m, problem, k) for m, k in enumerate(draws)]
        try:
            decision = decide([vote("the pool", [drawn[m][draw] for m, draw in pool])])
        except NoAnswerError:
            return outcome(table, problem, draws, None)
        return outcome(table, problem, draws, pool[decision.votes[0].counts[0].first_draw])
