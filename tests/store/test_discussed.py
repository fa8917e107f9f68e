"""Follow-ups: kept like all samples, and no draws of the model on the problem."""

import json
import sqlite3
from pathlib import Path

import pytest

from slm_mux.store import Series, Store, export_samples, import_samples
from slm_mux.store.schema import migrate
from tests.store.making import completed, failed, filled, problem, series

FOLLOW_UP = "q0, and the others say 8"


def held(path: Path) -> Store:
    """Two plain draws of two models, and a follow-up of each; one of another way of asking."""
    store = filled(path, problems=1, draws=2)
    hot = {"temperature": 1}
    asked = [
        ("q0", series(FOLLOW_UP, "m1")),
        ("q0", series(FOLLOW_UP, "m2")),
        ("q0", series(FOLLOW_UP, "m3", settings=hot)),
    ]
    store.put_discussed("demo", "debate", asked)
    store.put_draws([completed(one, 0, f"{one.member} now says 8.") for _, one in asked])
    return store


def methods(store: Store) -> list[tuple[str, int, str | None]]:
    return [(one.series.member, one.draw.draw, one.method) for one in store.records("demo")]


def test_plain_draws_are_without_follow_ups(tmp_path: Path) -> None:
    """What reads a model's draws on problems does not see what it was asked in a discussion."""
    with held(tmp_path / "samples.db") as store, filled(tmp_path / "plain.db", problems=1) as plain:
        assert [(one.name, one.series, one.draws) for one in store.members("demo")] == [
            ("m1", 1, 2),
            ("m2", 1, 2),
        ]
        assert store.asked("demo") == plain.asked("demo")
        rows = [(row.member, row.draw) for row in store.draw_rows("demo")]
        assert rows == [("m1", 0), ("m1", 1), ("m2", 0), ("m2", 1)]
        assert store.draw_rows("demo", series=[series(FOLLOW_UP, "m1").digest]) == []
        assert (store.info().completed, store.info().discussed) == (7, 3)
        assert store.verify().sound


def test_registering_again_is_no_change(tmp_path: Path) -> None:
    """A follow-up keeps its first method; what was asked plainly stays plain, in either order."""
    with held(tmp_path / "samples.db") as store:
        before = methods(store)
        store.put_discussed("demo", "another", [("q0", series(FOLLOW_UP, "m1"))])
        store.put_discussed("demo", "debate", [("q0", series("q0", "m1"))])
        assert methods(store) == before
        assert before[-3:] == [("m1", 0, "debate"), ("m2", 0, "debate"), ("m3", 0, "debate")]
        store.put_asked("demo", [("q0", series(FOLLOW_UP, "m2"))])
        assert ("m2", 0, None) in methods(store)
        assert ("m2", 0, "debate") not in methods(store)
        assert store.info().discussed == 2


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_follow_ups_go_through_a_file(tmp_path: Path, suffix: str) -> None:
    """An exported and imported store has the same follow-ups, and no more draws."""
    file = tmp_path / f"samples{suffix}"
    with held(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        assert export_samples(one, file) == 7
        assert import_samples(two, file).new == 7
        assert list(two.records("demo")) == list(one.records("demo"))
        assert two.draw_rows("demo") == one.draw_rows("demo")
        assert [one.name for one in two.members("demo")] == ["m1", "m2"]
        assert two.info().discussed == 3
        assert import_samples(two, file).new == 0
        assert two.verify().sound


def test_files_without_the_column(tmp_path: Path) -> None:
    """What was exported before there were follow-ups is imported as plain draws."""
    file = tmp_path / "samples.jsonl"
    with filled(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        export_samples(one, file)
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        for row in rows:
            assert row.pop("method") is None
        file.write_text("\n".join(map(json.dumps, rows)))
        import_samples(two, file)
        assert two.asked("demo") == one.asked("demo")


def test_verify_and_salvage_know_them(tmp_path: Path) -> None:
    """A damaged follow-up is named with its problem; the others are saved as what they are."""
    path = tmp_path / "samples.db"
    held(path).close()
    database = sqlite3.connect(path)
    database.execute("UPDATE samples SET seconds = 9 WHERE id = 5")
    database.commit()
    database.close()
    with Store.open(path) as store:
        damaged = store.verify().damaged
        assert [one.where for one in damaged] == ["task demo, problem q0, model m1, draw 0"]
        report = store.salvage(tmp_path / "saved.db")
    assert (report.saved["discussed"], report.saved["samples"], report.unplaced) == (3, 6, 0)
    with Store.open(tmp_path / "saved.db") as saved:
        assert [name for name, _, method in methods(saved) if method] == ["m2", "m3"]
        assert saved.verify().sound


def test_a_problem_that_changes_loses_them(tmp_path: Path) -> None:
    """What was said of another question no longer belongs to the problem; no sample is lost."""
    with held(tmp_path / "samples.db") as store:
        changed = problem("q0", question="What is left of q0?")
        store.put_task("demo", [changed], source="here", sha256="01", replace=True)
        assert methods(store) == []
        assert store.info().completed == 7
        assert store.verify().sound


def test_an_older_file_that_cannot_be_changed(tmp_path: Path) -> None:
    """It can be read as before: it has no follow-ups."""
    path = tmp_path / "samples.db"
    database = sqlite3.connect(path, isolation_level=None)
    migrate(database, 0, until=4)
    database.close()
    with Store.open(path, read_only=True) as store:
        assert (store.tasks(), store.info().discussed) == ([], 0)


def test_a_failed_follow_up_is_kept(tmp_path: Path) -> None:
    """It gives way to a completion, as any failure does."""
    one: Series = series(FOLLOW_UP, "m1")
    with filled(tmp_path / "samples.db", problems=1) as store:
        store.put_discussed("demo", "debate", [("q0", one)])
        store.put_draws([failed(one)])
        assert store.drawn([one.digest]) == {one.digest: {0: "failed"}}
        assert store.put_draws([completed(one)]) == 1
        assert store.drawn([one.digest]) == {one.digest: {0: "completed"}}
