"""One process with its output read as it comes, and its end made certain."""

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

from msgspec import Struct

from slm_mux.sandbox.limits import Killed

_READ = 65536
_EXIT_SECONDS = 10.0
_START_SECONDS = 1.0


class Raw(Struct, frozen=True, kw_only=True):
    """How a process ended, and what it wrote."""

    exit_status: int
    """As `subprocess` gives it."""
    stdout: bytes
    stderr: bytes
    stdout_cut: bool
    stderr_cut: bool
    killed: Killed | None
    seconds: float


class Process:
    """A sandbox that runs, from its start to its certain end.

    Args:
        command: names the writing end of `info_fds` as what bwrap writes to.
        stdin: a descriptor to read from.
        info_fds: the two ends of a pipe; both are closed here.
        pass_fds: further descriptors the command names.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: int,
        info_fds: tuple[int, int],
        pass_fds: Sequence[int],
    ) -> None:
        self._info, info_writer = info_fds
        self._started = time.monotonic()
        self._cancelled = threading.Event()
        self._killing = threading.Lock()
        self._ended = False
        self._init: int | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 (the command is ours)
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
                pass_fds=(info_writer, *pass_fds),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._info)
            raise
        finally:
            os.close(info_writer)

    def cancel(self) -> None:
        """End it from another thread; `finish` then returns soon."""
        self._cancelled.set()
        self.kill()

    def kill(self) -> None:
        """Kill the sandbox's init, with which the kernel kills everything in it."""
        with self._killing:
            if self._ended:
                return
            init = self._init_pid()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if init is None:
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    os.kill(init, signal.SIGKILL)

    def finish(self, *, wall_seconds: float, output_bytes: int) -> Raw:
        """Read until it ends, and kill it when it takes too long or writes too much.

        Nothing of the sandbox runs any more when this returns or raises.
        """
        try:
            return self._finish(self._started + wall_seconds, output_bytes)
        finally:
            self._end()

    def _finish(self, deadline: float, output_bytes: int) -> Raw:
        streams = (self._process.stdout, self._process.stderr)
        taken = (bytearray(), bytearray())
        killed: Killed | None = None
        with selectors.DefaultSelector() as selector:
            for stream, buffer in zip(streams, taken, strict=True):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, buffer)
            while selector.get_map() and killed is None:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    killed = "wall time"
                    break
                for key, _ in selector.select(remaining):
                    # Never more than the limit and one byte, which tells that there is more.
                    room = output_bytes + 1 - len(key.data)
                    part = os.read(key.fd, min(_READ, room))
                    key.data.extend(part)
                    if not part:
                        selector.unregister(key.fileobj)
                    elif len(key.data) > output_bytes:
                        killed = "output"
        if killed is None:
            try:
                self._process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                killed = "wall time"
        if killed is not None:
            self.kill()
        status = self._wait()
        if self._cancelled.is_set():
            killed = "cancelled"
        return Raw(
            exit_status=status,
            stdout=bytes(taken[0][:output_bytes]),
            stderr=bytes(taken[1][:output_bytes]),
            stdout_cut=len(taken[0]) > output_bytes,
            stderr_cut=len(taken[1]) > output_bytes,
            killed=killed,
            seconds=time.monotonic() - self._started,
        )

    def _wait(self) -> int:
        try:
            return self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            # bwrap itself hangs; what it started dies with it.
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait()

    def _end(self) -> None:
        if self._process.poll() is None:
            self.kill()
            self._wait()
        with self._killing:
            self._ended = True
            os.close(self._info)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _init_pid(self) -> int | None:
        """What bwrap wrote about the sandbox; None where it made none."""
        if self._init is None:
            # Between its start and the sandbox's there are a few milliseconds to wait for.
            ready, _, _ = select.select([self._info], [], [], _START_SECONDS)
            with contextlib.suppress(OSError, ValueError, KeyError):
                if ready:
                    self._init = int(json.loads(os.read(self._info, 4096))["child-pid"])
        return self._init
