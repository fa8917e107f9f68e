"""Accuracy against draws per model, for one subset: mux, its bounds, and the baselines.

The curves of subsets of different sizes, read at one k, are accuracy against the number of models.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.metrics import Interval
from slm_mux.scaling.deciding import Winners, union_accuracy, winners
from slm_mux.scaling.draws import Distribution, distribution
from slm_mux.scaling.pooling import Pooled
from slm_mux.scaling.resampling import Resamples
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Point(Struct, frozen=True, kw_only=True):
    """One method with k draws of each model of a subset."""

    k: int
    draws: int
    """Of all models together, per problem, without early stopping."""
    accuracy: float | None
    """Expected over choices of draws, mean over problems, in [0, 1]."""
    ci95: Interval | None
    """By resampling problems; None for fewer than two."""
    mux_minus: float | None = None
    """Mux's accuracy minus this one's; None for mux and for what is no method."""
    mux_minus_ci95: Interval | None = None
    """Paired: of the differences on the same resamples."""
    by_trial: int = 0
    """Problems whose probability is an estimate by trials; on the others it is exact."""
    reason: str | None = None
    """Why there is no accuracy."""


class Curve(Struct, frozen=True, kw_only=True):
    """A method's accuracy for k = 1 .. n."""

    method: str
    """"mux"; "union" (some model's candidate is right: no method, but a bound); and the baselines
    "single" (one draw of the subset's best model), "self_consistency" (of the best model, with as
    many draws as mux has of all models), "self_consistency_at_k" and "agent_forest"."""
    points: tuple[Point, ...]


class SubsetCurves(Struct, frozen=True, kw_only=True):
    """How a subset of models scales."""

    models: tuple[str, ...]
    """Best record first; the first is the best single model."""
    curves: tuple[Curve, ...]
    attribution: tuple[dict[str, float], ...]
    """For k = 1 .. n: the share of problems that are answered by each model. What is missing to 1
    is the share without a decision."""

    def curve(self, method: str) -> Curve:
        """Give the curve of a method; KeyError where there is none."""
        for curve in self.curves:
            if curve.method == method:
                return curve
        raise KeyError(method)


class Scores(Struct, frozen=True, kw_only=True, eq=False):
    """What a method scores on each problem for some k, or why nothing."""

    accuracy: "Floats | None"
    """(P,)"""
    draws: int
    by_trial: int = 0
    reason: str | None = None


def mean_draws(table: VoteTable, n: int) -> "Floats":
    """Give p: the share of the first n draws of each model that are correct, (M, P)."""
    share: Floats = table.correct[:, :, :n].mean(axis=2)
    return share


def subset_curves(
    table: VoteTable,
    found: Distribution,
    subset: Sequence[int],
    resamples: Resamples,
    *,
    forest: Pooled | None = None,
    seed: int = 0,
) -> SubsetCurves:
    """Draw the curves of a subset.

    Args:
        table: scored problems only, complete.
        found: what its candidates are for k = 1 .. n.
        subset: positions of the models, best record first.
        resamples: of the problems; the same for all curves that are to be compared.
        forest: Agent Forest on the same subset; without it that curve is left out.
        seed: of the choices of self-consistency's draws, where not all can be counted.
    """
    import numpy as np

    won = winners(found, subset)
    methods = _scores(table, found, subset, won, forest, seed)
    mux = [one.accuracy for one in methods["mux"]]
    columns: list[Floats] = []
    for method, scores in methods.items():
        for one, ours in zip(scores, mux, strict=True):
            if one.accuracy is not None and ours is not None:
                columns.append(one.accuracy)
                if method not in _NO_BASELINES:
                    columns.append(ours - one.accuracy)
    stacked = np.stack(columns, axis=1)
    means = iter(stacked.mean(axis=0).tolist())
    intervals = iter(resamples.intervals(stacked))
    curves = []
    for method, scores in methods.items():
        points = []
        for k, one in zip(found.sizes, scores, strict=True):
            known, compared = one.accuracy is not None, method not in _NO_BASELINES
            points.append(
                Point(
                    k=k,
                    draws=one.draws,
                    accuracy=next(means) if known else None,
                    ci95=next(intervals) if known else None,
                    mux_minus=next(means) if known and compared else None,
                    mux_minus_ci95=next(intervals) if known and compared else None,
                    by_trial=one.by_trial,
                    reason=one.reason,
                )
            )
        curves.append(Curve(method=method, points=tuple(points)))
    names = tuple(table.models[m] for m in subset)
    return SubsetCurves(
        models=names,
        curves=tuple(curves),
        attribution=tuple(
            dict(zip(names, shares, strict=True)) for shares in won.attribution.T.tolist()
        ),
    )


_NO_BASELINES = ("mux", "union")


def _scores(
    table: VoteTable,
    found: Distribution,
    subset: Sequence[int],
    won: Winners,
    forest: Pooled | None,
    seed: int,
) -> Mapping[str, list[Scores]]:
    """Give every method's scores for k = 1 .. n."""
    problems, best, many = len(table.problems), subset[0], len(subset)
    trial = [0 if exact else problems for exact in found.exact]
    single = mean_draws(table, found.sizes[-1])[best]
    union, alone = union_accuracy(found, subset), found.accuracy[best]
    scores = {
        "mux": [
            Scores(accuracy=won.accuracy[:, s], draws=many * k, by_trial=trial[s])
            for s, k in enumerate(found.sizes)
        ],
        "union": [
            Scores(accuracy=union[:, s], draws=many * k, by_trial=trial[s])
            for s, k in enumerate(found.sizes)
        ],
        "single": [Scores(accuracy=single, draws=1) for _ in found.sizes],
        "self_consistency": _equal_draws(table, found, subset, seed),
        "self_consistency_at_k": [
            Scores(accuracy=alone[:, s], draws=k, by_trial=trial[s])
            for s, k in enumerate(found.sizes)
        ],
    }
    if forest is not None:
        scores["agent_forest"] = [
            Scores(accuracy=forest.accuracy[:, s], draws=many * k, by_trial=forest.by_trial[s])
            for s, k in enumerate(found.sizes)
        ]
    return scores


def _equal_draws(
    table: VoteTable, found: Distribution, subset: Sequence[int], seed: int
) -> list[Scores]:
    """Give the best model as many draws as mux has of all models, where it has so many.

    It may choose among all its draws, also those beyond the models' common number.
    """
    best, many = subset[0], len(subset)
    there = table.k[best]
    enough = [many * k for k in found.sizes if many * k <= there]
    alone, row = found, best
    if there > found.sizes[-1] and enough:
        alone, row = distribution(table.klass[[best]], table.correct[[best]], enough, seed=seed), 0
    problems, scores = len(table.problems), []
    for k in found.sizes:
        if many * k in enough:
            s = alone.sizes.index(many * k)
            scores.append(
                Scores(
                    accuracy=alone.accuracy[row, :, s],
                    draws=many * k,
                    by_trial=0 if alone.exact[s] else problems,
                )
            )
        else:
            reason = f"{table.models[best]}: {many * k} draws are needed, and there are {there}"
            scores.append(Scores(accuracy=None, draws=many * k, reason=reason))
    return scores
