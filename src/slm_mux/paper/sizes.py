"""Figures 7 and 8: the best subset of each number of models, searched and measured."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from slm_mux import metrics
from slm_mux.paper import figures
from slm_mux.paper.planning import Plan
from slm_mux.paper.sections import Block, Row, picked
from slm_mux.paper.tables import Sampled
from slm_mux.selection import Standings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]


def figure7(
    made: Plan, searched: Sampled, subsets: Mapping[int, tuple[str, ...]]
) -> tuple[Block, ...]:
    """Objective, union accuracy and contradiction on the searched problems.

    The objective's interval is by resampling problems, the shares' are Wilson's.

    Args:
        made: the plan.
        searched: the samples that the subsets were chosen on.
        subsets: by size.
    """
    table, task = searched.table, made.benchmark or ""
    right, wrong = table.correctness(), table.consistently_wrong()
    rows: list[tuple[str, Row]] = []
    for size, subset in subsets.items():
        places = [table.models.index(name) for name in subset]
        covered = _any(right, places)
        contradicted = covered & _any(wrong, places)
        worth = covered.astype(float) - contradicted
        objective = Row(
            label=f"K = {size}",
            models=subset,
            value=float(worth.mean()),
            ci95=metrics.bootstrap_mean(worth, seed=made.question().seed_of_all),
            paper=figures.figure7(task, "objective", size),
        )
        rows.append(("objective", objective))
        for line, each in (("union", covered), ("contradiction", contradicted)):
            paper = figures.figure7(task, line, size)
            rows.append((line, _share(size, subset, each, paper)))
    titles = {
        "objective": "objective of the best subset of each size, on the searched problems",
        "union": "union accuracy of the same",
        "contradiction": "contradiction of the same (the paper's: union less objective)",
    }
    return tuple(
        Block(title=titles[line], rows=picked(rows, (line,)))
        for line in titles
        if line in made.lines
    )


def figure8(
    made: Plan, measured: Sampled, subsets: Mapping[int, tuple[str, ...]]
) -> tuple[Block, ...]:
    """Accuracy of mux and union accuracy on the measured problems; intervals are Wilson's.

    Args:
        made: the plan.
        measured: samples of all members of the subsets.
        subsets: by size, chosen on other problems.
    """
    table, task = measured.table, made.benchmark or ""
    standings, right = Standings.of(table), table.correctness()
    rows = []
    for size, subset in subsets.items():
        places = [table.models.index(name) for name in subset]
        took = (float(size * measured.k), measured.tokens(subset, measured.k))
        covered = _any(right, places)
        for line, each in (("mux", standings.correct(places)), ("union", covered)):
            paper = figures.figure8(task, line, size)
            rows.append((line, _share(size, subset, each, paper, took)))
    titles = {
        "mux": "accuracy of mux with the best subset of each size",
        "union": "union accuracy of the same: some model's candidate is right",
    }
    return tuple(
        Block(title=titles[line], rows=picked(rows, (line,)))
        for line in titles
        if line in made.lines
    )


def _any(models: "Bools", places: list[int]) -> "Bools":
    """Say on which problems it holds of some of these models."""
    import numpy as np

    some: Bools = models[np.asarray(places)].any(axis=0)
    return some


def _share(
    size: int,
    subset: tuple[str, ...],
    right: "Bools",
    paper: figures.Stated | None,
    took: tuple[float, float | None] | None = None,
) -> Row:
    """A row of a share of the problems; `took` is draws and tokens per problem."""
    count, total = int(right.sum()), len(right)
    return Row(
        label=f"K = {size}",
        models=subset,
        value=count / total,
        ci95=metrics.wilson(count, total),
        paper=paper,
        draws=None if took is None else took[0],
        tokens=None if took is None else took[1],
    )
