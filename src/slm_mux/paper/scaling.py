"""Tables 3 and 4 and figure 9: pairs with more and more draws of each model.

Accuracies are expected ones over the choices of k of the draws, exact where they can be counted;
intervals are by resampling problems. What is best over k is chosen with hindsight, as in the paper.
"""

from collections.abc import Mapping

from msgspec import Struct

from slm_mux import metrics
from slm_mux.paper import figures
from slm_mux.paper.pairs import MISSING, of_paper
from slm_mux.paper.planning import Plan
from slm_mux.paper.sections import Block, Row, less_stated
from slm_mux.paper.tables import Sampled
from slm_mux.scaling import Point, SubsetCurves, distribution, ranked, scaling_study, winners

METHODS = {"mux": "mux", "agent_forest": "Agent Forest"}
"""The lines, and what they are called for people."""


class Scaled(Struct, frozen=True, kw_only=True):
    """A pair's curves."""

    number: int
    """Of the group."""
    models: tuple[str, ...]
    curves: SubsetCurves
    tokens: float | None
    """Of one draw of each of the models; None where they are not known."""

    def points(self, method: str) -> tuple[Point, ...]:
        """From two draws of each model on; one draw has no confidence."""
        points = self.curves.curve(method).points
        return points[figures.FIRST_K - 1 :] or points

    def best(self, method: str) -> Point:
        """The point with the highest accuracy; the fewest draws among equal ones."""
        return max(self.points(method), key=lambda point: point.accuracy or 0.0)


def scaled(
    made: Plan, measured: Sampled, groups: Mapping[int, tuple[str, ...]]
) -> dict[int, Scaled]:
    """Work out every group's curves.

    Args:
        made: the plan.
        measured: samples of the groups' members.
        groups: pairs by number.
    """
    found = {}
    for number, pair in groups.items():
        study = scaling_study(
            measured.table.restrict(models=pair),
            subsets={len(pair): pair},
            seed=made.question().seed_of_all,
        )
        found[number] = Scaled(
            number=number, models=pair, curves=study.chosen.curves, tokens=measured.tokens(pair, 1)
        )
    return found


def table3(made: Plan, found: Mapping[int, Scaled]) -> tuple[Block, ...]:
    """One block for each group: both methods with 2 draws and with the best number."""
    blocks = []
    for number in (1, 2):
        title = _title(made, number, found.get(number))
        task, rows = made.benchmark or "", []
        for best in (False, True):
            points = {}
            for method in METHODS:
                paper = figures.table3(task, method, number, best=best)
                what = "the best k" if best else "k = 2"
                if number not in found:
                    if method in made.lines:
                        rows.append(
                            Row(
                                label=f"{METHODS[method]}, {what}",
                                paper=paper,
                                reason=MISSING,
                            )
                        )
                    continue
                one = found[number]
                points[method] = point = one.best(method) if best else one.points(method)[0]
                at = f" ({point.k})" if best or point.k != figures.FIRST_K else ""
                if method in made.lines:
                    rows.append(_row(f"{METHODS[method]}, {what}{at}", one, point, paper))
            if points and len(made.lines) == len(METHODS) and not best:
                rows.append(_mux_less(made, number, points["agent_forest"]))
        blocks.append(Block(title=title, rows=tuple(rows)))
    return tuple(blocks)


def figure9(made: Plan, found: Mapping[int, Scaled]) -> tuple[Block, ...]:
    """One block for each group and method: accuracy for k = 2 .. n."""
    blocks = []
    for number in (1, 2):
        title = _title(made, number, found.get(number))
        for method, name in METHODS.items():
            if method not in made.lines:
                continue
            rows: tuple[Row, ...] = (Row(label="", reason=MISSING),)
            if number in found:
                rows = tuple(
                    _row(
                        f"k = {point.k}",
                        found[number],
                        point,
                        figures.figure9(made.benchmark or "", method, number, point.k),
                    )
                    for point in found[number].points(method)
                )
            blocks.append(Block(title=f"{name}, {title}", rows=rows))
    return tuple(blocks)


def table4(
    made: Plan, measured: Sampled, found: Mapping[int, Scaled], large: Sampled | None
) -> tuple[Block, ...]:
    """The best pair and k, the large model, and the difference.

    Without a large model of the pool the difference is to the paper's figure of it.

    Args:
        made: the plan.
        measured: samples of the groups' members.
        found: the groups' curves.
        large: the large model's draws on the same problems, or some of them.
    """
    task = made.benchmark or ""
    best = max(found.values(), key=lambda one: one.best("mux").accuracy or 0.0)
    point = best.best("mux")
    ours, theirs = figures.table4(task, large=False), figures.table4(task, large=True)
    less = None if ours is None or theirs is None else figures.less(ours, theirs)
    rows = [
        Row(
            label=f"the best after scaling: group {best.number}, k = {point.k}",
            models=best.models,
            value=point.accuracy,
            ci95=point.ci95,
            paper=ours,
            draws=float(point.draws),
            tokens=_tokens(best, point),
        )
    ]
    if large is None:
        rows.append(
            Row(
                label=f"large model (the paper's: {figures.LARGE})",
                paper=theirs,
                reason="no model of the pool is named with --large",
            )
        )
        if theirs is not None and point.accuracy is not None:
            interval = point.ci95
            rows.append(
                Row(
                    label=f"the best after scaling less the paper's {figures.LARGE}",
                    unit="points",
                    value=point.accuracy - theirs.value,
                    ci95=None
                    if interval is None
                    else less_stated(point.accuracy, interval, theirs),
                    paper=less,
                )
            )
        return (Block(title="the best after scaling and a large model", rows=tuple(rows)),)
    seed = made.question().seed_of_all
    shared = [name for name in large.table.problems if name in set(measured.table.problems)]
    pair = measured.table.restrict(models=best.models, problems=shared)
    one_draw = large.table.restrict(problems=shared).correct[0].mean(axis=1)
    won = winners(distribution(pair.klass, pair.correct, seed=seed), ranked(pair))
    gained = metrics.paired_difference(won.accuracy[:, point.k - 1], one_draw, seed=seed)
    name = large.table.models[0]
    rows += [
        Row(
            label=f"large model (the paper's: {figures.LARGE})",
            models=(name,),
            value=float(one_draw.mean()),
            ci95=metrics.bootstrap_mean(one_draw, seed=seed),
            paper=theirs,
            draws=1.0,
            tokens=large.tokens((name,), 1),
        ),
        Row(
            label=f"the best after scaling less {name}",
            unit="points",
            value=gained.difference,
            ci95=gained.ci95,
            paper=less,
        ),
    ]
    return (Block(title="the best after scaling and a large model", rows=tuple(rows)),)


def _title(made: Plan, number: int, one: Scaled | None) -> str:
    title = f"group {number}"
    if one is not None:
        title += f": {', '.join(one.models)}"
    return title + of_paper(made, number, None if one is None else one.models)


def _tokens(one: Scaled, point: Point) -> float | None:
    return None if one.tokens is None else point.k * one.tokens


def _row(label: str, one: Scaled, point: Point, paper: figures.Stated | None) -> Row:
    return Row(
        label=label,
        value=point.accuracy,
        ci95=point.ci95,
        paper=paper,
        draws=float(point.draws),
        tokens=_tokens(one, point),
        reason=point.reason,
    )


def _mux_less(made: Plan, number: int, forest: Point) -> Row:
    task = made.benchmark or ""
    mux = figures.table3(task, "mux", number, best=False)
    other = figures.table3(task, "agent_forest", number, best=False)
    return Row(
        label=f"mux less Agent Forest, k = {forest.k}",
        unit="points",
        value=forest.mux_minus,
        ci95=forest.mux_minus_ci95,
        paper=None if mux is None or other is None else figures.less(mux, other),
    )
