"""Environments of clients: what happens when one cannot be had."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.server.clients.separate import ROOT, Client


@pytest.fixture
def tool(tmp_path: Path) -> ModuleType:
    """Load the installing tool, with a folder of the test's for its environments."""
    path = ROOT / "tools" / "install_clients.py"
    spec = importlib.util.spec_from_file_location("install_clients", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.CLIENTS = tmp_path  # type: ignore[attr-defined]
    return module


def test_a_client_that_cannot_be_installed_is_skipped_with_the_reason(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installing goes on, the reason is kept, and the client's tests are skipped with it."""
    monkeypatch.setattr("tests.server.clients.separate.CLIENTS", tmp_path)
    with pytest.raises(pytest.skip.Exception, match="make clients installs it"):
        Client("some-client", tmp_path)
    wanted = tmp_path / "some-client.txt"
    wanted.write_text("--no-index\nno-package-of-this-name==1\n")
    said = tool.installed("some-client", wanted)
    assert said.startswith("some-client could not be installed: ")
    assert "no-package-of-this-name" in said
    assert not (tmp_path / "some-client").exists()
    with pytest.raises(pytest.skip.Exception, match="no-package-of-this-name"):
        Client("some-client", tmp_path)


def test_an_environment_is_made_once(tool: ModuleType, tmp_path: Path) -> None:
    """It is made anew when its list of packages changes, and not before."""
    made: list[Path] = []
    tool.install_by_pip = lambda folder, _: made.append(folder)  # type: ignore[attr-defined]
    wanted = tmp_path / "nothing.txt"
    wanted.write_text("a==1\n")
    assert tool.installed("nothing", wanted) == "nothing: newly installed"
    assert tool.installed("nothing", wanted) == "nothing: installed"
    wanted.write_text("a==2\n")
    assert tool.installed("nothing", wanted) == "nothing: newly installed"
    assert made == [tmp_path / "nothing"] * 2
