"""Several processes at one store, and processes that are killed."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from slm_mux.store import Store
from tests.store.collecting import text_of

ROOT = Path(__file__).parent.parent.parent
SERIES, DRAWS, CALLERS = 40, 10, 8


def start(path: Path, offset: int = 0) -> "subprocess.Popen[str]":
    numbers = (str(number) for number in (SERIES, DRAWS, CALLERS, offset))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.collecting", str(path), *numbers],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def acknowledged(process: "subprocess.Popen[str]") -> set[tuple[int, int]]:
    """Read what is left of a process's output; a line that was cut in two is none."""
    assert process.stdout is not None
    with process.stdout as lines:
        return {place(line) for line in lines if line.endswith("\n")}


def place(line: str) -> tuple[int, int]:
    number, draw = line.split()
    return int(number), int(draw)


def stored(path: Path) -> dict[tuple[int, int], str]:
    """What is in the store; fails where an address is there twice."""
    with Store.open(path) as store:
        rows = store.draw_rows("demo")
        texts = store.texts([row.sample_id for row in rows])
        found = {(int(row.problem[1:]), row.draw): texts[row.sample_id] for row in rows}
        assert len(found) == len(rows)
        assert store.verify().sound
        return found


WHOLE = {(number, draw): text_of(number, draw) for number in range(SERIES) for draw in range(DRAWS)}


@pytest.mark.timeout(120)
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """A collector that is killed eight times has kept all it acknowledged, and nothing twice."""
    path = tmp_path / "samples.db"
    generator = random.Random(20)
    seen: set[tuple[int, int]] = set()
    for _ in range(8):
        process = start(path)
        assert process.stdout is not None
        for _ in range(generator.randrange(60)):
            line = process.stdout.readline()
            if not line:
                break
            seen.add(place(line))
        process.kill()
        seen |= acknowledged(process)
        process.wait()
        kept = stored(path) if path.exists() and seen else {}
        assert seen <= kept.keys()
    process = start(path)
    seen |= acknowledged(process)
    assert process.wait() == 0
    assert stored(path) == WHOLE


@pytest.mark.timeout(120)
def test_two_processes_at_once(tmp_path: Path) -> None:
    """Two collectors that make one store and draw the same samples lose none and double none."""
    path = tmp_path / "samples.db"
    processes = [start(path, 0), start(path, SERIES // 2)]
    told = [acknowledged(process) for process in processes]
    assert [process.wait() for process in processes] == [0, 0]
    assert told[0] | told[1] == WHOLE.keys()
    assert stored(path) == WHOLE
