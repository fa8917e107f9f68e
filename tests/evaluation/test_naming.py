"""Whose samples are whose: by how a model was asked, whatever it was called."""

from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError
from slm_mux.models.base import Generation
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.store import Store
from slm_mux.store.rows import MemberInfo
from slm_mux.types import Problem
from tests.evaluation.making import (
    TASK,
    draws,
    evaluated,
    problem,
    put_answers,
    rows,
    series,
    stored,
)

PROBLEMS = [problem(f"q{number}") for number in range(4)]


class OneServer(ScriptedModel):
    """A model whose name says nothing of what serves it."""

    identity = "openai:http://host/v1|m"


def member(name: str, temperature: float = 0.3) -> Member:
    return Member(model=OneServer(name, ["7"]), generation=Generation(temperature=temperature))


def put(store: Store, of: Member, answers: list[str], problems: list[Problem] = PROBLEMS) -> None:
    """Store what a member answers to each problem, as it is asked under seed 0."""
    put_answers(store, of, problems, {one.id: answers for one in problems})


def accuracies(document: dict[str, Any]) -> dict[str, float]:
    return {name: row["accuracy"] for name, row in rows(document)["mux"]["per_model"].items()}


def test_a_member_is_never_evaluated_on_anothers_samples(tmp_path: Path) -> None:
    """What a name was asked with another member's settings is not that name's any more."""
    with stored(tmp_path / "s.db", PROBLEMS, {}) as store:
        put(store, member("a", 0.3), ["7", "7"])
        put(store, member("b", 0.3), [])
        pool = Pool([member("a", 0.9), member("b", 0.3)], samples=2)
        with pytest.raises(InvalidRequestError, match="samples of a on toy, but not of these"):
            evaluated(store, pool=pool)
        put(store, member("a", 0.9), ["1", "1"])
        document = evaluated(store, pool=pool)
    assert accuracies(document) == {"a": 0.0, "b": 1.0}
    assert [
        (asked["name"], asked["settings"]["temperature"])
        for asked in document["settings"]["members"]
    ] == [("b", 0.3), ("a", 0.9)]


def test_a_member_that_the_pool_renames_keeps_its_samples(tmp_path: Path) -> None:
    """Samples are found by how they were drawn; the name is the pool's."""
    with stored(tmp_path / "s.db", PROBLEMS, {}) as store:
        put(store, member("old"), ["7", "7"])
        document = evaluated(store, pool=Pool([member("new")], samples=2))
    assert (document["models"], accuracies(document)) == (["new"], {"new": 1.0})
    assert [asked["name"] for asked in document["settings"]["members"]] == ["new"]


def test_a_renamed_model_counts_once(tmp_path: Path) -> None:
    """Without a pool, names of the same samples are one model, under the latest of them."""
    with stored(tmp_path / "s.db", PROBLEMS, {}) as store:
        put(store, member("old"), ["7", "7"])
        put(store, member("other", 0.5), ["8", "8"])
        put(store, member("new"), ["7", "7"], PROBLEMS[:2])
        document = evaluated(store)
    assert (document["models"], document["problems"]) == (["new", "other"], 4)
    assert rows(document)["mux"]["samples_per_problem"] == 4.0
    assert "old is new under an earlier name" in document["notes"][0]


def test_models_are_in_the_order_of_first_appearance(tmp_path: Path) -> None:
    """Other settings of a name that were stored later do not move it behind the others."""
    with stored(tmp_path / "s.db", PROBLEMS, {}) as store:
        put(store, member("a", 0.3), ["1"], PROBLEMS[:2])
        put(store, member("b", 0.4), ["7"], PROBLEMS[:2])
        put(store, member("a", 0.5), ["1"], PROBLEMS[3:])
        document = evaluated(store, only=frozenset(["q0", "q1"]))
    assert document["models"] == ["a", "b"]


@pytest.mark.parametrize(
    ("imported", "other"),
    [
        (False, {"settings": {"temperature": 1.5}}),
        (False, {"seed": 1}),
        (False, {"identity": "else"}),
        (True, {}),
    ],
)
def test_one_name_has_one_way_on_all_splits(
    tmp_path: Path, imported: bool, other: dict[str, Any]
) -> None:
    """Settings that differ between the evaluated and the validation split need a pool file."""
    problems = [problem("v", split="validation"), problem("t", split="test")]
    plain: dict[str, Any] = {"settings": {}, "seed": None}
    with stored(tmp_path / "s.db", problems, {}) as store:
        for one in problems:
            changes = {**(other if one.id == "t" else {})}
            if imported:
                changes |= {**plain, "identity": f"import:log|{one.id}"}
            asked = series("a", one.id, **changes)
            store.put_asked(TASK, [(one.id, asked)])
            store.put_draws(draws(asked, ["7"]))
        if imported:
            assert evaluated(store)["problems"] == 1
            return
        with pytest.raises(InvalidRequestError, match=r"a was asked .*validation split.* --pool"):
            evaluated(store)


def test_a_member_that_a_collector_adds_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples of a model that was not there when the members were listed are left for later."""
    real = Store.members

    def before(store: Store, task: str) -> list[MemberInfo]:
        found = real(store, task)
        if not any(one.name == "late" for one in found):
            put(store, member("late", 0.9), ["7"])
        return found

    with stored(tmp_path / "s.db", PROBLEMS, {}) as store:
        put(store, member("a"), ["7"])
        monkeypatch.setattr(Store, "members", before)
        assert evaluated(store)["models"] == ["a"]
