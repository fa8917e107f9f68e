"""A store whose end is gone: one error, and a remedy that works."""

import os
from pathlib import Path

import pytest

from slm_mux.errors import StoreError
from slm_mux.store import Store, StoreWriter
from tests.store.making import completed, filled, series
from tests.store.test_damage import noise
from tests.store.test_opening import old_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of 61 samples on more than 50 pages, of which the first 30 are not of samples."""
    file = tmp_path / "samples.db"
    with filled(file, problems=1, members=["m1"], draws=1) as store:
        store.put_draws([completed(series("q0"), draw, noise(draw)) for draw in range(1, 61)])
    return file


@pytest.mark.parametrize("size", [10, 50, 99])
def test_a_file_without_its_header(path: Path, size: int) -> None:
    """Of less than the header nothing can be saved, and the message says what else to do."""
    os.truncate(path, size)
    for read_only in (False, True):
        with pytest.raises(StoreError, match=f"first {size} bytes are gone.*move it away.*collect"):
            Store.open(path, read_only=read_only)


@pytest.mark.parametrize("size", [100, 500, 4096, 5000, 10 * 4096])
def test_a_file_without_its_tables(path: Path, size: int) -> None:
    """Verify is advised, and where it cannot help, it says so instead of advising itself."""
    whole = path.stat().st_size
    os.truncate(path, size)
    left = f"{size:,} of {whole:,} bytes are left"
    with pytest.raises(StoreError, match=rf"{left}; `slm-mux store verify .*samples\.db`"):
        Store.open(path)
    with pytest.raises(StoreError, match=f"{left}, and no sample can be read.*move it away"):
        Store.open(path, read_only=True)


@pytest.mark.parametrize("cut", [1, 100, 4096, 5000, 20 * 4096])
def test_a_file_without_its_end(path: Path, cut: int) -> None:
    """It is refused; opened for reading, what is left of it can be saved."""
    whole = path.stat().st_size
    os.truncate(path, whole - cut)
    with pytest.raises(StoreError, match="store verify"):
        Store.open(path)
    with pytest.raises(StoreError, match="store verify"):
        StoreWriter(path)
    saved = path.with_name("saved.db")
    with Store.open(path, read_only=True) as store:
        report = store.verify()
        assert not report.sound
        # The last bytes may belong to no sample.
        fewest = 1 if cut >= 4096 else 0
        assert fewest <= len(report.damaged) < 61
        assert store.salvage(saved).saved["samples"] == 61 - len(report.damaged)
    with Store.open(saved) as store:
        assert store.verify().sound


def test_an_older_file_without_its_end(tmp_path: Path) -> None:
    """A file of an older version, which can no longer be brought up to date, is saved as well."""
    path = tmp_path / "samples.db"
    old_file(path, 2)
    os.truncate(path, path.stat().st_size - 4096)
    with pytest.raises(StoreError, match="store verify"):
        Store.open(path)
    with Store.open(path, read_only=True) as store:
        assert store.verify().samples == 2
        assert store.salvage(tmp_path / "saved.db").saved["series"] == 1


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("DROP TABLE failures", "it lacks failures"),
        ("DROP INDEX samples_address", "it lacks samples_address"),
        ("DELETE FROM samples WHERE id > 30", "the last samples are gone"),
    ],
)
def test_what_is_visible_is_noticed_on_opening(path: Path, statement: str, complaint: str) -> None:
    """Tables and last samples that are gone are noticed before anything is written."""
    with Store.open(path) as store:
        store._connection.db.execute("PRAGMA foreign_keys = OFF")
        store._connection.db.execute(statement)
    with pytest.raises(StoreError, match=f"{complaint}; `slm-mux store verify"):
        Store.open(path)
