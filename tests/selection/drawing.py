"""Vote tables drawn for tests of selection, and Algorithm 1 on them one problem at a time."""

from collections.abc import Sequence
from itertools import combinations

from hypothesis import strategies as st

from slm_mux.errors import NoAnswerError
from slm_mux.selection import Subset
from slm_mux.table import VoteTable
from slm_mux.types import Missing
from slm_mux.voting import decide
from tests.tables import table_of

RECORDS = (None, 0.0, 0.5, 0.5, 1.0)


@st.composite
def tables(
    draw: st.DrawFn,
    *,
    least: int = 1,
    models: int = 4,
    problems: int = 4,
    draws: int = 3,
    equal: bool = False,
) -> VoteTable:
    """Some models on some problems, at least one of them scored; "A" is right.

    Args:
        draw: of hypothesis.
        least: the fewest models.
        models: the most models.
        problems: the most problems.
        draws: the most draws of a model.
        equal: whether all models have as many draws.
    """
    total = draw(st.integers(1, problems))
    k = draw(st.integers(1, draws))
    drawn = {}
    for m in range(draw(st.integers(least, models))):
        size = k if equal else draw(st.integers(1, draws))
        answers = st.sampled_from(["A", "A", "B", "C", None, Missing.FAILED])
        row = st.lists(answers, min_size=size, max_size=size)
        drawn[f"m{m}"] = draw(st.lists(row, min_size=total, max_size=total))
    targets = draw(st.lists(st.sampled_from(["A", "A", None]), min_size=total, max_size=total))
    if not any(targets):
        targets[-1] = "A"
    records = draw(st.lists(st.sampled_from(RECORDS), min_size=len(drawn), max_size=len(drawn)))
    return table_of(drawn, targets, records=records)


def every_subset(models: int, largest: int, *, least: int = 1) -> list[Subset]:
    """All subsets, with fewer models first, then in pool order."""
    return [s for size in range(least, largest + 1) for s in combinations(range(models), size)]


def outcomes(table: VoteTable, subset: Sequence[int], k: int | None = None) -> list[bool]:
    """Whether Algorithm 1 is correct with a subset, on each scored problem, by `voting.decide`."""
    chosen = [table.models[m] for m in subset]
    part = table.restrict(models=chosen, k=k)
    right = []
    for p in range(len(part.problems)):
        if not part.scored[p]:
            continue
        try:
            decision = decide(part.votes(p))
        except NoAnswerError:
            right.append(False)
            continue
        winner = next(vote for vote in decision.votes if vote.model == decision.model)
        m = part.models.index(winner.model)
        right.append(bool(part.correct[m, p, winner.counts[0].first_draw]))
    return right
