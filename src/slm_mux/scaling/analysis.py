"""The paper's explanation of why mux works, beside what is observed (arXiv 2510.05077).

With a chance p of being right on a question, a majority of N draws is right with A(N, p), which is
above p only where p > 1/2. The paper's reading: mux behaves like A(N, max p) over the models, a
pooled vote like A(N, mean p).
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.scaling.curves import SubsetCurves, mean_draws
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Reading(Struct, frozen=True, kw_only=True):
    """What the explanation predicts at one k, and what is observed; means over problems.

    p is measured as the share of a model's n draws that are correct. Its maximum over models is
    then too high on average, and A applied to a measured p too close to 1/2: readings, no bounds.
    """

    k: int
    max_model: float
    """A(k, p of the model with the highest p on the problem)."""
    mean_model: float
    """A(k, mean of the models' p on the problem)."""
    best_single: float
    """A(k, p of the best model on validation)."""
    mux: float | None
    self_consistency_at_k: float | None
    agent_forest: float | None
    """Observed, as in the curves; None where there is no such curve."""


class QuestionTypes(Struct, frozen=True, kw_only=True):
    """Shares of problems by a model's p, the share of its n draws that are correct. Sum 1."""

    model: str
    always: float
    """p = 1."""
    mostly: float
    """1/2 < p < 1; self-consistency helps."""
    half: float
    """p = 1/2."""
    seldom: float
    """0 < p < 1/2; self-consistency harms."""
    never: float
    """p = 0."""
    below_half: float
    """The paper's third type, p < 1/2: `seldom` and `never`. Its others are `always`, `mostly`."""


def majority_accuracy(draws: int, p: "Floats | float") -> "Floats":
    """Give A(N, p): the probability that a majority of N independent draws is right.

    A(N, p) = sum over j > N/2 of C(N, j) p^j (1 - p)^(N - j), and half of the term at j = N/2: for
    even N half of the ties count. So A(2 i, p) = A(2 i - 1, p), A(1, p) = p, and
    A(N, p) + A(N, 1 - p) = 1.

    Args:
        draws: N, >= 1.
        p: in [0, 1], of any shape.

    Raises:
        InvalidRequestError: N is below 1, or a p outside [0, 1].
    """
    import numpy as np

    chance = np.asarray(p, dtype=np.float64)
    if draws < 1:
        raise InvalidRequestError(f"a majority of {draws} draws: give 1 or more")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise InvalidRequestError("a probability must be in [0, 1]")
    # An even number of draws is worth as much as one less, which has no ties to halve.
    odd = draws - 1 + draws % 2
    total = np.zeros_like(chance)
    for j in range(odd // 2 + 1, odd + 1):
        total += math.comb(odd, j) * chance**j * (1 - chance) ** (odd - j)
    return total.clip(0.0, 1.0)


def readings(table: VoteTable, subset: Sequence[int], curves: SubsetCurves) -> tuple[Reading, ...]:
    """Set the explanation beside the curves of a subset, for k = 1 .. n.

    Args:
        table: scored problems only, complete.
        subset: positions of the models, best record first.
        curves: of the same subset.
    """
    points = {curve.method: curve.points for curve in curves.curves}
    ks = [point.k for point in points["mux"]]
    p = mean_draws(table, ks[-1])[list(subset)]
    observed = {
        method: [point.accuracy for point in points[method]]
        if method in points
        else [None] * len(ks)
        for method in ("mux", "self_consistency_at_k", "agent_forest")
    }
    return tuple(
        Reading(
            k=k,
            max_model=float(majority_accuracy(k, p.max(axis=0)).mean()),
            mean_model=float(majority_accuracy(k, p.mean(axis=0)).mean()),
            best_single=float(majority_accuracy(k, p[0]).mean()),
            mux=observed["mux"][i],
            self_consistency_at_k=observed["self_consistency_at_k"][i],
            agent_forest=observed["agent_forest"][i],
        )
        for i, k in enumerate(ks)
    )


def question_types(table: VoteTable, n: int) -> tuple[QuestionTypes, ...]:
    """Sort the problems of each model by how often it is right in its first n draws.

    Args:
        table: scored problems only, complete.
        n: at least 1, at most what the models have.
    """
    problems = len(table.problems)
    found = []
    for m, name in enumerate(table.models):
        right = table.correct[m, :, :n].sum(axis=1)
        always, never = int((right == n).sum()), int((right == 0).sum())
        half = int((2 * right == n).sum())
        mostly = int((2 * right > n).sum()) - always
        seldom = problems - always - never - half - mostly
        found.append(
            QuestionTypes(
                model=name,
                always=always / problems,
                mostly=mostly / problems,
                half=half / problems,
                seldom=seldom / problems,
                never=never / problems,
                below_half=(seldom + never) / problems,
            )
        )
    return tuple(found)
