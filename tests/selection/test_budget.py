"""Accuracy against tokens: the frontier is that of trying everything."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.selection import Subset, budget
from slm_mux.table import VoteTable
from slm_mux.types import Missing
from tests.selection.drawing import every_subset, outcomes, tables
from tests.tables import Drawn, table_of

few = settings(max_examples=30, deadline=None)


def priced(data: st.DataObject, table: VoteTable) -> VoteTable:
    """Give each draw a whole number of tokens."""
    cells = table.klass.size
    prices = data.draw(st.lists(st.integers(0, 3), min_size=cells, max_size=cells))
    table.prompt_tokens[:] = np.asarray(prices).reshape(table.klass.shape)
    table.completion_tokens[:] = 0
    return table


def cost(table: VoteTable, subset: Subset, k: int) -> int:
    """Tokens of all problems, one draw after the other."""
    return sum(
        int(table.prompt_tokens[m, p, d])
        for m in subset
        for p in range(len(table.problems))
        for d in range(k)
        if table.klass[m, p, d] >= -1
    )


@few
@given(tables(models=3, problems=3), st.data(), st.integers(1, 3))
def test_the_frontier_is_that_of_brute_force(
    table: VoteTable, data: st.DataObject, largest: int
) -> None:
    """An option is on it when no other is cheaper or as cheap, and as accurate or more."""
    priced(data, table)
    found = budget(table, max_models=largest)
    largest = min(largest, len(table.models))
    options = []
    for subset in every_subset(len(table.models), largest):
        for k in range(1, min(table.k) + 1):
            part = table.restrict(models=[table.models[m] for m in subset], k=k)
            right = outcomes(part, range(len(subset)))
            accuracy = Fraction(sum(right), len(right))
            options.append((cost(table, subset, k), -accuracy, len(subset), k, subset))
    assert (found.tried, found.proven) == (len(options), True)
    expected = [
        one
        for one in sorted(options)
        if not any(other < one and other[1] <= one[1] for other in options)
    ]
    problems = len(table.problems)
    assert [(one.tokens, one.accuracy, one.k, one.models) for one in found.frontier] == [
        (tokens / problems, float(-accuracy), k, subset)
        for tokens, accuracy, _, k, subset in expected
    ]
    limit = data.draw(st.integers(0, 40)) / problems
    affordable = [one for one in options if one[0] / problems <= limit]
    if affordable:
        best = min(affordable, key=lambda one: (one[1], one[0], *one[2:]))
        option = found.best_within(limit)
        assert (option.models, option.k) == (best[4], best[3])
    else:
        with pytest.raises(InvalidRequestError, match="the cheapest takes"):
            found.best_within(limit)


@few
@given(tables(least=2, models=4), st.data(), st.integers(0, 12))
def test_with_few_evaluations_it_is_not_proven(
    table: VoteTable, data: st.DataObject, evaluations: int
) -> None:
    """What was grown is on no better a frontier than the exact one, and says so."""
    priced(data, table)
    found = budget(table, evaluations=evaluations, max_models=3)
    exact = budget(table, max_models=3)
    assert found.proven == (exact.tried <= evaluations)
    if found.proven:
        assert found == exact
    for one in found.frontier:
        assert exact.best_within(one.tokens).accuracy >= one.accuracy
    steps = [(one.tokens, one.accuracy) for one in found.frontier]
    assert steps == sorted(set(steps))
    assert len({accuracy for _, accuracy in steps}) == len(steps)


def test_a_budget_by_hand() -> None:
    """Golden case: a cheap weak model, a dear good one, and a second draw that does not pay.

    Tokens per draw are 15 for each model; the second model is right on both problems.
    """
    drawn = {"cheap": [["A", "A"], ["B", "B"]], "good": [["A", "A"], ["A", "A"]]}
    table = table_of(drawn, ["A", "A"], records=[0.5, 1.0])
    table.prompt_tokens[1] = 40
    found = budget(table)
    assert [(one.models, one.k, one.tokens, one.accuracy) for one in found.frontier] == [
        ((0,), 1, 15.0, 0.5),
        ((1,), 1, 45.0, 1.0),
    ]
    assert found.best_within(44).models == (0,)
    assert found.best_within(45).models == (1,)
    assert found.best_within(math.inf).models == (1,)
    assert [one.tokens for one in budget(table, max_k=1).frontier] == [15.0, 45.0]
    assert budget(table, max_k=1).tried == 3


def test_draws_without_a_completion_are_free() -> None:
    """A failed draw costs nothing; an unreadable one costs what it took."""
    drawn: dict[str, list[Drawn]] = {"m0": [["A", Missing.FAILED]], "m1": [[None, "A"]]}
    found = budget(table_of(drawn, ["A"]))
    assert [(one.models, one.k, one.tokens) for one in found.frontier] == [((0,), 1, 15.0)]
    only = budget(table_of({"m1": [[None, "A"]]}, ["A"]))
    assert [(one.k, one.tokens, one.accuracy) for one in only.frontier] == [
        (1, 15.0, 0.0),
        (2, 30.0, 1.0),
    ]


def test_equal_options_follow_the_written_rule() -> None:
    """All cost nothing and are right: one model, one draw, the first."""
    drawn = {"m0": [["A", "A"]], "m1": [["A", "A"]]}
    found = budget(table_of(drawn, ["A"], tokens=(0, 0)))
    assert [(one.models, one.k, one.tokens) for one in found.frontier] == [((0,), 1, 0.0)]


def test_fewer_models_come_before_fewer_draws() -> None:
    """One model twice and two models once cost the same and are as accurate: the one model."""
    drawn: dict[str, list[Drawn]] = {
        "m0": [["A", "A"], [None, "A"]],
        "m1": [[None, None], ["A", None]],
    }
    found = budget(table_of(drawn, ["A", "A"]))
    assert [(one.models, one.k, one.tokens, one.accuracy) for one in found.frontier] == [
        ((0,), 1, 15.0, 0.5),
        ((0,), 2, 30.0, 1.0),
    ]
    assert found.best_within(30).models == (0,)


def test_as_many_evaluations_as_options_are_enough() -> None:
    """Two models with two draws are six options."""
    table = table_of({"m0": [["A", "A"]], "m1": [["B", "A"]]}, ["A"])
    assert (budget(table, evaluations=6).proven, budget(table, evaluations=6).tried) == (True, 6)
    assert not budget(table, evaluations=5).proven


def test_what_has_no_budget() -> None:
    """Unknown tokens name the model; numbers out of range and empty tables are refused."""
    plain = table_of({"m0": [["A", "A"]], "m1": [["A", "A"]]}, ["A"])
    unknown = table_of({"m0": [["A"]], "m1": [["A"]]}, ["A"])
    unknown.completion_tokens[1] = math.nan
    late = table_of({"m0": [["A", "A"]]}, ["A"])
    late.prompt_tokens[0, 0, 1] = math.nan
    unscored = table_of({"m0": [["A"]]}, [None])
    holes = table_of({"m0": [["A"], ["A"]], "m1": [["A", "A"], ["A"]]}, ["A", "A"])
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: budget(unknown), "m1: the tokens of 1 of its draws are unknown"),
        (lambda: budget(late), "m0: the tokens of 1 of its draws"),
        (lambda: budget(unscored), "none of the 1 problems is scored"),
        (lambda: budget(table_of({}, ["A"])), "no model to choose"),
        (lambda: budget(holes), "m1: 1 of 4 draws are missing"),
        (lambda: budget(plain, max_k=3), "m0: 3 draws are needed"),
        (lambda: budget(plain, max_k=0), "k is 0"),
        (lambda: budget(plain, max_models=0), "max_models is 0"),
        (lambda: budget(plain, evaluations=-1), "evaluations is -1"),
        (lambda: budget(plain).best_within(-1), "the budget is -1"),
        (lambda: budget(plain).best_within(math.nan), "the budget is nan"),
        (lambda: budget(plain).best_within(1), "the cheapest takes 15"),
    ]
    for refused, said in refusals:
        with pytest.raises(InvalidRequestError, match=said):
            refused()
    assert [one.tokens for one in budget(late, max_k=1).frontier] == [15.0]
