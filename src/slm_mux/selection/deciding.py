"""Algorithm 1 for many subsets of a table's models at once (arXiv 2510.05077).

Which of two models wins does not depend on who else is asked. So the models are ranked once on each
problem, by confidence (as exact fractions), then by validation accuracy, then by place in the pool;
the first of a subset in that order decides for it, as `voting.decide` would.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, combinations
from math import comb
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.selection.objective import Records, Subset
from slm_mux.table import VoteTable
from slm_mux.voting import rank_by_record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Places = NDArray[np.unsignedinteger]
    Subsets = NDArray[np.intp]

_AT_ONCE = 1 << 20
"""Cells of an intermediate array: some megabytes, whatever the number of subsets."""


class Standings(Struct, frozen=True, eq=False):
    """Who wins against whom, on each scored problem of a table."""

    places: "Places"
    """(models, scored problems): twice the model's place, the winner of all having the highest,
    plus 1 where its candidate is correct. 0 without a candidate."""

    @classmethod
    def of(cls, table: VoteTable, k: int | None = None) -> "Standings":
        """Rank the models of a table on each of its scored problems.

        Args:
            table: its validation accuracies break ties.
            k: the first k draws of each model; by default all of them.

        Raises:
            InvalidRequestError: no models, no scored problems, or draws that were not made.
        """
        import numpy as np

        draws = check_table(table, k)
        found = table.candidates(draws)
        confidences = sorted({Fraction(n, most) for most in draws for n in range(most + 1)})
        level = {confidence: place for place, confidence in enumerate(confidences)}
        strength = np.zeros(found.count.shape, dtype=np.int64)
        for m, most in enumerate(draws):
            levels = np.asarray([level[Fraction(n, most)] for n in range(most + 1)])
            strength[m] = levels[found.count[m]]
        models = len(draws)
        handicap = np.empty(models, dtype=np.int64)
        handicap[rank_by_record(table.validation_accuracy)] = np.arange(models)[::-1]
        order = (strength * models + handicap[:, None]).argsort(axis=0)
        places = np.empty_like(order)
        np.put_along_axis(places, order, np.arange(1, models + 1)[:, None], axis=0)
        both = np.where(found.count > 0, 2 * places + found.correct, 0)[:, table.scored]
        # The smallest type that holds them: gathering rows is all that deciding costs.
        return cls(places=both.astype(np.min_scalar_type(2 * models + 1)))

    @property
    def models(self) -> int:
        """How many there are."""
        return len(self.places)

    @property
    def problems(self) -> int:
        """How many are scored."""
        return int(self.places.shape[1])

    def correct(self, subset: Iterable[int]) -> "Bools":
        """Say on which scored problems the answer of a subset is correct.

        Args:
            subset: positions of models, at least one.

        Returns:
            (scored problems,); False where no model of the subset has a candidate.
        """
        import numpy as np

        right: Bools = self.places[np.asarray(list(subset))].max(axis=0) % 2 == 1
        return right

    def accuracies(self, subsets: "Subsets") -> "Floats":
        """Give the accuracy of each subset.

        Args:
            subsets: (n, size), size >= 1: positions of models.

        Returns:
            (n,), in [0, 1].
        """
        import numpy as np

        counts = np.empty(len(subsets), dtype=np.int64)
        for part in parts(len(subsets), self.problems):
            columns = subsets[part].T
            winner = self.places[columns[0]]
            for column in columns[1:]:
                np.maximum(winner, self.places[column], out=winner)
            counts[part] = (winner & 1).sum(axis=1)
        return counts / self.problems


def check_table(table: VoteTable, k: int | None = None) -> tuple[int, ...]:
    """Refuse a table from which nothing can be chosen.

    Args:
        table: what was drawn.
        k: the first k draws of each model; by default all of them.

    Returns:
        How many first draws of each model count.

    Raises:
        InvalidRequestError: no models, no scored problems, k below 1, or draws that were not made.
    """
    if not table.models:
        raise InvalidRequestError(f"{table.task}: there is no model to choose")
    if k is not None and k < 1:
        raise InvalidRequestError(f"{table.task}: k is {k}, but must be at least 1")
    draws = table.k if k is None else (k,) * len(table.models)
    if not table.scored.any():
        raise InvalidRequestError(
            f"{table.task}: none of the {len(table.problems)} problems is scored, so no subset is "
            "better than another"
        )
    table.require_complete(draws)
    return draws


def check_subset(table: VoteTable, subset: Iterable[int]) -> Subset:
    """Put a subset in pool order.

    Raises:
        InvalidRequestError: it is empty, names a model twice, or names one that is not there.
    """
    models = tuple(sorted(subset))
    if not models:
        raise InvalidRequestError("a subset has at least one model")
    if len(set(models)) < len(models) or not 0 <= models[0] <= models[-1] < len(table.models):
        raise InvalidRequestError(
            f"{list(models)} are not positions of different models in a pool of {len(table.models)}"
        )
    return models


def same_models(one: VoteTable, other: VoteTable) -> None:
    """Refuse two tables that are not about the same models.

    Raises:
        InvalidRequestError: other models, or in another order.
    """
    if one.models != other.models:
        raise InvalidRequestError(
            f"{one.task} has the models {', '.join(one.models)}, and {other.task} "
            f"{', '.join(other.models)}: both need the same models in the same order"
        )


def records_of(
    table: VoteTable,
    *,
    penalty: float = 1.0,
    k: int | None = None,
    at_least: int | None = None,
) -> Records:
    """Pack the scored problems of a table for `search`.

    Args:
        table: what was drawn.
        penalty: lambda, >= 0.
        k: the first k draws of each model; by default all of them.
        at_least: count a model as correct where at least so many of its draws are; by default where
            its candidate is. More than every model has would make all of them wrong everywhere.

    Raises:
        InvalidRequestError: see `check_table` and `Records.of`; or `at_least` is out of range.
    """
    draws = check_table(table, k)
    if at_least is not None and not 1 <= at_least <= max(draws):
        raise InvalidRequestError(
            f"{table.task}: at least {at_least} correct draws are wanted, but each model has "
            f"{max(draws)}: give 1 to {max(draws)}"
        )
    part = table if k is None else table.restrict(k=k)
    correct = part.correctness(at_least=at_least)
    # Draws of one class may differ in their verdicts: what counts as correct is not wrong as well.
    wrong = part.consistently_wrong() & ~correct
    return Records.of(correct[:, part.scored], wrong[:, part.scored], penalty=penalty)


def all_subsets(models: int, size: int) -> "Subsets":
    """List every subset of a size in pool order: (comb(models, size), size)."""
    import numpy as np

    flat = chain.from_iterable(combinations(range(models), size))
    count = comb(models, size)
    return np.fromiter(flat, dtype=np.intp, count=count * size).reshape(count, size)


def as_subsets(subsets: Sequence[Subset]) -> "Subsets":
    """Put subsets of one size into an array."""
    import numpy as np

    return np.asarray(subsets, dtype=np.intp)


def parts(rows: int, width: int) -> Iterator[slice]:
    """Cut rows into runs that keep an array of (run, width) small."""
    step = max(1, _AT_ONCE // max(1, width))
    return (slice(start, start + step) for start in range(0, rows, step))
