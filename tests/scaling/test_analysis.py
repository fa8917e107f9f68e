"""The paper's explanation in numbers."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.scaling import (
    Resamples,
    distribution,
    majority_accuracy,
    question_types,
    ranked,
    readings,
    subset_curves,
)
from slm_mux.table import VoteTable
from tests.scaling.making import made, tables


def by_definition(draws: int, p: Fraction) -> Fraction:
    """The written sum, with half of the ties for even N."""
    total = Fraction(0)
    for j in range(draws + 1):
        term = comb(draws, j) * p**j * (1 - p) ** (draws - j)
        total += term if 2 * j > draws else term / 2 if 2 * j == draws else 0
    return total


@given(st.integers(1, 30), st.fractions(0, 1, max_denominator=20))
def test_a_is_the_written_sum(draws: int, p: Fraction) -> None:
    """A(N, p) is the sum over more than half of the draws, and half of the ties."""
    found = float(majority_accuracy(draws, float(p)))
    assert found == pytest.approx(float(by_definition(draws, p)), abs=1e-12)


@given(st.integers(1, 30), st.floats(0, 1))
def test_a_majority_helps_only_above_one_half(draws: int, p: float) -> None:
    """A(N, p) >= p from 1/2 on and <= p below, strictly inside for N >= 3; one draw gives p."""
    found = float(majority_accuracy(draws, p))
    assert float(majority_accuracy(1, p)) == p
    if draws >= 3 and 0.51 < p < 0.99:
        assert found > p
    if draws >= 3 and 0.01 < p < 0.49:
        assert found < p
    assert found + float(majority_accuracy(draws, 1 - p)) == pytest.approx(1, abs=1e-9)
    assert float(majority_accuracy(draws, np.array([0, 0.5, 1]))[1]) == pytest.approx(0.5)


@pytest.mark.parametrize(("draws", "p"), [(0, 0.5), (3, -0.1), (3, 1.1), (3, float("nan"))])
def test_what_is_no_probability(draws: int, p: float) -> None:
    """No draws, and what is outside [0, 1], are refused."""
    with pytest.raises(InvalidRequestError, match="majority of 0 draws|probability"):
        majority_accuracy(draws, p)


def test_readings_by_hand() -> None:
    """The readings take the largest, the mean, and the best single model's p on each problem."""
    table = made({"a": ["AAb", "bbb"], "b": ["AAA", "Abb"]}, records=[0.6, 0.4])
    found = distribution(table.klass, table.correct)
    curves = subset_curves(table, found, ranked(table), Resamples.draw(2, seed=0, resamples=10))
    last = readings(table, ranked(table), curves)[2]

    def a(*chances: float) -> object:
        return pytest.approx(np.mean([majority_accuracy(3, p) for p in chances]))

    assert last.max_model == a(1, 1 / 3)
    assert last.mean_model == a(5 / 6, 1 / 6)
    assert last.best_single == a(2 / 3, 0)
    assert (last.k, last.mux, last.self_consistency_at_k, last.agent_forest) == (3, 0.5, 0.5, None)


@given(tables(models=1, problems=4, draws=6))
def test_question_types_sort_every_problem(table: VoteTable) -> None:
    """Shares are those of p = 1, above, at and below one half, and 0, and sum to 1."""
    (found,) = question_types(table, table.k[0])
    p = [Fraction(int(c), table.k[0]) for c in table.correct[0].sum(axis=1)]
    half, total = Fraction(1, 2), len(p)
    assert [found.always, found.mostly, found.half, found.seldom, found.never] == [
        sum(one == 1 for one in p) / total,
        sum(half < one < 1 for one in p) / total,
        sum(one == half for one in p) / total,
        sum(0 < one < half for one in p) / total,
        sum(one == 0 for one in p) / total,
    ]
    assert found.below_half == sum(one < half for one in p) / total
