"""What draws cost in tokens."""

import pytest
from hypothesis import given, settings

from slm_mux.scaling import draw_tokens, ranked, stopping_costs, token_costs
from slm_mux.table import VoteTable
from tests.scaling.making import made, tables


@given(tables(models=3, problems=3, draws=4, signs="AaBb."))
@settings(max_examples=60, deadline=None)
def test_equal_draws_cost_what_they_count(table: VoteTable) -> None:
    """Where every draw costs 20 tokens, the shares are those of the draws."""
    everyone = ranked(table)
    n = table.k[0]
    assert draw_tokens(table, n) == (20.0,) * len(table.models)
    draws = stopping_costs(table, everyone, n)
    for cost, counted in zip(token_costs(table, everyone, n), draws, strict=True):
        assert cost.full == 20 * counted.full
        assert cost.frugal_share == pytest.approx(counted.frugal_share)
        assert cost.frugal == pytest.approx(20 * counted.frugal)


def test_draws_that_brought_nothing_cost_nothing() -> None:
    """A failed draw is free, and where all failed nothing costs anything."""
    table = made({"a": ["A!"], "b": ["!!"]}, records=[0.6, 0.5])
    assert draw_tokens(table, 2) == (10.0, 0.0)
    costs = token_costs(table, ranked(table), 2)
    assert [(cost.full, cost.frugal, cost.frugal_share) for cost in costs] == [
        (10.0, 10.0, 1.0),
        (20.0, 20.0, 1.0),
    ]
    nothing = token_costs(table, ranked(table, ["b"]), 2)
    assert [(cost.full, cost.frugal, cost.frugal_share) for cost in nothing] == [
        (0.0, 0.0, None),
        (0.0, 0.0, None),
    ]


def test_unknown_tokens() -> None:
    """Where those of one draw are unknown, so is what the model and its subsets cost."""
    table = made({"a": ["AA"], "b": ["A!"]}, tokens=None)
    assert draw_tokens(table, 2) == (None, None)
    assert [cost.full for cost in token_costs(table, (0, 1), 2)] == [None, None]
