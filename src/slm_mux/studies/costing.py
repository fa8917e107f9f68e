"""The best subset within a budget of tokens, and the frontier of accuracy against tokens."""

from typing import Any

from slm_mux.selection import Option, Standings, budget
from slm_mux.studies.tables import Tables


def budget_of(tables: Tables, limit: float, max_models: int) -> dict[str, Any]:
    """Find what accuracy costs, and the most accurate option within the cost limit.

    Args:
        tables: options are chosen on the studied problems, and tried on those held out.
        limit: tokens per problem, >= 0.
        max_models: the largest size, >= 1.

    Returns:
        Plain JSON values.

    Raises:
        InvalidRequestError: the tokens of a draw are unknown, or everything costs more.
    """
    found = budget(tables.studied, max_models=max_models, max_k=tables.k)

    def described(option: Option) -> dict[str, Any]:
        return {
            "models": [tables.studied.models[m] for m in option.models],
            "k": option.k,
            "tokens": option.tokens,
            "accuracy": option.accuracy,
            "test_accuracy": None
            if tables.held_out is None
            else float(Standings.of(tables.held_out, option.k).correct(option.models).mean()),
        }

    return {
        "limit": limit,
        "best": described(found.best_within(limit)),
        "frontier": [described(option) for option in found.frontier],
        "proven": found.proven,
        "tried": found.tried,
    }
