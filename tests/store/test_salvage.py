"""Saving a damaged store: what it was asked is found out again, and no readable text is lost."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import StoreError
from slm_mux.store import SalvageReport, Series, Store
from tests.store.making import completed, failed, problem, series

QUESTIONS = {"q0": "How many pears?", "q1": "How many plums?", "q2": "How many figs?"}


def asked(name: str, member: str) -> Series:
    """As a collector asks: the question, then words that are the same for all problems."""
    content = f"{QUESTIONS[name]}\n\nA) {name} pears\nB) 4\n\nAnswer with one letter."
    return series(name, member, messages=({"role": "user", "content": content},))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of 3 multiple-choice problems, 2 models and 2 draws, with one failure."""
    file = tmp_path / "samples.db"
    problems = [
        problem(name, question=text, kind="choice", choices={"A": f"{name} pears", "B": "4"})
        for name, text in QUESTIONS.items()
    ]
    with Store.open(file) as store:
        store.put_task("demo", problems, source="here", sha256="00")
        pairs = [(name, asked(name, member)) for name in QUESTIONS for member in ("m1", "m2")]
        store.put_asked("demo", pairs)
        for _, one in pairs:
            store.put_draws([completed(one, 0, "A"), completed(one, 1, "B, as \ud800 said")])
        store.put_draws([failed(asked("q0", "m1"), 2)])
    return file


def salvaged(path: Path, *statements: str) -> SalvageReport:
    """Change the store, and save it to saved.db, which is sound."""
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    target = path.with_name("saved.db")
    with Store.open(path, read_only=True) as store:
        assert not store.verify().sound
        report = store.salvage(target)
    with Store.open(target) as store:
        assert store.verify().sound
    return report


def samples(path: Path) -> set[tuple[str, str, str, int]]:
    """(problem, model, series, draw) of every sample, exported or not."""
    with Store.open(path) as store:
        return {
            (record.problem.id, record.series.member, record.draw.series, record.draw.draw)
            for record in store.records("demo")
        }


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE prompts SET messages = '[]' WHERE id = 1",
        "UPDATE prompts SET messages = '{' WHERE id = 1",
        "UPDATE prompts SET messages = x'ff' WHERE id = 1",
        "DELETE FROM prompts WHERE id = 1",
        "DELETE FROM prompts WHERE id < 3",
        "UPDATE prompts SET digest = 'none' WHERE id = 1",
        "UPDATE configs SET digest = 'none' WHERE id = 1",
        "UPDATE series SET prompt = 3 WHERE id = 1",
        "UPDATE series SET config = 2 WHERE id = 1",
        "UPDATE series SET digest = 'none' WHERE id = 1",
    ],
)
def test_what_was_asked_is_found_out_again(path: Path, statement: str) -> None:
    """A series whose digest proves what it is loses nothing."""
    before = samples(path)
    report = salvaged(path, statement)
    assert (report.damaged, report.left, report.unplaced) == ((), 0, 0)
    assert samples(path.with_name("saved.db")) == before
    assert not path.with_name("saved.db.left.jsonl").exists()


@pytest.mark.parametrize(
    ("statement", "lost", "whole"),
    [
        ("DELETE FROM prompts", 13, True),
        ("UPDATE configs SET settings = '{}' WHERE id = 1", 7, True),
        ("UPDATE samples SET completion_tokens = 6 WHERE draw = 0", 6, False),
    ],
)
def test_texts_that_belong_nowhere_are_kept_apart(
    path: Path, statement: str, lost: int, whole: bool
) -> None:
    """What the new store cannot take is beside it, readable, with what is known of it."""
    report = salvaged(path, statement)
    assert report.saved["samples"] + len(report.damaged) == 13
    assert len(report.damaged) == lost
    left = lines(path.with_name("saved.db.left.jsonl"))
    assert (report.left, report.left_in) == (len(left), str(path.with_name("saved.db.left.jsonl")))
    assert len(left) == sum(one.draw < 2 for one in report.damaged)
    first = left[0]
    assert first["places"] == [{"task": "demo", "problem": "q0", "model": "m1"}]
    assert (first["text"], first["draw"], first["whole"]) == ("A", 0, whole)
    assert first["series"] == asked("q0", "m1").digest
    assert {one["text"] for one in left} <= {"A", "B, as \ud800 said"}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("table", ["problems", "members"])
def test_samples_of_a_lost_problem_are_saved(path: Path, table: str) -> None:
    """Samples whose problem or model is lost are saved, said to be so, and found again."""
    before = samples(path)
    report = salvaged(path, f"DELETE FROM {table} WHERE id = 1")
    assert report.saved["samples"] == 13
    assert report.unplaced == (5 if table == "problems" else 7)
    with Store.open(path.with_name("saved.db")) as store:
        problems = [
            problem(name, question=text, kind="choice", choices={"A": f"{name} pears", "B": "4"})
            for name, text in QUESTIONS.items()
        ]
        store.put_task("demo", problems, source="here", sha256="00")
        pairs = [(name, asked(name, member)) for name in QUESTIONS for member in ("m1", "m2")]
        store.put_asked("demo", pairs)
    assert samples(path.with_name("saved.db")) == before


def test_a_file_of_texts_is_not_overwritten(path: Path) -> None:
    """Texts of an earlier saving stay."""
    path.with_name("saved.db.left.jsonl").write_text("paid for")
    with pytest.raises(StoreError, match=r"saved\.db\.left\.jsonl: .*File exists"):
        salvaged(path, "DELETE FROM prompts")
    assert path.with_name("saved.db.left.jsonl").read_text() == "paid for"
