"""The search of a task: which samples it rests on, what it finds, what it says of that."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.models.pool import Pool
from slm_mux.selection import Limits
from slm_mux.store import Store
from slm_mux.studies.rules import SearchRules
from tests.evaluation.making import Drawn, pool_of, problem, put_answers, series, stored
from tests.studies.making import (
    DRAWN,
    RIGHT,
    TESTED,
    TORN,
    VALIDATION,
    WRONG,
    both_splits,
    one_split,
    searched,
    two_splits,
)

SUBSET = {"models", "objective", "union_accuracy", "contradiction", "accuracy", "test_accuracy"}


def notes(document: dict[str, Any]) -> str:
    return "\n".join(document["notes"])


def test_chosen_on_validation_and_tried_on_test(tmp_path: Path) -> None:
    """Golden case: two models that cover three problems of four beat three that contradict."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store)
    best = document["best"]
    assert (document["split"], document["test_split"]) == ("validation", "test")
    assert (document["problems"], document["test_problems"], document["k"]) == (4, 4, 3)
    assert best["models"] == ["a", "b"]
    assert (best["union_accuracy"], best["contradiction"], best["objective"]) == (0.75, 0.0, 0.75)
    assert (best["accuracy"], best["test_accuracy"]) == (0.75, 0.75)
    assert best["validation_accuracies"] == {"a": 0.5, "b": 0.25}
    by_size = document["best_by_size"]
    assert list(by_size) == ["1", "2", "3"]
    assert by_size["1"]["models"] == ["a"]
    assert (by_size["3"]["union_accuracy"], by_size["3"]["objective"]) == (1.0, 0.5)
    assert all(row["proven"] and row["gap"] == 0 for row in by_size.values())
    assert [row["models"] for row in document["runners_up"]][:2] == [["b", "c"], ["a"]]
    assert document["notes"] == []


def test_the_document_has_the_written_keys(tmp_path: Path) -> None:
    """It is JSON without NaN, with the same figures for every subset."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, SearchRules(cost_limit=40))
    json.dumps(document, allow_nan=False)
    assert {"task", "problems", "penalty", "best_by_size", "best", "runners_up", "seconds"} <= set(
        document
    )
    for row in document["best_by_size"].values():
        assert set(row) == SUBSET | {"value", "proven", "bound", "gap", "greedy"}
    assert all(set(row) == SUBSET | {"value"} for row in document["runners_up"])
    trust = document["trust"]
    assert trust["missing"] == {}
    assert trust["stability"]["contenders"][0]["models"] == document["best"]["models"]
    assert (trust["gain"]["best"], trust["gain"]["total"]) == ("a", 4)
    assert trust["peers"]["peers"] == 2
    picked = {pick["criterion"]: pick["models"] for pick in trust["criteria"]["picks"]}
    assert set(picked) == {"objective", "accuracy", "focal-diversity"}
    assert list(trust["error_correlation"]["models"]) == ["a", "b", "c"]
    assert document["settings"]["members"][0]["identity"] == "openai:http://host/v1|a"
    assert document["data"]["samples"].startswith("blake2b-128:")


def test_twice_the_same(tmp_path: Path) -> None:
    """Two searches of one store differ in their time only."""
    with two_splits(tmp_path / "s.db") as store:
        first, second = searched(store), searched(store)
    assert first | {"seconds": 0} == second | {"seconds": 0}


def test_the_penalty_is_the_objectives(tmp_path: Path) -> None:
    """Without a penalty all three models are best; contradiction costs nothing then."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, SearchRules(penalty=0.0))
    assert (document["best"]["models"], document["best"]["objective"]) == (["a", "b", "c"], 1.0)
    assert document["penalty"] == 0.0


def test_correct_by_a_number_of_draws(tmp_path: Path) -> None:
    """A model counts as correct with one right draw of three; the document says so."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, SearchRules(at_least=1))
        assert document["correct"] == "at-least:1"
        assert (
            document["best_by_size"]["1"] | {"models": ["b"], "objective": 1.0}
            == (document["best_by_size"]["1"])
        )
        with pytest.raises(InvalidRequestError, match="at least 4 correct draws are wanted, but"):
            searched(store, SearchRules(at_least=4))


@pytest.mark.parametrize("objective", ["accuracy", "focal-diversity"])
def test_by_other_criteria(tmp_path: Path, objective: str) -> None:
    """The best has the highest value; the bootstrap, which is of the paper's, is left out."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, SearchRules(objective=objective))
    values = [row["value"] for row in document["best_by_size"].values()]
    values += [row["value"] for row in document["runners_up"]]
    assert document["objective_name"] == objective
    assert document["best"]["value"] == max(values)
    assert document["trust"]["stability"] is None
    assert "another was searched" in document["trust"]["missing"]["stability"]


def test_within_a_budget(tmp_path: Path) -> None:
    """Each draw takes 15 tokens: 20 buy one draw of one model, and the frontier only rises."""
    with two_splits(tmp_path / "s.db") as store:
        found = searched(store, SearchRules(cost_limit=20))["budget"]
        assert (len(found["best"]["models"]), found["best"]["k"]) == (1, 1)
        steps = [(each["tokens"], each["accuracy"]) for each in found["frontier"]]
        assert steps == sorted(steps)
        assert found["best"]["test_accuracy"] is not None
        with pytest.raises(InvalidRequestError, match="no subset costs 14 tokens"):
            searched(store, SearchRules(cost_limit=14))


def test_tokens_that_are_unknown(tmp_path: Path) -> None:
    """A cost limit needs them; the search itself does not."""
    with stored(tmp_path / "s.db", both_splits(), DRAWN, tokens=None) as store:
        assert searched(store)["budget"] is None
        with pytest.raises(InvalidRequestError, match="tokens of 12 of its draws are unknown"):
            searched(store, SearchRules(cost_limit=100))


def test_a_proof_that_is_given_up(tmp_path: Path) -> None:
    """After one set the best found is there, with a bound and a gap."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, SearchRules(limits=Limits(nodes=1)))
    row = document["best_by_size"]["3"]
    assert row["bound"] == row["objective"] + row["gap"]
    assert not all(row["proven"] for row in document["best_by_size"].values())


def test_a_task_without_splits(tmp_path: Path) -> None:
    """All problems are searched, and nothing is held out: both are said."""
    with one_split(tmp_path / "s.db", DRAWN) as store:
        document = searched(store)
    assert (document["split"], document["test_split"], document["problems"]) == (None, None, 8)
    assert document["best"]["test_accuracy"] is None
    assert "all 8 problems are searched" in notes(document)
    assert set(document["trust"]["missing"]) >= {"gain", "peers", "criteria"}


@pytest.mark.parametrize(("split", "said"), [("test", "is searched itself"), ("all", "is among")])
def test_the_test_split_is_searched(tmp_path: Path, split: str, said: str) -> None:
    """What is searched is not held out."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, split=split)
    assert document["test_split"] is None
    assert f"the split test {said}" in notes(document)


def test_one_model(tmp_path: Path) -> None:
    """It is a search of one model, and says so."""
    with two_splits(tmp_path / "s.db", {"a": DRAWN["a"]}) as store:
        document = searched(store)
    assert (document["best"]["models"], document["runners_up"]) == (["a"], [])
    assert "a is the only model" in notes(document)
    assert set(document["trust"]["missing"]) == {"stability", "peers", "criteria"}


def test_models_that_share_some_problems(tmp_path: Path) -> None:
    """The common problems count, and how many are left out is said; also of the test split."""
    fewer = dict.fromkeys((*VALIDATION[:3], *TESTED[:2]), RIGHT)
    with two_splits(tmp_path / "s.db", {**DRAWN, "d": fewer}) as store:
        document = searched(store)
    assert (document["problems"], document["left_out"], document["test_problems"]) == (3, 1, 2)
    assert "1 problem is left out: on each, some model has fewer than 3 draws" in notes(document)
    assert "2 problems of the split test are left out" in notes(document)


def test_models_that_share_no_problem(tmp_path: Path) -> None:
    """An error, with how many problems each model has."""
    drawn = {"a": {"q1": RIGHT, "q2": RIGHT}, "b": {"q3": RIGHT}}
    said = "no problem has 3 draws.*a on 2, b on 1"
    with (
        one_split(tmp_path / "s.db", drawn) as store,
        pytest.raises(InvalidRequestError, match=said),
    ):
        searched(store)


def test_unequal_draws(tmp_path: Path) -> None:
    """The common number counts, and is said; --samples takes fewer, and too many are refused."""
    drawn = {"a": {"q1": RIGHT, "q2": TORN}, "b": {"q1": WRONG[:2], "q2": RIGHT[:2]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        document = searched(store)
        assert document["k"] == 2
        assert "unequal draws (a 3, b 2): the first 2 of each count" in notes(document)
        single = searched(store, samples=1)
        assert single["k"] == 1
        assert "with 1 draw of each model contradiction is 0" in notes(single)
        with pytest.raises(InvalidRequestError, match="no problem has 3 draws of every model"):
            searched(store, samples=3)


def test_problems_that_were_stopped_early(tmp_path: Path) -> None:
    """They are refused where they are searched, and not used where they are held out."""
    few = {**DRAWN, "b": {**DRAWN["b"], "t0": RIGHT[:1]}}
    with two_splits(tmp_path / "s.db", few) as store:
        store.put_stopped({series("b", "t0").digest: 3})
        document = searched(store)
        assert document["test_split"] is None
        assert "the split test is not used: 1 of its problems was stopped early" in notes(document)
        with pytest.raises(InvalidRequestError, match=r"split test: 1 problem was stopped early"):
            searched(store, split="test")


def test_a_test_split_without_some_models(tmp_path: Path) -> None:
    """Both tables have the same models, so it is not used, and the models are named."""
    with two_splits(tmp_path / "s.db", {**DRAWN, "d": dict.fromkeys(VALIDATION, RIGHT)}) as store:
        document = searched(store)
    assert document["test_problems"] is None
    assert "there are no samples of d on it" in notes(document)


def test_unscored_problems(tmp_path: Path) -> None:
    """They are left out and counted; without any target nothing can be searched."""
    problems = [problem("q1"), problem("q2", target=None)]
    drawn = {"a": {"q1": RIGHT, "q2": RIGHT}, "b": {"q1": WRONG, "q2": RIGHT}}
    with stored(tmp_path / "s.db", problems, drawn) as store:
        document = searched(store)
    assert (document["problems"], document["unscored"]) == (1, ["q2"])
    with (
        stored(tmp_path / "none.db", [problem("q2", target=None)], {"a": {"q2": RIGHT}}) as store,
        pytest.raises(InvalidRequestError, match="none of 1 problem can be scored"),
    ):
        searched(store)


def test_nothing_readable(tmp_path: Path) -> None:
    """Every objective is 0, and that is said."""
    drawn: Drawn = {name: {"q1": ["?", None, "?"]} for name in "ab"}
    with one_split(tmp_path / "s.db", drawn) as store:
        document = searched(store)
    assert (document["best"]["models"], document["best"]["objective"]) == (["a"], 0.0)
    assert "no draw of any model has a readable answer" in notes(document)
    assert document["identical"] == [["a", "b"]]


def test_identical_models(tmp_path: Path) -> None:
    """Ties everywhere: the first model alone is best."""
    with two_splits(tmp_path / "s.db", dict.fromkeys("abc", DRAWN["a"])) as store:
        document = searched(store)
    assert document["best"]["models"] == ["a"]
    assert document["identical"] == [["a", "b", "c"]]
    assert document["trust"]["stability"]["too_close"]


def test_a_pool_says_which_models(tmp_path: Path) -> None:
    """Only its members, by its accuracies for this task, else by those on the searched problems."""
    pool = pool_of("y", x={"validation_accuracy": {"toy": 0.9}}, samples=2)
    with two_splits(tmp_path / "s.db") as store:
        for member in pool:
            put_answers(store, member, both_splits(), DRAWN["a" if member.name == "x" else "b"])
        document = searched(store, pool=pool)
        missing = pool_of("y", "z")
        with pytest.raises(InvalidRequestError, match="no samples of z on toy"):
            searched(store, pool=missing)
    assert (document["models"], document["k"]) == (["y", "x"], 2)
    sources = [(each["accuracy"], each["source"]) for each in document["validation_accuracies"]]
    assert sources == [
        (0.25, "the searched problems"),
        (0.9, "the pool file, for this task"),
    ]


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (lambda store: searched(store, SearchRules(penalty=-1)), "penalty is -1"),
        (lambda store: searched(store, SearchRules(penalty=float("nan"))), "penalty is nan"),
        (lambda store: searched(store, SearchRules(max_models=0)), "--max-models is 0"),
        (lambda store: searched(store, SearchRules(objective="luck")), "no objective 'luck'"),
        (lambda store: searched(store, SearchRules(limits=Limits(nodes=0))), "--node-limit is 0"),
        (
            lambda store: searched(store, SearchRules(limits=Limits(seconds=0))),
            "--time-limit is 0",
        ),
        (lambda store: searched(store, SearchRules(cost_limit=-1)), "--cost-limit is -1"),
        (lambda store: searched(store, samples=0), "samples is 0"),
        (lambda store: searched(store, split="x"), "no split 'x'"),
    ],
)
def test_what_is_refused(tmp_path: Path, search: Callable[[Store], object], said: str) -> None:
    """Each mistake is named."""
    with two_splits(tmp_path / "s.db") as store, pytest.raises(InvalidRequestError, match=said):
        search(store)


def test_no_problems_and_no_samples(tmp_path: Path) -> None:
    """An empty task, a task without samples, no task: three errors."""
    with stored(tmp_path / "s.db", [], {}) as store:
        with pytest.raises(InvalidRequestError, match="toy: there are no problems"):
            searched(store)
        with pytest.raises(StoreError, match="other"):
            searched(store, task="other")
    with (
        stored(tmp_path / "t.db", both_splits(), {}) as store,
        pytest.raises(InvalidRequestError, match="no samples of these problems of toy"),
    ):
        searched(store)


RECORDED = """
samples: 5
temperature: 0.5
max_tokens: 512
models:
  - name: half
    gguf: builtin:qwen2.5-coder-0.5b
  - name: tiny
    gguf: builtin:smollm2-135m
"""


def test_the_shipped_recording(tmp_path: Path, recording: Path) -> None:
    """Real completions of two models: 40 problems to search, 40 held out, every size proven."""
    file = tmp_path / "pool.yaml"
    file.write_text(RECORDED)
    with Store.open(recording) as store:
        document = searched(store, task="demo", pool=Pool.load(file))
    assert (document["problems"], document["test_problems"], document["k"]) == (40, 40, 5)
    one, two = document["best_by_size"]["1"], document["best_by_size"]["2"]
    assert one["models"] == ["half"]
    assert one["proven"]
    assert two["proven"]
    assert document["best"]["objective"] == max(one["objective"], two["objective"]) > 0.4
    assert 0.3 < document["best"]["test_accuracy"] < 0.7
    assert document["trust"]["criteria"]["shared"] == 0
