"""Confidence against correctness."""

import numpy as np
import pytest
from hypothesis import given, settings

from slm_mux.scaling import (
    Reliability,
    distribution,
    model_reliability,
    mux_reliability,
    ranked,
    winners,
)
from slm_mux.table import VoteTable
from tests.scaling.making import choices, made, mux_once, tables


def of_mux(table: VoteTable) -> tuple[Reliability, ...]:
    found = distribution(table.klass, table.correct)
    return mux_reliability(found, winners(found, ranked(table)))


def test_a_model_by_hand() -> None:
    """Two sure and right, one sure and wrong, one unsure and wrong, one silent."""
    table = made({"m": ["AA", "BB", "cc", "ab", ".."]})
    found = model_reliability(distribution(table.klass, table.correct), 0)[1]
    levels = [(level.confidence, level.problems, level.accuracy) for level in found.levels]
    assert levels == [(0.5, 1.0, 0.0), (1.0, 3.0, pytest.approx(2 / 3))]
    assert (found.k, found.with_candidate, found.without_candidate) == (2, 4.0, 1.0)
    # (1 * 1/2 + 3 * 1/3) / 4
    assert found.expected_calibration_error == pytest.approx(3 / 8)
    assert found.correlation == pytest.approx(
        np.corrcoef([1, 1, 1, 0.5], [1, 1, 0, 0])[0, 1], abs=1e-12
    )


@pytest.mark.parametrize(
    "problems", [["AA", "AA", "bb"], ["AA", "Ab"], ["aa", "ab"], ["AA"], [".A"]]
)
def test_what_is_constant_has_no_correlation(problems: list[str]) -> None:
    """Equal confidence everywhere, or nothing but right, or nothing but wrong: None."""
    table = made({"m": problems})
    assert model_reliability(distribution(table.klass, table.correct), 0)[1].correlation is None


def test_without_answers_there_is_nothing_to_calibrate() -> None:
    """A silent model has no levels, and no figures."""
    table = made({"m": ["..", "!."]})
    found = model_reliability(distribution(table.klass, table.correct), 0)
    assert [(one.levels, one.with_candidate, one.without_candidate) for one in found] == [
        ((), 0.0, 2.0),
        ((), 0.0, 2.0),
    ]
    assert [(one.expected_calibration_error, one.correlation) for one in found] == [
        (None, None)
    ] * 2


@given(tables())
@settings(max_examples=60, deadline=None)
def test_mux_is_as_sure_as_over_all_combinations(table: VoteTable) -> None:
    """Levels, weights and the correlation are those of every combination of draws together."""
    for one in of_mux(table):
        every = choices(table, one.k)
        total = len(table.problems)
        outcomes = [mux_once(table, q, chosen) for chosen in every for q in range(total)]
        decided = [(count, right) for _, count, right in filter(None, outcomes)]
        assert one.with_candidate == pytest.approx(len(decided) / len(every), abs=1e-9)
        assert one.without_candidate == pytest.approx(total - len(decided) / len(every), abs=1e-9)
        for level in one.levels:
            here = [right for count, right in decided if count / one.k == level.confidence]
            assert level.problems == pytest.approx(len(here) / len(every), abs=1e-9)
            assert level.accuracy == pytest.approx(sum(here) / len(here), abs=1e-9)
        assert len(one.levels) == len({count for count, _ in decided})
        if len(one.levels) < 2 or len({right for _, right in decided}) < 2:
            assert one.correlation is None
        else:
            expected = np.corrcoef(np.array(decided, dtype=float).T)[0, 1]
            assert one.correlation == pytest.approx(expected, abs=1e-9)
