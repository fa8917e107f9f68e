"""What the most self-consistent of several models comes to, over all choices of their draws.

Models draw independently, so Algorithm 1 needs no enumeration of joint outcomes: model m wins with
count c where every better ranked model has fewer than c, and every worse ranked one at most c.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.scaling.draws import Distribution

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Winners(Struct, frozen=True, kw_only=True, eq=False):
    """Who gives the answer, and how sure of it. m models in rank order, P problems, S sizes."""

    count: "Floats"
    """(m, P, S, n + 1): probability that the model wins with that count; 0 at 0."""
    right: "Floats"
    """(m, P, S, n + 1): probability that it does and is correct."""

    @property
    def accuracy(self) -> "Floats":
        """(P, S): probability that the decision is correct; no decision is wrong."""
        total: Floats = self.right.sum(axis=(0, 3))
        return total.clip(0.0, 1.0)

    @property
    def attribution(self) -> "Floats":
        """(m, S): mean over problems of the probability that the answer is the model's.

        What is missing to 1 is the share of problems without a decision.
        """
        wins: Floats = self.count.sum(axis=3).mean(axis=1)
        return wins


def winners(found: Distribution, subset: Sequence[int]) -> Winners:
    """Apply Algorithm 1 (arXiv 2510.05077) to models that draw independently, all with one k.

    P(m wins with count c, and is correct) = P_m(count c, correct) * product over better ranked j of
    P_j(count < c) * product over worse ranked j of P_j(count <= c), for c >= 1.

    Args:
        found: what candidates are.
        subset: positions of the models, best record first.
    """
    import numpy as np

    at_most = found.count[list(subset)].cumsum(axis=3).clip(0.0, 1.0)
    # A sum of all of them is certain, whatever rounding makes of it.
    at_most[..., -1] = 1.0
    below = np.zeros_like(at_most)
    below[..., 1:] = at_most[..., :-1]
    allowed = np.ones_like(at_most)
    ahead, behind = np.ones_like(at_most[0]), np.ones_like(at_most[0])
    for i in range(len(subset)):
        allowed[i] *= ahead
        ahead = ahead * below[i]
    for i in reversed(range(len(subset))):
        allowed[i] *= behind
        behind = behind * at_most[i]
    allowed[..., 0] = 0.0
    members = list(subset)
    return Winners(count=found.count[members] * allowed, right=found.right[members] * allowed)


def union_accuracy(found: Distribution, subset: Sequence[int]) -> "Floats":
    """Give the probability that some model's candidate is correct: 1 - product of (1 - P(right)).

    Returns:
        (P, S).
    """
    missed: Floats = (1.0 - found.accuracy[list(subset)]).prod(axis=0)
    return 1.0 - missed
