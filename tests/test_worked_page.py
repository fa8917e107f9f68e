"""docs/from-logs-to-a-pool.md is true: what it runs prints what it shows."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.worked import Runner, steps

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "from-logs-to-a-pool.md"
LOGS = ROOT / "examples" / "logs"


@pytest.mark.timeout(300)
def test_the_page_prints_what_it_shows(tmp_path: Path) -> None:
    """All blocks run in order, in one folder, and print the text blocks after them."""
    shutil.copytree(LOGS, tmp_path / "logs")
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    assert len(found) > 8
    with Runner(tmp_path) as runner:
        for step in found:
            runner.check(step)


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
