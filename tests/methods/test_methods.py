"""Each method decides by its own draws, with one voting code."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError, NoAnswerError
from slm_mux.methods import (
    AgentForest,
    Context,
    Method,
    Mux,
    SelfConsistency,
    Single,
    Unavailable,
    at_equal_tokens,
)
from slm_mux.table import Record, VoteTable, build_table
from slm_mux.types import Answer, Missing
from slm_mux.voting import decide
from tests.tables import problem, table_of

FAILED = Missing.FAILED
EXAMPLE = {"SLM 1": ["AAB"], "SLM 2": ["ABB"], "SLM 3": ["ABC"]}

records = st.none() | st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def complete(draw: st.DrawFn) -> VoteTable:
    """1 to 3 models with k draws of 1 to 3 problems; some unreadable, some failed."""
    models, problems, k = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    answer = st.sampled_from(["A", "B", "C", None, FAILED])
    rows = st.lists(st.lists(answer, min_size=k, max_size=k), min_size=problems, max_size=problems)
    drawn = {f"m{m}": draw(rows) for m in range(models)}
    targets = draw(st.lists(st.sampled_from(["A", None]), min_size=problems, max_size=problems))
    return table_of(drawn, targets, records=[draw(records) for _ in drawn])


def test_the_paper_s_worked_example() -> None:
    """SLM 1 and 2 tie at 2/3; the better record answers A; the pooled vote is A, 5 of 9."""
    table = table_of(EXAMPLE, ["A"], records=[0.7, 0.6, 0.9])
    context = Context.of(table)
    won = Mux().decide(table, 0, context)
    assert (won.answer, won.model, won.correct, won.samples, won.tokens) == (
        ("A", "SLM 1", True, 9, 135.0)
    )
    turned = table.with_validation_accuracy([0.6, 0.7, 0.9])
    lost = Mux().decide(turned, 0, Context.of(turned))
    assert (lost.answer, lost.model, lost.correct) == ("B", "SLM 2", False)
    pooled = AgentForest().decide(table, 0, context)
    assert (pooled.answer, pooled.model, pooled.samples) == ("A", "SLM 3", 9)
    assert context.ranking == (2, 0, 1)
    alone = Single().decide(table, 0, context)
    assert (alone.answer, alone.model, alone.samples, alone.tokens) == ("A", "SLM 3", 1, 15.0)


@given(complete())
def test_mux_is_algorithm_1(table: VoteTable) -> None:
    """On every problem mux answers what `voting.decide` makes of the votes."""
    context = Context.of(table)
    for p in range(len(table.problems)):
        got = Mux().decide(table, p, context)
        try:
            expected = decide(table.votes(p))
        except NoAnswerError:
            assert (got.answer, got.model, got.correct or False) == (None, None, False)
            continue
        assert (got.canonical, got.model) == (expected.canonical, expected.model)
        assert got.correct == ((got.answer == "A") if table.scored[p] else None)


@given(complete())
def test_agent_forest_is_the_largest_class_of_all(table: VoteTable) -> None:
    """The pooled answer has as many draws as any; among equals it comes first in the pool."""
    context = Context.of(table)
    for p in range(len(table.problems)):
        drawn = [table.drawn(m, p) for m in range(len(table.models))]
        pool = [drawn[m][d] for d in range(context.k[0]) for m in context.ranking]
        texts = [one.text for one in pool if isinstance(one, Answer)]
        expected = max(
            texts, key=lambda text: (texts.count(text), -texts.index(text)), default=None
        )
        assert AgentForest().decide(table, p, context).answer == expected


@given(complete())
def test_one_model_gives_one_answer_by_any_vote(table: VoteTable) -> None:
    """With a single model mux, self-consistency and Agent Forest are the same."""
    alone = table.restrict(models=table.models[:1])
    context = Context.of(alone)
    for p in range(len(table.problems)):
        mux = Mux().decide(alone, p, context)
        assert SelfConsistency().decide(alone, p, context) == mux
        assert AgentForest().decide(alone, p, context) == mux


@given(complete())
def test_every_draw_is_accounted_for(table: VoteTable) -> None:
    """Draws used are all drawn ones; unreadable and failed are among them; unscored is None."""
    context = Context.of(table)
    methods: list[Method] = [Mux(), Single(), SelfConsistency(draws=context.k[0]), AgentForest()]
    for method in methods:
        wanted = sum(method.plan(context))
        for p in range(len(table.problems)):
            got = method.decide(table, p, context)
            assert got.samples == wanted
            assert got.unreadable + got.failed <= wanted
            assert got.tokens == 15.0 * (wanted - got.failed)
            assert (got.correct is None) == (not table.scored[p])
            assert (got.answer is None) == (got.model is None)


@pytest.mark.parametrize("method", [Mux(), Single(), SelfConsistency(draws=2), AgentForest()])
def test_no_decision_is_wrong(method: Any) -> None:
    """Where no draw is readable there is no answer, no winner, and a scored problem is wrong."""
    table = table_of({"a": [[None, FAILED], [None, None]]}, ["A", None])
    context = Context.of(table)
    scored, unscored = (method.decide(table, p, context) for p in range(2))
    assert (scored.answer, scored.model, scored.correct) == (None, None, False)
    assert (unscored.answer, unscored.correct) == (None, None)


def test_failed_draws_leave_the_rest_to_decide() -> None:
    """A failed draw stays in k and votes for nothing."""
    table = table_of({"a": [["A", FAILED, FAILED]], "b": [["B", "B", "C"]]}, ["A"])
    got = Mux().decide(table, 0, Context.of(table))
    assert (got.answer, got.failed, got.correct) == ("B", 2, False)


def test_single_is_the_first_draw() -> None:
    """Not the majority: the draw with index 0, of the best or of a given model."""
    table = table_of({"a": ["BAA"], "b": ["CAA"]}, ["A"], records=[0.1, 0.2])
    context = Context.of(table)
    assert Single().decide(table, 0, context).answer == "C"
    assert Single(model=0).decide(table, 0, context).answer == "B"


def test_unknown_tokens_are_not_zero() -> None:
    """One completion without a token count leaves the sum unknown."""
    table = table_of({"a": ["AA"]}, ["A"], tokens=(10, None))
    assert Mux().decide(table, 0, Context.of(table)).tokens is None


def test_the_default_k_is_what_every_model_has() -> None:
    """Draws beyond the common number are left for self-consistency."""
    table = table_of({"a": ["A" * 6], "b": ["BB"], "c": ["CC"]}, ["A"])
    context = Context.of(table)
    assert context.k == (2, 2, 2)
    assert SelfConsistency().plan(context) == (6, 0, 0)
    assert Context.of(table, 1).k == (1, 1, 1)


def test_a_context_needs_models_and_draws() -> None:
    """No model, no common draw, or k = 0 is refused."""
    with pytest.raises(InvalidRequestError, match="no model"):
        Context.of(build_table("t", [], [], []))
    undrawn = build_table("t", [problem()], ["m"], [])
    with pytest.raises(InvalidRequestError, match="k is 0.*collect"):
        Context.of(undrawn)
    with pytest.raises(InvalidRequestError, match="k is -1"):
        Context.of(undrawn, -1)


def costing(draws: int, cost: float) -> VoteTable:
    """Give the best model so many draws at that cost, beside one of two draws at 10 tokens."""
    rows = [Record(0, 0, d, Answer("A", "A"), True, cost, 0) for d in range(draws)]
    rows += [Record(1, 0, d, Answer("B", "B"), False, 10, 0) for d in range(2)]
    return build_table("t", [problem()], ["best", "other"], rows, validation_accuracy=[0.9, 0.1])


@pytest.mark.parametrize(
    ("draws", "cost", "expected"),
    [
        (5, 5, "more draws are affordable"),
        (5, 10, 4),
        (4, 10, 4),
        (3, 10, "more draws are affordable"),
        (6, 40, 2),
        (4, float("nan"), "tokens of some completions are unknown"),
    ],
)
def test_draws_at_equal_tokens(draws: int, cost: float, expected: int | str) -> None:
    """As many draws of the best as cost no more than mux's; null where the table may lack some."""
    table = costing(draws, cost)
    got = at_equal_tokens(table, Context.of(table, 2))
    if isinstance(expected, int):
        assert got == SelfConsistency(draws=expected, name="self_consistency_equal_tokens")
    else:
        assert isinstance(got, Unavailable)
        assert expected in got.reason


@given(st.integers(3, 12), st.randoms(use_true_random=False), st.sampled_from([1, 0.1]))
def test_one_model_at_equal_tokens_has_its_own_draws(
    problems: int, chance: random.Random, unit: float
) -> None:
    """What costs exactly as much as mux is affordable: no draw is lost to rounding."""
    rows = [
        Record(0, p, draw, Answer("A", "A"), True, *(unit * chance.randint(10, 900) for _ in "pc"))
        for p in range(problems)
        for draw in range(5)
    ]
    table = build_table("t", [problem(f"q{p}") for p in range(problems)], ["m"], rows)
    got = at_equal_tokens(table, Context.of(table, 3))
    assert got == SelfConsistency(draws=3, name="self_consistency_equal_tokens")


def test_draws_at_equal_tokens_of_too_dear_a_model() -> None:
    """A model of which not even one draw is affordable has no such comparison."""
    rows = [Record(0, 0, 0, Answer("A", "A"), True, 10, 0)]
    rows += [Record(0, 0, 1, None, None, 0, 0), Record(1, 0, 0, None, None, 0, 0)]
    table = build_table("t", [problem()], ["a", "b"], rows)
    context = Context(k=(0, 1), ranking=(0, 1))
    got = at_equal_tokens(table, context)
    assert isinstance(got, Unavailable)
    assert got.reason == "a: one draw costs more than all the draws of mux"
