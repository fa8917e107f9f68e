"""Agent Forest over choices of draws, against deciding every combination."""

import numpy as np
import pytest
from hypothesis import given, settings

from slm_mux.scaling import agent_forest, distribution, ranked
from slm_mux.table import VoteTable
from tests.scaling.making import choices, forest_once, made, tables


def by_hand(table: VoteTable, k: int) -> list[float]:
    every = choices(table, k)
    return [
        sum(forest_once(table, q, chosen) for chosen in every) / len(every)
        for q in range(len(table.problems))
    ]


@given(tables())
@settings(max_examples=80, deadline=None)
def test_pooled_votes_are_those_of_all_combinations(table: VoteTable) -> None:
    """Enumerated accuracies are those of pooling every combination of draws, ties included."""
    found = agent_forest(table.klass, table.correct, ranked(table))
    assert set(found.by_trial) == {0}
    for k in range(1, table.k[0] + 1):
        assert found.accuracy[:, k - 1] == pytest.approx(by_hand(table, k), abs=1e-12)


@given(tables(models=2, problems=1, signs="AaAab."))
@settings(max_examples=150, deadline=None)
def test_merged_outcomes_are_as_good_as_all_combinations(table: VoteTable) -> None:
    """Where only different outcomes are enumerated, the result is that of every combination."""
    found = agent_forest(table.klass, table.correct, ranked(table), combinations=8)
    for k in range(1, table.k[0] + 1):
        if found.by_trial[k - 1] == 0:
            assert found.accuracy[:, k - 1] == pytest.approx(by_hand(table, k), abs=1e-12)


def test_outcomes_with_different_verdicts_are_different() -> None:
    """Nine draws of one class, every other one correct: right as often as the first one is."""
    table = made({"m": ["AaAaAaAaA"]})
    found = agent_forest(table.klass, table.correct, [0], combinations=20)
    assert found.by_trial == (0,) * 9
    expected = distribution(table.klass, table.correct).accuracy[0]
    assert found.accuracy == pytest.approx(expected, abs=1e-12)


def test_trials_come_close_and_are_counted() -> None:
    """Where outcomes are too many, seeded trials stand for them, and each such problem is said."""
    table = made(
        {"a": ["AbcdAb", "AAAAAA", "AbcdAb"], "b": ["bAcAdb", "AAAAAA", "bAcAdb"]},
        records=[0.5, 0.6],
    )
    order = ranked(table)
    tried = agent_forest(table.klass, table.correct, order, combinations=100, seed=3)
    again = agent_forest(table.klass, table.correct, order, combinations=100, seed=3)
    exact = agent_forest(table.klass, table.correct, order)
    assert (tried.accuracy == again.accuracy).all()
    # Unanimous models have one outcome; one and all draws have few.
    assert tried.by_trial == (0, 2, 2, 2, 0, 0)
    assert exact.by_trial == (0,) * 6
    assert tried.accuracy == pytest.approx(exact.accuracy, abs=0.2)
    assert tried.accuracy[1].tolist() == [1.0] * 6


def test_nine_different_answers_are_nine_outcomes() -> None:
    """Outcomes that differ in the last of nine classes or places are not taken for one."""
    table = made({"a": ["abcdefghI"], "b": ["iabcdefgH"]})
    assert [
        agent_forest(table.klass, table.correct, [0, 1]).accuracy[0, k - 1] for k in (1, 8)
    ] == (pytest.approx([by_hand(table, k)[0] for k in (1, 8)], abs=1e-12))


def test_more_than_nine_draws_are_not_merged() -> None:
    """With more draws every choice counts by itself, with the same result."""
    table = made({"a": ["AbAbAbAbAbb"], "b": ["bbbAAAbcccA"]})
    found = agent_forest(table.klass, table.correct, [0, 1])
    for k in (1, 10, 11):
        assert found.accuracy[:, k - 1] == pytest.approx(by_hand(table, k), abs=1e-12)
    assert [found.by_trial[k - 1] for k in (1, 5, 10, 11)] == [0, 1, 0, 0]


def test_large_tables_are_worked_off_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not depend on how many problems are worked on at once."""
    table = made({"a": ["AAbB", "cAAb", "...A"], "b": ["bbbb", "AbAb", "...A"]})
    whole = agent_forest(table.klass, table.correct, [0, 1])
    monkeypatch.setattr("slm_mux.scaling.pooling._CELLS", 1)
    parts = agent_forest(table.klass, table.correct, [0, 1])
    assert np.array_equal(whole.accuracy, parts.accuracy)
    assert whole.by_trial == parts.by_trial
