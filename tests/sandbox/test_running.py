"""Running programs that mean no harm: input, output, limits, many at once, cancelling."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from slm_mux.errors import InvalidRequestError
from slm_mux.sandbox import Limits, Sandbox, shared_sandbox
from tests.sandbox.test_escapes import gone, in_sandboxes
from tests.sandboxes import NEEDS_SANDBOX

pytestmark = NEEDS_SANDBOX


def test_a_program_reads_its_input_and_arguments() -> None:
    """Standard input and arguments arrive as given, and both streams come back."""
    outcome = shared_sandbox().run(
        "import sys\nprint(sys.argv, sys.stdin.read())\nprint('é', file=sys.stderr)",
        stdin="ü\n2",
        arguments=["a b", ""],
    )
    assert (outcome.stdout, outcome.stderr) == ("['program.py', 'a b', ''] ü\n2\n", "é\n")
    assert (outcome.exit_status, outcome.killed, outcome.timed_out) == (0, None, False)


@pytest.mark.parametrize(
    ("source", "status"),
    [("import sys; sys.exit(3)", 3), ("1/0", 1), ("def", 1), ("import os; os.abort()", 134)],
)
def test_the_exit_status_is_the_programs(source: str, status: int) -> None:
    """What a program ends with is passed on; a signal N is 128 + N."""
    assert shared_sandbox().run(source).exit_status == status


def test_undecodable_output_is_replaced() -> None:
    """Bytes that are no UTF-8 come back as U+FFFD, NUL as itself."""
    outcome = shared_sandbox().run("import os; os.write(1, b'a\\xff\\x00b')")
    assert outcome.stdout == "a\ufffd\x00b"


def test_each_run_starts_from_nothing() -> None:
    """What one run leaves in /tmp, the next does not find."""
    source = "import os; print(os.getcwd(), os.listdir('.')); open('left', 'w').write('x')"
    assert [shared_sandbox().run(source).stdout for _ in range(2)] == ["/tmp []\n"] * 2


def test_a_large_program_and_input_do_not_block() -> None:
    """Input larger than a pipe holds, unread, does no harm."""
    source = "x = '" + "y" * 500_000 + "'\nprint(len(x))"
    assert shared_sandbox().run(source, stdin="z" * 1_000_000).stdout == "500000\n"


def test_hashes_are_the_same_in_every_run() -> None:
    """The order of a set of strings does not change from run to run."""
    source = "print(hash('a'), {'b', 'c', 'd'})"
    assert len({shared_sandbox().run(source).stdout for _ in range(3)}) == 1


def test_many_threads_share_a_few_places() -> None:
    """Of 8 programs asked for at once, no more run together than there are places."""
    sandbox = Sandbox(at_once=2)
    source = "import time\nprint(time.monotonic_ns())\ntime.sleep(0.05)\nprint(time.monotonic_ns())"
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: sandbox.run(source), range(8)))
    spans = [tuple(int(line) for line in outcome.stdout.split()) for outcome in outcomes]
    together = [sum(begin <= start < end for begin, end in spans) for start, _ in spans]
    assert max(together) <= 2


def test_a_sandbox_has_places() -> None:
    """Nothing could ever run at no places at all."""
    with pytest.raises(InvalidRequestError, match="at_once is 0"):
        Sandbox(at_once=0)


async def test_cancelling_kills_the_program() -> None:
    """A cancelled run has ended everything before the cancellation is seen."""
    before = in_sandboxes()
    shared_sandbox().check()
    task = asyncio.create_task(
        shared_sandbox().run_async(
            "while True: pass", limits=Limits(wall_seconds=30, cpu_seconds=30)
        )
    )
    while not in_sandboxes() - before:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(before)


async def test_a_run_cancelled_at_once_ends_too() -> None:
    """Cancelling before the sandbox has started leaves nothing behind."""
    before = in_sandboxes()
    task = asyncio.create_task(shared_sandbox().run_async("import time; time.sleep(30)"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(before)


def test_a_caller_that_is_killed_leaves_nothing_behind() -> None:
    """The sandbox and all in it die with the process that started it, kill -9 included."""
    program = "import os, time; os.fork(); print(1, flush=True); time.sleep(60)"
    script = (
        "from slm_mux.sandbox import *\n"
        "sandbox = Sandbox()\n"
        "sandbox.check()\n"
        "print('checked', flush=True)\n"
        f"sandbox.run({program!r}, limits=Limits(wall_seconds=60))"
    )
    caller = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "checked\n"
        while len(in_sandboxes(caller.pid)) < 4:  # bwrap, init, the program and its child
            assert caller.poll() is None
    finally:
        caller.kill()
        caller.communicate()
    assert gone(set(), caller.pid)


async def test_runs_go_on_side_by_side_in_one_loop() -> None:
    """The event loop is not held up, and each run has its own outcome."""
    outcomes = await asyncio.gather(
        *(shared_sandbox().run_async(f"print({number})") for number in range(4))
    )
    assert [outcome.stdout for outcome in outcomes] == ["0\n", "1\n", "2\n", "3\n"]


def test_calls_see_nothing_of_each_other() -> None:
    """Each call starts from the program as it was loaded."""
    source = "seen = []\ndef f(x):\n    seen.append(x)\n    return list(seen)\n"
    result = shared_sandbox().call(source, "f", ["1", "x=2", "[3], "])
    assert [call.value for call in result.calls] == ["[1]", "[2]", "[[3]]"]


def test_a_call_ends_as_it_ends() -> None:
    """A value, an exception, a loop, an exit and a crash are told apart."""
    source = (
        "import os, sys\n"
        "class Odd(Exception): pass\n"
        "def f(how):\n"
        "    if how == 'raise': raise Odd\n"
        "    if how == 'loop':\n"
        "        while True: pass\n"
        "    if how == 'exit': sys.exit(0)\n"
        "    if how == 'crash': os.abort()\n"
        "    print('said'); return how\n"
    )
    ways = ["return", "raise", "exit", "crash", "loop"]
    result = shared_sandbox().call(source, "f", [repr(way) for way in ways])
    ended = [(call.status, call.error) for call in result.calls]
    assert ended == [
        ("returned", ""),
        ("raised", "Odd"),
        ("raised", "SystemExit"),
        ("died", ""),
        ("timed_out", ""),
    ]
    assert (result.calls[0].text, result.calls[0].printed) == ("return", "said\n")


def test_after_two_loops_the_rest_is_skipped() -> None:
    """A program that loops on every input costs two time limits, not one for each call."""
    source = "def f(x):\n    while x: pass\n    return x\n"
    result = shared_sandbox().call(source, "f", ["0", "1", "2", "3", "0"])
    statuses = [call.status for call in result.calls]
    assert statuses == ["returned", "timed_out", "timed_out", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("source", "status", "error"),
    [
        ("def f(", "raised", "SyntaxError"),
        ("g = 1", "raised", "NameError"),
        ("f = 1", "raised", "NameError"),
        ("1 / 0\ndef f(): pass", "raised", "ZeroDivisionError"),
        ("import os\nos._exit(0)", "died", ""),
        ("import os\nos.kill(os.getppid(), 9)\ndef f(): pass", "died", ""),
    ],
)
def test_a_program_that_does_not_load_is_not_called(source: str, status: str, error: str) -> None:
    """Where loading fails there are no calls."""
    result = shared_sandbox().call(source, "f", ["1", "2"])
    assert (result.loaded.status, result.loaded.error, result.calls) == (status, error, ())


def test_a_call_leaves_no_process_behind() -> None:
    """What a call forks is killed before the next call starts."""
    source = (
        "import os, time\n"
        "def f(x):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        time.sleep(60)\n"
        "    return x\n"
    )
    before = in_sandboxes()
    limits = Limits(processes=4)
    result = shared_sandbox().call(source, "f", [str(n) for n in range(6)], limits=limits)
    assert [call.value for call in result.calls] == [str(n) for n in range(6)]
    assert gone(before)


def test_what_a_call_leaves_behind_takes_no_place_of_the_next() -> None:
    """Each call may start as many processes as the limit allows, however many the last one left."""
    source = (
        "import os, time\n"
        "def f(x):\n"
        "    for _ in range(2):\n"
        "        if os.fork() == 0:\n"
        "            os.setsid()\n"
        "            time.sleep(60)\n"
        "    return x\n"
    )
    limits = Limits(processes=4)
    result = shared_sandbox().call(source, "f", [str(n) for n in range(12)], limits=limits)
    assert [call.value or call.error for call in result.calls] == [str(n) for n in range(12)]
