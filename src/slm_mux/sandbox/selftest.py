"""Attempts to break out of the sandbox, made once before anything else runs in it."""

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from slm_mux.errors import SandboxError
from slm_mux.sandbox.limits import MIB, Limits, Outcome

PROBE_LIMITS = Limits(
    cpu_seconds=2,
    wall_seconds=10.0,
    memory_bytes=256 * MIB,
    processes=6,
    file_bytes=MIB,
    tmp_bytes=4 * MIB,
    output_bytes=65536,
)

# Each probe prints its name when it gets through.
_PROBES = r"""
import ctypes, os, socket, sys
marker, folder, port, name, host, processes, memory, file_bytes, tmp_bytes = sys.argv[1:]

def through(probe, attempt):
    try:
        if attempt():
            print(probe)
    except (OSError, MemoryError, OverflowError):
        pass

def write(path):
    with open(path, "w") as file:
        file.write("x")
    return True

def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(1)
        sock.connect(address)
    return True

def fork():
    children = 0
    hold, release = os.pipe()
    try:
        while children < 4 * int(processes):
            if os.fork() == 0:
                os.close(release)
                os.read(hold, 1)
                os._exit(0)
            children += 1
    except OSError:
        pass
    os.close(release)
    return children >= int(processes)

def fill(count):
    written = 0
    for number in range(count):
        try:
            with open(f"/tmp/{number}", "wb", buffering=0) as file:
                while written < 4 * int(tmp_bytes):
                    written += file.write(bytes(1 << 16))
        except OSError:
            pass
    if count == 1:
        return written > int(file_bytes)
    return written > int(tmp_bytes)

import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
libc = ctypes.CDLL(None)
through("reading /etc/passwd", lambda: open("/etc/passwd").read())
through("reading a file of the caller's", lambda: open(marker).read())
through("writing a file of the caller's", lambda: write(folder + "/written"))
for path in ("/written", "/usr/written", "/dev/written", "/harness/inside/start.py", os.__file__):
    through("writing outside /tmp", lambda: write(path))
through("connecting to a local port", lambda: connect(socket.AF_INET, ("127.0.0.1", int(port))))
through("connecting to a local socket", lambda: connect(socket.AF_UNIX, "\0" + name))
through("seeing the caller's process", lambda: int(host) > 50 and os.kill(int(host), 0) is None)
through("seeing processes", lambda: sum(map(str.isdigit, os.listdir("/proc"))) > 4)
through("keeping root", lambda: 0 in (os.getuid(), os.geteuid(), os.getgid()))
through("becoming root", lambda: os.setuid(0) is None)
through("changing the file system", lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0)
through("a new user namespace", lambda: libc.unshare(0x10000000) == 0)
through("reading the environment", lambda: len(os.environ) > 0)
through("starting too many processes", fork)
through("taking too much memory", lambda: bytearray(2 * int(memory)))
through("writing too large a file", lambda: fill(1))
through("filling the disk", lambda: fill(40))
print("done")
"""
_FLOOD = "import os\nwhile True: os.write(1, b'x' * 65536)"


class Run(Protocol):
    """How to run a program."""

    def __call__(self, source: str, *, arguments: tuple[str, ...], limits: Limits) -> Outcome:
        """Run it, whatever is known of the sandbox."""
        ...


def prove(run: Run, *, probes: str = _PROBES) -> None:
    """Try to break out.

    Args:
        run: runs a program in the sandbox.
        probes: the program that tries; prints a line for what it managed, and "done" at its end.

    Raises:
        SandboxError: bubblewrap is missing or does not start here, or a probe got through.
    """
    outcome = _attempt(lambda arguments: run(probes, arguments=arguments, limits=PROBE_LIMITS))
    *through, last = outcome.stdout.splitlines() or [""]
    if through:
        raise SandboxError(
            f"the sandbox leaks here ({', '.join(dict.fromkeys(through))}), so no model-written "
            "code is run; run as an ordinary user on Linux 5.14 or newer with a current bubblewrap"
        )
    if last != "done":
        raise SandboxError(_did_not_start(outcome))
    flood = run(_FLOOD, arguments=(), limits=PROBE_LIMITS)
    if flood.killed != "output":
        raise SandboxError(
            "the sandbox does not stop a program that floods its output, so no model-written code "
            "is run"
        )


def _attempt(run: Callable[[tuple[str, ...]], Outcome]) -> Outcome:
    with (
        tempfile.TemporaryDirectory(prefix="slm-mux-") as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as local,
    ):
        # Anyone may read and write here, so only the sandbox can be what keeps the probes out.
        Path(folder).chmod(0o777)
        marker = Path(folder) / "marker"
        marker.write_text("seen")
        marker.chmod(0o666)
        name = f"slm-mux-{os.getpid()}-{os.urandom(8).hex()}"
        local.bind("\0" + name)
        local.listen()
        limits = PROBE_LIMITS
        sizes = (limits.processes, limits.memory_bytes, limits.file_bytes, limits.tmp_bytes)
        port = listener.getsockname()[1]
        return run(
            (str(marker), folder, str(port), name, str(os.getpid()), *(str(size) for size in sizes))
        )


def _did_not_start(outcome: Outcome) -> str:
    lines = outcome.stderr.strip().splitlines() or [
        f"killed: {outcome.killed}" if outcome.killed else f"exit status {outcome.exit_status}"
    ]
    reason = lines[-1][:300]
    remedy = "bubblewrap 0.8 or newer is needed, and leave to make namespaces"
    if "amespace" in reason or "ermission" in reason or "permitted" in reason:
        remedy = (
            "this machine forbids namespaces. In Docker: run with --security-opt "
            "seccomp=unconfined --security-opt apparmor=unconfined, and as root with --cap-add "
            "SYS_ADMIN. On Ubuntu 24.04: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or "
            "an AppArmor profile for bwrap"
        )
    return f"the sandbox for model-written code does not start here ({reason}): {remedy}"
