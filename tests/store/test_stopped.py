"""Series that were stopped because the answer was settled: marked, and not for longer than true."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import StoreError, TaskDataError
from slm_mux.store import Store, export_samples, import_samples
from slm_mux.store.rows import StoppedSeries
from tests.store.making import completed, failed, filled, problem, series


def marks(store: Store, task: str = "demo") -> dict[tuple[str, str], int]:
    """The draws that were wanted, by problem and member."""
    return {(mark.problem, mark.member): mark.wanted for mark in store.stopped(task)}


def stopped(path: Path) -> Store:
    """Two problems, three models: c has all draws; on q0, a has one and b none; 3 were wanted."""
    store = Store.open(path)
    store.put_task("demo", [problem("q0"), problem("q1", split="test")], source="", sha256="00")
    every = [(name, series(name, member)) for member in "abc" for name in ("q0", "q1")]
    store.put_asked("demo", every)
    a, b, c = (series("q0", member) for member in "abc")
    store.put_draws([completed(a), *(completed(c, draw) for draw in range(3))])
    store.put_draws([completed(one, draw) for _, one in every[1::2] for draw in range(3)])
    store.put_stopped({one.digest: 3 for one in (a, b, c)})
    return store


def test_series_that_lack_draws_are_marked(tmp_path: Path) -> None:
    """A series with all draws is not marked, one without any is; the marks are on the disk."""
    stopped(tmp_path / "s.db").close()
    with Store.open(tmp_path / "s.db") as store:
        first, second = store.stopped("demo")
        assert store.stopped("demo", "test") == []
    a, b = series("q0", "a").digest, series("q0", "b").digest
    assert first == StoppedSeries(
        problem="q0", member="a", member_id=1, series=a, wanted=3, drawn=1
    )
    assert (second.member, second.series, second.drawn) == ("b", b, 0)


def test_a_failed_draw_is_a_draw(tmp_path: Path) -> None:
    """What ended in failures was not left undrawn."""
    with filled(tmp_path / "s.db", problems=1, members=["m1"], draws=2) as store:
        store.put_draws([failed(series("q0"), 2)])
        store.put_stopped({series("q0").digest: 3})
        assert marks(store) == {}


def test_the_draws_that_were_wanted_have_to_be_there(tmp_path: Path) -> None:
    """A mark ends when the last of the draws wanted is in; draws beyond them do not count."""
    with filled(tmp_path / "s.db", problems=1, members=["m1"], draws=1) as store:
        one = series("q0")
        store.put_stopped({one.digest: 3})
        store.put_draws([completed(one, draw) for draw in (2, 3, 4)])
        assert marks(store) == {("q0", "m1"): 3}
        store.put_draws([failed(one, 1)])
        assert marks(store) == {}


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 6))
@settings(max_examples=20, deadline=None)
def test_the_most_draws_wanted_count(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[int], drawn: int
) -> None:
    """Of several marks the one of the most draws holds, until these are there."""
    folder = tmp_path_factory.mktemp("stopped")
    with filled(folder / "s.db", problems=1, members=["m1"], draws=1) as store:
        one = series("q0")
        for draws in wanted:
            store.put_stopped({one.digest: draws})
        store.put_draws([completed(one, draw) for draw in range(drawn)])
        most = max(wanted)
        assert marks(store) == ({("q0", "m1"): most} if max(drawn, 1) < most else {})


def test_two_tasks_share_a_mark(tmp_path: Path) -> None:
    """The mark is the series', so every task that asks the same has it."""
    with stopped(tmp_path / "s.db") as store:
        store.put_task("other", [problem("z")], source="", sha256="11")
        store.put_asked("other", [("z", series("q0", "a"))])
        assert marks(store, "other") == {("z", "a"): 3}


def test_only_registered_series_are_marked(tmp_path: Path) -> None:
    """A series that nobody registered is an error, and nothing is marked."""
    with stopped(tmp_path / "s.db") as store:
        before = marks(store)
        with pytest.raises(StoreError, match="no series"):
            store.put_stopped({series("q0", "a").digest: 9, series("q0", "z").digest: 9})
        assert marks(store) == before


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_marks_go_through_a_file(tmp_path: Path, suffix: str) -> None:
    """An exported and imported store has the same marks, those of undrawn series too."""
    file, again = tmp_path / f"samples{suffix}", tmp_path / f"again{suffix}"
    with stopped(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        assert export_samples(one, file) == 13
        assert import_samples(two, file).new == 13
        assert two.stopped("demo") == one.stopped("demo")
        assert list(two.records("demo")) == list(one.records("demo"))
        assert [info.name for info in two.members("demo")] == ["a", "b", "c"]
        export_samples(two, again)
        assert again.read_bytes() == file.read_bytes()
        assert import_samples(two, file, task="third").new == 0
        assert marks(two, "third") == marks(one)
        assert two.verify().sound


def test_a_part_of_a_store_has_its_marks(tmp_path: Path) -> None:
    """A file of one split has the marks of that split."""
    file = tmp_path / "samples.jsonl"
    with stopped(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        export_samples(one, file, split="test")
        import_samples(two, file)
        assert two.stopped("demo") == []


def test_an_import_ends_no_mark_and_makes_no_false_one(tmp_path: Path) -> None:
    """Where the store has all draws already, an imported mark is not in force."""
    file = tmp_path / "samples.jsonl"
    with stopped(tmp_path / "one.db") as one:
        export_samples(one, file)
        lacking = [series("q0", member) for member in "ab"]
        one.put_draws([completed(each, draw) for each in lacking for draw in range(3)])
        import_samples(one, file)
        assert marks(one) == {}


def test_files_without_the_columns(tmp_path: Path) -> None:
    """What was exported before there were marks is imported, without any."""
    file = tmp_path / "samples.jsonl"
    with stopped(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        export_samples(one, file)
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        for row in rows:
            del row["stopped_at"], row["undrawn"]
        file.write_text("\n".join(map(json.dumps, rows)))
        assert import_samples(two, file).new == 13
        assert marks(two) == {}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"stopped_at": 0}, "Expected `int` >= 1 - at `$.stopped_at`"),
        ({"stopped_at": 2**31}, "at `$.stopped_at`"),
        ({"undrawn": [{"member": "b"}]}, "missing required field `identity`"),
        ({"series": "blake2b-128:00"}, "the row was changed or damaged"),
    ],
)
def test_marks_are_checked(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    """A mark of no draws, or of a series that is not what it says, is refused with its place."""
    file = tmp_path / "samples.jsonl"
    with stopped(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        export_samples(one, file)
        row = json.loads(file.read_text().splitlines()[0])
        inner = row["undrawn"][0]
        for name, value in changes.items():
            (inner if name == "series" else row)[name] = value
        file.write_text(json.dumps(row))
        with pytest.raises(TaskDataError) as caught:
            import_samples(two, file)
        assert str(caught.value).startswith(f"{file}:1: ")
        assert complaint in str(caught.value)
        assert two.tasks() == []


def test_salvage_saves_marks(tmp_path: Path) -> None:
    """What is saved of a damaged store has its marks, but for those of series that are lost."""
    path, lost = tmp_path / "s.db", series("q0", "a").digest
    stopped(path).close()
    database = sqlite3.connect(path)
    database.execute("UPDATE series SET digest = 'x', prompt = 999 WHERE digest = ?", (lost,))
    database.commit()
    database.close()
    with Store.open(path) as store:
        report = store.salvage(tmp_path / "saved.db")
    assert report.saved["stopped"] == 1
    with Store.open(tmp_path / "saved.db") as store:
        assert marks(store) == {("q0", "b"): 3}
