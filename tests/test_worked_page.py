"""docs/from-logs-to-a-pool.md is true: what it runs prints what it shows."""

import contextlib
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "from-logs-to-a-pool.md"
LOGS = ROOT / "examples" / "logs"
LEFT_OUT = "..."


class Step(NamedTuple):
    """A block of the page that is run."""

    language: str
    code: str
    shown: str | None
    """The text block after it, if any."""


def steps(page: str) -> Iterator[Step]:
    """Every block that is run, with the text block that follows it."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for place, (language, code) in enumerate(blocks):
        if language in ("sh", "python"):
            after = blocks[place + 1] if place + 1 < len(blocks) else ("", "")
            yield Step(language, code, after[1] if after[0] == "text" else None)


def shows(shown: str, printed: str) -> bool:
    """Whether the page's lines are what was printed, `...` being any lines."""
    parts = [
        r"(?:.*\n)*?" if line == LEFT_OUT else re.escape(line.rstrip()) + r" *\n"
        for line in shown.splitlines()
    ]
    return re.fullmatch("".join(parts), printed) is not None


def run(step: Step, folder: Path, names: dict[str, Any]) -> str:
    """Run a block in a folder; gives what it prints on stdout."""
    if step.language == "python":
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.chdir(folder):
            exec(compile(step.code, str(PAGE), "exec"), names)
        return out.getvalue()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["sh", "-e", "-c", step.code],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{step.code}{done.stderr}"
    return done.stdout


@pytest.mark.timeout(300)
def test_the_page_prints_what_it_shows(tmp_path: Path) -> None:
    """All blocks run in order, in one folder, and print the text blocks after them."""
    shutil.copytree(LOGS, tmp_path / "logs")
    names: dict[str, Any] = {"__name__": "the_page"}
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    assert len(found) > 8
    for step in found:
        printed = run(step, tmp_path, names)
        if step.shown is not None:
            assert shows(step.shown, printed), f"{step.code}\nprints\n{printed}"


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("a\nb\n", True),
        ("a\n...\n", True),
        ("...\nb\n", True),
        ("a\n...\nb\n", True),
        ("a\n", False),
        ("...\na\n", False),
        ("a\nc\n", False),
    ],
)
def test_lines_left_out_are_the_only_ones_that_may_differ(shown: str, same: bool) -> None:
    """The comparison itself: "..." is any lines, everything else is literal."""
    assert shows(shown, "a  \nb\n") == same


def test_the_logs_are_made_of_the_recording(tmp_path: Path) -> None:
    """examples/logs has what its script makes of the recording in the package, and stays small."""
    subprocess.run([sys.executable, LOGS / "make.py", tmp_path], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    there = {path.name: path.read_bytes() for path in LOGS.iterdir() if ".json" in path.name}
    assert made.keys() == there.keys()
    for name, content in made.items():
        assert unpacked(name, content) == unpacked(name, there[name])
        assert len(content) < 100_000


def unpacked(name: str, content: bytes) -> bytes:
    """The content itself: how it is packed depends on the library that packs it."""
    return gzip.decompress(content) if name.endswith(".gz") else content
