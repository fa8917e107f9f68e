"""Where a model's file is: paths, hashes, the cache."""

import hashlib
from pathlib import Path

import pytest

from slm_mux.errors import HashMismatchError, WeightsError
from slm_mux.models.weights import UnverifiedWeightsWarning, resolve, weights_folder
from tests.models.fake_wheels import CONTENT

SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    """Write a file of the user's own."""
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Name an empty cache."""
    return tmp_path / "cache"


def test_cache_folder_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """SLM_MUX_CACHE moves the folder of fetched files; without it, it is in the user's cache."""
    monkeypatch.setenv("SLM_MUX_CACHE", "/elsewhere")
    assert weights_folder() == Path("/elsewhere/weights")
    monkeypatch.delenv("SLM_MUX_CACHE")
    assert weights_folder().parent.name == "slm-mux"


@pytest.mark.parametrize("written", [SHA256, SHA256.upper(), f"sha256:{SHA256}"])
def test_path_with_its_hash(gguf: Path, cache: Path, written: str) -> None:
    """A path is returned as it is when its hash is right, however the hash is written."""
    assert resolve(str(gguf), sha256=written, cache_dir=cache) == gguf


def test_path_without_hash_warns(gguf: Path, cache: Path) -> None:
    """A file without a stated hash is used, with a warning."""
    with pytest.warns(UnverifiedWeightsWarning, match="no sha256 was given"):
        assert resolve(str(gguf), cache_dir=cache) == gguf


def test_path_with_wrong_hash(gguf: Path, cache: Path) -> None:
    """A user's file with another hash is refused, both hashes are named, and it stays."""
    with pytest.raises(HashMismatchError) as caught:
        resolve(str(gguf), sha256="0" * 64, cache_dir=cache)
    for named in (str(gguf), SHA256, "0" * 64, "give the right file"):
        assert named in str(caught.value)
    assert gguf.exists()


def test_hash_is_remembered_until_the_file_changes(gguf: Path, cache: Path) -> None:
    """An unchanged file is not read again; a changed one is."""
    steps: list[str] = []

    def look() -> None:
        resolve(
            str(gguf), sha256=SHA256, cache_dir=cache, progress=lambda _d, _t, w: steps.append(w)
        )

    look()
    assert steps == ["checking the sha256"]
    look()
    assert steps == ["checking the sha256"]
    gguf.write_bytes(CONTENT + b"more")
    with pytest.raises(HashMismatchError):
        look()
    assert steps == ["checking the sha256"] * 2


@pytest.mark.parametrize("content", [b"", b"GGU", b"<html>"])
def test_not_a_gguf(tmp_path: Path, cache: Path, content: bytes) -> None:
    """A file with other first bytes is refused."""
    path = tmp_path / "page.gguf"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="it is not a GGUF file"):
        resolve(str(path), sha256=SHA256, cache_dir=cache)


def test_missing_path(tmp_path: Path, cache: Path) -> None:
    """A path without a file is named; a folder cannot be read."""
    with pytest.raises(WeightsError, match=r"nowhere\.gguf: there is no such file"):
        resolve(str(tmp_path / "nowhere.gguf"), cache_dir=cache)
    with pytest.raises(WeightsError, match="it cannot be read"):
        resolve(str(tmp_path), cache_dir=cache)


@pytest.mark.parametrize(
    "source",
    ["hf:x.gguf", "hf:a/b/c.gguf", "hf:a/b@main/c.bin", "hf:a/b@main/../../c.gguf", "hf:"],
)
def test_bad_hub_source(source: str, cache: Path) -> None:
    """A hub source of another form is refused with the form."""
    with pytest.raises(WeightsError, match=r"hf:owner/repo@revision/file\.gguf"):
        resolve(source, cache_dir=cache)


def test_bad_hash(gguf: Path, cache: Path) -> None:
    """What is no sha256 is refused."""
    with pytest.raises(WeightsError, match="'abc' is not a sha256"):
        resolve(str(gguf), sha256="abc", cache_dir=cache)


def test_catalogue_has_the_hash(cache: Path) -> None:
    """Another hash than the catalogue's contradicts the name, before anything is fetched."""
    with pytest.raises(HashMismatchError, match="b179c952"):
        resolve("builtin:smollm2-135m", sha256="0" * 64, cache_dir=cache)


def test_cache_that_cannot_be_used(tmp_path: Path) -> None:
    """A cache folder that is a file gives one clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be used"):
        resolve("builtin:smollm2-135m", cache_dir=tmp_path / "file" / "weights")
