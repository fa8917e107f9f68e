"""Vote tables for the studies, written as strings.

A letter is a draw's class, and a capital says that the draw is correct; "." is unreadable, "!"
failed, "-" not drawn.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, product

from hypothesis import strategies as st

from slm_mux.errors import NoAnswerError
from slm_mux.table import VoteTable, build_table
from slm_mux.types import Answer, Missing, Vote
from slm_mux.voting import decide, rank_by_record, vote
from tests.tables import problem

Drawn = Answer | Missing | None

_NO_ANSWER: dict[str, Missing | None] = {
    ".": None,
    "!": Missing.FAILED,
    "-": Missing.NOT_DRAWN,
}


def read(sign: str) -> Drawn:
    return _NO_ANSWER[sign] if sign in _NO_ANSWER else Answer(sign.lower(), sign.lower())


def made(
    drawn: Mapping[str, Sequence[str]],
    *,
    records: Sequence[float | None] | None = None,
    unscored: Sequence[int] = (),
    tokens: float | None = 10.0,
) -> VoteTable:
    """Make a table; `drawn` has a string of draws for each model and problem."""
    total = len(next(iter(drawn.values()), ()))
    rows = [
        (m, p, d, read(sign), sign.isupper(), tokens, tokens)
        for m, strings in enumerate(drawn.values())
        for p, string in enumerate(strings)
        for d, sign in enumerate(string)
    ]
    return build_table(
        "made",
        [problem(f"q{p}") for p in range(total)],
        list(drawn),
        rows,
        scored=[p not in unscored for p in range(total)],
        validation_accuracy=records,
    )


@st.composite
def tables(
    draw: st.DrawFn, *, models: int = 3, problems: int = 2, draws: int = 4, signs: str = "AaBbc.!"
) -> VoteTable:
    """Small tables with ties everywhere, and verdicts that differ within a class."""
    many = draw(st.integers(1, models))
    total = draw(st.integers(1, problems))
    n = draw(st.integers(1, draws))
    string = st.text(st.sampled_from(signs), min_size=n, max_size=n)
    rows = draw(
        st.lists(st.lists(string, min_size=total, max_size=total), min_size=many, max_size=many)
    )
    records = draw(st.lists(st.sampled_from([None, 0.4, 0.6]), min_size=many, max_size=many))
    return made({f"m{m}": row for m, row in enumerate(rows)}, records=records)


def choices(table: VoteTable, k: int) -> list[tuple[tuple[int, ...], ...]]:
    """Every way to give each model k of its draws."""
    return list(product(*(combinations(range(n), k) for n in table.k)))


def counted(table: VoteTable, m: int, q: int, chosen: Sequence[int]) -> Vote:
    drawn = table.drawn(m, q)
    return vote(
        table.models[m],
        [drawn[d] for d in chosen],
        validation_accuracy=table.validation_accuracy[m],
    )


def mux_once(
    table: VoteTable, q: int, chosen: Sequence[Sequence[int]]
) -> tuple[str, int, bool] | None:
    """Decide with the real rules: the winner, its count, and whether it is right."""
    try:
        decision = decide([counted(table, m, q, draws) for m, draws in enumerate(chosen)])
    except NoAnswerError:
        return None
    m = table.models.index(decision.model)
    best = decision.votes[m].counts[0]
    return decision.model, best.count, bool(table.correct[m, q, chosen[m][best.first_draw]])


def forest_once(table: VoteTable, q: int, chosen: Sequence[Sequence[int]]) -> bool:
    """Decide by the pooled vote, in Agent Forest's order."""
    order = rank_by_record(table.validation_accuracy)
    pool = [(m, chosen[m][place]) for place in range(len(chosen[0])) for m in order]
    try:
        decision = decide([vote("pool", [table.drawn(m, q)[d] for m, d in pool])])
    except NoAnswerError:
        return False
    m, d = pool[decision.votes[0].counts[0].first_draw]
    return bool(table.correct[m, q, d])
