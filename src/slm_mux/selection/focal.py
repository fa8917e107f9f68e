"""Focal diversity: how differently the models of a subset fail.

The metric of LLM-TOPLA (Tekin et al., arXiv 2410.03953), as its first author computes it
(https://github.com/sftekin/rl-focal, env/ens_metrics.py and env/diversity_stats.py; likewise in
https://github.com/sftekin/fusionshot). For a subset S of n >= 2 models, every model f of S is the
focal one in turn. Its negative samples N_f are the problems that it answers wrongly. With j(q) the
number of models of S that are wrong on q, and means taken over q in N_f,

    p1(f) = mean of j(q) / n                       that one model, picked at random, fails
    p2(f) = mean of j(q) (j(q) - 1) / (n (n - 1))  that two models, picked at random, both fail
    diversity(f) = 1 - p2(f) / p1(f)               the generalised diversity of N_f
    focal diversity(S) = mean over f in S of diversity(f)

A model that is never wrong has no negative samples, and diversity 1. The figure is 1 where no two
models ever fail together, and 0 where all fail on the same problems. It says nothing of how often
they are right.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.selection.deciding import check_table, parts
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Subsets = NDArray[np.intp]


class FocalDiversity(Struct, frozen=True, eq=False):
    """How differently models fail; see the module."""

    wrong: "Floats"
    """(models, problems): 1 where a model is wrong, else 0."""

    name: str = "focal-diversity"
    least: int = 2
    """Models of the smallest subset that it is defined for."""

    @classmethod
    def of(cls, correct: "Bools") -> "FocalDiversity":
        """Take what the models are right about.

        Args:
            correct: (models, problems), of each model's candidate.

        Raises:
            InvalidRequestError: another shape, fewer than two models, or no problems.
        """
        import numpy as np

        right = np.asarray(correct, dtype=bool)
        if right.ndim != 2:
            raise InvalidRequestError(
                f"correct has the shape {right.shape}, but must be (models, problems)"
            )
        models, problems = right.shape
        if models < 2:
            raise InvalidRequestError(
                f"focal diversity compares the errors of models: the pool has {models}"
            )
        if not problems:
            raise InvalidRequestError("focal diversity of no problems: there is nothing to compare")
        return cls(wrong=(~right).astype(np.float64))

    @classmethod
    def of_table(cls, table: VoteTable, k: int | None = None) -> "FocalDiversity":
        """Take the scored problems of a table.

        Args:
            table: what was drawn.
            k: the first k draws of each model; by default all of them.

        Raises:
            InvalidRequestError: see `check_table` and `of`.
        """
        draws = check_table(table, k)
        return cls.of(table.candidates(draws).correct[:, table.scored])

    @property
    def models(self) -> int:
        """How many there are."""
        return len(self.wrong)

    def values(self, subsets: "Subsets") -> "Floats":
        """Give the focal diversity of each subset.

        Args:
            subsets: (n, size), size >= 2: positions of models.

        Returns:
            (n,), in [0, 1].

        Raises:
            InvalidRequestError: subsets of one model.
        """
        import numpy as np

        size = subsets.shape[1]
        if size < 2:
            raise InvalidRequestError("the focal diversity of one model is not defined")
        found = np.empty(len(subsets))
        for part in parts(len(subsets), max(self.wrong.shape)):
            members = subsets[part]
            chosen = np.zeros((len(members), self.models))
            np.put_along_axis(chosen, members, 1.0, axis=1)
            failing = chosen @ self.wrong
            # Sums of whole numbers, so they are exact in whatever order they are added up.
            one = np.take_along_axis(failing @ self.wrong.T, members, axis=1)
            two = np.take_along_axis((failing * (failing - 1)) @ self.wrong.T, members, axis=1)
            together = np.divide(two, one * (size - 1), out=np.zeros_like(two), where=one > 0)
            # Sorted, so that subsets with the same parts have the same sum.
            together.sort(axis=1)
            found[part] = 1 - together.sum(axis=1) / size
        return found
