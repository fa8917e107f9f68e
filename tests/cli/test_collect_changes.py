"""`slm-mux collect` when the data is no longer what the store has, and what it says of the data."""

import json
import sqlite3
from pathlib import Path

import pytest

from slm_mux.store import Store
from tests.cli.running import pool_file
from tests.cli.test_collect import SEVEN, collect, rows
from tests.endpoints import serving, status, unused_url


def write(folder: Path, *questions: str, **fields: object) -> None:
    """Write the data: one problem a question, without ids."""
    (folder / "sums.jsonl").write_text(
        "".join(f"{json.dumps({'question': q, 'target': '7'} | fields)}\n" for q in questions)
    )


def questions(folder: Path) -> list[str]:
    with Store.open(folder / "samples.db", create=False) as store:
        return [problem.question for problem in store.problems("sums")]


async def test_problems_that_left_the_data(tmp_path: Path) -> None:
    """They are named once on stderr and in the document, and stay; a dry run says so, too."""
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=1)
        write(tmp_path, *"abcdef")
        first = await collect(tmp_path, "--pool", pool, "--json")
        write(tmp_path, "a", "reworded")
        dry = await collect(tmp_path, "--pool", pool, "--dry-run", "--json")
        shown = await collect(tmp_path, "--pool", pool, "--json")
    assert (first.document["notes"], first.err.count("not in this data")) == ([], 0)
    (note,) = shown.document["notes"]
    assert note.startswith("5 problems in the store are not in this data (sums-")
    assert note.endswith(", …): they stay part of the task; --replace leaves exactly the data's")
    assert shown.err.splitlines().count(f"sums: {note}") == 1
    assert dry.document["notes"] == [note]
    assert questions(tmp_path) == [*"abcdef", "reworded"]


async def test_replacing_leaves_exactly_the_data_s(tmp_path: Path) -> None:
    """The task is the data's problems in their order; the old file finds its samples again."""
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=2)
        write(tmp_path, "a", "b")
        await collect(tmp_path, "--pool", pool)
        write(tmp_path, "a", "reworded")
        shown = await collect(tmp_path, "--pool", pool, "--replace")
        assert (shown.code, fake.requests, questions(tmp_path)) == (0, 6, ["a", "reworded"])
        assert "1 problem in the store is not in this data (sums-" in shown.err
        assert "): it leaves the task; the samples stay in the store" in shown.err
        write(tmp_path, "b", "a")
        again = await collect(tmp_path, "--pool", pool, "--replace")
        assert (again.code, fake.requests, questions(tmp_path)) == (0, 6, ["b", "a"])
    assert "4 of 4" in again.out
    assert len(rows(tmp_path)) == 4


@pytest.mark.parametrize("selection", [["--limit", "1"], ["--split", "test"]])
async def test_a_selection_takes_nothing_away(tmp_path: Path, selection: list[str]) -> None:
    """With --replace, problems of the data that are not asked for now stay, with their samples."""
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=1)
        write(tmp_path, "a", "b", "c", split="test")
        await collect(tmp_path, "--pool", pool)
        shown = await collect(tmp_path, "--pool", pool, "--replace", *selection, "--json")
    assert (shown.code, shown.document["notes"]) == (0, [])
    assert questions(tmp_path) == ["a", "b", "c"]
    assert len(rows(tmp_path)) == 3


async def test_problems_without_a_split(tmp_path: Path) -> None:
    """Where only some have one, a line says what `eval` does with the others."""
    problems = [{"question": str(i), "target": "7", "split": s} for i, s in enumerate(["test", ""])]
    (tmp_path / "sums.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in problems))
    pool = pool_file(tmp_path, unused_url())
    shown = await collect(tmp_path, "--pool", pool, "--dry-run", "--json")
    (note,) = shown.document["notes"]
    assert note.startswith("1 of 2 problems has no split: `eval` takes it with --split all")
    assert f"sums: {note}" in shown.err


async def test_one_of_each(tmp_path: Path) -> None:
    """What there is one of is in the singular: problem, draw, failure."""
    write(tmp_path, "a")
    async with serving() as fake:
        fake.always = SEVEN
        fake.then(status(400, message="no"))
        pool = pool_file(tmp_path, fake.url, samples=1)
        shown = await collect(tmp_path, "--pool", pool)
        again = await collect(tmp_path, "--pool", pool, "-k", "2")
    assert "sums: 1 problem " in shown.out
    assert "model-0: 1 draw failed: " in shown.err
    assert "1 draw in the store failed; --retry-failed makes it again" in shown.err
    assert "1 of 2 draws is in the store" in again.err


async def test_what_is_refused_names_the_remedy(tmp_path: Path) -> None:
    """Changed content under an old id: the message says what changed, and --replace."""
    pool = pool_file(tmp_path, unused_url(), retry_seconds=0.1)
    write(tmp_path, "a", id="x", kind="choice", choices={"A": "7", "B": "8"})
    await collect(tmp_path, "--pool", pool, "-k", "1", start=("collect", "sums.jsonl"))
    write(tmp_path, "a", id="x", kind="choice", choices={"A": "7", "B": "9"})
    shown = await collect(tmp_path, "--pool", pool, "-k", "1", start=("collect", "sums.jsonl"))
    assert shown.code == 1
    assert "is in the store with other choices; " in shown.err
    assert "take the new content with `slm-mux collect --replace`" in shown.err


async def test_a_store_that_is_locked_from_the_start(tmp_path: Path) -> None:
    """Reading what is missing needs no lock: a dry run says what left the data all the same."""
    pool = pool_file(tmp_path, unused_url(), retry_seconds=0.1)
    write(tmp_path, "a", "b")
    await collect(tmp_path, "--pool", pool, "-k", "1")
    write(tmp_path, "a")
    other = sqlite3.connect(tmp_path / "samples.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    shown = await collect(tmp_path, "--pool", pool, "-k", "1", "--dry-run")
    other.execute("ROLLBACK")
    other.close()
    assert "1 problem in the store is not in this data" in shown.err
