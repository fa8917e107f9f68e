"""How sure the outcome of a search is, by resampling the problems."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.selection import Limits, Records, search, stability
from slm_mux.selection.objective import unpacked
from tests.selection.drawing import every_subset

Bools = NDArray[np.bool_]
PENALTIES = (0, 0.1, 0.3, 1.0, 1.7)


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[Bools, Bools]:
    """What two or more models with different records are right and consistently wrong about."""
    total = draw(st.integers(2, 10))
    row = st.lists(st.sampled_from("cw."), min_size=total, max_size=total)
    table = np.asarray(draw(st.lists(row, min_size=2, max_size=5, unique_by=tuple)))
    return table == "c", table == "w"


@settings(max_examples=40, deadline=None)
@given(outcomes(), st.sampled_from(PENALTIES), st.integers(2, 12), st.integers(0, 99))
def test_the_shares_are_those_of_searching_each_resample(
    pool: tuple[Bools, Bools], penalty: float, contenders: int, seed: int
) -> None:
    """Problems repeated as often as they were drawn, and the contenders judged on those."""
    right, wrong = pool
    records = Records.of(right, wrong, penalty=penalty)
    found = stability(
        records, max_models=3, contenders=contenders, resamples=15, seed=seed, limits=Limits()
    )
    subsets = every_subset(len(right), min(3, len(right)))
    ranked = sorted(subsets, key=lambda s: (-records.value(s), len(s), s))[:contenders]
    assert [one.models for one in found.contenders] == ranked
    wins = dict.fromkeys(ranked, 0)
    for weights in np.concatenate(
        list(metrics.resampled(records.problems, seed=seed, resamples=15))
    ):
        again = np.repeat(np.arange(records.problems), weights.astype(int))
        part = Records.of(right[:, again], wrong[:, again], penalty=penalty)
        wins[min(ranked, key=lambda s: (-part.value(s), len(s), s))] += 1
    assert [one.share for one in found.contenders] == [wins[s] / 15 for s in ranked]
    assert [one.objective for one in found.contenders] == [
        records.as_objective(records.value(s)) for s in ranked
    ]
    assert found.contenders_proven


@settings(max_examples=40, deadline=None)
@given(outcomes(), st.sampled_from(PENALTIES), st.integers(0, 99))
def test_the_figures_agree(pool: tuple[Bools, Bools], penalty: float, seed: int) -> None:
    """Shares sum to 1, the first contender is the search's best, and a seed repeats everything."""
    records = Records.of(*pool, penalty=penalty)
    found = stability(records, resamples=30, seed=seed)
    assert sum(one.share for one in found.contenders) == pytest.approx(1)
    assert found.contenders[0].models == search(records).best
    assert found == stability(records, resamples=30, seed=seed)
    assert found.ci95 is not None
    assert found.lead.ci95 is not None
    assert found.lead.difference >= 0
    assert found.too_close == (found.lead.ci95[0] <= 0)
    assert ("cannot" in found.verdict) == found.too_close


def test_intervals_are_those_of_the_metrics() -> None:
    """Without a penalty the objective is a mean over problems, and so is the lead."""
    rng = np.random.default_rng(1)
    right = np.stack([rng.random(300) < 0.7, rng.random(300) < 0.5])
    found = stability(Records.of(right, ~right, penalty=0), max_models=1, resamples=4_000)
    first = metrics.bootstrap_mean(right[0], seed=2)
    lead = metrics.paired_difference(right[0], right[1], seed=2)
    assert found.lead.difference == pytest.approx(lead.difference)
    assert lead.ci95 is not None
    assert found.lead.ci95 == pytest.approx(lead.ci95, abs=0.01)
    assert found.ci95 == pytest.approx(first, abs=0.01)


def test_enough_problems_tell_apart() -> None:
    """Golden case: one model is right where the other is not, 90 times of 100."""
    right = np.zeros((2, 100), dtype=bool)
    right[0, :90] = True
    found = stability(Records.of(right, right & False), max_models=1)
    assert [(one.models, one.share) for one in found.contenders] == [((0,), 1.0), ((1,), 0.0)]
    assert found.lead.difference == 0.9
    assert not found.too_close
    assert found.lead.ci95 == pytest.approx((0.84, 0.96), abs=0.02)
    low, high = found.lead.ci95 or (math.nan, math.nan)
    assert found.verdict == (
        "100 problems tell the best two subsets apart: the objective of the best is "
        f"0.900 above that of the second, 95 % interval {low:.3f} to {high:.3f}, and it wins 100 % "
        "of 1,000 resamples."
    )


def test_too_few_problems_do_not() -> None:
    """Golden case: one problem of ten makes the difference, too little to rely on."""
    right = np.zeros((2, 10), dtype=bool)
    right[0, :6] = right[1, 1:6] = True
    found = stability(Records.of(right, right & False), max_models=1)
    assert found.too_close
    assert found.lead.ci95 is not None
    assert found.lead.ci95[0] == 0
    # The problem is missing from a resample with probability 0.9^10; then both are equal, and the
    # first in pool order wins.
    assert found.contenders[0].share == 1.0
    assert found.verdict.startswith("10 problems cannot tell the best two subsets apart")


def test_equal_subsets_share_by_the_written_rule() -> None:
    """A useless second model: the pair is never better than the first alone, which wins always."""
    right = np.asarray([[1, 1, 0], [0, 1, 0]], dtype=bool)
    found = stability(Records.of(right, right & False))
    assert [(one.models, one.share) for one in found.contenders] == [
        ((0,), 1.0),
        ((0, 1), 0.0),
        ((1,), 0.0),
    ]
    assert found.too_close


def test_one_problem_cannot_be_resampled() -> None:
    """A single problem: no intervals, and the verdict says so."""
    right = np.asarray([[1], [0]], dtype=bool)
    found = stability(Records.of(right, right & False))
    assert (found.ci95, found.lead.ci95, found.too_close) == (None, None, True)
    assert found.verdict.startswith("1 problem cannot tell")


def test_a_penalty_with_many_decimals_stays_exact() -> None:
    """Whole numbers beyond 64 bits give the same winners as the penalty they nearly are."""
    rng = np.random.default_rng(4)
    right = rng.random((4, 60)) < 0.5
    wrong = ~right & (rng.random((4, 60)) < 0.5)
    near = stability(Records.of(right, wrong, penalty=0.5 + 1e-16 * 2), resamples=50)
    half = stability(Records.of(right, wrong, penalty=0.5), resamples=50)
    tiny = stability(Records.of(right, wrong, penalty=1e-30), resamples=50)
    assert [one.models for one in near.contenders[:3]] == [
        one.models for one in half.contenders[:3]
    ]
    assert sum(one.share for one in tiny.contenders) == pytest.approx(1)


def test_a_limit_leaves_the_contenders_unproven() -> None:
    """A search for contenders that was cut short says so."""
    rng = np.random.default_rng(6)
    right = rng.random((12, 30)) < 0.5
    records = Records.of(right, ~right & (rng.random((12, 30)) < 0.5))
    short = stability(records, max_models=4, contenders=5, resamples=1, limits=Limits(nodes=3))
    assert not short.contenders_proven
    assert stability(
        records, max_models=4, contenders=5, resamples=1, limits=Limits()
    ).contenders_proven


def test_weights_are_resamples() -> None:
    """Each row counts as many draws as there are problems, whatever is drawn at once."""
    rows = np.concatenate(list(metrics.resampled(7, seed=1, resamples=2_000)))
    assert rows.shape == (2_000, 7)
    assert (rows.sum(axis=1) == 7).all()
    assert rows.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)
    several = list(metrics.resampled(1 << 20, seed=1, resamples=3))
    assert [len(part) for part in several] == [2, 1]


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_bits_unpack_to_what_was_packed(values: list[bool]) -> None:
    """A set of problems becomes the array that it was made of."""
    right = np.asarray([values])
    records = Records.of(right, right & False)
    assert unpacked(records.right[0], records.problems).tolist() == values


def test_what_cannot_be_resampled() -> None:
    """One subset, too few contenders or resamples, senseless penalties: each says what is wrong."""
    right = np.asarray([[1, 0], [0, 1]], dtype=bool)
    one, two = Records.of(right[:1], ~right[:1]), Records.of(right, ~right)
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: stability(one), "a pool of 1 .* one subset to choose"),
        (lambda: stability(two, contenders=1), "contenders is 1, but must be at least 2"),
        (lambda: stability(two, resamples=0), "resamples is 0"),
        (lambda: stability(two, max_models=0), "max_models is 0"),
        (lambda: Records.of(right, ~right, penalty=math.nan), "penalty is nan"),
        (lambda: Records.of(right[:, :0], ~right[:, :0]), "0 problems"),
    ]
    for refused, said in refusals:
        with pytest.raises(InvalidRequestError, match=said):
            refused()
