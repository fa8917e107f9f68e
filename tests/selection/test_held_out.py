"""What a chosen subset is worth on other problems, by itself and beside other choices."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.selection import (
    CRITERIA,
    Subset,
    against_peers,
    choose,
    compare_criteria,
    error_correlation,
    gain,
)
from slm_mux.selection.peers import _others
from slm_mux.table import VoteTable
from slm_mux.voting import rank_by_record
from tests.selection.drawing import every_subset, outcomes, tables
from tests.tables import table_of

few = settings(max_examples=30, deadline=None)


def subset_of(data: st.DataObject, table: VoteTable, *, less: int = 0) -> Subset:
    models = len(table.models)
    return data.draw(st.sampled_from(every_subset(models, models - less)))


@few
@given(tables(), st.data())
def test_the_gain_is_that_of_voting(table: VoteTable, data: st.DataObject) -> None:
    """Accuracies, differences and discordant problems are those of one problem at a time."""
    subset = subset_of(data, table)
    if all(record is None for record in table.validation_accuracy):
        table = table.with_validation_accuracy([0.5] * len(table.models))
    found = gain(table, subset, seed=3, resamples=50)
    ours = np.asarray(outcomes(table, subset))
    best = rank_by_record(table.validation_accuracy)[0]
    vote = np.asarray(outcomes(table, [best]))
    draw = table.correct[best, table.scored, 0]
    assert (found.best, found.total) == (best, len(ours))
    assert found.accuracy == ours.mean()
    assert found.ci95 == metrics.wilson(int(ours.sum()), len(ours))
    for against, theirs in ((found.over_vote, vote), (found.over_draw, draw)):
        assert against.accuracy == theirs.mean()
        assert against.mcnemar == metrics.mcnemar(ours, theirs)
        expected = metrics.paired_difference(ours, theirs, seed=3, resamples=50)
        # NaN is not equal to itself, but there is no NaN: some problem is scored.
        assert against.difference == expected


def test_the_gain_by_hand() -> None:
    """Golden case: the better model is unsure where the other knows; together all is right."""
    drawn = {
        "good": [["A", "A"], ["A", "A"], ["B", "A"], ["C", "B"]],
        "other": [["C", "B"], ["B", "C"], ["A", "A"], ["A", "A"]],
    }
    table = table_of(drawn, ["A"] * 4, records=[0.8, 0.2])
    found = gain(table, [1, 0])
    assert (found.models, found.accuracy, found.best) == ((0, 1), 1.0, 0)
    assert (found.over_draw.accuracy, found.over_vote.accuracy) == (0.5, 0.5)
    assert found.over_vote.difference.difference == 0.5
    assert (found.over_vote.mcnemar.only_first, found.over_vote.mcnemar.p) == (2, 0.5)


@few
@given(tables(least=2), st.data(), st.integers(1, 8))
def test_peers_are_the_nearest_others(table: VoteTable, data: st.DataObject, peers: int) -> None:
    """With few subsets all others are ranked by how near their models' mean accuracy is."""
    subset = subset_of(data, table, less=1)
    found = against_peers(table, subset, peers=peers)
    alone = [np.mean(outcomes(table, [m])) for m in range(len(table.models))]
    own = np.mean([alone[m] for m in subset])
    others = [s for s in combinations(range(len(table.models)), len(subset)) if s != subset]
    near = sorted(others, key=lambda s: round(abs(np.mean([alone[m] for m in s]) - own), 12))
    chosen = [np.mean(outcomes(table, s)) for s in near[:peers]]
    ours = np.mean(outcomes(table, subset))
    assert (found.peers, found.of_all) == (len(chosen), True)
    assert (found.accuracy, found.mean_single) == (ours, pytest.approx(own))
    assert found.peers_accuracy == pytest.approx(np.mean(chosen))
    assert found.at_least_as_good == pytest.approx(np.mean([c >= ours for c in chosen]))


def test_peers_by_hand() -> None:
    """Golden case: two models that complete each other, among pairs that do not."""
    right, wrong = ["A", "A"], ["B", "C"]
    drawn = {
        "m0": [right, right, wrong, wrong],
        "m1": [wrong, wrong, right, right],
        "m2": [right, right, wrong, wrong],
        "m3": [wrong, wrong, wrong, wrong],
    }
    table = table_of(drawn, ["A"] * 4)
    found = against_peers(table, (0, 1), peers=2)
    # Three other pairs have no useless model: the nearest are (0, 2) and (1, 2).
    assert (found.accuracy, found.mean_single) == (1.0, 0.5)
    assert found.peers_mean_single == (0.5, 0.5)
    assert (found.peers_accuracy, found.at_least_as_good) == (0.75, 0.5)
    given_ones = against_peers(table, (0, 1), peers=1, singles=[0.5, 0.5, 0.9, 0.5])
    # By these records (0, 3) is the nearest, in pool order.
    assert (given_ones.peers_accuracy, given_ones.mean_single) == (0.5, 0.5)


def test_peers_are_drawn_where_there_are_many() -> None:
    """Different subsets of the size, never the subset itself, the same for a seed."""
    alone = np.full(10, 0.5)
    drawn = _others(alone, (0, 1, 2), 60, seed=1)
    rows = [tuple(row) for row in drawn.tolist()]
    assert len(set(rows)) == 60
    assert (0, 1, 2) not in rows
    assert all(0 <= a < b < c < 10 for a, b, c in rows)
    assert (drawn == _others(alone, (0, 1, 2), 60, seed=1)).all()
    assert (drawn != _others(alone, (0, 1, 2), 60, seed=2)).any()
    every = [s for s in combinations(range(10), 3) if s != (0, 1, 2)]
    assert [tuple(row) for row in _others(alone, (0, 1, 2), 119, seed=1).tolist()] == every


@pytest.mark.parametrize("subset", [(5, 8, 12), (0, 30, 59), (45, 50, 55)])
def test_drawn_peers_are_about_as_good(subset: Subset) -> None:
    """Weak, mixed or strong models: the drawn ones have on average nearly their mean accuracy."""
    alone = np.linspace(0.3, 0.8, 60)
    drawn = _others(alone, subset, 500, seed=1)
    assert len(drawn) == 500
    assert alone[drawn].mean() == pytest.approx(alone[list(subset)].mean(), abs=0.02)


def test_the_best_models_have_the_peers_there_are() -> None:
    """Nothing is as good as the best three of ten: worse ones come up, as many as are wanted."""
    alone = np.asarray([0.1] * 7 + [0.9] * 3)
    drawn = _others(alone, (7, 8, 9), 100, seed=1)
    rows = [tuple(row) for row in drawn.tolist()]
    assert len(set(rows)) == len(rows) == 100
    assert (7, 8, 9) not in rows


def test_peers_from_a_drawing() -> None:
    """With more subsets than are drawn the comparison says that not all could be peers."""
    rng = np.random.default_rng(8)
    answers = np.where(rng.random((9, 12)) < 0.5, "A", "B")
    drawn = {f"m{m}": [[a] for a in row] for m, row in enumerate(answers.tolist())}
    table = table_of(drawn, ["A"] * 12)
    found = against_peers(table, (0, 1, 2), peers=10, drawn=40, seed=4)
    assert (found.peers, found.of_all) == (10, False)
    assert found == against_peers(table, (0, 1, 2), peers=10, drawn=40, seed=4)
    low, high = found.peers_range
    assert low <= found.peers_accuracy <= high


def test_error_correlation_by_hand() -> None:
    """Golden case: alike, opposite, and a model that is never wrong; unscored problems left out."""
    drawn = {
        "m0": [["A"], ["B"], ["A"]],
        "m1": [["A"], ["B"], ["B"]],
        "m2": [["B"], ["A"], ["A"]],
        "m3": [["A"], ["A"], ["A"]],
    }
    found = error_correlation(table_of(drawn, ["A", "A", None]))
    assert found.models == ("m0", "m1", "m2", "m3")
    assert found.correlation[0] == (1.0, 1.0, -1.0, None)
    assert found.correlation[3] == (None,) * 4


@few
@given(tables(least=2, equal=True), st.data())
def test_criteria_are_compared_by_what_they_pick(table: VoteTable, data: st.DataObject) -> None:
    """Picks are those of `choose` on one table; accuracies those of voting on the other."""
    half = len(table.problems) // 2
    if not (table.scored[:half].any() and table.scored[half:].any()):
        half = 0
    one = table.restrict(problems=table.problems[:half] if half else None)
    other = table.restrict(problems=table.problems[half:])
    found = compare_criteria(one, other, max_models=3, resamples=20, seed=2)
    assert found.shared == (0 if half else len(table.problems))
    assert [pick.criterion for pick in found.picks] == list(CRITERIA)
    right = {}
    for pick in found.picks:
        choice = choose(one, pick.criterion, max_models=3)
        assert (pick.models, pick.value, pick.proven) == (choice.models, choice.value, True)
        right[pick.criterion] = np.asarray(outcomes(other, pick.models))
        assert pick.accuracy == right[pick.criterion].mean()
        assert pick.validation_accuracy == np.mean(outcomes(one, pick.models))
    for contrast in found.contrasts:
        first, second = right[contrast.first], right[contrast.second]
        assert contrast.difference == metrics.paired_difference(first, second, seed=2, resamples=20)
        assert contrast.mcnemar == metrics.mcnemar(first, second)
    assert len(found.contrasts) == 3


def test_what_cannot_be_compared() -> None:
    """Other models, unequal draws, no records, no others of the size: each says what is wrong."""
    one = table_of({"m0": [["A", "A"]], "m1": [["B", "A"]]}, ["A"])
    swapped = table_of({"m1": [["A", "A"]], "m0": [["B", "A"]]}, ["A"])
    fewer = table_of({"m0": [["A"]], "m1": [["B"]]}, ["A"], records=[0.5, None])
    unscored = table_of({"m0": [["A"]], "m1": [["B"]]}, [None], records=[0.5, None])
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: compare_criteria(one, swapped), "the models m0, m1, and toy m1, m0"),
        (lambda: compare_criteria(one, fewer), r"\[2, 2\] draws of each model, and toy \[1, 1\]"),
        (lambda: compare_criteria(one, one, criteria=[]), "at least one criterion"),
        (lambda: compare_criteria(one, one, criteria=["accuracy"] * 2), "each once"),
        (lambda: gain(one, [0]), "no model has a validation accuracy"),
        (lambda: gain(unscored, [0]), "none of the 1 problems is scored"),
        (lambda: gain(fewer, []), "at least one model"),
        (lambda: gain(fewer, [0, 0]), r"\[0, 0\] are not positions"),
        (lambda: gain(fewer, [2]), "in a pool of 2"),
        (lambda: against_peers(one, [0, 1]), "no other one of its size"),
        (lambda: against_peers(one, [0], peers=0), "0 peers of 2000"),
        (lambda: against_peers(one, [0], peers=3, drawn=2), "3 peers of 2"),
        (lambda: against_peers(one, [0], singles=[0.5]), "each of the 2 models"),
        (lambda: against_peers(one, [0], singles=[0.5, float("nan")]), "each of the 2 models"),
        (lambda: error_correlation(unscored), "none of the 1 problems is scored"),
    ]
    for refused, said in refusals:
        with pytest.raises(InvalidRequestError, match=said):
            refused()
    assert compare_criteria(one, fewer, k=1).total == 1
    assert gain(fewer, [1]).best == 0
