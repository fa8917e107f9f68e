"""SLM-MUX: the most self-consistent model is believed (arXiv 2510.05077, Algorithm 1)."""

from msgspec import Struct

from slm_mux.methods.base import Context, Outcome, by_votes
from slm_mux.table import VoteTable


class Mux(Struct, frozen=True):
    """Every model votes with its k draws; the highest confidence wins."""

    name: str = "mux"

    def plan(self, context: Context) -> tuple[int, ...]:
        """All the draws that the comparison gives each model."""
        return context.k

    def decide(self, table: VoteTable, problem: int, context: Context) -> Outcome:
        """Decide by the votes; the answer's verdict is that of the winner's lowest draw of it."""
        return by_votes(table, problem, self.plan(context))
