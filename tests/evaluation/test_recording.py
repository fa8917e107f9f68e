"""The recording that is shipped with the package, unpacked into the user's cache."""

from pathlib import Path

import pytest

from slm_mux.errors import StoreError
from slm_mux.evaluation.recording import recorded_store, recordings_folder
from slm_mux.store import Store, export_samples
from tests.evaluation.making import TASK, evaluated, problem, stored


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "cache"))


def recording(path: Path, answer: str = "7") -> Path:
    with stored(path.with_suffix(".db"), [problem("q1")], {"a": {"q1": [answer]}}) as store:
        export_samples(store, path)
    return path


def test_it_is_unpacked_once(tmp_path: Path) -> None:
    """The same recording gives the same store, with all that was made of it since."""
    source = recording(tmp_path / "r.parquet")
    path = recorded_store(source)
    with Store.open(path) as store:
        assert evaluated(store)["problems"] == 1
        store.put_run({"task": TASK})
    assert recorded_store(source) == path
    with Store.open(path) as store:
        assert len(store.runs()) == 1
    assert list(recordings_folder().iterdir()) == [path]


def test_another_recording_is_another_store(tmp_path: Path) -> None:
    """A newer package's recording does not mix with an older one's."""
    one = recorded_store(recording(tmp_path / "one.parquet"))
    other = recorded_store(recording(tmp_path / "other.parquet", "8"))
    assert one != other


def test_a_package_without_a_recording(tmp_path: Path) -> None:
    """It says so, and what to do."""
    with pytest.raises(StoreError, match="no recorded samples of demo.*slm-mux collect demo"):
        recorded_store(tmp_path / "none.parquet")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the folder."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="cannot be unpacked there"):
        recorded_store(recording(tmp_path / "r.parquet"))
