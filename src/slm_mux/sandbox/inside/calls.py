"""Several calls of one program, each in a process of its own that starts from the same state.

The serving process never runs a line of the program, so what a call does to its interpreter, its
module or its time is gone with it. One line a call goes to standard output: how it ended, and in
hexadecimal what its process reported.
"""

import io
import os
import resource
import select
import signal
import sys
import time
from typing import Any

from .values import as_text, canonical

_MOST_REPORTED = 1 << 20
_MOST_PRINTED = 4000
LONGEST_TEXT = 20_000
_MOST_TIMED_OUT = 2
"""After that many calls that ran out of time, the rest is not run: what loops, loops."""
_PAUSE = 0.0005
"""Seconds until it is looked again whether the dead are gone."""


def serve_calls(header: dict[str, Any]) -> None:
    """Load the program once to see that it loads, then make each call.

    Each line is "<how> <hexadecimal>" with how = reported, timed_out, late, died or skipped; the
    first is the loading. Late is what the wall time ended, timed_out what the CPU time did.
    """
    timed_out = 0
    for call in (None, *header["calls"]):
        if timed_out >= _MOST_TIMED_OUT:
            how, report = "skipped", b""
        else:
            how, report = _in_a_process(header, call)
        timed_out += how in ("timed_out", "late")
        os.write(1, f"{how} {report.hex()}\n".encode())
        if call is None and not (how == "reported" and report.startswith(b"returned\n")):
            return


def _in_a_process(header: dict[str, Any], call: str | None) -> tuple[str, bytes]:
    deadline = time.monotonic() + header["wall_seconds"]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            _child(header, call, writer)
        finally:
            os._exit(0)
    os.close(writer)
    # What the call forked may hold the pipe open, so its own end is watched for as well.
    ended = os.pidfd_open(child)
    report = bytearray()
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    poll.register(ended, select.POLLIN)
    late = False
    while len(report) <= _MOST_REPORTED:
        ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
        late = not ready
        part = os.read(reader, 65536) if reader in ready else b""
        if not part:
            break
        report += part
    os.close(reader)
    os.close(ended)
    status = _end_all(child)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return "timed_out", b""
    if late:
        return "late", b""
    return ("reported", bytes(report)) if report else ("died", b"")


def _end_all(child: int) -> int:
    """Kill whatever the call left behind, and wait for it; the status is the call's own."""
    _kill_all()
    _, status = os.waitpid(child, 0)
    # What is left now has the init for a parent. Until that has waited for it, it counts against
    # the process limit, and the next call could fork or not as the machine's load has it.
    while _kill_all():
        time.sleep(_PAUSE)
    return status


def _kill_all() -> bool:
    """Kill everything here but this process and the init above it.

    Returns:
        Whether there was anything, the dead that nobody has waited for yet included.
    """
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Tail(io.TextIOBase):
    """What was printed last."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep the end of it."""
        self.text = (self.text + str(text))[-_MOST_PRINTED:]
        return len(text)


def _child(header: dict[str, Any], call: str | None, writer: int) -> None:
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    seconds = header["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    itself = os.getpid()
    printed = Tail()
    sys.stdout = sys.stderr = printed
    sys.setrecursionlimit(2000)
    try:
        fields = ["returned", *_outcome(header, call, printed)]
    except BaseException as error:  # noqa: BLE001 (SystemExit and the program's own as well)
        name = type(error).__name__
        fields = ["raised", str(name), "", printed.text]
    if os.getpid() != itself:
        return
    report = "\n".join((fields[0], *(_hexadecimal(field) for field in fields[1:]))).encode()
    while report:
        report = report[os.write(writer, report) :]


def _hexadecimal(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()


def _outcome(header: dict[str, Any], call: str | None, printed: Tail) -> list[str]:
    entry = header["entry_point"]
    space: dict[str, Any] = {"__name__": header["name"]}
    exec(compile(header["source"], "program.py", "exec"), space)  # noqa: S102
    if call is None:
        if entry is not None and not callable(space.get(entry)):
            raise NameError(entry)
        return ["", "", printed.text]
    given: list[tuple[Any, Any]] = []
    collector = {"__collect__": lambda *args, **named: given.append((args, named))}
    eval(f"__collect__({call})", space, collector)  # noqa: S307
    arguments, named = given[0]
    value = space[entry](*arguments, **named)
    if value is None:
        # Then what it did is in its arguments, or was printed.
        form = f"None {canonical([arguments, named])} {canonical(printed.text)}"
    else:
        form = canonical(value)
    return [form, as_text(value)[:LONGEST_TEXT], printed.text]
