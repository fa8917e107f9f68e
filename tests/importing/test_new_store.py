"""A store that an import makes is there when the import is whole, and not before."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from slm_mux.errors import StoreError
from slm_mux.importing import store_for_import
from slm_mux.store import Store
from tests.evaluation.making import problem


def put(store: Store, name: str) -> None:
    store.put_task("t", [problem(name)], source="", sha256="00")


def import_into(path: Path, name: str, then: Callable[[], None] = lambda: None) -> None:
    with store_for_import(path) as store:
        put(store, name)
        then()


def problems(path: Path) -> list[str]:
    with Store.open(path, create=False) as store:
        return [one.id for one in store.problems("t")]


def made_by_another(path: Path) -> None:
    with Store.open(path) as store:
        put(store, "theirs")


def test_a_new_store_gets_its_name_at_the_end(tmp_path: Path) -> None:
    """Until then there is no such file; afterwards there is nothing beside it."""
    path = tmp_path / "s.db"
    there: list[bool] = []
    import_into(path, "q1", lambda: there.append(path.exists()))
    assert there == [False]
    assert list(tmp_path.iterdir()) == [path]
    assert problems(path) == ["q1"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_no_file(tmp_path: Path, error: type[BaseException]) -> None:
    """Neither a failure nor Ctrl-C leaves a store, a folder or a log behind."""
    with pytest.raises(error):
        import_into(tmp_path / "s.db", "q1", Mock(side_effect=error))
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_there_is_opened_as_it_is(tmp_path: Path) -> None:
    """What was in it stays, also after an error."""
    path = tmp_path / "s.db"
    import_into(path, "q1")
    with pytest.raises(KeyboardInterrupt):
        import_into(path, "q2", Mock(side_effect=KeyboardInterrupt))
    assert problems(path) == ["q1", "q2"]


@pytest.mark.parametrize("links", [True, False])
def test_a_store_made_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Another program's new store is not overwritten; the error says to import again."""
    path = tmp_path / "s.db"
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", Mock(side_effect=PermissionError))
    with pytest.raises(StoreError, match="another program has made this store meanwhile"):
        import_into(path, "ours", lambda: made_by_another(path))
    assert list(tmp_path.iterdir()) == [path]
    assert problems(path) == ["theirs"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is moved to its place instead."""
    monkeypatch.setattr(Path, "hardlink_to", Mock(side_effect=PermissionError))
    import_into(tmp_path / "s.db", "q1")
    assert problems(tmp_path / "s.db") == ["q1"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error is that of opening a store."""
    with pytest.raises(StoreError, match="there is no folder"):
        import_into(tmp_path / "none" / "s.db", "q1")


def test_another_program_s_file(tmp_path: Path) -> None:
    """A file of another kind in the store's place is refused and left alone."""
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's SQLite file"):
        import_into(path, "q1")
    assert path.read_bytes() == before
