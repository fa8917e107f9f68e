"""Samples of which some were not drawn since an answer was settled: never the hard ones alone."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.chosen import Chosen, choose
from slm_mux.evaluation.stopped import stopped_early
from slm_mux.models.pool import Pool
from slm_mux.store import Store, export_samples, import_samples
from tests.evaluation.making import (
    TASK,
    Drawn,
    evaluated,
    pool_of,
    problem,
    put_answers,
    rows,
    series,
    stored,
)

NAMES = [f"q{number}" for number in range(14)]
EASY, HARD = NAMES[:10], NAMES[10:]
FEW: Drawn = {
    "a": {name: ["7", "7"] if name in EASY else ["1", "2", "1"] for name in NAMES},
    "b": {name: ["7", "9"] if name in EASY else ["7", "7", "8"] for name in NAMES},
}
"""Ten problems that settled when two of a's draws agreed and b's did not; four that did not."""


def mark(store: Store, *marked: str, members: str = "ab", draws: int = 3) -> None:
    """Mark problems as stopped, when so many draws were wanted."""
    store.put_stopped({series(m, name).digest: draws for name in marked for m in members})


def stopped(path: Path, drawn: Drawn = FEW, marked: Collection[str] = EASY) -> Store:
    store = stored(path, [problem(name) for name in NAMES], drawn)
    mark(store, *marked)
    return store


def chosen(store: Store, pool: Pool | None = None) -> Chosen:
    return choose(
        store, TASK, store.problems(TASK), store.members(TASK), pool=pool, digests=lambda _: ()
    )


def test_other_methods_than_mux_are_refused(tmp_path: Path) -> None:
    """Without the easy problems the figures would be those of the hard ones."""
    with stopped(tmp_path / "s.db") as store:
        with pytest.raises(InvalidRequestError, match=r"10 problems were stopped early.*collect"):
            evaluated(store, samples=3)
        with pytest.raises(InvalidRequestError, match="stopped early"):
            evaluated(store, samples=3, methods=("mux", "single"))


def test_one_problem_is_enough(tmp_path: Path) -> None:
    """A single problem that was stopped is refused: no share of them is harmless."""
    every = {name: ["7", "7", "8"] for name in NAMES}
    with (
        stopped(tmp_path / "s.db", {"a": every, "b": {**every, "q0": []}}, ["q0"]) as store,
        pytest.raises(InvalidRequestError, match=r"1 problem was stopped early.*Without it"),
    ):
        evaluated(store)


def test_mux_alone_is_evaluated_as_settled(tmp_path: Path) -> None:
    """Its answers are known on every problem; what needs all draws is null."""
    with stopped(tmp_path / "s.db") as store:
        document = evaluated(store, methods=("mux",))
    mux = rows(document)["mux"]
    assert (document["k"], document["problems"], document["left_out"]) == (3, 14, 0)
    assert (mux["correct"], document["union_accuracy"], mux["per_model"]) == (10, None, {})


def test_what_another_ranking_leaves_open_is_left_out(tmp_path: Path) -> None:
    """A stopped problem that is not settled by the ranking of now does not count, and is told."""
    drawn: Drawn = {"a": {"q0": ["7", "7", "7"], "q1": ["7", "7", "8"]}, "b": {"q1": ["8"] * 3}}
    pool = pool_of(a={"validation_accuracy": {TASK: 0.9}}, b={"validation_accuracy": {TASK: 0.5}})
    turned = pool_of(a={"validation_accuracy": {TASK: 0.5}}, b={"validation_accuracy": {TASK: 0.9}})
    problems = [problem("q0"), problem("q1")]
    with stored(tmp_path / "s.db", problems, {}) as store:
        for member in pool:
            put_answers(store, member, problems, {"q0": [], **drawn[member.name]})
        store.put_stopped({digest: 3 for _, _, digest in store.asked(TASK)})
        settled = evaluated(store, pool=pool, samples=3, methods=("mux",))
        opened = evaluated(store, pool=turned, samples=3, methods=("mux",))
    assert (settled["problems"], settled["left_out"]) == (2, 0)
    assert (opened["problems"], opened["left_out"]) == (1, 1)
    assert any(note.startswith("1 problem is left out") for note in opened["notes"])


@pytest.mark.parametrize(
    ("k", "names"),
    [(1, []), (2, []), (3, EASY), (4, EASY)],
)
def test_fewer_draws_than_k(tmp_path: Path, k: int, names: list[str]) -> None:
    """At a smaller k nothing is missing; at a larger one the marks tell still why draws are."""
    with stopped(tmp_path / "s.db") as store:
        assert stopped_early(chosen(store), k) == names


def test_a_mark_ends_with_the_draws_that_were_wanted(tmp_path: Path) -> None:
    """Once all draws of then are there, more that are missing are so for another reason."""
    drawn = {"a": dict.fromkeys(NAMES, ["7"] * 3), "b": dict.fromkeys(NAMES, ["8"] * 3)}
    with stopped(tmp_path / "s.db") as store, stored(store.path, store.problems(TASK), drawn):
        assert stopped_early(chosen(store), 3) == stopped_early(chosen(store), 5) == []
        assert evaluated(store)["problems"] == len(NAMES)


def test_a_model_that_was_not_asked_at_all(tmp_path: Path) -> None:
    """Where one model settled the answer, the other has no draw; that problem is no hard one."""
    drawn: Drawn = {
        "a": {name: ["7"] * 3 if name in EASY else ["1", "2", "1"] for name in NAMES},
        "b": {name: [] if name in EASY else ["7", "7", "8"] for name in NAMES},
    }
    with stopped(tmp_path / "s.db", drawn) as store:
        with pytest.raises(InvalidRequestError, match="10 problems were stopped early"):
            evaluated(store)
        # Even b alone, for which these problems were never asked.
        alone = chosen(store).with_members(lambda name: name == "b")
        assert stopped_early(alone, 3) == EASY
        assert stopped_early(chosen(store).with_members(lambda name: name == "a"), 3) == []


def test_another_way_of_asking_is_no_matter(tmp_path: Path) -> None:
    """Marks of a way of asking that has no samples here say nothing of the one that has."""
    with stored(tmp_path / "s.db", [problem(name) for name in NAMES], {}) as store:
        other = [(name, series("a", name, settings={"temperature": 1})) for name in NAMES]
        store.put_asked(TASK, other)
        store.put_stopped({one.digest: 3 for _, one in other})
        with stored(store.path, store.problems(TASK), {"a": {"q0": ["7"] * 3, "q1": ["7"]}}):
            assert stopped_early(chosen(store), 3) == []


def test_a_renamed_model_has_its_marks(tmp_path: Path) -> None:
    """A mark belongs to the series, whatever the model is called now."""
    with stopped(tmp_path / "s.db") as store:
        again = [(name, replace(series("a", name), member="z")) for name in NAMES]
        store.put_asked(TASK, again)
        found = chosen(store)
        assert (found.folded, stopped_early(found, 3)) == ({"a": "z"}, EASY)


def test_a_validation_split_that_was_stopped_is_not_used(tmp_path: Path) -> None:
    """Its complete problems are the hard ones, so it ranks nobody, and a note says so."""
    problems = [*(problem(name, split="validation") for name in NAMES)]
    problems.append(problem("t", split="test"))
    drawn: dict[str, Any] = {name: {**each, "t": ["7"] * 3} for name, each in FEW.items()}
    with stored(tmp_path / "s.db", problems, drawn) as store:
        mark(store, *EASY)
        document = evaluated(store)
        assert all(record["leaks"] for record in document["validation_accuracies"])
        assert any("10 of its problems were stopped early" in note for note in document["notes"])
        # At two draws of each nothing is missing.
        document = evaluated(store, samples=2)
        assert not any(record["leaks"] for record in document["validation_accuracies"])


def test_an_interrupted_collection_is_no_stopping(tmp_path: Path) -> None:
    """What is missing without a mark is left out, however settled it looks."""
    with stopped(tmp_path / "s.db", marked=()) as store:
        document = evaluated(store, samples=3)
    assert (document["problems"], document["left_out"]) == (4, 10)


def test_exported_and_imported_samples_were_stopped_too(tmp_path: Path) -> None:
    """What was stopped stays so in another store."""
    file = tmp_path / "samples.jsonl"
    with stopped(tmp_path / "s.db") as store, Store.open(tmp_path / "two.db") as two:
        export_samples(store, file)
        import_samples(two, file)
        assert stopped_early(chosen(two), 3) == EASY
        with pytest.raises(InvalidRequestError, match="10 problems were stopped early"):
            evaluated(two, samples=3)
