"""Other criteria than the paper's objective, and the best subset by each.

`accuracy` is what Algorithm 1 itself scores with the subset; `focal-diversity` is LLM-TOPLA's
metric (see `selection.focal`). `choose` finds the best subset of a table by the name of a
criterion, the paper's `objective` included.
"""

from math import comb
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.selection.deciding import Standings, all_subsets, as_subsets, records_of
from slm_mux.selection.exact import Limits
from slm_mux.selection.focal import FocalDiversity
from slm_mux.selection.heuristic import exchange, greedy
from slm_mux.selection.objective import Subset
from slm_mux.selection.search import RUNNERS_UP, search
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Subsets = NDArray[np.intp]

CRITERIA = ("objective", "accuracy", "focal-diversity")
"""The names that `choose` takes."""

EVALUATIONS = 200_000
"""Subsets that are tried one and all; some seconds for 500 problems."""

SAME = 1e-12
"""Values no further apart are equal: no more than rounding tells them apart."""


class Criterion(Protocol):
    """A figure of a subset; higher is better."""

    @property
    def name(self) -> str:
        """The name in results."""
        ...

    @property
    def least(self) -> int:
        """Models of the smallest subset that has a value."""
        ...

    @property
    def models(self) -> int:
        """How many there are in the pool."""
        ...

    def values(self, subsets: "Subsets") -> "Floats":
        """Give the value of each subset, (n,).

        Args:
            subsets: (n, size): positions of models in the pool, `size` at least `least`.
        """
        ...


class Accuracy(Struct, frozen=True, eq=False):
    """The accuracy of Algorithm 1 on the scored problems of a table."""

    standings: Standings
    name: str = "accuracy"
    least: int = 1

    @classmethod
    def of_table(cls, table: VoteTable, k: int | None = None) -> "Accuracy":
        """Take the scored problems of a table; see `Standings.of`."""
        return cls(standings=Standings.of(table, k))

    @property
    def models(self) -> int:
        """How many there are."""
        return self.standings.models

    def values(self, subsets: "Subsets") -> "Floats":
        """Give the accuracy of each subset, in [0, 1]."""
        return self.standings.accuracies(subsets)


class Picked(Struct, frozen=True, kw_only=True):
    """The best subset of one size by some criterion."""

    models: Subset
    value: float
    proven: bool
    """Whether no subset of the size is better, or equal and earlier in pool order."""


class Choice(Struct, frozen=True, kw_only=True):
    """The best subset by some criterion."""

    criterion: str
    models: Subset
    """Of equal ones the smallest, then the first in pool order."""
    value: float
    proven: bool
    """Whether no other subset is better, or equal and smaller or earlier."""
    by_size: tuple[Picked, ...]
    """For each size, from the smallest that has a value."""
    runners_up: tuple[tuple[Subset, float], ...]
    """The next best of all sizes with their values, best first; of a size that was not tried one
    and all, `best_by` knows only the best it found."""


def best_by(
    criterion: Criterion,
    *,
    max_models: int = 5,
    runners_up: int = RUNNERS_UP,
    evaluations: int = EVALUATIONS,
) -> Choice:
    """Find the best subset of each size, and of all, by a criterion.

    Sizes are tried one and all, from the smallest on, as long as there are no more than
    `evaluations` subsets so far. Larger subsets are grown from the best of the size before: by the
    model that helps most, then by exchanges while one helps; those are not proven.

    Args:
        criterion: knows the pool.
        max_models: the largest size; no more than the pool has.
        runners_up: how many of the next best are wanted, >= 0.
        evaluations: how many subsets may be tried one and all, >= 0.

    Raises:
        InvalidRequestError: a number is out of range, or smaller than the criterion can judge.
    """
    import numpy as np

    if max_models < criterion.least:
        raise InvalidRequestError(
            f"max_models is {max_models}, but must be at least {criterion.least} for the criterion "
            f"{criterion.name!r}"
        )
    for name, number in (("evaluations", evaluations), ("runners_up", runners_up)):
        if number < 0:
            raise InvalidRequestError(f"{name} is {number}, but must be at least 0")
    left = evaluations
    by_size: list[Picked] = []
    ranked: list[tuple[float, int, Subset, float]] = []
    for size in range(criterion.least, min(max_models, criterion.models) + 1):
        left -= comb(criterion.models, size)
        if left >= 0:
            subsets = all_subsets(criterion.models, size)
            values = criterion.values(subsets)
            # argmax gives the first one, and they are in pool order.
            place = int(np.argmax(values >= values.max() - SAME))
            models, value = tuple(subsets[place].tolist()), float(values[place])
            rounded = -np.round(values, 12)
            ranked += [
                (float(rounded[at]), size, tuple(subsets[at].tolist()), float(values[at]))
                for at in rounded.argsort(kind="stable")[: 1 + runners_up]
            ]
        else:
            models = _grown(criterion, size, by_size[-1].models if by_size else None)
            value = float(criterion.values(as_subsets([models]))[0])
            ranked.append((-round(value, 12), size, models, value))
        by_size.append(Picked(models=models, value=value, proven=left >= 0))
    if not by_size:
        raise InvalidRequestError(
            f"the criterion {criterion.name!r} judges subsets of at least {criterion.least} models,"
            f" and the pool has {criterion.models}"
        )
    highest = max(one.value for one in by_size)
    best = next(one for one in by_size if one.value >= highest - SAME)
    ranked.sort()
    others = [(subset, value) for _, _, subset, value in ranked if subset != best.models]
    return _choice(criterion.name, by_size, best, others[:runners_up])


def choose(
    table: VoteTable,
    criterion: str = "objective",
    *,
    max_models: int = 5,
    penalty: float = 1.0,
    k: int | None = None,
    at_least: int | None = None,
    runners_up: int = RUNNERS_UP,
    evaluations: int = EVALUATIONS,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Choice:
    """Find the best subset of a table's models by a criterion, on its scored problems.

    Args:
        table: usually of the validation split; its validation accuracies break ties of Algorithm 1.
        criterion: one of `CRITERIA`.
        max_models: the largest size.
        penalty: lambda of the objective, >= 0.
        k: the first k draws of each model; by default all of them.
        at_least: see `records_of`; of the objective.
        runners_up: how many of the next best are wanted, >= 0.
        evaluations: see `best_by`.
        limits: see `search`; of the objective.

    Raises:
        InvalidRequestError: an unknown criterion, a number out of range, no models, no scored
            problems, or draws that were not made.
    """
    if criterion in ("accuracy", "focal-diversity"):
        of_table = Accuracy.of_table if criterion == "accuracy" else FocalDiversity.of_table
        return best_by(
            of_table(table, k),
            max_models=max_models,
            runners_up=runners_up,
            evaluations=evaluations,
        )
    if criterion != "objective":
        raise InvalidRequestError(f"there is no criterion {criterion!r}: use {', '.join(CRITERIA)}")
    found = search(
        records_of(table, penalty=penalty, k=k, at_least=at_least),
        max_models=max_models,
        runners_up=runners_up,
        limits=limits,
    )
    by_size = [
        Picked(models=best.models, value=best.quality.objective, proven=best.proven)
        for best in found.by_size
    ]
    # The search compares whole numbers, so its best is the best of figures that round alike, too.
    others = [(subset, quality.objective) for subset, quality in found.runners_up]
    return _choice("objective", by_size, by_size[len(found.best) - 1], others)


def _choice(
    criterion: str,
    by_size: "Sequence[Picked]",
    best: Picked,
    others: "Sequence[tuple[Subset, float]]",
) -> Choice:
    return Choice(
        criterion=criterion,
        models=best.models,
        value=best.value,
        proven=all(one.proven for one in by_size),
        by_size=tuple(by_size),
        runners_up=tuple(others),
    )


def _grown(criterion: Criterion, size: int, smaller: Subset | None) -> Subset:
    """Give a good subset of a size, if possible with one model more than a good one."""

    def value(subset: "Sequence[int]") -> float:
        if len(subset) < criterion.least:
            return 0.0
        return round(float(criterion.values(as_subsets([tuple(sorted(subset))]))[0]), 12)

    models = criterion.models
    if smaller is None:
        start = greedy(models, size, value)[-1]
    else:
        others = (m for m in range(models) if m not in smaller)
        # max keeps the first of equal ones.
        start = tuple(sorted((*smaller, max(others, key=lambda m: value((*smaller, m))))))
    return exchange(models, start, value)
