"""Mux over all choices of draws, against deciding each of them."""

import numpy as np
import pytest
from hypothesis import given, settings

from slm_mux.methods import AgentForest, Mux, SelfConsistency
from slm_mux.methods.base import Context, Method
from slm_mux.scaling import agent_forest, distribution, ranked, union_accuracy, winners
from slm_mux.table import VoteTable
from tests.scaling.making import choices, counted, made, mux_once, tables


def verdicts(table: VoteTable, method: Method, k: int) -> list[float]:
    context = Context.of(table, k)
    return [
        float(bool(method.decide(table, q, context).correct)) for q in range(len(table.problems))
    ]


@given(tables())
@settings(max_examples=80, deadline=None)
def test_winners_are_those_of_all_combinations(table: VoteTable) -> None:
    """Who wins, with which count, and how often rightly, is as `decide` has it, ties included."""
    order = ranked(table)
    found = distribution(table.klass, table.correct)
    won = winners(found, order)
    for s, k in enumerate(found.sizes):
        every = choices(table, k)
        for q in range(len(table.problems)):
            count = np.zeros((len(order), table.k[0] + 1))
            right = np.zeros_like(count)
            for chosen in every:
                one = mux_once(table, q, chosen)
                if one is not None:
                    place = order.index(table.models.index(one[0]))
                    count[place, one[1]] += 1 / len(every)
                    right[place, one[1]] += one[2] / len(every)
            assert won.count[:, q, s] == pytest.approx(count, abs=1e-12)
            assert won.right[:, q, s] == pytest.approx(right, abs=1e-12)
            assert won.accuracy[q, s] == pytest.approx(right.sum(), abs=1e-12)


@given(tables())
@settings(max_examples=60, deadline=None)
def test_some_model_is_right_as_often_as_in_all_combinations(table: VoteTable) -> None:
    """The union's accuracy is the share of combinations in which a candidate is right."""
    found = distribution(table.klass, table.correct)
    for s, k in enumerate(found.sizes):
        every = choices(table, k)
        for q in range(len(table.problems)):
            hits = 0
            for chosen in every:
                best = [counted(table, m, q, draws).candidate for m, draws in enumerate(chosen)]
                hits += any(
                    one is not None and table.correct[m, q, chosen[m][one.first_draw]]
                    for m, one in enumerate(best)
                )
            union = union_accuracy(found, ranked(table))[q, s]
            assert union == pytest.approx(hits / len(every), abs=1e-12)


@given(tables(draws=6))
@settings(max_examples=60, deadline=None)
def test_all_draws_give_the_plain_methods(table: VoteTable) -> None:
    """At k = n mux, self-consistency and Agent Forest are exactly the methods on the table."""
    n, order = table.k[0], ranked(table)
    found = distribution(table.klass, table.correct)
    assert winners(found, order).accuracy[:, -1].tolist() == verdicts(table, Mux(), n)
    alone = found.accuracy[order[0], :, -1].tolist()
    assert alone == verdicts(table, SelfConsistency(draws=n), n)
    forest = agent_forest(table.klass, table.correct, order).accuracy[:, -1].tolist()
    assert forest == verdicts(table, AgentForest(), n)


def test_one_model_is_its_own_winner() -> None:
    """For one model mux is self-consistency, and so are the union and the pooled vote."""
    table = made({"m": ["AAbbc", "Abc..", "....."]})
    found = distribution(table.klass, table.correct)
    expected = pytest.approx(found.accuracy[0], abs=1e-12)
    assert winners(found, [0]).accuracy == expected
    assert union_accuracy(found, [0]) == expected
    assert agent_forest(table.klass, table.correct, [0]).accuracy == expected


def test_identical_models_leave_it_to_the_better_record() -> None:
    """With ties everywhere at k = n the better record decides; where records tie, the pool."""
    drawn = {"a": ["AAb", "aab"], "b": ["AAb", "aab"]}
    for records, names in (([0.4, 0.6], ["b", "a"]), ([None, None], ["a", "b"])):
        table = made(drawn, records=records)
        order = ranked(table)
        assert [table.models[m] for m in order] == names
        won = winners(distribution(table.klass, table.correct), order)
        assert won.attribution[:, -1].tolist() == [1.0, 0.0]
        assert won.accuracy[:, -1].tolist() == [1.0, 0.0]


def test_without_a_readable_draw_nobody_wins() -> None:
    """All unreadable: no winner, accuracy 0, and the attribution sums to 0."""
    table = made({"a": ["..!"], "b": ["..."]})
    won = winners(distribution(table.klass, table.correct), [0, 1])
    assert won.accuracy.tolist() == [[0.0] * 3]
    assert won.attribution.sum() == 0


def test_the_worked_example_of_the_paper() -> None:
    """A, A, B and A, B, B tie at 2/3 before A, B, C; the better record, SLM 1, answers A."""
    table = made({"1": ["AAb"], "2": ["Abb"], "3": ["Abc"]}, records=[0.8, 0.7, 0.6])
    won = winners(distribution(table.klass, table.correct), ranked(table))
    assert won.attribution[:, 2].tolist() == [1.0, 0.0, 0.0]
    assert won.accuracy[0, 2] == 1.0
    assert won.count[0, 0, 2].tolist() == [0.0, 0.0, 1.0, 0.0]
    # With one draw each the first model always wins, and is right in two of three draws.
    assert won.accuracy[0, 0] == pytest.approx(2 / 3, abs=1e-15)
