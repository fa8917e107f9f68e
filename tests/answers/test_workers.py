"""Worker processes: limits are kept, the pool survives, nothing is left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from slm_mux.answers.workers import ClosedError, NoResultError, Workers, WorkerStatistics

SCRIPT = r"""
import sys, time
print("started", flush=True)
from slm_mux.answers.math import MathKind
kind = MathKind()
assert kind.canonical("\\frac{2}{4}") == "1/2"
if sys.argv[1] == "interrupted":
    print("ready", flush=True)
    while True:
        kind.canonical("\\sqrt{%d}" % time.monotonic_ns())
assert kind.canonical("\\sqrt{8}") == "2*sqrt(2)"
assert "sympy" not in sys.modules
"""


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    shared = Workers(processes=1, wall_limit=0.5)
    yield shared
    shared.close()


def worker_processes() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]


def test_a_call_runs_in_another_process(workers: Workers) -> None:
    """The result of a call comes from a process that is not this one."""
    assert workers.call(os.getpid) != os.getpid()


def test_keyword_arguments_arrive(workers: Workers) -> None:
    """A call passes positional and keyword arguments on."""
    assert workers.call(int, "ff", base=16) == 255


@pytest.mark.parametrize(
    ("function", "argument", "hits", "failures"),
    [(time.sleep, 60, 1, 0), (os._exit, 3, 0, 1), (bytearray, 2**31, 0, 1), (int, "x", 0, 1)],
    ids=["too long", "dies", "too much memory", "raises"],
)
def test_a_call_that_fails_is_counted_and_the_next_one_works(
    workers: Workers, function: type, argument: object, hits: int, failures: int
) -> None:
    """Time, memory, death and errors end one call only."""
    before = workers.statistics()
    with pytest.raises(NoResultError):
        workers.call(function, argument)
    assert workers.call(abs, -7) == 7
    assert workers.statistics() == WorkerStatistics(
        calls=before.calls + 2,
        wall_limit_hits=before.wall_limit_hits + hits,
        failures=before.failures + failures,
    )


def test_starting_up_is_not_charged_to_the_first_call() -> None:
    """A warm-up longer than the wall limit ends no call, nor does one that raises."""
    slow = Workers(pause, processes=1, wall_limit=0.2)
    assert slow.call(abs, -1) == 1
    slow.close()
    broken = Workers(fail, processes=1)
    assert broken.call(abs, -1) == 1
    broken.close()


def pause() -> None:
    time.sleep(0.3)


def fail() -> None:
    raise RuntimeError


def test_closing_ends_the_processes_and_the_calls_under_way() -> None:
    """After close no worker is alive, who waited is told, and a later call works again."""
    before = worker_processes()
    workers = Workers(processes=1)
    workers.call(abs, -1)
    ended: list[str] = []

    def wait() -> None:
        try:
            workers.call(time.sleep, 60)
        except ClosedError:
            ended.append("closed")

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not workers._in_flight:
        time.sleep(0.001)
    workers.close()
    waiting.join(10)
    assert ended == ["closed"]
    assert worker_processes() == before
    assert workers.call(abs, -2) == 2
    workers.close()
    workers.close()


def test_threads_share_the_workers(workers: Workers) -> None:
    """Calls of several threads at once each get their own result."""
    results: dict[int, int] = {}

    def double(number: int) -> None:
        results[number] = workers.call(divmod, number * 2, 1)[0]

    threads = [threading.Thread(target=double, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == {number: 2 * number for number in range(12)}


def test_a_script_without_a_main_guard_runs_once(tmp_path: Path) -> None:
    """Workers do not run the user's script again, and an exit without close does not hang.

    The script also asserts that this process does without sympy.
    """
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(script), "plain"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, ["started"], "")


def interrupted(running: subprocess.Popen[str]) -> str:
    """Press Ctrl-C until the process ends: Python drops one that meets a destructor."""
    for seconds in (10, 10, 30):
        os.killpg(running.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return running.communicate(timeout=seconds)[1]
    raise AssertionError("three times Ctrl-C did not end it")


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
def test_an_interrupt_is_the_parents_alone(tmp_path: Path) -> None:
    """Ctrl-C while workers start or run prints the parent's traceback alone, and ends all."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    running = subprocess.Popen(
        [sys.executable, str(script), "interrupted"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert [running.stdout.readline() for _ in range(2)] == ["started\n", "ready\n"]
    while not (children := psutil.Process(running.pid).children()):
        time.sleep(0.001)
    try:
        errors = interrupted(running)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    assert errors.count("KeyboardInterrupt") >= 1
    assert "spawn_main" not in errors
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert (len(gone), alive) == (len(children), [])
