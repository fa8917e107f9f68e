"""The yardsticks are exact: checked against search, enumeration and cases done by hand."""

import itertools
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.stopping import (
    Progress,
    Scenario,
    Wave,
    best_online_draws,
    clairvoyant_draws,
    expected_draws,
    next_wave,
    settle,
)

KEYS: tuple[str | None, ...] = ("A", "B", None)


@st.composite
def scenario_lists(draw: st.DrawFn, models: int) -> list[Scenario]:
    """One or two scenarios with any chances over three outcomes."""

    def chances() -> dict[str | None, float]:
        parts = draw(st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any))
        return {key: part / sum(parts) for key, part in zip(KEYS, parts, strict=True)}

    return [
        Scenario(draw(st.integers(1, 3)), tuple(chances() for _ in range(models)))
        for _ in range(draw(st.integers(1, 2)))
    ]


def average_over_tables(
    ks: Sequence[int],
    scenarios: Sequence[Scenario],
    count: Callable[[list[list[str | None]]], int],
) -> float:
    """Take the mean of a count over every table of draws, weighed by its probability."""
    total = sum(scenario.weight for scenario in scenarios)
    mean = 0.0
    for flat in itertools.product(KEYS, repeat=sum(ks)):
        cells = iter(flat)
        table = [list(itertools.islice(cells, k)) for k in ks]
        for scenario in scenarios:
            chance = scenario.weight / total
            for row, chances in zip(table, scenario.chances, strict=True):
                for key in row:
                    chance *= chances[key]
            if chance:
                mean += chance * count(table)
    return mean


def frugal_draws(table: list[list[str | None]]) -> int:
    """Count the draws of a table that frugal takes."""
    models = [Progress(len(row)) for row in table]
    while (wave := next_wave(models)) is not None:
        models[wave.model].record_next([table[wave.model][draw] for draw in wave.draws])
    return sum(model.k - model.remaining for model in models)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([None, "A", "A", "B", "C"]), min_size=1, max_size=5),
        min_size=1,
        max_size=3,
    )
)
def test_the_clairvoyant_bound_equals_search(table: list[list[str | None]]) -> None:
    """It is the least total of all vectors of prefix lengths that settle the answer."""
    fewest = min(
        sum(lengths)
        for lengths in itertools.product(*(range(len(row) + 1) for row in table))
        if settle(
            [
                Progress(len(row), dict(enumerate(row[:length])))
                for row, length in zip(table, lengths, strict=True)
            ]
        ).settled
    )
    assert clairvoyant_draws(table) == fewest


def test_hindsight_by_hand() -> None:
    """Unanimous best record: its k draws. Unanimous second: one draw more, of the first."""
    assert clairvoyant_draws([["A"] * 3, ["B"] * 3]) == 3
    assert clairvoyant_draws([["A", "B", "A"], ["A"] * 3]) == 4
    assert clairvoyant_draws([["A"], [None]]) == 1
    assert clairvoyant_draws([[None, None], [None]]) == 3
    assert clairvoyant_draws([]) == 0


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([(2,), (3,), (1, 2), (2, 2), (1, 1, 2)]), st.data())
def test_expected_draws_equals_enumeration(ks: tuple[int, ...], data: st.DataObject) -> None:
    """Frugal's expected draws are its draws on every table, weighed by probability."""
    scenarios = data.draw(scenario_lists(len(ks)))
    mean = average_over_tables(ks, scenarios, frugal_draws)
    assert expected_draws(ks, scenarios) == pytest.approx(mean)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([(3,), (1, 2), (2, 2), (1, 1, 2)]), st.data())
def test_the_best_online_policy_lies_between(ks: tuple[int, ...], data: st.DataObject) -> None:
    """No online policy beats hindsight, and frugal does not beat the best online policy."""
    scenarios = data.draw(scenario_lists(len(ks)))
    best = best_online_draws(ks, scenarios)
    hindsight = average_over_tables(ks, scenarios, clairvoyant_draws)
    assert hindsight <= best + 1e-9
    assert best <= expected_draws(ks, scenarios) + 1e-9


def test_one_model_by_hand() -> None:
    """Of k = 3, two equal draws settle it and two different ones do not: 2 + 2 * 0.8 * 0.2."""
    only = [Scenario(1, ({"A": 0.8, "B": 0.2},))]
    assert best_online_draws((3,), only) == pytest.approx(2.32)
    assert expected_draws((3,), only) == pytest.approx(2.32)


def test_what_came_in_tells_the_scenarios_apart() -> None:
    """The best policy learns from draws which kind of problem it has before it.

    Either the first model always says A, or it never says anything readable; the second model
    always says A. One draw of the first tells which.
    """
    first_good = Scenario(1, ({"A": 1.0}, {"A": 1.0}))
    first_mute = Scenario(1, ({None: 1.0}, {"A": 1.0}))
    assert best_online_draws((3, 3), [first_good, first_mute]) == pytest.approx((3 + 4) / 2)


def test_any_policy_can_be_measured() -> None:
    """A policy that asks for everything at once takes every draw."""

    def everything(models: Sequence[Progress]) -> Wave | None:
        left = [i for i, model in enumerate(models) if model.remaining]
        return Wave(left[0], models[left[0]].missing) if left else None

    chances: dict[str | None, float] = {"A": 0.5, "B": 0.5}
    assert expected_draws((2, 3), [Scenario(1, (chances, chances))], everything) == 5
