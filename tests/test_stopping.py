"""Settling is checked against every way in which the missing draws can end."""

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError, NoAnswerError
from slm_mux.stopping import Pair, Progress, settle
from slm_mux.types import Missing, Vote
from slm_mux.voting import decide, rank_by_record, vote

OUT = "out"
"""A draw that is not in yet; None is one that is in and unreadable."""
Row = tuple[str | None, ...]
ACCURACIES = (0.9, 0.8, 0.7)


def progress(row: Row) -> Progress:
    """Record the draws of a row that are in."""
    return Progress(len(row), {draw: key for draw, key in enumerate(row) if key != OUT})


@cache
def cast(model: int, row: tuple[str | Missing | None, ...], accuracy: float | None) -> Vote:
    """Count a complete row."""
    return vote(f"model {model}", row, validation_accuracy=accuracy)


def completions(rows: Sequence[Row]) -> Iterator[list[tuple[str | Missing | None, ...]]]:
    """Every way the missing draws can end, up to the names of new classes.

    Each can fail, fall into a class that any model has drawn, or into a new class, of which there
    are as many as there are missing draws.
    """
    seen = sorted({key for row in rows for key in row if key is not None} - {OUT})
    missing = sum(key == OUT for row in rows for key in row)

    def endings(left: int, new: int) -> Iterator[tuple[str | Missing, ...]]:
        if not left:
            yield ()
            return
        known = [*seen, *(f"new {i}" for i in range(new))]
        keys: list[str | Missing] = [*known, Missing.FAILED]
        for key in keys:
            yield from ((key, *rest) for rest in endings(left - 1, new))
        yield from ((f"new {new}", *rest) for rest in endings(left - 1, new + 1))

    for ending in endings(missing, 0):
        ends = iter(ending)
        yield [tuple(next(ends) if key == OUT else key for key in row) for row in rows]


def outcomes(
    rows: Sequence[Row], accuracies: Sequence[float | None] = ACCURACIES
) -> set[tuple[int, str] | None]:
    """(place in rank order, answer's key) of every completion; None is no answer at all.

    `rows` are in pool order.
    """
    places = rank_by_record(accuracies[: len(rows)])
    found: set[tuple[int, str] | None] = set()
    for completed in completions(rows):
        votes = [cast(i, row, accuracies[i]) for i, row in enumerate(completed)]
        try:
            decision = decide(votes)
        except NoAnswerError:
            found.add(None)
        else:
            place = places.index(int(decision.model.removeprefix("model ")))
            found.add((place, decision.canonical))
    return found


def check_against_every_completion(
    rows: Sequence[Row], accuracies: Sequence[float | None] = ACCURACIES
) -> None:
    """Demand equality of `settle` and brute force, in both directions."""
    ranked = [rows[i] for i in rank_by_record(accuracies[: len(rows)])]
    found = outcomes(rows, accuracies)
    answers = {outcome and outcome[1] for outcome in found}
    winners = {outcome and outcome[0] for outcome in found}
    settlement = settle([progress(row) for row in ranked])
    assert settlement.settled == (len(answers) == 1), rows
    if settlement.settled:
        assert {settlement.answer} == answers, rows
        assert settlement.winner == (winners.pop() if len(winners) == 1 else None), rows
    pairs = {(pair.model, pair.key) for pair in settlement.pairs}
    assert pairs == {
        (place, key if key in ranked[place] else None)
        for place, key in (outcome for outcome in found if outcome is not None)
    }, rows


def tables(ks: tuple[int, ...]) -> Iterator[list[Row]]:
    """Every table of draws with these k, up to the names of classes."""

    def cells(left: int, used: int) -> Iterator[tuple[str | None, ...]]:
        if not left:
            yield ()
            return
        for key in (OUT, None, *(f"class {i}" for i in range(used))):
            yield from ((key, *rest) for rest in cells(left - 1, used))
        yield from ((f"class {used}", *rest) for rest in cells(left - 1, used + 1))

    for flat in cells(sum(ks), 0):
        rest = iter(flat)
        yield [tuple(itertools.islice(rest, k)) for k in ks]


@pytest.mark.parametrize("ks", [(1,), (4,), (1, 2), (2, 2), (2, 3), (3, 2), (1, 1, 1), (1, 2, 2)])
def test_settling_equals_brute_force_on_every_small_table(ks: tuple[int, ...]) -> None:
    """A question is settled exactly when no completion of its draws changes the answer."""
    for rows in tables(ks):
        check_against_every_completion(rows)


@st.composite
def partial_tables(draw: st.DrawFn) -> list[Row]:
    """Up to three models of k <= 5 each, any subset of draws in, at most five of them missing."""
    ks = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    cells = [(i, j) for i, k in enumerate(ks) for j in range(k)]
    out = draw(st.sets(st.sampled_from(cells), max_size=min(5, len(cells))))
    palettes: list[list[str | None]] = [[None, "A"], ["A", "B"], [None, "A", "B"], [None, *"ABCD"]]
    kinds = draw(st.sampled_from(palettes))
    return [
        tuple(OUT if (i, j) in out else draw(st.sampled_from(kinds)) for j in range(k))
        for i, k in enumerate(ks)
    ]


@settings(max_examples=250, deadline=None)
@given(
    partial_tables(),
    st.lists(st.sampled_from([None, 0.0, 0.5, 0.9]), min_size=3, max_size=3),
)
def test_settling_equals_brute_force(rows: list[Row], accuracies: list[float | None]) -> None:
    """With unequal k and any subset of draws in, settling is never unsound and never late."""
    check_against_every_completion(rows, accuracies)


@settings(max_examples=150, deadline=None)
@given(partial_tables())
def test_bounds_of_the_confidence_are_reached(rows: list[Row]) -> None:
    """The least and the greatest confidence over all completions are the bounds."""
    row = rows[0]
    k = len(row)
    ends = [
        Fraction(candidate.count if (candidate := cast(0, completed[0], None).candidate) else 0, k)
        for completed in completions([row])
    ]
    model = progress(row)
    assert (Fraction(model.least, k), Fraction(model.most, k)) == (min(ends), max(ends))


@given(
    st.lists(st.sampled_from([None, "A", "B", "C"]), min_size=1, max_size=9),
    st.randoms(use_true_random=False),
)
def test_recording_does_not_depend_on_the_order_of_arrival(
    row: list[str | None], random: Random
) -> None:
    """Draws recorded in any order leave the same candidate and counts as in draw order."""
    order = list(range(len(row)))
    random.shuffle(order)
    shuffled = Progress(len(row))
    for draw in order:
        shuffled.record(draw, row[draw])
    candidate = vote("model", row).candidate
    assert shuffled.candidate == (candidate and candidate.canonical)
    assert shuffled.least == shuffled.most == (candidate.count if candidate else 0)
    assert (shuffled.remaining, shuffled.missing) == (0, ())


@given(
    st.lists(
        st.lists(st.sampled_from([None, "A", "B", "C"]), min_size=1, max_size=6),
        min_size=1,
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_eager_gives_the_answer_of_all_draws_in_any_order_of_arrival(
    rows: list[list[str | None]], random: Random
) -> None:
    """Once settled, the answer is that of all draws, and stays settled as the others come in."""
    answer = settle([progress(tuple(row)) for row in rows]).answer
    models = [Progress(len(row)) for row in rows]
    arrivals = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    random.shuffle(arrivals)
    settled = False
    for model, draw in arrivals:
        models[model].record(draw, rows[model][draw])
        now = settle(models)
        assert now.settled or not settled
        settled = now.settled
        if settled:
            assert now.answer == answer
    assert settled


def test_the_best_record_unanimous_settles_alone() -> None:
    """A model with the best record that agrees k of k times settles a question alone."""
    settlement = settle([progress(("7", "7", "7")), progress((OUT,) * 3), progress((OUT,) * 3)])
    assert (settlement.settled, settlement.answer, settlement.winner) == (True, "7", 0)
    assert settlement.pairs == (Pair(0, "7", 3),)


def test_a_lesser_record_unanimous_waits_for_the_better_one() -> None:
    """A unanimous model does not settle it while a better ranked one may still be unanimous."""
    assert not settle([progress((OUT,) * 3), progress(("7", "7", "7"))]).settled
    settlement = settle([progress((None, OUT, OUT)), progress(("7", "7", "7"))])
    assert (settlement.answer, settlement.winner) == ("7", 1)


def test_a_tie_is_settled_by_rank() -> None:
    """Two models that end level are decided by rank, in either order."""
    two_thirds, rival = progress(("A", "B", "A")), progress(("B", None, "B"))
    assert settle([two_thirds, rival]).answer == "A"
    assert settle([rival, two_thirds]).answer == "B"


def test_a_new_class_keeps_a_question_open() -> None:
    """One answer each does not settle it, however alike, while a new class could outnumber them."""
    settlement = settle([progress(("A", OUT, OUT)), progress(("A", OUT, OUT))])
    assert not settlement.settled
    assert Pair(0, None, 2) in settle([progress(("A", OUT, OUT))]).pairs


def test_a_class_that_draws_level_from_a_lower_index_counts() -> None:
    """A missing low index can still win a tie inside a model; a missing high one cannot."""
    assert not settle([progress((OUT, "A"))]).settled
    assert settle([progress(("A", OUT))]).answer == "A"


def test_the_answer_may_be_settled_while_the_winner_is_open() -> None:
    """Two models with one answer settle it before it is known which of them wins."""
    settlement = settle([progress(("A", "A", OUT)), progress(("A", "A", "A"))])
    assert (settlement.settled, settlement.answer, settlement.winner) == (True, "A", None)
    assert settlement.pairs == (Pair(0, "A", 3), Pair(1, "A", 3))


def test_unequal_k_is_compared_as_fractions() -> None:
    """2 of 3 beats 3 of 5, and equals 4 of 6."""
    three, five = progress(("A", "A", None)), progress(("B", "B", "B", None, None))
    assert settle([five, three]).answer == "A"
    six = progress(("B",) * 4 + (None,) * 2)
    assert settle([six, three]).answer == "B"
    assert settle([three, six]).answer == "A"


def test_nothing_readable_is_settled_without_an_answer() -> None:
    """With all draws in and none readable there is nothing to wait for, and no answer."""
    settlement = settle([progress((None, None)), progress((None,))])
    assert (settlement.settled, settlement.answer, settlement.winner) == (True, None, None)
    assert settlement.pairs == ()
    assert not settle([progress((None, None)), progress((OUT,))]).settled


def test_bounds_of_a_partly_drawn_model() -> None:
    """Unreadable draws lower the upper bound; missing ones keep it open."""
    model = progress(("A", None, OUT, "A", OUT))
    assert (model.least, model.most) == (2, 4)
    assert (model.k, model.remaining, model.missing) == (5, 2, (2, 4))
    assert dict(model.drawn) == {0: "A", 1: None, 3: "A"}


def test_a_copy_is_independent() -> None:
    """What is recorded in a copy does not reach the original."""
    model = progress(("A", OUT, OUT))
    twin = model.copy()
    twin.record_next(["B", "B"])
    assert (model.remaining, model.candidate) == (2, "A")
    assert (twin.remaining, twin.candidate) == (0, "B")


def test_impossible_draws_are_refused() -> None:
    """A draw twice, an index outside 0 .. k - 1, one draw too many, and k = 0 are errors."""
    model = Progress(1, {0: "A"})
    with pytest.raises(InvalidRequestError, match="draw 0 is already in"):
        model.record(0, "A")
    with pytest.raises(InvalidRequestError, match="not one of the 1 draws"):
        model.record(-1, None)
    with pytest.raises(InvalidRequestError, match="not one of the 1 draws"):
        model.record_next(["A"])
    with pytest.raises(InvalidRequestError, match="at least one draw"):
        Progress(0)
