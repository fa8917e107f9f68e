"""Ctrl-C while a model is being loaded, and while nothing is drawn yet."""

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

SCRIPT = """
import os, signal
from slm_mux.cli.interrupts import ending_while_loading
from slm_mux.models.embedded import LOADED, LOADING
from slm_mux.models.pool import Pool

pool = Pool.builtin(("smollm2-135m",))
engine = pool.members[0].model.engine
try:
    with ending_while_loading(pool, lambda: {nothing}):
        {steps}
    {after}
    print("not interrupted")
except KeyboardInterrupt:
    print("KeyboardInterrupt")
"""
CTRL_C = "os.kill(os.getpid(), signal.SIGINT)"
LOADING, LOADED = "engine.progress(1, 1, LOADING)", "engine.progress(1, 1, LOADED)"


def run(steps: str, *, nothing: bool = True, after: str = "pass") -> tuple[int, str]:
    script = SCRIPT.format(steps=steps, nothing=nothing, after=after)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    return ended.returncode, ended.stdout.strip()


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        pytest.param(f"{LOADING}; {CTRL_C}", (-signal.SIGINT, ""), id="while loading"),
        pytest.param(f"{LOADING}; {LOADED}; {CTRL_C}", (0, "KeyboardInterrupt"), id="afterwards"),
        pytest.param(CTRL_C, (0, "KeyboardInterrupt"), id="before"),
    ],
)
def test_only_while_loading_the_system_ends_the_process(
    steps: str, outcome: tuple[int, str]
) -> None:
    """Python's own handler is replaced when loading starts and back when it is over."""
    assert run(steps) == outcome


def test_with_something_to_show_python_keeps_the_signal() -> None:
    """Once a draw is in, Ctrl-C waits for the load, since there is something to print."""
    assert run(f"{LOADING}; {CTRL_C}", nothing=False) == (0, "KeyboardInterrupt")


def test_the_handler_is_back_when_loading_was_left_behind() -> None:
    """A question that ends while a file is loading leaves Ctrl-C as it found it."""
    assert run(LOADING, after=CTRL_C) == (0, "KeyboardInterrupt")


@pytest.mark.parametrize(
    ("before", "steps", "outcome"),
    [
        pytest.param("pass", f"within({CTRL_C!r})", (-signal.SIGINT, ""), id="within"),
        pytest.param("pass", f"within('pass'); {CTRL_C}", (0, "interrupted"), id="afterwards"),
        pytest.param(
            "signal.signal(signal.SIGINT, signal.SIG_IGN)",
            f"within({CTRL_C!r})",
            (0, "not interrupted"),
            id="ignored",
        ),
    ],
)
def test_where_nothing_can_be_lost_the_system_ends_the_process(
    before: str, steps: str, outcome: tuple[int, str]
) -> None:
    """Ctrl-C ends at once within the block, as before outside, and not at all where it is off."""
    script = f"""
import os, signal
from slm_mux.cli.interrupts import ending_at_once

def within(step):
    with ending_at_once():
        exec(step)

{before}
try:
    {steps}
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.strip()) == outcome
