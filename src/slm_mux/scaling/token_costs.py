"""What the draws of a subset cost in tokens, without stopping and with it."""

from collections.abc import Sequence

from msgspec import Struct

from slm_mux.scaling.stopping_cost import draw_patterns, frugal_draws
from slm_mux.table import VoteTable


class TokenCost(Struct, frozen=True, kw_only=True):
    """Prompt and completion tokens per problem at one k; None where those of a draw are unknown."""

    k: int
    full: float | None
    """Of k draws of each model: k times the sum of the models' mean tokens per draw."""
    frugal: float | None
    """With the frugal rule, which stops where the answer is settled: `frugal_share` of `full`."""
    frugal_share: float | None
    """Of the tokens of the first k draws of each model, the share in the draws that the rule makes
    of them, in [0, 1]. None also where these draws have no tokens."""


def draw_tokens(table: VoteTable, n: int) -> tuple[float | None, ...]:
    """Give per model the mean tokens of its first n draws on all problems.

    A draw that brought no completion costs nothing. None where the tokens of one are unknown.

    Args:
        table: complete.
        n: at least 1, at most what the models have.
    """
    import numpy as np

    means = table.tokens()[:, :, :n].mean(axis=(1, 2)).tolist()
    return tuple(None if np.isnan(mean) else mean for mean in means)


def token_costs(table: VoteTable, subset: Sequence[int], n: int) -> tuple[TokenCost, ...]:
    """Add up what a subset costs, for k = 1 .. n.

    Args:
        table: complete; its problems need not be scored.
        subset: positions of the models, best record first.
        n: draws of each model, at least 1 and at most what the models have.
    """
    import numpy as np

    members = list(subset)
    means = draw_tokens(table, n)
    known = [mean for m in members if (mean := means[m]) is not None]
    if len(known) < len(members):
        return tuple(
            TokenCost(k=k, full=None, frugal=None, frugal_share=None) for k in range(1, n + 1)
        )
    # spent[m, p, d]: of the first d draws.
    spent = np.zeros((len(members), len(table.problems), n + 1))
    spent[:, :, 1:] = table.tokens()[members, :, :n].cumsum(axis=2)
    costs = []
    for k in range(1, n + 1):
        patterns, sort = draw_patterns(table, members, k)
        made = np.array([frugal_draws(pattern) for pattern in patterns])[sort].T
        needed = float(np.take_along_axis(spent, made[:, :, None], axis=2).sum())
        first, full = float(spent[:, :, k].sum()), k * sum(known)
        share = needed / first if first else None
        costs.append(
            TokenCost(
                k=k,
                full=full,
                frugal=full * share if share is not None else full,
                frugal_share=share,
            )
        )
    return tuple(costs)
