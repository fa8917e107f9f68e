"""The study of a task's scaling: which samples it rests on, and what its document says."""

import json
from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.store import Store
from slm_mux.studies.rules import SearchRules
from slm_mux.studies.scaling_task import ScaleRules
from tests.evaluation.making import (
    Drawn,
    evaluated,
    pool_of,
    problem,
    put_answers,
    rows,
    series,
    stored,
)
from tests.studies.making import (
    DRAWN,
    RIGHT,
    TESTED,
    TORN,
    VALIDATION,
    WRONG,
    both_splits,
    one_split,
    scaled,
    two_splits,
)


def notes(document: dict[str, Any]) -> str:
    return "\n".join(document["notes"])


def points(document: dict[str, Any], method: str) -> list[dict[str, Any]]:
    """A method's points for the chosen subset."""
    curves = document["chosen"]["curves"]["curves"]
    return next(curve["points"] for curve in curves if curve["method"] == method)


def test_searched_on_validation_and_measured_on_test(tmp_path: Path) -> None:
    """Golden case: {a, b} is best on validation; on test a is right on 3 of 4, and decides."""
    with two_splits(tmp_path / "s.db") as store:
        document = scaled(store, ScaleRules(resamples=50))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (document["split"], document["problems"], document["n"]) == ("test", 4, 3)
    search = document["search"]
    assert (search["split"], search["problems"], search["same_problems"]) == (
        "validation",
        4,
        False,
    )
    assert (search["best"], search["objective_name"], search["penalty"]) == (
        ["a", "b"],
        "objective",
        1.0,
    )
    assert document["chosen"]["models"] == ["a", "b"]
    assert list(document["subsets"]) == ["1", "2", "3"]
    assert document["ranking"] == ["a", "c", "b"]
    assert [point["accuracy"] for point in points(document, "self_consistency_at_k")] == [0.75] * 3
    assert points(document, "mux")[2]["accuracy"] == 0.75
    assert points(document, "union")[2]["accuracy"] == 1.0
    assert document["notes"] == []


def test_with_all_draws_it_is_what_eval_says(tmp_path: Path) -> None:
    """At k = n there is one choice of draws, so the figures are those of the evaluation."""
    with two_splits(tmp_path / "s.db") as store:
        document = scaled(store, ScaleRules(models=("a", "b", "c")))
        evaluation = evaluated(store)
    methods = rows(evaluation)
    for method in ("mux", "self_consistency_at_k", "agent_forest"):
        assert points(document, method)[-1]["accuracy"] == methods[method]["accuracy"]
    assert points(document, "union")[-1]["accuracy"] == evaluation["union_accuracy"]
    assert document["validation_accuracies"] == list(evaluation["validation_accuracies"])


def test_twice_the_same(tmp_path: Path) -> None:
    """Two studies of one store differ in their time only."""
    with two_splits(tmp_path / "s.db") as store:
        first, second = scaled(store), scaled(store)
    assert first | {"seconds": 0} == second | {"seconds": 0}


def test_the_subset_that_is_asked_for(tmp_path: Path) -> None:
    """It is the chosen one, in rank order, beside the best of each size."""
    with two_splits(tmp_path / "s.db") as store:
        document = scaled(store, ScaleRules(models=("b", "c")))
    assert document["chosen"]["models"] == ["c", "b"]
    assert document["settings"]["models"] == ["b", "c"]
    assert document["search"]["best"] == ["a", "b"]
    assert document["subsets"]["2"]["models"] == ["a", "b"]


def test_tokens(tmp_path: Path) -> None:
    """Each draw takes 15 tokens: K models with k draws take 15 K k, and less with stopping."""
    with two_splits(tmp_path / "s.db") as store:
        tokens = scaled(store)["tokens"]
    assert tokens["per_draw"] == dict.fromkeys("abc", 15.0)
    for size, costs in tokens["subsets"].items():
        assert [cost["full"] for cost in costs] == [15 * int(size) * k for k in (1, 2, 3)]
        assert all(cost["frugal"] <= cost["full"] for cost in costs)
    assert tokens["chosen"] == tokens["subsets"]["2"]
    # a agrees with itself three times on every problem, so b is never asked.
    assert tokens["chosen"][2]["frugal"] < tokens["chosen"][2]["full"]


def test_tokens_that_are_unknown(tmp_path: Path) -> None:
    """What draws cost is null then, and a note says of whom."""
    with stored(tmp_path / "s.db", both_splits(), DRAWN, tokens=None) as store:
        document = scaled(store)
    assert document["tokens"]["per_draw"] == dict.fromkeys("abc")
    assert document["tokens"]["chosen"][0] == {
        "k": 1,
        "full": None,
        "frugal": None,
        "frugal_share": None,
    }
    assert "tokens are unknown, so what draws cost is too: a (12 of 12 draws)" in notes(document)


def test_a_task_without_splits(tmp_path: Path) -> None:
    """All problems are measured, and subsets are chosen on them: that is said."""
    with one_split(tmp_path / "s.db", DRAWN) as store:
        document = scaled(store)
    assert (document["split"], document["problems"]) == (None, 8)
    assert document["search"]["same_problems"]
    assert "the subsets are chosen on the measured 8 problems themselves" in notes(document)
    assert "which leaks" in notes(document)


@pytest.mark.parametrize(
    ("split", "searched", "problems"), [("validation", "validation", 4), ("all", None, 8)]
)
def test_the_validation_split_is_measured(
    tmp_path: Path, split: str, searched: str | None, problems: int
) -> None:
    """Then there is no other one to choose on."""
    with two_splits(tmp_path / "s.db") as store:
        document = scaled(store, split=split)
    assert document["problems"] == problems
    assert (document["search"]["split"], document["search"]["same_problems"]) == (searched, True)


def test_a_test_split_without_samples(tmp_path: Path) -> None:
    """All problems with samples are measured, unless the split was asked for."""
    drawn = {name: {problem: row[problem] for problem in VALIDATION} for name, row in DRAWN.items()}
    with two_splits(tmp_path / "s.db", drawn) as store:
        document = scaled(store)
        with pytest.raises(InvalidRequestError, match="no samples of these problems of toy"):
            scaled(store, split="test")
    assert (document["split"], document["problems"], document["without_draws"]) == (None, 4, 4)
    assert "no samples of the split test, so all problems are measured" in notes(document)


def test_a_validation_split_that_lacks_draws(tmp_path: Path) -> None:
    """It is not searched; the measured problems are, and the reason is said."""
    fewer = {
        name: {p: row[p][: 2 if p in VALIDATION else 3] for p in row} for name, row in DRAWN.items()
    }
    with two_splits(tmp_path / "s.db", fewer) as store:
        document = scaled(store)
        assert scaled(store, samples=2)["search"]["split"] == "validation"
    assert (document["n"], document["search"]["split"]) == (3, "test")
    assert "the split validation is not used: no problem of it has 3 draws" in notes(document)


def test_one_model(tmp_path: Path) -> None:
    """It is a study of one model: mux is its vote, and nothing is compared."""
    with two_splits(tmp_path / "s.db", {"a": DRAWN["a"]}) as store:
        document = scaled(store)
    assert list(document["subsets"]) == ["1"]
    assert points(document, "mux")[2]["accuracy"] == 0.75
    assert points(document, "self_consistency")[2]["mux_minus"] == 0.0
    assert "a is the only model with samples: there is nothing to combine" in notes(document)


def test_models_that_share_some_problems_or_none(tmp_path: Path) -> None:
    """The common problems count; without any it is an error, with how many each has."""
    fewer = dict.fromkeys((*VALIDATION, *TESTED[:2]), RIGHT)
    with two_splits(tmp_path / "s.db", {**DRAWN, "d": fewer}) as store:
        document = scaled(store)
    assert (document["problems"], document["left_out"]) == (2, 2)
    assert "2 problems are left out: on each, some model has fewer than 3 draws" in notes(document)
    drawn = {"a": {"q1": RIGHT, "q2": RIGHT}, "b": {"q3": RIGHT}}
    said = "no problem has 3 draws.*a on 2, b on 1"
    with (
        one_split(tmp_path / "t.db", drawn) as store,
        pytest.raises(InvalidRequestError, match=said),
    ):
        scaled(store)


def test_unequal_draws(tmp_path: Path) -> None:
    """The common number is studied; what a model has more serves its vote at equal draws."""
    drawn = {"a": {"q1": RIGHT, "q2": TORN}, "b": {"q1": WRONG[:2], "q2": RIGHT[:2]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        document = scaled(store, ScaleRules(models=("a", "b")))
        fewer = scaled(store, ScaleRules(models=("a", "b")), samples=1)
    assert (document["n"], document["draws"]) == (2, {"a": 3, "b": 2})
    equal = points(document, "self_consistency")
    assert [point["draws"] for point in equal] == [2, 4]
    assert equal[0]["accuracy"] is not None
    assert equal[1]["reason"] == "a: 4 draws are needed, and there are 3"
    assert "models have from 2 to 3 draws; the first 2 of each are studied" in notes(document)
    assert (fewer["n"], fewer["draws"]) == (1, {"a": 3, "b": 1})


def test_draws_that_are_missing_on_one_problem(tmp_path: Path) -> None:
    """Only draws that a model has on every problem count."""
    drawn = {"a": {"q1": RIGHT, "q2": TORN[:2]}, "b": {"q1": WRONG[:2], "q2": RIGHT[:2]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        assert scaled(store, samples=2)["draws"] == {"a": 2, "b": 2}


def test_problems_that_were_stopped_early(tmp_path: Path) -> None:
    """They are refused where they are measured, and not searched on."""
    few = {**DRAWN, "b": {**DRAWN["b"], "t0": RIGHT[:1]}}
    with two_splits(tmp_path / "s.db", few) as store:
        store.put_stopped({series("b", "t0").digest: 3})
        with pytest.raises(InvalidRequestError, match=r"split test: 1 problem was stopped early"):
            scaled(store)
    few = {**DRAWN, "b": {**DRAWN["b"], "v0": RIGHT[:1]}}
    with two_splits(tmp_path / "t.db", few) as store:
        store.put_stopped({series("b", "v0").digest: 3})
        document = scaled(store)
    assert document["search"]["same_problems"]
    assert "the split validation is not used: 1 of its problems was stopped" in notes(document)


def test_unscored_problems(tmp_path: Path) -> None:
    """They are left out and named; without any target there is nothing to study."""
    problems = [problem("q1"), problem("q2", target=None)]
    drawn = {"a": {"q1": RIGHT, "q2": RIGHT}, "b": {"q1": WRONG, "q2": RIGHT}}
    with stored(tmp_path / "s.db", problems, drawn) as store:
        document = scaled(store)
    assert (document["problems"], document["unscored"]) == (1, ["q2"])
    assert sum("scored" in note for note in document["notes"]) == 1
    with (
        stored(tmp_path / "none.db", [problem("q2", target=None)], {"a": {"q2": RIGHT}}) as store,
        pytest.raises(InvalidRequestError, match="none of 1 problem can be scored"),
    ):
        scaled(store)


def test_nothing_readable(tmp_path: Path) -> None:
    """Nothing can be studied then."""
    drawn: Drawn = {name: {"q1": ["?", None, "?"]} for name in "ab"}
    with (
        one_split(tmp_path / "s.db", drawn) as store,
        pytest.raises(InvalidRequestError, match="no draw of any model on a scored problem"),
    ):
        scaled(store)


def test_identical_models(tmp_path: Path) -> None:
    """Ties everywhere: the first model alone is best, and larger subsets are no better."""
    with two_splits(tmp_path / "s.db", dict.fromkeys("abc", DRAWN["a"])) as store:
        document = scaled(store)
    assert document["chosen"]["models"] == ["a"]
    last = [
        subset["curves"][0]["points"][-1]["accuracy"] for subset in document["subsets"].values()
    ]
    assert set(last) == {0.75}


def test_a_pool_says_which_models(tmp_path: Path) -> None:
    """Only its members, ranked by its accuracies for this task, else by the validation split."""
    pool = pool_of("y", x={"validation_accuracy": {"toy": 0.9}}, samples=2)
    with two_splits(tmp_path / "s.db") as store:
        for member in pool:
            put_answers(store, member, both_splits(), DRAWN["a" if member.name == "x" else "b"])
        document = scaled(store, pool=pool)
        missing = pool_of("y", "z")
        with pytest.raises(InvalidRequestError, match="no samples of z on toy"):
            scaled(store, pool=missing)
    assert ([model["model"] for model in document["models"]], document["n"]) == (["y", "x"], 2)
    assert document["ranking"] == ["x", "y"]
    sources = [(each["accuracy"], each["source"]) for each in document["validation_accuracies"]]
    assert sources == [
        (0.25, "the validation split in the store"),
        (0.9, "the pool file, for this task"),
    ]


@pytest.mark.parametrize("objective", ["accuracy", "focal-diversity"])
def test_by_other_criteria(tmp_path: Path, objective: str) -> None:
    """The best of each size is by that criterion; focal diversity begins at two models."""
    with two_splits(tmp_path / "s.db") as store:
        document = scaled(store, ScaleRules(search=SearchRules(objective=objective)))
    least = 1 if objective == "accuracy" else 2
    assert document["search"]["objective_name"] == objective
    assert [int(size) for size in document["subsets"]] == list(range(least, 4))


@pytest.mark.parametrize(
    ("rules", "question", "said"),
    [
        ({"search": SearchRules(penalty=-1)}, {}, "penalty is -1"),
        ({"search": SearchRules(penalty=float("nan"))}, {}, "penalty is nan"),
        ({"search": SearchRules(max_models=0)}, {}, "--max-models is 0"),
        ({"search": SearchRules(at_least=4)}, {}, "at least 4 correct draws are wanted, but"),
        ({"models": ()}, {}, "--models: give one name"),
        ({"models": ("a", "")}, {}, "--models: give one name"),
        ({"models": ("a", "a")}, {}, "--models: 'a' is in it twice"),
        ({"models": ("a", "d")}, {}, "there is no model 'd'; one of a, b, c"),
        ({"resamples": 0}, {}, "--resamples is 0, but must be in 1 .. 100,000"),
        ({"resamples": 100_001}, {}, "--resamples is 100001"),
        ({}, {"samples": 0}, "samples is 0"),
        ({}, {"samples": 4}, "no problem has 4 draws of every model"),
        ({}, {"seed": -1}, "the seed is -1, but must be at least 0"),
        ({}, {"split": "x"}, "no split 'x'"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, rules: dict[str, Any], question: dict[str, Any], said: str
) -> None:
    """Each mistake is named."""
    with (
        two_splits(tmp_path / "s.db") as store,
        pytest.raises(InvalidRequestError, match=said),
    ):
        scaled(store, ScaleRules(**rules), **question)


def test_no_problems_and_no_samples(tmp_path: Path) -> None:
    """An empty task, a task without samples, no task: three errors."""
    with stored(tmp_path / "s.db", [], {}) as store:
        with pytest.raises(InvalidRequestError, match="toy: there are no problems"):
            scaled(store)
        with pytest.raises(StoreError, match="other"):
            scaled(store, task="other")
    with (
        stored(tmp_path / "t.db", both_splits(), {}) as store,
        pytest.raises(InvalidRequestError, match="no samples of these problems of toy"),
    ):
        scaled(store)


def test_the_shipped_recording(recording: Path) -> None:
    """Golden figures of real completions: four ways of asking, on 40 problems.

    Five draws of each are studied; the strongest has 15, for its vote at equal draws, whose
    accuracies with 2 and 4 draws were counted over all choices by brute force.
    """
    with Store.open(recording) as store:
        document = scaled(store, task="demo")
    assert (document["split"], document["problems"], document["n"]) == ("test", 40, 5)
    assert document["exact"]
    assert document["chosen"]["models"] == ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"]
    accuracies = {
        method: [point["accuracy"] for point in points(document, method)]
        for method in ("mux", "single", "self_consistency", "self_consistency_at_k", "union")
    }
    assert accuracies["mux"] == pytest.approx([0.777, 0.78225, 0.8225, 0.822, 0.825])
    assert accuracies["single"] == pytest.approx([0.775] * 5)
    assert accuracies["self_consistency_at_k"] == pytest.approx([0.775, 0.7825, 0.83, 0.84, 0.825])
    assert accuracies["self_consistency"][:2] == pytest.approx([0.7833333333, 0.8310622711])
    assert accuracies["self_consistency"][2:] == pytest.approx([0.837] * 3, abs=0.001)
    last = [
        subset["curves"][0]["points"][-1]["accuracy"] for subset in document["subsets"].values()
    ]
    assert last == pytest.approx([0.825, 0.825, 0.825, 0.75])
    assert [cost["frugal"] for cost in document["chosen"]["stopping"]] == pytest.approx(
        [1.025, 2.45, 3.9, 5.05, 6.225]
    )
    assert document["tokens"]["per_draw"]["qwen2.5-coder-1.5b"] == pytest.approx(297.29)
    assert {row["kind"]: row["count"] for row in document["chosen"]["failures"]["kinds"]} == {
        "no_answer": 0,
        "all_confidently_wrong": 0,
        "all_wrong": 7,
        "tie_break": 0,
        "contradicted": 0,
    }
    assert document["notes"] == ["models have from 5 to 15 draws; the first 5 of each are studied"]
