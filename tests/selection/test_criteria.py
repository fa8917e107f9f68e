"""Algorithm 1 for many subsets at once, focal diversity, and the best subset by each."""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slm_mux.errors import InvalidRequestError
from slm_mux.selection import (
    CRITERIA,
    Accuracy,
    FocalDiversity,
    Standings,
    Subset,
    best_by,
    choose,
    records_of,
    search,
)
from slm_mux.selection.deciding import all_subsets, as_subsets, parts
from slm_mux.table import VoteTable
from tests.selection.drawing import every_subset, outcomes, tables
from tests.tables import table_of

Bools = NDArray[np.bool_]


@st.composite
def corrects(draw: st.DrawFn, models: int = 5, problems: int = 6) -> Bools:
    """What at least two models are right about."""
    total = draw(st.integers(1, problems))
    row = st.lists(st.booleans(), min_size=total, max_size=total)
    return np.asarray(draw(st.lists(row, min_size=2, max_size=models)))


def focal_diversity(correct: Bools, subset: Subset) -> Fraction:
    """The written formula, one problem after the other."""
    n = len(subset)
    total = Fraction(0)
    for focal in subset:
        negative = [q for q in range(correct.shape[1]) if not correct[focal, q]]
        failing = [sum(not correct[m, q] for m in subset) for q in negative]
        if not failing:
            total += 1
            continue
        one = Fraction(sum(failing), n * len(failing))
        two = Fraction(sum(j * (j - 1) for j in failing), n * (n - 1) * len(failing))
        total += 1 - two / one
    return total / n


@settings(max_examples=40, deadline=None)
@given(tables())
def test_subsets_decide_as_voting_does(table: VoteTable) -> None:
    """Every subset is right on the problems where `voting.decide` is, with unequal k and ties."""
    standings = Standings.of(table)
    for subset in every_subset(len(table.models), len(table.models)):
        expected = outcomes(table, subset)
        assert standings.correct(subset).tolist() == expected
        accuracy = standings.accuracies(as_subsets([subset]))
        assert accuracy.tolist() == [sum(expected) / len(expected)]


@settings(max_examples=40, deadline=None)
@given(tables(equal=True), st.data())
def test_the_first_draws_decide(table: VoteTable, data: st.DataObject) -> None:
    """With k given, a subset decides as in a table that has no more draws."""
    k = data.draw(st.integers(1, table.k[0]))
    standings = Standings.of(table, k)
    for subset in every_subset(len(table.models), len(table.models)):
        assert standings.correct(subset).tolist() == outcomes(table, subset, k)


@settings(max_examples=40, deadline=None)
@given(tables(models=5), st.integers(1, 5))
def test_the_best_by_accuracy_is_that_of_brute_force(table: VoteTable, largest: int) -> None:
    """Accuracy by `voting.decide`; equal ones with fewer models first, then in pool order."""
    largest = min(largest, len(table.models))
    found = choose(table, "accuracy", max_models=largest)
    subsets = every_subset(len(table.models), largest)
    # max keeps the first of equal ones.
    best = max(subsets, key=lambda subset: sum(outcomes(table, subset)))
    expected = outcomes(table, best)
    assert (found.models, found.proven) == (best, True)
    assert found.value == sum(expected) / len(expected)
    for one in found.by_size:
        alike = [subset for subset in subsets if len(subset) == len(one.models)]
        assert one.models == max(alike, key=lambda subset: sum(outcomes(table, subset)))
    # sorted keeps the order of equal ones.
    ranked = sorted(subsets, key=lambda subset: -sum(outcomes(table, subset)))
    assert found.runners_up == tuple(
        (subset, sum(outcomes(table, subset)) / len(expected)) for subset in ranked[1:6]
    )


@settings(deadline=None)
@given(corrects())
def test_focal_diversity_is_the_written_formula(correct: Bools) -> None:
    """All subsets at once give what fractions give one at a time."""
    focal = FocalDiversity.of(correct)
    for size in range(2, len(correct) + 1):
        subsets = all_subsets(len(correct), size)
        expected = [float(focal_diversity(correct, tuple(s))) for s in subsets.tolist()]
        assert focal.values(subsets).tolist() == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(corrects(), st.integers(2, 5))
def test_the_most_diverse_is_that_of_brute_force(correct: Bools, largest: int) -> None:
    """Equal focal diversity: fewer models, then pool order."""
    largest = min(largest, len(correct))
    found = best_by(FocalDiversity.of(correct), max_models=largest)
    subsets = every_subset(len(correct), largest, least=2)
    assert found.models == max(subsets, key=lambda s: focal_diversity(correct, s))
    assert found.proven


def test_focal_diversity_by_hand() -> None:
    """Golden case: models wrong on {0, 1, 2}, {0, 3} and {0, 1}.

    On problems 0 to 3 fail 3, 2, 1 and 1 of them. The focal ones in turn: 1 - 8/12, 1 - 6/8 and
    1 - 8/10; the mean is 47/180.
    """
    correct = np.ones((3, 6), dtype=bool)
    correct[0, [0, 1, 2]] = correct[1, [0, 3]] = correct[2, [0, 1]] = False
    value = FocalDiversity.of(correct).values(as_subsets([(0, 1, 2)]))
    assert value[0] == pytest.approx(47 / 180)


def test_focal_diversity_at_its_ends() -> None:
    """0 for the same errors, 1 for errors that never meet; who is never wrong counts as diverse."""
    correct = np.asarray([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)
    values = FocalDiversity.of(correct).values(all_subsets(4, 2))
    found = dict(zip(combinations(range(4), 2), values.tolist(), strict=True))
    assert (found[(0, 1)], found[(0, 2)]) == (0.0, 1.0)
    assert found[(0, 3)] == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(tables(least=2, models=5), st.sampled_from(CRITERIA), st.integers(0, 12))
def test_without_a_proof_the_choice_is_a_subset(
    table: VoteTable, criterion: str, evaluations: int
) -> None:
    """Few evaluations: sizes that were not tried whole are not proven, and no better than best."""
    found = choose(table, criterion, max_models=4, evaluations=evaluations)
    exact = choose(table, criterion, max_models=4)
    for one, best in zip(found.by_size, exact.by_size, strict=True):
        assert len(one.models) == len(best.models)
        assert one.value <= best.value + 1e-12
        if one.proven:
            assert one == best
    if criterion != "objective":
        assert found.proven == (evaluations >= _count(criterion, len(table.models)))


def _count(criterion: str, models: int) -> int:
    return len(every_subset(models, min(4, models), least=2 if "focal" in criterion else 1))


@settings(max_examples=40, deadline=None)
@given(tables(equal=True), st.sampled_from([0.0, 0.1, 1.0, 2.5]))
def test_the_objective_is_that_of_the_search(table: VoteTable, penalty: float) -> None:
    """`choose` gives the best of `search` over the scored problems."""
    found = search(records_of(table, penalty=penalty))
    chosen = choose(table, penalty=penalty)
    assert (chosen.models, chosen.criterion) == (found.best, "objective")
    assert chosen.value == found.by_size[len(found.best) - 1].quality.objective
    assert records_of(table).problems == int(table.scored.sum())
    assert [subset for subset, _ in chosen.runners_up] == [other for other, _ in found.runners_up]


def test_correct_by_a_number_of_draws() -> None:
    """With `at_least`, so many draws have to be correct, whatever the candidate is."""
    table = table_of({"m0": [["A", "B", "B"], ["A", "A", "B"], ["B", "B", "B"]]}, ["A"] * 3)
    unions = [
        records_of(table, at_least=least).quality((0,)).union_accuracy for least in (None, 1, 2, 3)
    ]
    assert unions == [1 / 3, 2 / 3, 1 / 3, 0.0]
    assert choose(table, at_least=1).value == 2 / 3


def test_criteria_disagree() -> None:
    """Golden case: the most accurate subset is not the most diverse one.

    Model 0 is right on three of five problems, sure of itself. Models 1 and 2 are never wrong on
    the same problem, but waver where they are right.
    """
    sure, wavering, wrong = ["A", "A"], ["A", "B"], ["C", "C"]
    drawn = {
        "m0": [sure, wrong, sure, sure, wrong],
        "m1": [wrong, wrong, wavering, wavering, wavering],
        "m2": [wavering, wavering, wrong, wrong, wrong],
    }
    table = table_of(drawn, ["A"] * 5, records=[0.6, 0.6, 0.4])
    assert choose(table, "accuracy").models == (0,)
    assert choose(table, "focal-diversity").models == (1, 2)
    # 1 and 2 cover everything, and contradict each other everywhere.
    assert choose(table).models == (0,)
    assert choose(table, penalty=0).models == (1, 2)


def test_many_models_are_grown() -> None:
    """Thirty models, two sizes tried whole: the rest is found without a proof, and no worse."""
    rng = np.random.default_rng(5)
    focal = FocalDiversity.of(rng.random((30, 40)) < 0.6)
    found = best_by(focal, max_models=4, evaluations=1_000)
    assert [one.proven for one in found.by_size] == [True, False, False]
    assert best_by(focal, max_models=3).by_size[1].value >= found.by_size[1].value
    assert best_by(focal, max_models=3, evaluations=0).by_size[0].proven is False


def test_models_without_answers_lose() -> None:
    """A model that says nothing readable never wins; a subset of such models is wrong."""
    table = table_of({"m0": [[None]], "m1": [["A"]]}, ["A"], records=[1.0, 0.0])
    standings = Standings.of(table)
    assert standings.accuracies(all_subsets(2, 1)).tolist() == [0.0, 1.0]
    assert standings.correct((0, 1)).tolist() == [True]


def test_parts_cover_every_row_once() -> None:
    """However wide the rows are, each is in one part."""
    for rows, width in ((0, 5), (7, 0), (10, 1 << 19), (3, 1 << 30)):
        covered = [place for part in parts(rows, width) for place in range(rows)[part]]
        assert covered == list(range(rows))


def test_parts_do_not_change_values() -> None:
    """Many subsets of many problems are judged in parts as they are at once."""
    rng = np.random.default_rng(3)
    focal = FocalDiversity.of(rng.random((20, 3_000)) < 0.5)
    subsets = all_subsets(20, 3)
    one_by_one = [focal.values(subsets[i : i + 1])[0] for i in range(0, len(subsets), 97)]
    assert focal.values(subsets)[::97].tolist() == one_by_one


@pytest.mark.parametrize(
    ("targets", "said"),
    [([None, None], "none of the 2 problems is scored"), ([], "none of the 0 problems is scored")],
)
def test_nothing_to_choose_by(targets: list[str | None], said: str) -> None:
    """Without scored problems no criterion says anything."""
    table = table_of({"m0": [["A"]] * len(targets), "m1": [["B"]] * len(targets)}, targets)
    for criterion in CRITERIA:
        with pytest.raises(InvalidRequestError, match=said):
            choose(table, criterion)


def test_what_cannot_be_chosen() -> None:
    """One model, no models, missing draws, numbers out of range: each says what is wrong."""
    one = table_of({"m0": [["A"]]}, ["A"])
    two = table_of({"m0": [["A"], ["A"]], "m1": [["A", "A"], ["A"]]}, ["A", "A"])
    whole = table_of({"m0": [["A"]], "m1": [["A"]]}, ["A"])
    nothing = table_of({}, ["A"])
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: choose(one, "focal-diversity"), "the pool has 1"),
        (lambda: choose(nothing, "accuracy"), "no model to choose"),
        (lambda: choose(two), "m1: 1 of 4 draws are missing"),
        (lambda: choose(whole, k=2), "m0: 2 draws are needed, and there are 1"),
        (lambda: choose(whole, k=0), "k is 0"),
        (lambda: choose(whole, "luck"), "no criterion 'luck': use objective, accuracy, focal"),
        (lambda: choose(whole, penalty=-1), "penalty is -1"),
        (lambda: choose(whole, penalty=float("nan")), "penalty is nan"),
        (lambda: choose(whole, max_models=0), "max_models is 0"),
        (lambda: choose(whole, at_least=2), "at least 2 correct draws are wanted, but each model"),
        (lambda: choose(whole, at_least=0), "at least 0 correct draws"),
        (lambda: choose(whole, "accuracy", runners_up=-1), "runners_up is -1"),
        (lambda: choose(whole, "focal-diversity", max_models=1), "must be at least 2"),
        (lambda: choose(whole, "accuracy", evaluations=-1), "evaluations is -1"),
        (lambda: FocalDiversity.of(np.ones((2, 0), dtype=bool)), "no problems"),
        (lambda: FocalDiversity.of(np.ones(3, dtype=bool)), r"shape \(3,\)"),
        (lambda: FocalDiversity.of_table(whole).values(all_subsets(2, 1)), "of one model"),
    ]
    for refused, said in refusals:
        with pytest.raises(InvalidRequestError, match=said):
            refused()
    assert choose(one, "accuracy").models == (0,)
    assert Accuracy.of_table(one).models == 1
