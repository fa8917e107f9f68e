"""One model's one answer: what asking it once gives.

Its draw 0 stands for it, so that each problem is right or wrong and every interval and test for
shares holds. The mean over all its draws, which varies less, is given beside it by `summary`.
"""

from msgspec import Struct

from slm_mux.methods.base import Context, Outcome, outcome
from slm_mux.table import VoteTable


class Single(Struct, frozen=True):
    """The first draw of one model.

    Args:
        model: its position in the pool; by default the best on validation.
        name: the name in results.
    """

    model: int | None = None
    name: str = "single"

    def plan(self, context: Context) -> tuple[int, ...]:
        """One draw of the model."""
        chosen = context.ranking[0] if self.model is None else self.model
        return tuple(int(m == chosen) for m in range(len(context.k)))

    def decide(self, table: VoteTable, problem: int, context: Context) -> Outcome:
        """Take the draw's answer, if it has a readable one."""
        draws = self.plan(context)
        model = draws.index(1)
        readable = table.klass[model, problem, 0] >= 0
        return outcome(table, problem, draws, (model, 0) if readable else None)
