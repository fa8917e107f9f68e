"""One budget for all methods, and methods that asked for themselves."""

from typing import Any

import pytest

from slm_mux.methods import affordable_draws, summarise
from slm_mux.methods.base import Discussed, Outcome
from slm_mux.table import VoteTable
from tests.tables import table_of

EACH = 15.0
"""Tokens of one draw."""


def outcome(*, right: bool, tokens: float | None = 60.0, failed: int = 0) -> Outcome:
    return Outcome(
        answer="A" if right else "B",
        canonical="A" if right else "B",
        correct=right,
        model="b",
        samples=4,
        tokens=tokens,
        unreadable=1,
        failed=failed,
    )


def debate(*, tokens: float | None = 60.0) -> Discussed:
    outcomes = (outcome(right=True, tokens=tokens), outcome(right=False, tokens=tokens, failed=1))
    return Discussed(name="debate", outcomes=outcomes, breaches={"cut": 2})


@pytest.fixture
def table() -> VoteTable:
    """Two models, three draws of each on two problems; the first ranks first."""
    return table_of({"a": ["AAA", "BBA"], "b": ["ABB", "AAA"]}, ["A", "A"], records=[0.9, 0.1])


def rows(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["method"]: row for row in document["methods"]}


def differences(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["method"], row["baseline"]): row for row in document["differences"]}


@pytest.mark.parametrize(
    ("budget", "k", "alone"), [(30.0, 1, 2), (44.0, 1, 2), (89.9, 2, None), (74.0, 2, None)]
)
def test_a_budget_affords_draws(table: VoteTable, budget: float, k: int, alone: int | None) -> None:
    """Each method takes the most draws whose mean cost is within it, and spends no more."""
    document = summarise(table, budget=budget, resamples=50)
    found = rows(document)
    assert (document["budget"], document["k"]) == (budget, k)
    assert list(found) == ["mux", "single", "self_consistency", "agent_forest"]
    for name in ("mux", "agent_forest"):
        assert found[name]["samples_per_problem"] == 2 * k
    if alone is None:
        assert found["self_consistency"]["accuracy"] is None
        assert "more draws of a are affordable" in found["self_consistency"]["reason"]
    else:
        assert found["self_consistency"]["samples_per_problem"] == alone
    for row in found.values():
        assert row["tokens_per_problem"] is None or row["tokens_per_problem"] <= budget


def test_equal_under_one_budget(table: VoteTable) -> None:
    """Rows are equal where neither could come nearer by a round of draws; one answer is not."""

    def equal(budget: float, *held: Discussed) -> list[tuple[str, str]]:
        document = summarise(table, budget=budget, discussed=held, resamples=50)
        return [pair for pair, row in differences(document).items() if row["equal_budget"]]

    counting = [("mux", "self_consistency"), ("mux", "agent_forest")]
    back = ("agent_forest", "self_consistency")
    # At k = 1 mux has one round and cannot have less: half its tokens is not the same.
    assert equal(30.0) == [*counting, back]
    assert equal(44.0, debate(tokens=40.0)) == [*counting, ("mux", "debate"), back]
    # Of 60 tokens mux could go back by 30: 50 is nearer than that, 44 is not.
    assert equal(60.0, debate(tokens=50.0)) == [("mux", "agent_forest"), ("mux", "debate")]
    assert equal(60.0, debate(tokens=44.0)) == [("mux", "agent_forest")]
    # Two fixed costs are equal only if they are the same. Self-consistency is one draw here.
    one = ("self_consistency", "single")
    assert equal(20.0, debate(tokens=16.0)) == [one]
    assert equal(20.0, debate(tokens=15.0)) == [one, ("debate", "single")]


@pytest.mark.parametrize(
    ("methods", "budget", "draws"),
    [
        (["mux"], 100.0, {"a": 6, "b": 3}),
        (["mux"], 200.0, {"a": 13, "b": 6}),
        (["self_consistency"], 200.0, {"a": 13}),
        (["single"], 200.0, {}),
        (["agent_forest"], 20.0, {"a": 1}),
    ],
)
def test_draws_that_a_budget_affords(
    table: VoteTable, methods: list[str], budget: float, draws: dict[str, int]
) -> None:
    """By the mean cost of those there are, for what is asked for and what it is compared with."""
    assert affordable_draws(table, methods, budget=budget) == draws


def test_a_debate_needs_the_draws_of_mux(table: VoteTable) -> None:
    """It is compared with mux, and with nothing else that counts votes."""
    found = affordable_draws(table, [], budget=200.0, discussing=["debate"])
    assert found == {"a": 6, "b": 6}


@pytest.mark.parametrize("tokens", [(0, 0), (None, None)])
def test_draws_of_no_known_cost(tokens: tuple[int | None, int | None]) -> None:
    """Nothing says how many of them a budget affords."""
    table = table_of({"a": ["AA"]}, ["A"], records=[0.9], tokens=tokens)
    assert affordable_draws(table, budget=100.0) == {}


def test_what_a_budget_does_not_afford(table: VoteTable) -> None:
    """It has no figures, and the reason says what it costs or what is missing."""
    document = summarise(table, budget=20.0, discussed=[debate()], resamples=50)
    reasons = {name: row.get("reason") for name, row in rows(document).items()}
    assert reasons == {
        "mux": "one draw of each model costs 30 tokens a question",
        "single": None,
        "self_consistency": None,
        "agent_forest": "one draw of each model costs 30 tokens a question",
        "debate": "costs 60 tokens a question",
    }
    none = rows(summarise(table, budget=10.0, resamples=50))
    assert none["single"]["reason"] == "one draw of a costs 15 tokens a question"
    more = rows(summarise(table, budget=400.0, resamples=50))
    assert more["mux"]["reason"] == (
        "more draws of each model are affordable for 400 tokens a question than the 3 that there "
        "are"
    )
    assert more["single"]["accuracy"] == 0.5


def test_tokens_that_are_unknown_afford_nothing() -> None:
    """A budget of unknown cost is no budget."""
    table = table_of({"a": ["AA"]}, ["A"], records=[0.9], tokens=(None, None))
    found = rows(summarise(table, budget=100.0, resamples=50))
    assert {row["reason"] for row in found.values()} == {
        "the tokens of some completions are unknown"
    }
    held = Discussed(name="debate", outcomes=(outcome(right=True, tokens=None),))
    known = table_of({"a": ["AA"]}, ["A"], records=[0.9])
    found = rows(summarise(known, budget=20.0, discussed=[held], resamples=50))
    assert found["debate"]["reason"] == "the tokens of some completions are unknown"


def test_a_discussion_has_a_row_and_is_compared(table: VoteTable) -> None:
    """Mux is compared with it, it with single; at equal budget only where tokens are equal."""
    document = summarise(table, k=2, discussed=[debate()], resamples=50)
    row = rows(document)["debate"]
    assert (row["accuracy"], row["correct"], row["total"]) == (0.5, 1, 2)
    assert (row["samples_per_problem"], row["calls_per_problem"]) == (4.0, 4.0)
    assert (row["tokens_per_problem"], row["unreadable"], row["breaches"]) == (60.0, 2, {"cut": 2})
    assert (row["failed_problems"], row["bounds"]) == (1, [0.5, 1.0])
    assert (row["attribution"], row["per_model"]) == ({"a": 0.0, "b": 1.0}, {})
    found = differences(document)
    assert [pair for pair in found if "debate" in pair] == [("mux", "debate"), ("debate", "single")]
    assert list(found).index(("mux", "debate")) == 5
    assert found["mux", "debate"]["equal_budget"] is True
    dear = summarise(table, k=2, discussed=[debate(tokens=61.0)], resamples=50)
    assert differences(dear)["mux", "debate"]["equal_budget"] is False
    alone = summarise(table, (), k=2, discussed=[debate()], resamples=50)
    assert list(rows(alone)) == ["debate"]
    assert list(differences(alone)) == [("mux", "debate"), ("debate", "single")]


def test_a_discussion_that_is_unavailable(table: VoteTable) -> None:
    """It has a row without figures, and no difference is computed from it."""
    lost = Discussed(name="debate", reason="b was given up")
    document = summarise(table, k=2, discussed=[lost], resamples=50)
    row = rows(document)["debate"]
    assert (row["accuracy"], row["breaches"], row["reason"]) == (None, None, "b was given up")
    assert differences(document)["mux", "debate"]["reason"] == "b was given up"
