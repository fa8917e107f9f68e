"""The command line as a whole."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.running import pool_file, slm_mux, slm_mux_process
from tests.endpoints import answers, serving


async def test_help_names_the_commands() -> None:
    """`slm-mux --help` and no arguments list the commands."""
    shown = await slm_mux_process("--help")
    assert shown.code == 0
    for command in ("ask", "init", "models", "demo"):
        assert f"\n  {command} " in shown.out


async def test_version() -> None:
    """`--version` prints the installed version."""
    shown = await slm_mux_process("--version")
    assert (shown.code, shown.out) == (0, f"slm-mux {version('slm-mux')}\n")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">/dev/full"])
@pytest.mark.parametrize("command", ["--version", "ask -"])
def test_streams_that_are_closed_or_full_give_no_traceback(
    command: str, redirection: str, tmp_path: Path
) -> None:
    """A daemon without streams, and a full disk, are met without a traceback."""
    shell = f"exec {sys.executable} -m slm_mux {command} {redirection}"
    shown = subprocess.run(
        ["sh", "-c", shell], capture_output=True, text=True, cwd=tmp_path, input="", timeout=60
    )
    assert "Traceback" not in shown.stderr
    assert shown.returncode in (0, 1, 2)


async def test_an_encoding_without_our_signs(tmp_path: Path) -> None:
    """In an ASCII environment signs are replaced; the answer is printed all the same."""
    async with serving() as fake:
        fake.always = answers("\\boxed{9} \u65e5")
        pool = pool_file(tmp_path, fake.url)
        shown = await slm_mux("ask", "How many?", "-v", "--pool", pool, PYTHONIOENCODING="ascii")
    assert shown.code == 0
    assert shown.out.splitlines()[0] == "9"


async def test_a_warning_is_a_line(tmp_path: Path) -> None:
    """What the library warns of is shown without the code that gave it."""
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    (tmp_path / "pool.yaml").write_text("models:\n  - {name: m, gguf: m.gguf}\n")
    shown = await slm_mux_process("models", cwd=tmp_path)
    warned = [line for line in shown.err.splitlines() if "sha256" in line]
    assert [line.startswith("warning: ") for line in warned] == [True]
    assert ".py:" not in shown.err
