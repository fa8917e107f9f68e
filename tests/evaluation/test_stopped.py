"""Samples of which some were not drawn since an answer was settled: never the hard ones alone."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.stopped import stopped_early
from slm_mux.store import Store
from tests.evaluation.making import TASK, Drawn, draws, evaluated, problem, rows, series, stored
from tests.tables import table_of

EASY, HARD = range(10), range(10, 14)


def ids(prefix: str = "q") -> list[str]:
    return [f"{prefix}{number}" for number in (*EASY, *HARD)]


def stopped(prefix: str = "q") -> Drawn:
    """Ten problems that settled when two of a's draws agreed and b's did not; four that did not."""
    names, easy = ids(prefix), len(EASY)
    return {
        "a": {name: ["7", "7"] if n < easy else ["1", "2", "1"] for n, name in enumerate(names)},
        "b": {name: ["7", "9"] if n < easy else ["7", "7", "8"] for n, name in enumerate(names)},
    }


def test_other_methods_than_mux_are_refused(tmp_path: Path) -> None:
    """Without the easy problems the figures would be those of the hard ones."""
    with stored(tmp_path / "s.db", [problem(name) for name in ids()], stopped()) as store:
        with pytest.raises(InvalidRequestError, match=r"10 problems were stopped early.*collect"):
            evaluated(store, samples=3)
        with pytest.raises(InvalidRequestError, match="stopped early"):
            evaluated(store, samples=3, methods=("mux", "single"))


def test_mux_alone_is_evaluated_as_settled(tmp_path: Path) -> None:
    """Its answers are known on every problem; what needs all draws is null."""
    with stored(tmp_path / "s.db", [problem(name) for name in ids()], stopped()) as store:
        document = evaluated(store, samples=3, methods=("mux",))
    mux = rows(document)["mux"]
    assert (document["problems"], document["left_out"], mux["correct"]) == (14, 0, 10)
    assert (document["union_accuracy"], mux["per_model"]) == (None, {})


def test_a_validation_split_that_was_stopped_is_not_used(tmp_path: Path) -> None:
    """Its complete problems are the hard ones, so it ranks nobody, and a note says so."""
    problems = [*(problem(name, split="validation") for name in ids("v"))]
    problems.append(problem("t", split="test"))
    drawn: dict[str, Any] = {
        name: {**given, "t": ["7"] * 3} for name, given in stopped("v").items()
    }
    with stored(tmp_path / "s.db", problems, drawn) as store:
        document = evaluated(store)
    assert all(record["leaks"] for record in document["validation_accuracies"])
    assert any("10 of its problems were stopped early" in note for note in document["notes"])


def test_an_interrupted_collection_is_no_stopping(tmp_path: Path) -> None:
    """Where the problems left out are like the others, the others are evaluated."""
    drawn: Drawn = {
        "a": {name: ["7", "7"] for name in ids()},
        "b": {name: ["7", "8"] for name in ids()[:8]},
    }
    with stored(tmp_path / "s.db", [problem(name) for name in ids()], drawn) as store:
        document = evaluated(store)
    assert (document["problems"], document["left_out"]) == (8, 6)


def test_imported_samples_were_not_stopped(tmp_path: Path) -> None:
    """Logs with unequal draws are evaluated on the problems that have enough."""
    with Store.open(tmp_path / "s.db") as store:
        store.put_task(TASK, [problem(name) for name in ids()], source="", sha256="")
        for name, each in stopped().items():
            for one, answers in each.items():
                asked = series(name, one, seed=None, settings={}, identity=f"import:log|{name}")
                store.put_asked(TASK, [(one, asked)])
                store.put_draws(draws(asked, answers))
        assert evaluated(store, samples=3)["problems"] == len(HARD)


@given(st.lists(st.sampled_from(["777", "778", "789"]), min_size=1, max_size=12))
def test_complete_draws_are_never_stopped(each: list[str]) -> None:
    """Where nothing is missing, nothing looks stopped."""
    assert stopped_early(table_of({"a": each, "b": each}, ["7"] * len(each)), 3) == 0


def test_a_few_settled_problems_are_no_matter() -> None:
    """Up to 5 % of the problems may be left out, since no accuracy moves by more."""
    a, b = ["ABB"] * 38, ["ABC"] * 38
    few = table_of({"a": [*a, "AA"], "b": [*b, "AB"]}, ["A"] * 39)
    many = table_of({"a": [*a, "AA", "AA", "AA"], "b": [*b, "AB", "AB", "AB"]}, ["A"] * 41)
    assert (stopped_early(few, 3), stopped_early(many, 3)) == (0, 3)
