"""What a chosen subset is worth on problems that it was not chosen on.

Everything is the accuracy of Algorithm 1 on the scored problems of one table. A table of the
validation problems is taken, too; its figures then flatter whatever was chosen on them.
"""

from collections.abc import Iterable
from math import isnan
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.metrics import Difference, Interval, McNemar
from slm_mux.selection.deciding import Standings, check_subset, check_table
from slm_mux.selection.objective import Subset
from slm_mux.table import VoteTable
from slm_mux.voting import rank_by_record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]


class Against(Struct, frozen=True, kw_only=True):
    """A subset compared with one way to use one model."""

    accuracy: float
    """Of the model."""
    difference: Difference
    """The subset minus the model, per problem."""
    mcnemar: McNemar
    """The subset is the first."""


class Gain(Struct, frozen=True, kw_only=True):
    """What a subset gains over the best single model."""

    models: Subset
    accuracy: float
    ci95: Interval
    total: int
    """Scored problems."""
    best: int
    """The single model: of the whole pool the best on validation, ties by pool order."""
    over_draw: Against
    """Over one answer of it: its first draw."""
    over_vote: Against
    """Over the majority of its own draws, as many as it has in the subset."""


class ErrorCorrelation(Struct, frozen=True, kw_only=True):
    """How often models fail together (phi)."""

    models: tuple[str, ...]
    correlation: tuple[tuple[float | None, ...], ...]
    """In [-1, 1]; None for a model that is always right, or always wrong."""


def gain(
    table: VoteTable,
    subset: Iterable[int],
    *,
    k: int | None = None,
    seed: int = 0,
    resamples: int = metrics.RESAMPLES,
) -> Gain:
    """Compare a subset with the best single model.

    Args:
        table: usually of problems that were held out. Its validation accuracies name the best
            single model, and break ties.
        subset: positions of models.
        k: the first k draws of each model; by default all of them.
        seed: of the bootstrap over problems.
        resamples: of the bootstrap.

    Raises:
        InvalidRequestError: no such subset, no validation accuracies, no scored problems, or draws
            that were not made.
    """
    models = check_subset(table, subset)
    standings = Standings.of(table, k)
    if all(accuracy is None for accuracy in table.validation_accuracy):
        raise InvalidRequestError(
            f"{table.task}: no model has a validation accuracy, so none is the best single one: "
            "give them with `with_validation_accuracy`"
        )
    best = rank_by_record(table.validation_accuracy)[0]
    ours = standings.correct(models)

    def against(theirs: "Bools") -> Against:
        return Against(
            accuracy=float(theirs.mean()),
            difference=metrics.paired_difference(ours, theirs, seed=seed, resamples=resamples),
            mcnemar=metrics.mcnemar(ours, theirs),
        )

    right, total = int(ours.sum()), len(ours)
    return Gain(
        models=models,
        accuracy=right / total,
        ci95=metrics.wilson(right, total),
        total=total,
        best=best,
        over_draw=against(table.correct[best, table.scored, 0]),
        over_vote=against(standings.correct([best])),
    )


def error_correlation(table: VoteTable, *, k: int | None = None) -> ErrorCorrelation:
    """Give the pairwise correlation of the models' errors on the scored problems of a table.

    Args:
        table: what was drawn; a model is wrong where its candidate is, or where it has none.
        k: the first k draws of each model; by default all of them.

    Raises:
        InvalidRequestError: no models, no scored problems, or draws that were not made.
    """
    draws = check_table(table, k)
    correct = table.candidates(draws).correct[:, table.scored]
    return ErrorCorrelation(
        models=table.models,
        correlation=tuple(
            tuple(None if isnan(phi) else phi for phi in row)
            for row in metrics.error_correlation(correct).tolist()
        ),
    )
