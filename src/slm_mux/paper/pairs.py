"""Table 2: the pairs that the search chose, beside the best single model of each.

Also whose figures the paper's are, wherever it is about its own two pairs.
"""

from collections.abc import Mapping

from slm_mux import metrics
from slm_mux.paper import figures
from slm_mux.paper.planning import Plan
from slm_mux.paper.sections import Block, Row
from slm_mux.paper.tables import Sampled
from slm_mux.selection import Standings
from slm_mux.voting import rank_by_record

MISSING = "there is one pair to choose, so no second one"
"""Why a second group has no figures."""


def of_paper(made: Plan, number: int, pair: tuple[str, ...] | None) -> str:
    """Say in brackets which pair the paper's figures are of; nothing where it is this one.

    Args:
        made: the plan.
        number: of the group.
        pair: ours; None: there is none.
    """
    if made.benchmark is None:
        return ""
    theirs = figures.PAIRS[made.benchmark][number - 1]
    return (
        "" if pair is not None and set(pair) == set(theirs) else f" (the paper: {_named(theirs)})"
    )


def other_pairs(made: Plan, groups: Mapping[int, tuple[str, ...]]) -> list[str]:
    """Say which pairs of the paper's own models the search chose otherwise than the paper's.

    Args:
        made: the plan.
        groups: ours, by number.

    Returns:
        Sentences; none where the pool has a model that is not the paper's: its title is enough.
    """
    if made.benchmark is None or not {one.name for one in made.pool} <= figures.NAMES.keys():
        return []
    return [
        f"group {number}: the search chose {_named(pair)} here and {_named(theirs)} in the paper, "
        "so the paper's figures are of another pair than ours"
        for number, pair in groups.items()
        if set(pair) != set(theirs := figures.PAIRS[made.benchmark][number - 1])
    ]


def _named(pair: tuple[str, ...]) -> str:
    return ", ".join(figures.NAMES[name] for name in pair)


def table2(
    made: Plan, measured: Sampled, groups: Mapping[int, tuple[str, ...]]
) -> tuple[Block, ...]:
    """One block for each pair: single, composed, and what composing gains.

    The single model is the one of the pair that is best on validation; its accuracy is that of one
    draw, the mean over its draws. The interval of the pair is Wilson's, the others are by
    resampling problems, the gain's paired.

    Args:
        made: the plan.
        measured: samples of the pairs' members.
        groups: pairs by number, chosen on other problems.
    """
    table, task = measured.table, made.benchmark or ""
    standings, seed = Standings.of(table), made.question().seed_of_all
    order = rank_by_record(table.validation_accuracy)
    blocks = []
    for number in (1, 2):
        papers = (
            figures.table2(task, number, composed=False),
            figures.table2(task, number, composed=True),
        )
        gain = None if None in papers else figures.less(papers[1], papers[0])  # type: ignore[arg-type]
        title = f"group {number}{of_paper(made, number, groups.get(number))}"
        if (pair := groups.get(number)) is None:
            labels = ("best single model", "composed", "gain")
            rows = tuple(
                Row(label=label, paper=paper, reason=MISSING)
                for label, paper in zip(labels, (*papers, gain), strict=True)
            )
            blocks.append(Block(title=title, rows=rows if made.benchmark else rows[:1]))
            continue
        places = [table.models.index(name) for name in pair]
        best = next(m for m in order if m in places)
        alone = table.correct[best].mean(axis=1)
        both = standings.correct(places)
        gained = metrics.paired_difference(both, alone, seed=seed)
        rows = (
            Row(
                label="best single model",
                models=(table.models[best],),
                value=float(alone.mean()),
                ci95=metrics.bootstrap_mean(alone, seed=seed),
                paper=papers[0],
                draws=1.0,
                tokens=measured.tokens((table.models[best],), 1),
            ),
            Row(
                label="composed",
                models=pair,
                value=float(both.mean()),
                ci95=metrics.wilson(int(both.sum()), len(both)),
                paper=papers[1],
                draws=float(len(pair) * measured.k),
                tokens=measured.tokens(pair, measured.k),
            ),
            Row(
                label="gain",
                unit="points",
                value=gained.difference,
                ci95=gained.ci95,
                paper=gain,
            ),
        )
        blocks.append(Block(title=title, rows=rows))
    return tuple(blocks)
