"""The settings file: every key is checked, every mistake has its line."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from slm_mux.server.settings import ServerSettings, SettingsError, caps_of, checked
from slm_mux.server.settings_file import read_settings
from slm_mux.server.wire.caps import Caps


def read(text: str, folder: Path) -> ServerSettings:
    path = folder / "server.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_a_file(tmp_path: Path) -> None:
    """What is written is taken, everything else has its default; whole numbers are seconds too."""
    found = read(
        "port: 9000\nrequest_seconds: 5\nallow_origins: [https://a.example]\n"
        "keys:\n  my.key-1: {requests_per_minute: 6}\n",
        tmp_path,
    )
    assert (found.port, found.request_seconds, found.max_queue) == (9000, 5.0, 256)
    assert found.keys["my.key-1"].requests_per_minute == 6
    assert read("", tmp_path) == ServerSettings()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("port: 1\nmax_concurent: 2\n", 2, "did you mean `max_concurrent`?"),
        ("max_queue: -1\n", 1, "`max_queue`: expected `int` >= 0"),
        ("# here\nport: 99999\n", 2, "`port`"),
        ("port: eight\n", 1, "`port`: expected `int`, got `str`"),
        ("keys:\n  alice:\n    max_concurent: 1\n", 3, "did you mean `max_concurrent`?"),
        ("keys:\n  a.b-c:\n    max_concurrent: 0\n", 3, "`max_concurrent`"),
        ("port: 1\nport: 2\n", 2, "`port` is given twice"),
        ("port: &a 1\nmax_queue: *a\n", 2, "an alias"),
        ("port: !!python/none x\n", 1, "the tag"),
        ("- 1\n", 1, "a settings file is a mapping"),
        ("port: [1\n", 2, "not valid YAML"),
        ("? [1]\n: 2\n", 1, "plain word"),
        ("keys: {a: {b: {c: {d: 1}}}}\n", 1, "nests too deep"),
        ("log_format: yaml\n", 1, "`log_format`"),
        ("heartbeat_seconds: .nan\n", 1, "`heartbeat_seconds`"),
        ("port: \x07\n", 1, "control character"),
    ],
)
def test_mistakes(text: str, line: int, says: str, tmp_path: Path) -> None:
    """Each is named with file and line, and the nearest name that would be right."""
    with pytest.raises(SettingsError) as caught:
        read(text, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'server.yaml'}:{line}: ")
    assert says in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    """A file that is missing, a folder, and bytes that are no text are said to be that."""
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_settings(path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_settings(tmp_path / "binary.yaml")


def test_settings_that_options_changed_are_checked() -> None:
    """A value out of its range is refused wherever it came from."""
    assert checked(ServerSettings(port=1)) == ServerSettings(port=1)
    with pytest.raises(SettingsError, match="`port`"):
        checked(replace(ServerSettings(), port=-1))


def test_the_caps_of_a_request_are_settings() -> None:
    """Every cap is one of the settings, with the same default."""
    assert caps_of(ServerSettings()) == Caps()
    assert caps_of(ServerSettings(max_draws=7)).max_draws == 7
    assert msgspec.to_builtins(Caps()).items() <= msgspec.to_builtins(ServerSettings()).items()
