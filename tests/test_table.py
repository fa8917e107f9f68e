"""The vote table: built in any order, counted as voting counts, cut without loss."""

import random
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.table import FAILED, NOT_DRAWN, UNREADABLE, Record, VoteTable, build_table
from slm_mux.types import Answer, Missing
from slm_mux.voting import vote
from tests.tables import problem, table_of

answers = st.sampled_from(["A", "B", "C", None, Missing.FAILED, Missing.NOT_DRAWN])
draws = st.lists(answers, min_size=1, max_size=6)


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, Any], VoteTable]:
    """Some models with unequal k on some problems; "A" is right."""
    problems = draw(st.integers(1, 4))
    drawn = {
        f"m{m}": draw(st.lists(draws, min_size=problems, max_size=problems))
        for m in range(draw(st.integers(1, 3)))
    }
    return drawn, table_of(drawn, ["A"] * problems)


@given(tables())
def test_votes_are_those_of_voting(made: tuple[dict[str, Any], VoteTable]) -> None:
    """The table's votes equal `voting.vote` on the draws, each model padded to its k."""
    drawn, table = made
    for p in range(len(table.problems)):
        expected = []
        for (name, rows), k in zip(drawn.items(), table.k, strict=True):
            padded = list(rows[p]) + [Missing.NOT_DRAWN] * (k - len(rows[p]))
            expected.append(vote(name, padded))
        assert table.votes(p) == expected


@given(tables(), st.data())
def test_candidates_are_those_of_voting(
    made: tuple[dict[str, Any], VoteTable], data: st.DataObject
) -> None:
    """Candidates found at once equal those of `voting.vote`, for any first draws."""
    _, table = made
    use = [data.draw(st.integers(1, k)) for k in table.k]
    found = table.candidates(use)
    for p in range(len(table.problems)):
        for m, counted in enumerate(table.votes(p, use)):
            best = counted.candidate
            if best is None:
                assert (found.klass[m, p], found.count[m, p], found.draw[m, p]) == (-1, 0, -1)
                assert not found.correct[m, p]
            else:
                written = table.answers[p][found.klass[m, p]]
                assert (written.key, found.count[m, p]) == (best.canonical, best.count)
                assert found.draw[m, p] == best.first_draw
                assert found.correct[m, p] == (best.canonical == "A")


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(
    made: tuple[dict[str, Any], VoteTable], order: random.Random
) -> None:
    """Shuffled records give the same table, class numbers included."""
    drawn, table = made
    rows = [
        Record(m, p, d, Answer(a, a) if isinstance(a, str) else a, a == "A")
        for m, rows in enumerate(drawn.values())
        for p, each in enumerate(rows)
        for d, a in enumerate(each)
    ]
    order.shuffle(rows)
    problems = [problem(name) for name in table.problems]
    again = build_table("toy", problems, table.models, rows)
    assert np.array_equal(again.klass, table.klass)
    assert np.array_equal(again.correct, table.correct)
    assert again.answers == table.answers


def test_the_paper_s_worked_example() -> None:
    """A, A, B; A, B, B; A, B, C: candidates A, B, A with 2, 2 and 1 of 3 draws."""
    table = table_of({"SLM 1": ["AAB"], "SLM 2": ["ABB"], "SLM 3": ["ABC"]}, ["A"])
    found = table.candidates()
    assert table.klass[:, 0].tolist() == [[0, 0, 1], [0, 1, 1], [0, 1, 2]]
    assert [table.answers[0][c].key for c in found.klass[:, 0]] == ["A", "B", "A"]
    assert found.count[:, 0].tolist() == [2, 2, 1]
    assert found.correct[:, 0].tolist() == [True, False, True]
    assert table.accuracies() == (1.0, 0.0, 1.0)


def test_values_that_are_no_class() -> None:
    """Unreadable, failed and not drawn have their own numbers; the rest of D is not drawn."""
    table = table_of({"a": [[None, Missing.FAILED, "x"]], "b": [["x"]]}, ["x"], tokens=(10, None))
    assert table.klass.tolist() == [[[UNREADABLE, FAILED, 0]], [[0, NOT_DRAWN, NOT_DRAWN]]]
    assert (table.k, table.complete_draws(), table.common_draws) == ((3, 1), (3, 1), 1)
    assert np.isnan(table.tokens()[0, 0]).tolist() == [True, False, True]


def test_a_class_is_shown_as_written_at_its_lowest_draw() -> None:
    """Of one class the text at the lowest draw is kept, then that of the earlier model."""
    rows = [
        Record(0, 0, 0, Answer("3", "3"), False),
        Record(0, 0, 1, Answer("0.5", "1/2"), True),
        Record(1, 0, 0, Answer("1/2", "1/2"), False),
    ]
    table = build_table("t", [problem()], ["a", "b"], rows)
    assert table.answers == ((Answer("3", "3"), Answer("1/2", "1/2")),)


def test_draws_of_one_class_may_differ_in_verdict() -> None:
    """The candidate is as right as its lowest draw."""
    rows = [Record(0, 0, d, Answer("x", "x"), right) for d, right in enumerate([False, True])]
    table = build_table("t", [problem()], ["a"], rows)
    assert table.candidates().correct.tolist() == [[False]]
    assert table.consistently_wrong().tolist() == [[True]]
    assert table.correctness(at_least=1).tolist() == [[True]]


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (["B", "B"], True),
        (["B"], False),
        (["A", "A"], False),
        (["B", "C"], False),
        (["B", "B", None], False),
        (["B", "B", Missing.FAILED], False),
        ([None, None], False),
    ],
)
def test_consistently_wrong(drawn: list[Any], expected: bool) -> None:
    """At least two draws, all readable, one class, and wrong."""
    assert table_of({"m": [drawn]}, ["A"]).consistently_wrong().tolist() == [[expected]]


def test_unscored_problems_are_neither_right_nor_wrong() -> None:
    """Without a target, or with one verdict that is None, no draw of the problem is correct."""
    table = table_of({"m": ["AA", "BB", "AA"]}, ["A", None, "A"])
    assert table.scored.tolist() == [True, False, True]
    assert table.consistently_wrong().tolist() == [[False, False, False]]
    assert table.accuracies() == (1.0,)
    rows = [Record(0, 0, 0, Answer("A", "A"), True), Record(0, 0, 1, Answer("B", "B"), None)]
    torn = build_table("t", [problem()], ["m"], rows)
    assert (torn.scored.tolist(), bool(torn.correct.any())) == ([False], False)
    assert torn.accuracies() == (None,)
    unread = build_table("t", [problem()], ["m"], [Record(0, 0, 0, None)], scored=[False])
    assert unread.scored.tolist() == [False]


def test_missing_draws_are_refused_by_name() -> None:
    """What needs all draws says whose are missing, and how many."""
    table = table_of({"a": ["AA", "AA"], "b": ["AA", "A"]}, ["A", "A"])
    with pytest.raises(InvalidRequestError, match="b: 1 of 4 draws are missing.*'q2'"):
        table.require_complete()
    assert table.lacking((2, 1)) is None
    assert table.lacking((3, 1)) == "a: 3 draws are needed, and there are 2"
    assert table.complete_draws() == (2, 1)
    table.restrict(models=["a"]).require_complete()
    table.restrict(k=1).require_complete()


@settings(max_examples=50)
@given(tables(), st.data())
def test_a_part_counts_as_the_whole_does(
    made: tuple[dict[str, Any], VoteTable], data: st.DataObject
) -> None:
    """Restricting and then counting gives what counting and then picking gives."""
    _, table = made
    models = data.draw(st.lists(st.sampled_from(table.models), min_size=1, unique=True))
    problems = data.draw(st.lists(st.sampled_from(table.problems), min_size=1, unique=True))
    kept = [m for m, name in enumerate(table.models) if name in models]
    rows = [p for p, name in enumerate(table.problems) if name in problems]
    k = data.draw(st.integers(1, min(table.k[m] for m in kept)))
    part = table.restrict(models=models, problems=problems, k=k)
    use = [k if m in kept else 0 for m in range(len(table.models))]
    assert [part.votes(i) for i in range(len(rows))] == [table.votes(p, use) for p in rows]
    whole = table.candidates(use)
    assert np.array_equal(part.candidates().correct, whole.correct[np.ix_(kept, rows)])


def test_a_table_without_models_or_problems() -> None:
    """Nothing at all is a table too, and every aggregate of it is empty."""
    empty = build_table("t", [], [], [])
    assert (empty.klass.shape, empty.common_draws, empty.accuracies()) == ((0, 0, 0), 0, ())
    assert empty.candidates().correct.shape == (0, 0)
    empty.require_complete()
    bare = build_table("t", [], ["m"], [])
    assert (bare.klass.shape, bare.accuracies(), bare.complete_draws()) == (
        (1, 0, 1),
        (None,),
        (1,),
    )
    undrawn = build_table("t", [problem()], ["m"], [])
    assert (undrawn.k, undrawn.common_draws) == ((1,), 0)
    assert undrawn.restrict(models=[]).candidates().count.shape == (0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"records": [Record(0, 0, 0, None), Record(0, 0, 0, None)]}, "two records of draw 0"),
        ({"records": [Record(1, 0, 0, None)]}, "no model 1"),
        ({"records": [Record(0, 2, 0, None)]}, "problem 2"),
        ({"records": [Record(0, 0, -1, None)]}, "draw -1"),
        ({"models": ["m", "m"]}, "two models of the name 'm'"),
        ({"problems": [problem("q"), problem("q")]}, "two problems of the name 'q'"),
        ({"validation_accuracy": [float("nan")]}, "m: the validation accuracy is nan"),
        ({"validation_accuracy": [1.5]}, "m: the validation accuracy is 1.5"),
        ({"validation_accuracy": []}, "0 validation accuracies for 1 models"),
        ({"scored": [True, True]}, "`scored` has 2 values"),
    ],
)
def test_what_makes_no_table(change: dict[str, Any], message: str) -> None:
    """Doubles, places outside the table and impossible records are refused."""
    given_: dict[str, Any] = {"problems": [problem()], "models": ["m"], "records": []} | change
    with pytest.raises(InvalidRequestError, match=message):
        build_table("t", **given_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ["x"]}, "no model 'x'"),
        ({"problems": ["x"]}, "no problem 'x'"),
        ({"models": "a"}, "not the text 'a'"),
        ({"k": 0}, "k is 0"),
        ({"k": 3}, "k is 3, but must be in 1 .. 2"),
    ],
)
def test_what_is_no_part(change: dict[str, Any], message: str) -> None:
    """Unknown names and more draws than there are cannot be had."""
    with pytest.raises(InvalidRequestError, match=message):
        table_of({"a": ["AA"]}, ["A"]).restrict(**change)


def test_at_least_needs_a_draw() -> None:
    """At least no correct draw would make everything correct."""
    with pytest.raises(InvalidRequestError, match="1 or more"):
        table_of({"a": ["AA"]}, ["A"]).correctness(at_least=0)


def test_500_problems_5_models_9_draws_are_quick() -> None:
    """A table of 22,500 draws is built and counted in a fraction of a second of this process."""
    read = [Answer(str(c), str(c)) for c in range(7)]
    rows = [
        Record(m, p, d, read[(m * p + d * d) % 7], (m + p) % 2 == 0, 5, 5)
        for m in range(5)
        for p in range(500)
        for d in range(9)
    ]
    problems = [problem(f"q{p}") for p in range(500)]
    start = time.process_time()
    table = build_table("t", problems, list("abcde"), rows)
    built = time.process_time()
    table.candidates()
    assert built - start < 1.5
    assert time.process_time() - built < 0.3
