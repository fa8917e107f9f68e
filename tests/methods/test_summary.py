"""The JSON of an evaluation: figures, bounds, differences, and null where there is no telling."""

import json
import math
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError
from slm_mux.methods import METHODS, ceilings, summarise
from slm_mux.table import VoteTable, build_table
from slm_mux.types import Answer, Missing
from tests.tables import problem, table_of

FAILED = Missing.FAILED
KEYS = [
    "method",
    "accuracy",
    "ci95",
    "correct",
    "total",
    "samples_per_problem",
    "calls_per_problem",
    "tokens_per_problem",
    "unreadable",
    "breaches",
    "failed_problems",
    "bounds",
    "attribution",
    "per_model",
]


def rows(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["method"]: row for row in document["methods"]}


def differences(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["method"], row["baseline"]): row for row in document["differences"]}


@pytest.fixture
def table() -> VoteTable:
    """Two models at k = 2 on four problems; the better has two draws more."""
    return table_of(
        {"a": ["AAAA", "BBBB", "ABAA", "BCAA"], "b": ["AB", "AA", [None, "B"], [FAILED, "A"]]},
        ["A", "A", "A", "A"],
        records=[0.6, 0.4],
    )


def test_the_document_of_a_small_table(table: VoteTable) -> None:
    """Every figure of mux by hand: A/a, B/a (tie, better record), A/a, and B/a."""
    document = summarise(table, resamples=200)
    assert {key: document[key] for key in ("task", "problems", "k")} == {
        "task": "toy",
        "problems": 4,
        "k": 2,
    }
    row = rows(document)["mux"]
    assert list(row) == KEYS
    assert {key: row[key] for key in KEYS[:-1] if key != "ci95"} == {
        "method": "mux",
        "accuracy": 0.5,
        "correct": 2,
        "total": 4,
        "samples_per_problem": 4.0,
        "calls_per_problem": 4.0,
        "tokens_per_problem": 56.25,
        "unreadable": 1,
        "breaches": {},
        "failed_problems": 1,
        "bounds": [0.5, 0.75],
        "attribution": {"a": 1.0, "b": 0.0},
    }
    assert row["ci95"] == pytest.approx([0.1500, 0.8500], abs=1e-4)
    assert row["per_model"]["b"]["unreadable"] == 1
    assert row["per_model"]["b"]["failed"] == 1
    assert row["per_model"]["b"]["readable"] == 6
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_methods_and_their_variants(table: VoteTable) -> None:
    """All baselines are there; those with enough draws have figures, others a reason."""
    found = rows(summarise(table, resamples=200))
    assert list(found) == [
        "mux",
        "single",
        "single_best_on_evaluated",
        "self_consistency",
        "self_consistency_equal_tokens",
        "self_consistency_at_k",
        "agent_forest",
    ]
    accuracy = {name: row["accuracy"] for name, row in found.items()}
    assert accuracy["single"] == 0.5
    assert accuracy["self_consistency"] == 0.75
    assert found["self_consistency"]["samples_per_problem"] == 4.0
    assert found["self_consistency_at_k"]["samples_per_problem"] == 2.0
    assert found["self_consistency_equal_tokens"]["samples_per_problem"] == 3.0


def test_single_shows_every_model(table: VoteTable) -> None:
    """The row is the best on validation; each model is beside it, the best here marked."""
    row = rows(summarise(table, ["single"], resamples=200))["single"]
    assert row["attribution"] == {"a": 1.0, "b": 0.0}
    assert [
        (name, one["accuracy"], one["best_on_validation"], one["best_on_evaluated"])
        for name, one in row["per_model"].items()
    ] == [("a", 0.5, True, True), ("b", 0.5, False, False)]
    assert row["per_model"]["a"]["mean_draw_accuracy"] == pytest.approx(3 / 8)


def test_hindsight_is_named_as_such() -> None:
    """The best on the evaluated problems has its own row where validation chose another."""
    table = table_of({"a": ["B", "B"], "b": ["A", "B"]}, ["A", "A"], records=[0.9, 0.1])
    found = rows(summarise(table, ["single"], resamples=200))
    assert found["single"]["accuracy"] == 0.0
    assert found["single_best_on_evaluated"]["accuracy"] == 0.5
    assert found["single_best_on_evaluated"]["attribution"] == {"a": 0.0, "b": 1.0}


def test_differences(table: VoteTable) -> None:
    """Mux is compared with single, self-consistency at equal budgets, and Agent Forest."""
    found = differences(summarise(table, ["mux"], resamples=200))
    assert [(b, row["equal_budget"]) for (_, b), row in found.items()] == [
        ("single", False),
        ("self_consistency", True),
        ("self_consistency_equal_tokens", True),
        ("self_consistency_at_k", False),
        ("agent_forest", True),
    ]
    row = found["mux", "self_consistency"]
    assert (row["difference"], row["mcnemar_p"], row["reason"]) == (-0.25, 1.0, None)
    assert (row["draws"], row["tokens"]) == ([4.0, 4.0], [56.25, 60.0])
    assert row["ci95"][0] <= -0.25 <= row["ci95"][1]
    assert summarise(table, ["mux"], resamples=200)["methods"][1:] == []


def test_too_few_draws_are_null_with_the_reason() -> None:
    """A store without the extra draws has no self-consistency at mux's budget."""
    table = table_of({"a": ["AA", "AA"], "b": ["BB", "BB"]}, ["A", "A"])
    document = summarise(table, resamples=200)
    row = rows(document)["self_consistency"]
    assert row["accuracy"] is None
    assert row["reason"] == "a: 4 draws are needed, and there are 2"
    difference = differences(document)["mux", "self_consistency"]
    assert (difference["difference"], difference["ci95"], difference["mcnemar_p"]) == (
        None,
        None,
        None,
    )
    assert difference["equal_budget"] is True
    assert difference["reason"] == row["reason"]


def test_missing_draws_make_mux_null() -> None:
    """Where a missing draw could change an answer, mux is null and says which is missing."""
    table = table_of({"a": ["AAA", "A"]}, ["A", "A"])
    row = rows(summarise(table, ["mux"], k=3, resamples=200))["mux"]
    assert row["accuracy"] is None
    assert "2 of 6 draws are missing" in row["reason"]


def test_draws_that_could_not_change_an_answer_may_be_missing() -> None:
    """Of a question that was settled early mux's answer is known; each model's own is not."""
    table = table_of({"a": ["AAA", "AAA"], "b": ["BAA", "B"]}, ["A", "A"])
    row = rows(summarise(table, ["mux"], k=3, resamples=200))["mux"]
    assert (row["accuracy"], row["samples_per_problem"], row["per_model"]) == (1.0, 5.0, {})
    assert rows(summarise(table, ["agent_forest"], k=3))["agent_forest"]["accuracy"] is None


@pytest.mark.parametrize("targets", [[], [None, None]])
def test_nothing_scored(targets: list[None]) -> None:
    """Without scored problems there is no accuracy, an interval that says so, and valid JSON."""
    table = table_of({"a": ["AA"] * len(targets), "b": ["BB"] * len(targets)}, targets)
    document = summarise(table, resamples=200)
    row = rows(document)["mux"]
    assert (row["accuracy"], row["correct"], row["total"]) == (None, 0, 0)
    assert (row["ci95"], row["bounds"]) == ([0.0, 1.0], [0.0, 1.0])
    assert all(one["difference"] is None for one in document["differences"])
    assert ceilings(table) == {
        "union_accuracy": None,
        "oracle_accuracy": None,
        "contradiction": None,
    }
    json.dumps(document, allow_nan=False)


def test_unscored_problems_leave_the_total_but_not_the_cost() -> None:
    """A problem without a target is in no accuracy, yet its draws were paid for."""
    table = table_of({"a": ["AA", [FAILED, "A"]]}, ["A", None])
    row = rows(summarise(table, ["mux"], resamples=200))["mux"]
    assert (row["accuracy"], row["total"], row["samples_per_problem"]) == (1.0, 1, 2.0)
    assert (row["failed_problems"], row["bounds"]) == (0, [1.0, 1.0])


def test_unknown_tokens_make_the_mean_unknown() -> None:
    """Methods are compared on the same problems, so one unknown count leaves no mean."""
    draws = [(0, p, 0, Answer("A", "A"), True, 1, tokens) for p, tokens in enumerate([None, 5])]
    draws += [(1, p, 0, Answer("B", "B"), False, 1, 5000) for p in range(2)]
    table = build_table("t", [problem("p"), problem("q")], ["a", "b"], draws)
    document = summarise(table, resamples=200)
    assert rows(document)["mux"]["tokens_per_problem"] is None
    assert rows(document)["mux"]["per_model"]["b"]["tokens_per_problem"] == 5001.0
    assert differences(document)["mux", "single"]["tokens"] == [None, None]


def test_all_draws_failed() -> None:
    """Everything failed: nothing is right, nobody is credited, and all is open."""
    table = table_of({"a": [[FAILED, FAILED]], "b": [[FAILED, FAILED]]}, ["A"])
    row = rows(summarise(table, ["mux"], resamples=200))["mux"]
    assert (row["accuracy"], row["bounds"], row["failed_problems"]) == (0.0, [0.0, 1.0], 1)
    assert row["attribution"] == {"a": 0.0, "b": 0.0}
    assert row["tokens_per_problem"] == 0.0


def test_one_problem_has_no_interval_of_a_difference() -> None:
    """The difference is known, its spread is not."""
    document = summarise(table_of({"a": ["A"], "b": ["B"]}, ["A"]), ["mux"], resamples=200)
    row = differences(document)["mux", "single"]
    assert (row["difference"], row["ci95"], row["reason"]) == (
        0.0,
        None,
        "one problem gives no interval",
    )


def test_ceilings_at_k() -> None:
    """Union counts candidates, oracle counts draws, contradiction needs k >= 2."""
    table = table_of({"a": ["AA", "BA", "BB"], "b": ["BB", "BB", "BC"]}, ["A", "A", "A"])
    found = ceilings(table)
    assert found["union_accuracy"] == pytest.approx(1 / 3)
    assert found["oracle_accuracy"] == pytest.approx(2 / 3)
    assert found["contradiction"] == pytest.approx(1 / 3)
    assert ceilings(table, k=1)["contradiction"] == 0.0


def test_unknown_methods_and_empty_tables_are_refused() -> None:
    """A wrong name is answered with the right ones."""
    table = table_of({"a": ["A"]}, ["A"])
    with pytest.raises(InvalidRequestError, match=f"'vote'.*{', '.join(METHODS)}"):
        summarise(table, ["vote"])
    with pytest.raises(InvalidRequestError, match="no model"):
        summarise(build_table("t", [problem()], [], []))


def test_the_same_seed_gives_the_same_document(table: VoteTable) -> None:
    """The bootstrap is the only chance in it, and it is seeded."""
    first = summarise(table, seed=3, resamples=200)
    assert first == summarise(table, seed=3, resamples=200)
    spread = rows(first)["mux"]["per_model"]["a"]["mean_draw_ci95"]
    assert not any(math.isnan(end) for end in spread)
