"""Whether draws are missing because they could not have changed an answer.

Problems that were stopped early are the easy ones. To leave them out is to evaluate the hard ones.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slm_mux.methods.settled import settled_by
from slm_mux.store.rows import DrawRow, MemberInfo
from slm_mux.table import NOT_DRAWN, VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOO_MANY = 0.05
"""As a share of the problems: so many settled ones may be left out, since no accuracy moves by
more."""


def stopped_early(table: VoteTable, k: int) -> int:
    """Count the problems whose draws look as if they had been stopped early.

    Draws are missing on some problems. They look stopped where most of these problems are settled
    by what is there; where these are more than 5 % of all; and where what is there of them would
    settle a smaller share of the complete problems, by more than one standard error. A collection
    that was interrupted leaves problems of every kind.

    How the models were ranked then is not known, so each is tried as the best, before the others
    in pool order.

    Args:
        table: every problem with a draw.
        k: draws of each model.

    Returns:
        How many; 0 where they do not look so.
    """
    there = _there(table, k)
    problems = range(len(table.problems))
    short = [p for p in problems if not there[:, p].all()]
    whole = [p for p in problems if there[:, p].all()]
    models = range(len(table.models))
    rankings = [[best, *(m for m in models if m != best)] for best in models]
    return max(
        (_settled(table, there, short, whole, ranking) for ranking in rankings if short), default=0
    )


def _settled(
    table: VoteTable,
    there: "NDArray[np.bool_]",
    short: Sequence[int],
    whole: Sequence[int],
    ranking: Sequence[int],
) -> int:
    settled = sum(settled_by(table, p, there[:, p], ranking) for p in short)
    if 2 * settled <= len(short) or settled <= TOO_MANY * len(table.problems):
        return 0
    if not whole:
        return settled
    # Each complete problem as if it had only the draws of a short one, with every short one's turn.
    tries = max(len(whole), len(short))
    pairs = [(whole[n % len(whole)], short[n % len(short)]) for n in range(tries)]
    expected = sum(settled_by(table, p, there[:, q], ranking) for p, q in pairs) / tries
    share = settled / len(short)
    common = (settled + expected * len(whole)) / len(table.problems)
    error = math.sqrt(common * (1 - common) * (1 / len(short) + 1 / len(whole)))
    return settled if share - expected > error else 0


def collected_here(rows: Sequence[DrawRow], known: Sequence[MemberInfo]) -> bool:
    """Say whether any of the samples was drawn by this package: imported ones have no seed."""
    seeds: Mapping[int, int | None] = {member.id: member.seed for member in known}
    return any(seeds.get(place) is not None for place in {row.member_id for row in rows})


def _there(table: VoteTable, k: int) -> "NDArray[np.bool_]":
    """Mark what was drawn: (models, problems, k)."""
    import numpy as np

    models, problems, draws = table.klass.shape
    there = np.zeros((models, problems, k), dtype=np.bool_)
    there[:, :, :draws] = table.klass[:, :, :k] != NOT_DRAWN
    return there
