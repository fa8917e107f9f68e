"""The sandbox: runs model-written programs, a few at a time, after it has proved itself."""

import asyncio
import functools
import marshal
import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec

from slm_mux.errors import InvalidRequestError, SandboxError
from slm_mux.provisional import mark_provisional
from slm_mux.sandbox.command import find_bwrap, sandbox_command
from slm_mux.sandbox.guard import Guard
from slm_mux.sandbox.limits import Calls, Limits, Outcome
from slm_mux.sandbox.process import Process, Raw
from slm_mux.sandbox.replies import read_calls
from slm_mux.sandbox.system_calls import system_call_filter

DEFAULT_LIMITS = Limits()
_FIRST_USER = 1_879_048_192
"""Far above the users of any machine; every place of every process has one of its own, since the
kernel counts a user's processes over all sandboxes."""


class Sandbox:
    """Runs Python programs under bubblewrap: no network, no files, no other processes in sight.

    It may be shared between threads. Before its first run it tries to break out of itself, once; a
    sandbox that leaks runs nothing.

    Args:
        limits: of each run, unless the run says otherwise.
        at_once: runs at the same time, >= 1; further ones wait. None for the number of cores.
    """

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS, at_once: int | None = None) -> None:
        if at_once is not None and at_once < 1:
            raise InvalidRequestError(f"at_once is {at_once}, but at least 1 program must run")
        self.limits = limits
        places = at_once or _cores()
        self._places = list(range(places))
        self._free = threading.Semaphore(places)
        self._testing = threading.Lock()
        self._proved = False
        self._refused: str | None = None
        self._guard: Guard | None = None

    def check(self) -> None:
        """Prove that nothing gets out; a second call returns, or raises, at once.

        Raises:
            SandboxError: bubblewrap is missing, does not start here, or a probe got through; says
                which, and what to do.
        """
        with self._testing:
            if self._proved:
                return
            if self._refused is None:
                from slm_mux.sandbox.selftest import prove

                try:
                    find_bwrap()
                    self._guard = Guard()
                    prove(self._run_unproved)
                except SandboxError as error:
                    self._refused = str(error)
                else:
                    self._proved = True
                    return
            raise SandboxError(self._refused)

    def run(
        self,
        source: str,
        *,
        stdin: str = "",
        arguments: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> Outcome:
        """Run a program as `python program.py ARGUMENTS` would, with the standard library alone.

        Raises:
            SandboxError: no sandbox can be had here.
        """
        self.check()
        return self._run_unproved(source, stdin=stdin, arguments=arguments, limits=limits)

    async def run_async(
        self,
        source: str,
        *,
        stdin: str = "",
        arguments: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> Outcome:
        """As `run`. When it is cancelled, the program is killed before this raises."""
        await asyncio.to_thread(self.check)
        running = Cancellation()
        header = {"mode": "script", "source": source, "arguments": list(arguments)}
        work = asyncio.ensure_future(
            asyncio.to_thread(self._start, header, stdin.encode(), limits, cancellation=running)
        )
        try:
            return _outcome(await asyncio.shield(work))
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait([work])
            raise

    def call(
        self,
        source: str,
        entry_point: str | None,
        calls: Sequence[str],
        *,
        cpu_seconds: int = 1,
        seconds_each: float = 4.0,
        limits: Limits | None = None,
        name: str = "program",
    ) -> Calls:
        """Call one function of a program several times, in one sandbox.

        Each call has a process of its own in which the program is loaded anew, so no call sees
        what another did. After two calls that ran out of time, the rest is skipped. What the wall
        time ended is marked as provisional.

        Args:
            source: the program.
            entry_point: the function's name; None only loads the program.
            calls: the arguments of each call, as Python source: `"[1, 2], key=3"`.
            cpu_seconds: of each call, >= 1. It decides before the wall time does, so that a busy
                machine does not change what a program's behaviour is.
            seconds_each: wall time of each call.
            limits: of the whole; its wall time is stretched to what all calls may take.
            name: what the program sees as `__name__`.

        Raises:
            SandboxError: no sandbox can be had here.
        """
        self.check()
        limits = limits or self.limits
        wall = max(limits.wall_seconds, 3 * seconds_each + 0.2 * len(calls))
        limits = msgspec.structs.replace(
            limits,
            cpu_seconds=max(limits.cpu_seconds, cpu_seconds + 1),
            wall_seconds=wall,
            output_bytes=max(limits.output_bytes, 16 << 20),
        )
        header = {
            "mode": "calls",
            "source": source,
            "entry_point": entry_point,
            "calls": list(calls),
            "cpu_seconds": cpu_seconds,
            "wall_seconds": seconds_each,
            "name": name,
        }
        raw = self._start(header, b"", limits)
        found = read_calls(_spoken(raw), len(calls))
        if raw.killed == "wall time" or any(
            call.by_wall_time for call in (found.loaded, *found.calls)
        ):
            mark_provisional()
        return found

    def passes(
        self,
        source: str,
        *,
        entry_point: str,
        prompt: str,
        tests: str,
        limits: Limits | None = None,
    ) -> bool:
        """Whether hidden tests accept a program's function.

        The tests run in a process that the program cannot touch; the program gets plain arguments
        and gives plain values back. Ending early, patching the interpreter, or returning objects
        that claim to equal everything is therefore no way to pass. What the wall time ended is
        marked as provisional.

        Args:
            source: the program.
            entry_point: its function.
            prompt: trusted source that the tests may use definitions of.
            tests: trusted source that defines `check(candidate)`.
            limits: of the whole.

        Raises:
            SandboxError: no sandbox can be had here.
        """
        self.check()
        word = secrets.token_hex(16)
        secret = {"entry_point": entry_point, "prompt": prompt, "tests": tests, "word": word}
        header = {"mode": "tests", "source": source, "entry_point": entry_point}
        raw = self._start(header, _framed(secret), limits)
        if raw.killed == "wall time":
            mark_provisional()
        return _spoken(raw) == word.encode()

    def _run_unproved(
        self,
        source: str,
        *,
        stdin: str = "",
        arguments: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> Outcome:
        header = {"mode": "script", "source": source, "arguments": list(arguments)}
        return _outcome(self._start(header, stdin.encode(), limits))

    def _start(
        self,
        header: Mapping[str, Any],
        rest: bytes,
        limits: Limits | None,
        *,
        cancellation: "Cancellation | None" = None,
    ) -> Raw:
        limits = limits or self.limits
        with self._place() as place, ExitStack() as files:
            header = {**header, "limits": _kernel_limits(limits), "user": _user(place)}
            given = files.enter_context(_in_memory(_framed(header) + rest))
            rules = system_call_filter()
            filter_fd = None if rules is None else files.enter_context(_in_memory(rules))
            info = os.pipe()
            command = sandbox_command(
                find_bwrap(),
                limits,
                name=self._guard.name if self._guard else "slm-mux",
                info_fd=info[1],
                filter_fd=filter_fd,
                as_root=os.geteuid() == 0,
            )
            process = Process(
                command,
                stdin=given,
                info_fds=info,
                pass_fds=() if filter_fd is None else (filter_fd,),
            )
            if cancellation is not None:
                cancellation.attach(process)
            return process.finish(
                wall_seconds=limits.wall_seconds, output_bytes=limits.output_bytes
            )

    @contextmanager
    def _place(self) -> Iterator[int]:
        with self._free:
            place = self._places.pop()
            try:
                yield place
            finally:
                self._places.append(place)


class Cancellation:
    """Ends a process from another thread, also one that is yet to start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._process: Process | None = None

    def attach(self, process: Process) -> None:
        """Say which process to end."""
        with self._lock:
            self._process = process
            cancelled = self._cancelled
        if cancelled:
            process.cancel()

    def cancel(self) -> None:
        """End it."""
        with self._lock:
            self._cancelled = True
            process = self._process
        if process is not None:
            process.cancel()


@functools.cache
def shared_sandbox() -> Sandbox:
    """The sandbox that all answer kinds of this process share, with its places and its one test."""
    return Sandbox()


def _cores() -> int:
    # Only Linux knows which cores a process may use; elsewhere there is no bubblewrap anyway.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _user(place: int) -> int | None:
    if os.geteuid() != 0:
        return None
    return _FIRST_USER + os.getpid() % 1_000_000 * 256 + place % 256


def _kernel_limits(limits: Limits) -> dict[str, int]:
    return {
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_AS": limits.memory_bytes,
        # As an ordinary user the sandbox's init counts as well.
        "RLIMIT_NPROC": limits.processes + (os.geteuid() != 0),
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
    }


def _framed(header: Mapping[str, Any]) -> bytes:
    data = marshal.dumps(dict(header))
    return len(data).to_bytes(8, "big") + data


@contextmanager
def _in_memory(data: bytes) -> Iterator[int]:
    """A descriptor to read data from: unlike a pipe, nobody has to keep filling it."""
    number = os.memfd_create("slm-mux")
    try:
        with open(number, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(number, 0, os.SEEK_SET)
        yield number
    finally:
        os.close(number)


def _spoken(raw: Raw) -> bytes:
    """What the harness wrote. The program has no way to its error stream: what is there is ours."""
    if not raw.stdout and raw.stderr and raw.killed is None:
        reason = raw.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise SandboxError(f"the sandbox did not start this time ({''.join(reason)[:300]})")
    return raw.stdout


def _outcome(raw: Raw) -> Outcome:
    return Outcome(
        exit_status=None if raw.killed else raw.exit_status,
        stdout=raw.stdout.decode("utf-8", "replace"),
        stderr=raw.stderr.decode("utf-8", "replace"),
        stdout_cut=raw.stdout_cut,
        stderr_cut=raw.stderr_cut,
        killed=raw.killed,
        seconds=raw.seconds,
    )
