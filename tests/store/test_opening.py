"""Opening: older files are brought up to date, files that are no stores are refused."""

import hashlib
import os
import resource
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from slm_mux.errors import StoreError
from slm_mux.store import Reading, Store
from slm_mux.store.drawing import prepare
from slm_mux.store.packing import Packer
from slm_mux.store.rows import digest_of
from slm_mux.store.schema import MIGRATIONS, VERSION, migrate
from tests.store.making import (
    completed,
    completion_of,
    failed,
    failures,
    filled,
    problem,
    series,
)

NOBODY = 65534


def old_file(path: Path, version: int) -> None:
    """Write what a program whose tables were of that version would have left.

    One problem, one series, a completion and a failure; a mark that it was stopped at 3 draws.
    """
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    migrate(database, 0, until=version)
    one = series("q1")
    config = [one.identity, '{"max_tokens":64,"temperature":0.3}', 0]
    document = '{"id":"q1","question":"What is q1?","kind":"number","target":"7","split":null}'
    database.executescript(
        f"""
        INSERT INTO tasks VALUES (1, 'demo', 'here', '00', '2026-01-01T00:00:00Z');
        INSERT INTO problems VALUES (1, 1, 'q1', 0, NULL, '{document}');
        INSERT INTO configs VALUES
            (1, '{digest_of(config)}', '{one.identity}', '{config[1]}', 0);
        INSERT INTO prompts VALUES
            (1, '{digest_of(one.messages)}', '[{{"role":"user","content":"What is q1?"}}]');
        INSERT INTO series VALUES (1, '{one.digest}', 1, 1);
        INSERT INTO members VALUES (1, 1, 'm1', 1);
        INSERT INTO asked VALUES (1, 1, 1, 1);
        """
    )
    for sample, draw in enumerate([completed(one, 0, "It is 7."), failed(one, 1)], 1):
        prepared = prepare(draw, Packer())
        columns = prepared.columns if version > 1 else prepared.columns[:-1]
        marks = ", ".join("?" * (3 + len(columns)))
        database.execute(f"INSERT INTO samples VALUES ({marks})", (sample, 1, draw.draw, *columns))
        if prepared.body is not None:
            database.execute("INSERT INTO texts VALUES (?, ?, NULL)", (sample, prepared.body))
        if prepared.failure is not None:
            values = (sample, *prepared.failure)
            database.execute("INSERT INTO failures VALUES (?, ?, ?, ?)", values)
    if version > 3:
        database.execute("INSERT INTO stopped VALUES (1, 3)")
    database.close()


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_older_files_become_current(tmp_path: Path, version: int) -> None:
    """A file of any older version opens with all it held, takes new rows, and is sound."""
    path = tmp_path / "samples.db"
    old_file(path, version)
    one = series("q1")
    with Store.open(path) as store:
        assert store.problems("demo") == [problem("q1")]
        assert completion_of(store, one.digest, 0) == completed(one).completion
        assert [draw for draw, _ in failures(store)] == [1]
        assert [mark.wanted for mark in store.stopped("demo")] == ([3] if version > 3 else [])
        assert store.verify().sound
        assert store.put_draws([completed(one, 1), completed(one, 2)]) == 2
        assert store.stopped("demo") == []
        store.put_stopped({one.digest: 4})
        store.put_readings("reader", [(1, Reading("7", "7"))])
        store.put_discussed("demo", "debate", [("q1", series("after q1"))])
    with Store.open(path) as store:
        assert store.info().schema == VERSION
        assert [mark.wanted for mark in store.stopped("demo")] == [4]
        assert [name for name, _ in store.info().migrations] == [step.name for step in MIGRATIONS]
        assert store.verify().sound


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """An old file with a damaged text stays as it was, and can be opened when it is repaired."""
    path = tmp_path / "samples.db"
    old_file(path, 1)
    database = sqlite3.connect(path)
    body = database.execute("SELECT body FROM texts").fetchone()[0]
    database.execute("UPDATE texts SET body = x'07'")
    database.commit()
    with pytest.raises(StoreError, match="damaged"):
        Store.open(path)
    assert database.execute("PRAGMA user_version").fetchone()[0] == 1
    database.execute("UPDATE texts SET body = ?", (body,))
    database.commit()
    database.close()
    with Store.open(path) as store:
        assert store.verify().sound


def test_released_migrations_do_not_change() -> None:
    """The steps are those that files out there have taken; a new table is a new step."""
    told = [
        (step.name, hashlib.sha256("".join(step.statements).encode()).hexdigest()[:12])
        for step in MIGRATIONS
    ]
    assert told == [
        ("samples", "7ccfb6a40fd4"),
        ("checksums", "d01be0ac7993"),
        ("readings and verdicts", "6fadbb6b7f7a"),
        ("stopped", "1814975d81aa"),
        ("discussed", "4d2bbb7b0b31"),
    ]


def another_program(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE notes (text)")
    database.commit()
    database.close()


def newer(path: Path) -> None:
    filled(path).close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {VERSION + 5}")
    database.close()


def torn(path: Path) -> None:
    filled(path).close()
    raw = path.read_bytes()
    path.write_bytes(raw[:100] + b"\xff" * 3996 + raw[4096:])


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: path.write_text("Dear diary" * 100), "it is not a store of samples"),
        (another_program, "it is another program's SQLite file"),
        (newer, f"newer slm-mux (tables of version {VERSION + 5}; this one knows {VERSION})"),
        (torn, "the file is damaged"),
        (lambda path: path.mkdir(), "it is a folder"),
    ],
    ids=["text", "another program", "newer", "torn", "folder"],
)
def test_files_that_are_no_stores(
    tmp_path: Path, make: Callable[[Path], object], complaint: str
) -> None:
    """What is not ours is refused in one sentence, and not changed."""
    path = tmp_path / "samples.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError) as caught:
        Store.open(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)
    assert before == (path.read_bytes() if path.is_file() else b"")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """Without `create`, or without a folder, a missing file is an error; an empty one is none."""
    with pytest.raises(StoreError, match="there is no such file"):
        Store.open(tmp_path / "samples.db", create=False)
    with pytest.raises(StoreError, match="there is no such file"):
        Store.open(tmp_path / "samples.db", read_only=True)
    with pytest.raises(StoreError, match="there is no folder"):
        Store.open(tmp_path / "folder" / "samples.db")
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="it is empty"):
        Store.open(tmp_path / "empty.db", create=False)
    assert [file.name for file in tmp_path.iterdir()] == ["empty.db"]
    Store.open(tmp_path / "empty.db").close()


def test_names_with_signs_of_urls(tmp_path: Path) -> None:
    """Signs that mean something in a URL mean nothing in the name of a file."""
    path = tmp_path / "50% of it?mode=memory#1.db"
    filled(path).close()
    with Store.open(path, read_only=True) as store:
        assert len(store.draw_rows("demo")) == 24


def test_read_only_reads(tmp_path: Path) -> None:
    """A store opened for reading answers, refuses to write, and needs the columns of today."""
    path = tmp_path / "samples.db"
    filled(path).close()
    with Store.open(path, read_only=True) as store:
        assert len(store.draw_rows("demo")) == 24
        with pytest.raises(StoreError, match="it cannot be written"):
            store.put_run({})
    old_file(tmp_path / "old.db", 1)
    with pytest.raises(StoreError, match="older version"):
        Store.open(tmp_path / "old.db", read_only=True)
    old_file(tmp_path / "newer.db", 2)
    with Store.open(tmp_path / "newer.db", read_only=True) as store:
        assert store.readings("reader", [1]) == {}
        assert store.verify().sound


def test_a_folder_that_cannot_be_written() -> None:
    """A store in a folder without the right to write can be read."""
    # Root may write everywhere, and a test's own folder is closed to everyone else.
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder / "samples.db").close()
        (folder / "samples.db").chmod(0o644)
        folder.chmod(0o555)
        try:
            if user == 0:
                os.seteuid(NOBODY)
            with Store.open(folder / "samples.db", read_only=True) as store:
                assert len(store.draw_rows("demo")) == 24
                with pytest.raises(StoreError):
                    store.put_run({})
        finally:
            os.seteuid(user)
            folder.chmod(0o700)


def test_a_locked_store(tmp_path: Path) -> None:
    """While another program holds the lock, reads go on and a write gives up after its time."""
    path = tmp_path / "samples.db"
    with filled(path):
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with Store.open(path, busy_seconds=0.05) as store:
        assert len(store.draw_rows("demo")) == 24
        with pytest.raises(StoreError, match="another program is writing"):
            store.put_draws([completed(series("q0"), 30)])
        other.execute("ROLLBACK")
        assert store.put_draws([completed(series("q0"), 30)]) == 1
    other.close()


def test_a_full_disk(tmp_path: Path) -> None:
    """On a full disk a batch is refused whole, what was stored stays, and later writes succeed."""
    with filled(tmp_path / "samples.db") as store:
        database = store._connection.db
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages + 2}")
        long = [completed(series("q0"), 30 + n, os.urandom(3000).hex()) for n in range(10)]
        with pytest.raises(StoreError, match="the disk is full"):
            store.put_draws(long)
        assert store.info().completed == 24
        database.execute("PRAGMA max_page_count = 1000000")
        assert store.put_draws(long) == 10
        assert store.verify().sound


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    """A file that may not grow is like a full disk: what is stored stays, and more can follow."""
    path = tmp_path / "samples.db"
    one = series("q0")
    text = "".join(map(chr, range(0x4E00, 0x9000)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with filled(path) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limits[1]))
        try:
            with pytest.raises(StoreError, match=r"at most here \(ulimit -f\).*run this again"):
                store.put_draws([completed(one, draw, text) for draw in range(4, 40)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store.put_draws([completed(one, 50, text)]) == 1
        assert store.verify().sound


def test_vacuum_gives_space_back(tmp_path: Path) -> None:
    """After rewriting, the file is smaller and holds the same."""
    with filled(tmp_path / "samples.db") as store:
        store.put_readings("r", [(n, Reading("x" * 5000, "y")) for n in range(1, 25)])
        store.put_readings("r", [(n, Reading("x", "y")) for n in range(1, 25)])
        assert store.vacuum() > 0
        assert len(store.draw_rows("demo")) == 24
        assert store.verify().sound
