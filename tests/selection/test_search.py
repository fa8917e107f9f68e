"""The search for the best subset, against trying every one."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.selection import Limits, Records, search
from slm_mux.selection.exact import best_of_size
from slm_mux.selection.heuristic import exchange, greedy
from slm_mux.selection.objective import Subset

Bools = NDArray[np.bool_]
PENALTIES = (0, 0.1, 0.3, 0.5, 0.9, 1.0, 1.3, 2.0)


@st.composite
def pools(draw: st.DrawFn, models: int = 7, problems: int = 9) -> tuple[Bools, Bools]:
    """What models are correct and consistently wrong about; some of them alike."""
    total = draw(st.integers(1, problems))
    outcome = st.lists(st.sampled_from("cw."), min_size=total, max_size=total)
    rows = draw(st.lists(outcome, min_size=1, max_size=models))
    again = draw(st.lists(st.sampled_from(rows), max_size=models - len(rows)))
    table = np.asarray([*rows, *again])
    return table == "c", table == "w"


def every_subset(records: Records, size: int) -> list[Subset]:
    """All subsets by the written rule; of those that differ in identical models only the first."""
    ranked = sorted((-records.value(s), s) for s in combinations(range(records.models), size))
    first: dict[tuple[tuple[int, int], ...], Subset] = {}
    for _, subset in ranked:
        first.setdefault(
            tuple(sorted((records.right[m], records.wrong[m]) for m in subset)), subset
        )
    return list(first.values())


@given(pools(), st.sampled_from(PENALTIES), st.integers(1, 7), st.integers(1, 4), st.booleans())
def test_best_of_size_is_what_trying_all_finds(
    pool: tuple[Bools, Bools], penalty: float, size: int, keep: int, started: bool
) -> None:
    """The best subsets of a size are those of brute force, whatever the search starts with."""
    records = Records.of(*pool, penalty=penalty)
    size = min(size, records.models)
    starts = [greedy(records.models, size, records.value)[-1]] if started else []
    proof = best_of_size(records, size, keep=keep, starts=starts)
    expected = every_subset(records, size)[:keep]
    assert (list(proof.subsets), proof.proven) == (expected, True)
    assert proof.bound == records.value(expected[0])


@given(pools(), st.sampled_from(PENALTIES), st.integers(1, 7), st.integers(0, 9))
def test_a_limit_leaves_a_bound(
    pool: tuple[Bools, Bools], penalty: float, size: int, nodes: int
) -> None:
    """A search that was cut short never promises too little, nor calls a worse subset proven."""
    records = Records.of(*pool, penalty=penalty)
    size = min(size, records.models)
    start = greedy(records.models, size, records.value)[-1]
    proof = best_of_size(records, size, starts=[start], limits=Limits(nodes=nodes))
    best = every_subset(records, size)[0]
    assert proof.bound >= records.value(best) >= records.value(proof.subsets[0])
    if proof.proven:
        assert proof.subsets == (best,)


@given(pools(), st.sampled_from(PENALTIES), st.integers(1, 7), st.integers(0, 4))
def test_search_ranks_all_sizes(
    pool: tuple[Bools, Bools], penalty: float, most: int, runners_up: int
) -> None:
    """Of all subsets the best is found, then the next best; equal ones with fewer models first."""
    records = Records.of(*pool, penalty=penalty)
    found = search(records, max_models=most, runners_up=runners_up)
    ranked = sorted(
        (-records.value(subset), size, subset)
        for size in range(1, min(most, records.models) + 1)
        for subset in every_subset(records, size)
    )
    assert [found.best, *(subset for subset, _ in found.runners_up)] == [
        subset for _, _, subset in ranked[: 1 + runners_up]
    ]
    assert found.runners_up_proven
    assert all(one.gap == 0 for one in found.by_size)


@given(pools(), st.sampled_from(PENALTIES))
def test_quality_is_that_of_the_metrics(pool: tuple[Bools, Bools], penalty: float) -> None:
    """Bit sets give the same figures as the arrays."""
    right, wrong = pool
    records = Records.of(right, wrong, penalty=penalty)
    quality = records.quality(range(records.models))
    assert quality.union_accuracy == metrics.union_accuracy(right)
    assert quality.contradiction == metrics.contradiction(right, wrong)
    assert quality.objective == pytest.approx(metrics.objective(right, wrong, weight=penalty))


@given(pools(), st.data())
def test_exchanging_never_makes_worse(pool: tuple[Bools, Bools], data: st.DataObject) -> None:
    """Exchanges keep the size, do not lose value, and end where no single swap helps."""
    records = Records.of(*pool)
    size = data.draw(st.integers(1, records.models))
    start = data.draw(st.sampled_from(list(combinations(range(records.models), size))))
    better = exchange(records.models, start, records.value)
    assert len(better) == size
    assert records.value(better) >= records.value(start)
    others = [m for m in range(records.models) if m not in better]
    swaps = [{*better} - {out} | {into} for out in better for into in others]
    assert all(records.value(swap) <= records.value(better) for swap in swaps)


@given(pools())
def test_greedy_grows(pool: tuple[Bools, Bools]) -> None:
    """Greedy begins with the best single model and adds one at a time."""
    records = Records.of(*pool)
    steps = greedy(records.models, records.models, records.value)
    assert steps[0] == best_of_size(records, 1).subsets[0]
    assert all(set(small) < set(large) for small, large in pairwise(steps))


def test_the_penalty_decides() -> None:
    """Golden case: a second model that is right elsewhere, and confidently wrong where it hurts.

    Model 0 is right on problems 0 to 3, model 1 on 4 and 5 and consistently wrong on 0, 1 and 2.
    Union 6/6; contradiction 3/6; alone model 0 has 4/6.
    """
    right = np.asarray([[1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]], dtype=bool)
    wrong = np.asarray([[0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]], dtype=bool)
    assert search(Records.of(right, wrong, penalty=0.5)).best == (0, 1)
    assert search(Records.of(right, wrong, penalty=1)).best == (0,)
    both = search(Records.of(right, wrong)).by_size[1]
    assert (both.quality.union_accuracy, both.quality.contradiction) == (1.0, 0.5)
    assert both.quality.objective == 0.5


def test_equal_objectives_take_fewer_models_then_pool_order() -> None:
    """Two models with the same record: one of them is enough, the first."""
    right = np.asarray([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=bool)
    found = search(Records.of(right, ~right & False))
    assert found.best == (0, 2)
    assert found.identical == ((0, 1), (2, 3))
    assert [subset for subset, _ in found.runners_up][:1] == [(0, 1, 2)]


def test_a_penalty_is_the_decimal_that_was_written() -> None:
    """0.1 is a tenth: ten contradictions weigh exactly as much as one more problem covered."""
    right = np.zeros((2, 30), dtype=bool)
    wrong = np.zeros((2, 30), dtype=bool)
    right[0, :10] = True
    right[1, 10] = True
    wrong[1, :10] = True
    records = Records.of(right, wrong, penalty=0.1)
    assert records.value((0,)) == records.value((0, 1))
    assert search(records).best == (0,)


def test_a_pool_without_any_right_answer() -> None:
    """Nobody is ever right: the first model stands for all, with an objective of 0."""
    nothing = np.zeros((4, 5), dtype=bool)
    found = search(Records.of(nothing, ~nothing))
    assert (found.best, found.by_size[3].quality.objective) == ((0,), 0.0)
    assert found.identical == ((0, 1, 2, 3),)


@pytest.mark.parametrize("penalty", [-0.1, math.nan, math.inf])
def test_a_senseless_penalty_is_refused(penalty: float) -> None:
    """The error says what a penalty may be."""
    right = np.ones((1, 1), dtype=bool)
    with pytest.raises(InvalidRequestError, match="penalty is .* must be a finite number >= 0"):
        Records.of(right, ~right, penalty=penalty)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (np.ones((2, 3)), np.ones((2, 2)), r"shape \(2, 3\)"),
        (np.ones((0, 3)), np.ones((0, 3)), "0 models and 3 problems"),
        (np.ones((2, 0)), np.ones((2, 0)), "2 models and 0 problems"),
        (np.ones((1, 2)), np.asarray([[0, 1]]), "model 0 is both .* on problem 1"),
    ],
)
def test_arrays_that_are_no_records(right: Bools, wrong: Bools, said: str) -> None:
    """Other shapes, nothing to choose from, and contradictory records are refused."""
    with pytest.raises(InvalidRequestError, match=said):
        Records.of(right, wrong)


@pytest.mark.parametrize(("most", "runners_up"), [(0, 5), (3, -1)])
def test_numbers_out_of_range(most: int, runners_up: int) -> None:
    """Sizes start at 1, and there cannot be fewer than no runners-up."""
    right = np.ones((2, 2), dtype=bool)
    with pytest.raises(InvalidRequestError, match="must be at least"):
        search(Records.of(right, ~right), max_models=most, runners_up=runners_up)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_twenty_models_by_brute_force(seed: int) -> None:
    """A pool of twenty: all 1,350 subsets up to three models, no mismatch."""
    rng = np.random.default_rng(seed)
    right = rng.random((20, 40)) < 0.6
    wrong = ~right & (rng.random((20, 40)) < 0.5)
    records = Records.of(right, wrong)
    found = search(records, max_models=3)
    for size, best in enumerate(found.by_size, 1):
        assert best.models == every_subset(records, size)[0]
