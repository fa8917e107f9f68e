"""Accuracies, intervals, tests and what models have in common."""

import math
import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError

bits = st.lists(st.booleans(), max_size=30)
pairs = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40)


def flags(values: object) -> NDArray[np.bool_]:
    return np.asarray(values, dtype=np.bool_)


def both(drawn: list[tuple[bool, bool]]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return flags([a for a, _ in drawn]), flags([b for _, b in drawn])


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_is_scipy_s(correct: int, more: int) -> None:
    """The interval is scipy's, lies in [0, 1] and holds the share."""
    total = correct + more
    low, high = metrics.wilson(correct, total)
    expected = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= correct / total <= high <= 1


def test_wilson_at_the_ends() -> None:
    """No problem says nothing; all wrong and all right touch the ends exactly."""
    assert metrics.wilson(0, 0) == (0.0, 1.0)
    assert metrics.wilson(0, 7)[0] == 0.0
    assert metrics.wilson(7, 7)[1] == 1.0
    for correct, total in [(-1, 5), (6, 5)]:
        with pytest.raises(InvalidRequestError, match="no share"):
            metrics.wilson(correct, total)


unit = st.floats(0, 1)
within = st.tuples(unit, unit, unit).map(sorted)
"""The lower end of an interval, a figure in it, and the upper end."""


def test_difference_interval_of_newcombe() -> None:
    """His example, 56 of 70 less 48 of 80: 0.0524 to 0.3339 by method 10."""
    found = metrics.difference_interval(
        56 / 70, metrics.wilson(56, 70), 48 / 80, metrics.wilson(48, 80)
    )
    assert found == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(within, within)
def test_difference_interval_laws(one: list[float], other: list[float]) -> None:
    """It holds the difference, turns round with it, and is shifted by an exact figure."""
    (low, first, high), (under, second, over) = one, other
    found = metrics.difference_interval(first, (low, high), second, (under, over))
    assert found[0] <= first - second <= found[1]
    turned = metrics.difference_interval(second, (under, over), first, (low, high))
    assert turned == pytest.approx((-found[1], -found[0]), abs=1e-12)
    shifted = metrics.difference_interval(first, (low, high), second, (second, second))
    assert shifted == pytest.approx((low - second, high - second), abs=1e-12)


def test_difference_interval_of_a_figure_outside_of_its_own() -> None:
    """The difference stays inside."""
    assert metrics.difference_interval(0.5, (0.6, 0.7), 0.0, (0.0, 0.0)) == pytest.approx(
        (0.5, 0.7)
    )


@given(pairs)
def test_failures_bound_the_accuracy(drawn: list[tuple[bool, bool]]) -> None:
    """However failed problems would have ended, the accuracy lies between the bounds."""
    correct, failed = both(drawn)
    low, high = metrics.failure_bounds(correct, failed)
    assert 0 <= low <= high <= 1
    if drawn:
        assert low <= correct.mean() <= high
        assert high - low == pytest.approx(failed.mean())
    else:
        assert (low, high) == (0.0, 1.0)


@given(pairs)
def test_mcnemar_is_the_binomial_test(drawn: list[tuple[bool, bool]]) -> None:
    """The p is binomtest(b, b + c), 1 without discordant pairs, and the same both ways round."""
    first, second = both(drawn)
    found = metrics.mcnemar(first, second)
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    assert (found.only_first, found.only_second) == (b, c)
    assert found.p == pytest.approx(binomtest(b, b + c).pvalue if b + c else 1.0)
    assert metrics.mcnemar(second, first).p == found.p


@pytest.mark.parametrize(("b", "c"), [(0, 2_000), (700, 800), (5_000, 5_000)])
def test_mcnemar_of_many_discordant_problems(b: int, c: int) -> None:
    """Whole numbers stay exact where probabilities get tiny; p is never 0."""
    first, second = flags([True] * b + [False] * c), flags([False] * b + [True] * c)
    p = metrics.mcnemar(first, second).p
    assert 0 < p <= 1
    assert p == pytest.approx(binomtest(b, b + c).pvalue, rel=1e-6, abs=1e-300)


def test_pairs_need_the_same_problems() -> None:
    """Arrays of different lengths are not paired."""
    with pytest.raises(InvalidRequestError, match="the same ones"):
        metrics.mcnemar(flags([True]), flags([True, False]))
    with pytest.raises(InvalidRequestError, match="the same ones"):
        metrics.paired_difference(flags([True]), flags([]), seed=0)


def test_bootstrap_of_nothing_one_and_equal_problems() -> None:
    """No problem has no difference, one no interval, and what never differs has none of width."""
    nothing = metrics.paired_difference(flags([]), flags([]), seed=0)
    assert (math.isnan(nothing.difference), nothing.ci95) == (True, None)
    one = metrics.paired_difference(flags([True]), flags([False]), seed=0)
    assert (one.difference, one.ci95, one.resamples) == (1.0, None, metrics.RESAMPLES)
    tie = metrics.paired_difference(flags([True, False] * 9), flags([True, False] * 9), seed=0)
    assert (tie.difference, tie.ci95) == (0.0, (0.0, 0.0))


@settings(max_examples=25)
@given(pairs.filter(lambda drawn: len(drawn) > 1), st.integers(0, 2**32))
def test_bootstrap_laws(drawn: list[tuple[bool, bool]], seed: int) -> None:
    """The interval is repeatable, within [-1, 1], and holds nearly the mean."""
    first, second = both(drawn)
    found = metrics.paired_difference(first, second, seed=seed, resamples=500)
    assert found == metrics.paired_difference(first, second, seed=seed, resamples=500)
    assert found.ci95 is not None
    low, high = found.ci95
    assert -1 - 1e-9 <= low <= found.difference + 1e-9
    assert found.difference - 1e-9 <= high <= 1 + 1e-9


def test_bootstrap_resamples_problems() -> None:
    """The interval agrees with resampling rows one by one, and with the normal approximation."""
    scores = np.random.default_rng(1).integers(0, 4, 200) / 3
    found = metrics.bootstrap_mean(scores, seed=0)
    rows = np.random.default_rng(2).integers(0, 200, (10_000, 200))
    expected = np.quantile(scores[rows].mean(axis=1), (0.025, 0.975))
    assert found == pytest.approx(tuple(expected), abs=0.004)
    half = 1.96 * scores.std() / math.sqrt(200)
    assert found == pytest.approx((scores.mean() - half, scores.mean() + half), abs=0.004)


def test_bootstrap_refuses_nan_and_no_resamples() -> None:
    """A NaN would spread silently; no resamples have no percentiles."""
    with pytest.raises(InvalidRequestError, match="NaN"):
        metrics.bootstrap_mean(np.asarray([0.5, math.nan]), seed=0)
    with pytest.raises(InvalidRequestError, match="at least 1"):
        metrics.bootstrap_mean(flags([True, False]), seed=0, resamples=0)


def test_union_contradiction_and_objective() -> None:
    """On four problems: one contradicted, one both wrong, one consistently wrong alone."""
    correct = flags([[1, 1, 0, 0], [0, 1, 0, 0]])
    consistently_wrong = flags([[0, 0, 1, 0], [1, 0, 0, 0]])
    assert metrics.union_accuracy(correct) == 0.5
    assert metrics.contradiction(correct, consistently_wrong) == 0.25
    assert metrics.objective(correct, consistently_wrong) == 0.25
    assert metrics.objective(correct, consistently_wrong, weight=2) == 0.0
    for weight in (-1, math.nan, math.inf):
        with pytest.raises(InvalidRequestError, match="lambda"):
            metrics.objective(correct, consistently_wrong, weight=weight)


def test_aggregates_of_nothing() -> None:
    """No models answer nothing; no problems have no share; neither warns."""
    none, empty = np.zeros((0, 5), dtype=bool), np.zeros((2, 0), dtype=bool)
    with warnings.catch_warnings(action="error"):
        assert (metrics.union_accuracy(none), metrics.contradiction(none, none)) == (0.0, 0.0)
        assert math.isnan(metrics.union_accuracy(empty))
        assert math.isnan(metrics.objective(empty, empty))
        assert math.isnan(metrics.oracle_accuracy(np.zeros((2, 0, 3), dtype=bool)))
        assert metrics.oracle_accuracy(np.zeros((0, 4, 3), dtype=bool)) == 0.0
        assert np.isnan(metrics.error_correlation(empty)).all()
        assert metrics.error_correlation(none).shape == (0, 0)
    assert math.isnan(metrics.share(0, 0))


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=8)
    )
)
def test_union_grows_with_models(rows: list[list[bool]]) -> None:
    """Adding a model lowers neither the union accuracy nor the contradiction."""
    correct = flags(rows).T
    wrong = ~correct
    for size in range(1, len(correct)):
        few, more = slice(size), slice(size + 1)
        assert metrics.union_accuracy(correct[few]) <= metrics.union_accuracy(correct[more])
        assert metrics.contradiction(correct[few], wrong[few]) <= metrics.contradiction(
            correct[more], wrong[more]
        )
    assert metrics.oracle_accuracy(correct[:, :, None]) == metrics.union_accuracy(correct)


def test_error_correlation() -> None:
    """Equal models correlate fully, opposite ones at -1, constant ones not at all."""
    phi = metrics.error_correlation(
        flags([[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0], [1, 1, 1, 1]])
    )
    assert phi[0, :4].tolist() == [1.0, 1.0, -1.0, 0.0]
    assert np.isnan(phi[4]).all()
    assert np.isnan(phi[:, 4]).all()


@given(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=2, max_size=4))
def test_error_correlation_is_pearson_s(rows: list[list[bool]]) -> None:
    """Phi is Pearson's correlation of the two indicators, NaN where one is constant."""
    phi = metrics.error_correlation(flags(rows))
    for i, j in product(range(len(rows)), repeat=2):
        if len(set(rows[i])) == 1 or len(set(rows[j])) == 1:
            assert math.isnan(phi[i, j])
        else:
            assert phi[i, j] == pytest.approx(np.corrcoef(rows[i], rows[j])[0, 1])
