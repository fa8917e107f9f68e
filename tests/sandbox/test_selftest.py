"""The sandbox's proof of itself: what it says where bwrap is missing, fails, or leaks."""

import shutil
import tempfile
from pathlib import Path

import pytest

from slm_mux.errors import SandboxError
from slm_mux.sandbox import Outcome, Sandbox
from slm_mux.sandbox.selftest import prove
from slm_mux.sandbox.system_calls import system_call_filter
from tests.sandboxes import NEEDS_SANDBOX


def ended(stdout: str = "", stderr: str = "", *, status: int = 0) -> Outcome:
    return Outcome(
        exit_status=status,
        stdout=stdout,
        stderr=stderr,
        stdout_cut=False,
        stderr_cut=False,
        killed=None,
        seconds=0.0,
    )


def put_on_path(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a `bwrap` on the PATH that is this script."""
    (folder / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_without_bwrap_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package, and says the same the next time."""
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox = Sandbox()
    for _ in range(2):
        with pytest.raises(SandboxError, match="not on the PATH: install the package bubblewrap"):
            sandbox.run("print(1)")


def test_where_namespaces_are_forbidden_the_error_says_how_to_allow_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What bwrap says is passed on, with the remedy."""
    put_on_path(
        tmp_path,
        "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1",
        monkeypatch,
    )
    with pytest.raises(SandboxError, match=r"(?s)No permissions to create.*apparmor"):
        Sandbox().call("", None, [])


def test_an_old_bwrap_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that it does not know points to its version."""
    put_on_path(tmp_path, "echo 'bwrap: Unknown option --size' >&2; exit 1", monkeypatch)
    with pytest.raises(SandboxError, match="Unknown option --size.*0.8 or newer"):
        Sandbox().check()


REWRITE = 'for a in "$@"; do shift; CHANGE; set -- "$@" "$a"; done; exec BWRAP "$@"'
AT_THE_START = '[ "$a" != --hostname ] || set -- "$@" '
AT_THE_END = '[ "$a" != --chdir ] || set -- "$@" '
LEAKS = {
    "reading /etc/passwd": AT_THE_START + "--ro-bind /etc /etc",
    "reading a file of the caller's": AT_THE_END + "--ro-bind FOLDER FOLDER",
    "writing a file of the caller's": AT_THE_END + "--bind FOLDER FOLDER",
    "seeing processes": AT_THE_START + "--ro-bind /proc /proc",
    "connecting to a local port": '[ "$a" != --unshare-net ] || continue',
    "filling the disk": '[ "$a" != 4194304 ] || a=94194304',
}


@NEEDS_SANDBOX
@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found_and_nothing_runs(
    leak: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a bwrap that lets one thing through, the error names it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr("tempfile.tempdir", folder)
        script = REWRITE.replace("CHANGE", LEAKS[leak]).replace("FOLDER", folder)
        script = script.replace("BWRAP", shutil.which("bwrap") or "")
        put_on_path(tmp_path, script, monkeypatch)
        sandbox = Sandbox()
        with pytest.raises(SandboxError, match="leaks here") as caught:
            sandbox.run("print(1)")
    assert leak in str(caught.value)


def test_probes_that_got_through_are_each_named_once() -> None:
    """The error lists what got through and says what to do."""
    with pytest.raises(SandboxError, match=r"leaks here \(a, b\).*ordinary user"):
        prove(lambda source, **options: ended("a\nb\na\ndone\n"))


def test_a_probe_that_ends_the_probes_is_no_proof() -> None:
    """Only a self-test that came to its end counts."""
    with pytest.raises(SandboxError, match="does not start here"):
        prove(lambda source, **options: ended("", "killed", status=137))


def test_a_flood_that_is_not_stopped_is_found() -> None:
    """The limit on output is proved too."""
    with pytest.raises(SandboxError, match="floods its output"):
        prove(lambda source, **options: ended("done\n"))


@NEEDS_SANDBOX
def test_the_self_test_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it has passed, a program costs one start of bwrap."""
    count = tmp_path / "count"
    real = shutil.which("bwrap")
    put_on_path(tmp_path, f'echo >> {count}; exec {real} "$@"', monkeypatch)
    sandbox = Sandbox()
    sandbox.check()
    before = len(count.read_text())
    sandbox.check()
    sandbox.run("print(1)")
    assert len(count.read_text()) - before == 1


@NEEDS_SANDBOX
def test_a_sandbox_that_stops_working_is_no_wrong_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the self-test too, a failure of bwrap is an error, never a program's failure."""
    sandbox = Sandbox()
    sandbox.check()
    put_on_path(tmp_path, "echo 'bwrap: Cannot allocate memory' >&2; exit 1", monkeypatch)
    with pytest.raises(SandboxError, match="did not start this time.*allocate memory"):
        sandbox.call("def f(): pass", "f", [""])
    with pytest.raises(SandboxError, match="did not start this time"):
        sandbox.passes("", entry_point="f", prompt="", tests="")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_system_call_filter_jumps_to_its_four_ends(machine: str) -> None:
    """No jump leaves the program, and the last four instructions are returns."""
    rules = system_call_filter(machine)
    assert rules is not None
    instructions = [rules[start : start + 8] for start in range(0, len(rules), 8)]
    codes = [int.from_bytes(one[:2], "little") for one in instructions]
    reached = [
        place + 1 + max(one[2], one[3])
        for place, one in enumerate(instructions)
        if codes[place] & 7 == 5
    ]
    assert (codes[-4:], max(reached)) == ([6, 6, 6, 6], len(instructions) - 1)


def test_an_unknown_machine_has_no_filter() -> None:
    """Where the numbers of system calls are not known, none is filtered."""
    assert system_call_filter("riscv64") is None
