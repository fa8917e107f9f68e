"""What an evaluation counts, leaves out and says, from samples in a store."""

import json
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from slm_mux.collecting.asking import Settings
from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.models.pool import Pool
from slm_mux.store import Store, export_samples, import_samples
from tests.evaluation.making import (
    TASK,
    Drawn,
    draws,
    evaluated,
    pool_of,
    problem,
    put_answers,
    rows,
    series,
    stored,
)

TWO = [problem("q1"), problem("q2")]


def test_the_keys_of_the_document(tmp_path: Path) -> None:
    """Every method's row has the documented keys, whatever is known."""
    with stored(tmp_path / "s.db", TWO, {"a": {"q1": ["7"], "q2": ["8"]}}) as store:
        document = evaluated(store)
    assert {"task", "problems", "k", "methods", "differences"} <= document.keys()
    for row in document["methods"]:
        assert row.keys() - {"reason"} == {
            "method", "accuracy", "ci95", "correct", "total", "samples_per_problem",
            "calls_per_problem", "tokens_per_problem", "unreadable", "breaches",
            "failed_problems", "bounds", "attribution", "per_model",
        }  # fmt: skip
    mux = rows(document)["mux"]
    assert (mux["accuracy"], mux["correct"], mux["total"]) == (0.5, 1, 2)
    assert (mux["tokens_per_problem"], mux["attribution"]) == (15.0, {"a": 1.0})


def test_unreadable_and_failed_draws_stay_in_k(tmp_path: Path) -> None:
    """They vote for nothing, lower the confidence, and are counted; failures give bounds."""
    drawn: Drawn = {
        "a": {"q1": ["8", "?", None], "q2": ["7", "7", "7"]},
        "b": {"q1": ["7", "7", "?"], "q2": ["8", "9", "8"]},
    }
    with stored(tmp_path / "s.db", TWO, drawn) as store:
        document = evaluated(store)
    mux = rows(document)["mux"]
    assert (mux["accuracy"], mux["unreadable"], mux["failed_problems"]) == (1.0, 2, 1)
    assert mux["bounds"] == [0.5, 1.0]
    assert document["failed_share"] == 1 / 12
    assert mux["per_model"]["a"]["mean_confidence"] == pytest.approx((1 / 3 + 1) / 2)


def test_a_problem_without_a_decision_is_wrong(tmp_path: Path) -> None:
    """Where every draw failed there is no answer, and the problem counts as wrong."""
    with stored(tmp_path / "s.db", TWO, {"a": {"q1": [None, None], "q2": ["7", "7"]}}) as store:
        mux = rows(evaluated(store))["mux"]
    assert (mux["accuracy"], mux["bounds"]) == (0.5, [0.5, 1.0])


def test_unscored_problems_are_listed_and_never_wrong(tmp_path: Path) -> None:
    """A target that cannot be read, or none, takes the problem out of every accuracy."""
    problems = [problem("q1"), problem("q2", target="no number"), problem("q3", target=None)]
    drawn = {"a": {"q1": ["7"], "q2": ["7"], "q3": ["7"]}}
    with stored(tmp_path / "s.db", problems, drawn) as store:
        document = evaluated(store)
    assert document["unscored"] == ["q2", "q3"]
    assert rows(document)["mux"]["total"] == 1
    assert any("2 problems cannot be scored" in note for note in document["notes"])


def test_nothing_to_score(tmp_path: Path) -> None:
    """Without any target there are draws and no accuracies: null or the widest interval."""
    with stored(tmp_path / "s.db", [problem("q1", target=None)], {"a": {"q1": ["7"]}}) as store:
        document = evaluated(store)
    mux = rows(document)["mux"]
    assert (mux["accuracy"], mux["total"], mux["samples_per_problem"]) == (None, 0, 1.0)
    assert document["union_accuracy"] is None
    json.dumps(document, allow_nan=False)


def test_unequal_draws_serve_self_consistency_at_the_same_budget(tmp_path: Path) -> None:
    """The k is what all models have; the strongest one's further draws make the equal budget."""
    drawn = {
        "a": {"q1": ["7"] * 4, "q2": ["8", "8", "7", "7"]},
        "b": {"q1": ["8", "8"], "q2": ["8", "9"]},
    }
    with stored(tmp_path / "s.db", TWO, drawn) as store:
        document = evaluated(store)
    assert document["k"] == 2
    consistency = rows(document)["self_consistency"]
    assert (consistency["samples_per_problem"], consistency["accuracy"]) == (4.0, 0.5)
    assert any("unequal draws (a 4, b 2)" in note for note in document["notes"])


def test_too_few_draws_for_the_budget_are_null_with_the_reason(tmp_path: Path) -> None:
    """Self-consistency at mux's budget is not computed from fewer draws than that."""
    drawn = {name: {"q1": ["7", "7"], "q2": ["7", "7"]} for name in ("a", "b")}
    with stored(tmp_path / "s.db", TWO, drawn) as store:
        row = rows(evaluated(store))["self_consistency"]
    assert row["accuracy"] is None
    assert row["reason"] == "a: 4 draws are needed, and there are 2"


def test_an_interrupted_collection(tmp_path: Path) -> None:
    """Problems that some model has too few draws of are left out, models without any too."""
    problems = [problem(f"q{number}") for number in range(5)]
    every = {one.id: ["7", "7"] for one in problems[:4]}
    drawn: Drawn = {"a": every, "b": {**every, "q3": ["7"]}, "c": {}}
    with stored(tmp_path / "s.db", problems, drawn) as store:
        store.put_asked(TASK, [("q0", series("c", "q0"))])
        document = evaluated(store)
    assert (document["problems"], document["k"], document["models"]) == (3, 2, ["a", "b"])
    assert (document["left_out"], document["without_draws"]) == (1, 1)
    assert any(note.startswith("c: no samples") for note in document["notes"])


def test_a_gap_ends_the_draws_that_count(tmp_path: Path) -> None:
    """Draws count from index 0 without a gap: 0, 1 and 3 are two draws."""
    with stored(tmp_path / "s.db", TWO, {"a": {"q1": ["7", "7"], "q2": ["7"] * 4}}) as store:
        store.put_draws([draws(series("a", "q1"), ["7"] * 4)[3]])
        assert evaluated(store, samples=2)["problems"] == 2
        assert evaluated(store, samples=3)["problems"] == 1


def test_too_many_samples_asked_for(tmp_path: Path) -> None:
    """Asking for more draws than there are names what there is."""
    with (
        stored(tmp_path / "s.db", TWO, {"a": {"q1": ["7"], "q2": ["7"]}}) as store,
        pytest.raises(
            InvalidRequestError, match=r"no problem has 3 draws .* \(most problems have 1"
        ),
    ):
        evaluated(store, samples=3)


def test_splits_and_limit(tmp_path: Path) -> None:
    """Test is the default split; "all" takes every problem; the limit takes the first ones."""
    problems = [problem(f"q{n}", split="validation" if n < 2 else "test") for n in range(5)]
    with stored(tmp_path / "s.db", problems, {"a": {p.id: ["7"] for p in problems}}) as store:
        assert (evaluated(store)["split"], evaluated(store)["problems"]) == ("test", 3)
        assert evaluated(store, split="all")["problems"] == 5
        assert evaluated(store, limit=2)["problems"] == 2
        assert evaluated(store, only=frozenset(["q4"]))["problems"] == 1
        with pytest.raises(InvalidRequestError, match="no split 'train'.*: validation, test"):
            evaluated(store, split="train")


def test_no_task_and_no_samples(tmp_path: Path) -> None:
    """An unknown task is the store's error; a task without samples says what to do."""
    with (
        stored(tmp_path / "s.db", TWO, {}) as store,
        pytest.raises(InvalidRequestError, match="no samples of these problems of toy"),
    ):
        evaluated(store)
    with Store.open(tmp_path / "t.db") as store, pytest.raises(StoreError, match="no task 'toy'"):
        evaluated(store)


def _asked_as(pool: Pool, path: Path, *, seed: int = 0, temperature: float | None = 0.3) -> Store:
    """A store in which the pool's members were asked like this, twice each."""
    store = stored(path, TWO, {})
    answers = {one.id: ["7" if seed == 0 else "8"] * 2 for one in TWO}
    for member in pool:
        asked = Settings(temperature=temperature)
        put_answers(store, member, TWO, answers, seed=seed, settings=asked)
    return store


def test_a_name_asked_in_two_ways_needs_the_pool(tmp_path: Path) -> None:
    """Without the pool it is an error that shows the ways; with it, the pool's way counts."""
    pool = pool_of("a")
    _asked_as(pool, tmp_path / "s.db", temperature=0.3).close()
    with _asked_as(pool, tmp_path / "s.db", seed=1, temperature=0.3) as store:
        with pytest.raises(
            InvalidRequestError, match=r"a was asked q1 in more than one way .*seed 1"
        ):
            evaluated(store)
        warm = {"generation": Settings(temperature=0.3).generation_of(pool.members[0])}
        assert rows(evaluated(store, pool=pool_of(a=warm)))["mux"]["accuracy"] == 1.0
        other = evaluated(store, pool=pool_of(a=warm), seed=1)
        assert rows(other)["mux"]["accuracy"] == 0.0


def test_a_pool_with_other_settings_than_the_stored(tmp_path: Path) -> None:
    """It says that there are samples, how they were drawn, and what to do."""
    with _asked_as(pool_of("a"), tmp_path / "s.db", temperature=0.9) as store:
        with pytest.raises(
            InvalidRequestError, match=r"not of these problems drawn as the pool.*0\.9"
        ):
            evaluated(store, pool=pool_of("a"))
        with pytest.raises(InvalidRequestError, match=r"no samples of b on toy \(it has: a\)"):
            evaluated(store, pool=pool_of("b"))


def test_the_pools_k_is_its_members_fewest(tmp_path: Path) -> None:
    """Members with more samples of their own do not raise k."""
    pool = pool_of("a", "b", samples=2)
    more = pool_of(samples=9, a={"samples": 2}, b={"samples": 15})
    with stored(tmp_path / "s.db", TWO, {}) as store:
        for member in pool:
            put_answers(store, member, TWO, {one.id: ["7"] * 15 for one in TWO})
        assert evaluated(store, pool=pool)["k"] == 2
        assert evaluated(store, pool=more)["k"] == 2
        assert evaluated(store)["k"] == 15


def test_what_was_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second evaluation opens no text, and is the same."""
    with stored(tmp_path / "s.db", TWO, {"a": {"q1": ["7", "?"], "q2": ["8", None]}}) as store:
        first = evaluated(store)
        monkeypatch.setattr(Store, "texts", None)
        assert evaluated(store) == first


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    """A read-only store is evaluated all the same; that nothing is kept is said."""
    with stored(tmp_path / "s.db", TWO, {"a": {"q1": ["7"], "q2": ["8"]}}) as store:
        expected = rows(evaluated(store))["mux"]
        store.put_readings("given", [])
    with Store.open(tmp_path / "s.db", read_only=True, create=False) as store:
        document = evaluated(store)
    assert rows(document)["mux"] == expected
    assert any("not kept for the next time" in note for note in document["notes"])


def test_a_store_that_another_program_holds(tmp_path: Path) -> None:
    """While somebody writes, an evaluation reads what is committed and goes on without keeping."""
    stored(tmp_path / "s.db", TWO, {"a": {"q1": ["7"], "q2": ["8"]}}).close()
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(tmp_path / "s.db", busy_seconds=0.05) as store:
        document = evaluated(store)
    other.close()
    assert rows(document)["mux"]["accuracy"] == 0.5
    assert any("not kept" in note for note in document["notes"])


def test_the_hash_of_the_data(tmp_path: Path) -> None:
    """It is the same in another store, and another when an answer or the tokens differ."""
    hashes = []
    for number, (answer, tokens) in enumerate([("7", 5), ("7", 5), ("8", 5), ("7", 6)]):
        drawn = {"a": {"q1": [answer], "q2": ["8"]}}
        with stored(tmp_path / f"{number}.db", TWO, drawn, tokens=tokens) as store:
            hashes.append(evaluated(store)["data"]["samples"])
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_the_hash_covers_what_ranks_the_models(tmp_path: Path) -> None:
    """Other draws of the validation split, or another stated accuracy, are other data."""
    problems = [problem("v", split="validation"), problem("t", split="test")]
    hashes = set()
    for answer in "78":
        with stored(
            tmp_path / f"{answer}.db", problems, {"a": {"v": [answer], "t": ["7"]}}
        ) as store:
            hashes.add(evaluated(store)["data"]["samples"])
    for accuracy in (0.1, 0.2):
        pool = pool_of(a={"validation_accuracy": {"default": accuracy}})
        with _asked_as(pool, tmp_path / f"{accuracy}.db", temperature=None) as store:
            hashes.add(evaluated(store, pool=pool)["data"]["samples"])
    assert len(hashes) == 4


@pytest.mark.parametrize(
    "text",
    ["\0", "so \\boxed{7}\0", "\ud800 so \\boxed{7}", "x" * 10_000_000, "\\boxed{" * 5000, ""],
    ids=["NUL", "answer and NUL", "half a character", "10 MB", "open boxes", "nothing"],
)
def test_hostile_completions(tmp_path: Path, text: str) -> None:
    """Whatever a completion holds is read, or unreadable, and goes from store to store whole."""
    asked = series("a", "q1")
    draw = draws(asked, ["7"])[0]
    assert draw.completion is not None
    hostile = replace(draw, completion=replace(draw.completion, text=text))
    with stored(tmp_path / "s.db", TWO[:1], {}) as store:
        store.put_asked(TASK, [("q1", asked)])
        store.put_draws([hostile])
        document = evaluated(store)
        export_samples(store, tmp_path / "x.parquet")
    assert rows(document)["mux"]["total"] == 1
    with Store.open(tmp_path / "t.db") as store:
        import_samples(store, tmp_path / "x.parquet")
        assert evaluated(store) == document
