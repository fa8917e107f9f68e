"""Model-written code that attacks: what each attempt comes to."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from slm_mux.sandbox import Limits, Outcome, shared_sandbox
from tests.sandboxes import NEEDS_SANDBOX

pytestmark = NEEDS_SANDBOX

SMALL = Limits(
    cpu_seconds=1,
    wall_seconds=3.0,
    memory_bytes=256 << 20,
    processes=6,
    file_bytes=1 << 20,
    tmp_bytes=2 << 20,
    output_bytes=10_000,
)


def attack(source: str, *arguments: str, limits: Limits = SMALL) -> Outcome:
    return shared_sandbox().run(source, arguments=arguments, limits=limits)


def in_sandboxes(caller: int | None = None) -> set[int]:
    """The processes of sandboxes that this process, or another, has started."""
    owner = f"slm-mux-{caller or os.getpid()}-"
    found = set()
    for process in psutil.process_iter():
        try:
            if any(part.startswith(owner) for part in process.cmdline()):
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


def gone(before: set[int], caller: int | None = None) -> bool:
    """Whether all others end soon."""
    deadline = time.monotonic() + 5
    while in_sandboxes(caller) - before:
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


def test_a_fork_bomb_stops_at_the_process_limit_and_leaves_nothing() -> None:
    """A program that forks without end gets as many processes as the limit, which die with it."""
    before = in_sandboxes()
    outcome = attack(
        "import os\n"
        "count = 1\n"
        "try:\n"
        "    while True:\n"
        "        if os.fork() == 0:\n"
        "            while True: pass\n"
        "        count += 1\n"
        "except OSError:\n"
        "    print(count)\n"
    )
    assert (outcome.stdout, gone(before)) == (f"{SMALL.processes}\n", True)


def test_forks_that_fork_are_all_killed() -> None:
    """Children that leave their group and session end with the run."""
    before = in_sandboxes()
    outcome = attack(
        "import os, time\n"
        "os.fork(); os.setsid() if os.getpid() > 3 else None; os.fork()\n"
        "os.close(1); os.close(2); time.sleep(60)\n",
        limits=Limits(wall_seconds=0.5),
    )
    assert (outcome.killed, gone(before)) == ("wall time", True)


def test_an_endless_loop_ends_with_its_cpu_time() -> None:
    """A busy loop is ended by the kernel, and the outcome says that the time ran out."""
    outcome = attack("while True: pass")
    assert (outcome.timed_out, outcome.stdout) == (True, "")


def test_a_sleeper_ends_with_the_wall_time() -> None:
    """A program that waits is killed at the wall limit."""
    outcome = attack(
        "import time; print('x', flush=True); time.sleep(60)", limits=Limits(wall_seconds=0.4)
    )
    assert (outcome.killed, outcome.stdout) == ("wall time", "x\n")


def test_a_program_that_ignores_signals_ends_all_the_same() -> None:
    """No handler keeps a program alive past its wall time."""
    source = (
        "import signal, time\n"
        "for number in range(1, 65):\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "time.sleep(60)\n"
    )
    assert attack(source, limits=Limits(wall_seconds=0.4)).killed == "wall time"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_output_is_cut_while_it_is_read(stream: str) -> None:
    """What writes without end is killed at the limit; the caller never holds more than that."""
    outcome = attack(f"import sys\nwhile True: sys.{stream}.write('x' * 4096)")
    kept = outcome.stdout if stream == "stdout" else outcome.stderr
    cut = outcome.stdout_cut if stream == "stdout" else outcome.stderr_cut
    assert (outcome.killed, len(kept), cut) == ("output", SMALL.output_bytes, True)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/shadow", "/etc/hostname", "/proc/self/environ", "/proc/1/cmdline"]
)
def test_system_files_are_not_there(path: str) -> None:
    """Nothing below /etc or /proc can be read."""
    outcome = attack(f"print(open({path!r}).read())")
    assert (outcome.exit_status, outcome.stdout) == (1, "")
    assert "FileNotFoundError" in outcome.stderr


def test_files_of_the_caller_are_not_there(tmp_path: Path) -> None:
    """Neither the home, the working folder, the project, nor a file anyone may read is in sight."""
    (tmp_path / "secret").write_text("seen")
    (tmp_path / "secret").chmod(0o644)
    here = Path(__file__).parent
    outcome = attack(
        "import os, sys\nprint([path for path in sys.argv[1:] if os.path.exists(path)])",
        str(tmp_path / "secret"),
        str(here),
        str(Path.cwd()),
        str(Path.home() / ".ssh"),
        "/home",
        "/var",
        "/run",
        "/sys",
        "/boot",
    )
    assert outcome.stdout == "[]\n"


def test_a_local_port_cannot_be_reached() -> None:
    """A listener of this machine gets no connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        outcome = attack(
            "import socket, sys\nsocket.create_connection(('127.0.0.1', int(sys.argv[1])), 1)",
            str(port),
        )
    assert (outcome.exit_status, "OSError" in outcome.stderr or "Error" in outcome.stderr) == (
        1,
        True,
    )


def test_there_is_no_network() -> None:
    """Addresses outside cannot be reached, nor names be looked up."""
    outcome = attack(
        "import socket\n"
        "for attempt in (lambda: socket.create_connection(('192.0.2.1', 80), 1),\n"
        "                lambda: socket.getaddrinfo('example.org', 80)):\n"
        "    try: attempt(); print('through')\n"
        "    except OSError: print('refused')\n"
    )
    assert outcome.stdout == "refused\nrefused\n"


def test_a_listener_in_the_sandbox_cannot_be_reached_from_outside() -> None:
    """Abstract sockets belong to the sandbox's own network."""
    name = f"slm-mux-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as local:
        local.bind("\0" + name)
        local.listen()
        outcome = attack(
            "import socket, sys\ns = socket.socket(socket.AF_UNIX); s.connect('\\0' + sys.argv[1])",
            name,
        )
    assert (outcome.exit_status, "ConnectionRefusedError" in outcome.stderr) == (1, True)


def test_writing_10_gigabytes_into_one_file_stops_at_the_file_limit() -> None:
    """The kernel ends a write at the limit of a file."""
    outcome = attack(
        "import os, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with open('/tmp/large', 'wb', buffering=0) as file:\n"
        "    try:\n"
        "        for _ in range(10 * 1024): file.write(bytes(1 << 20))\n"
        "    except OSError: pass\n"
        "print(os.path.getsize('/tmp/large'))\n"
    )
    assert int(outcome.stdout) == SMALL.file_bytes


def test_writing_10_gigabytes_into_many_files_stops_at_the_size_of_tmp() -> None:
    """/tmp takes no more than its size in all, and is gone with the run."""
    outcome = attack(
        "import os\n"
        "written = 0\n"
        "try:\n"
        "    for number in range(10 * 1024):\n"
        "        with open(f'/tmp/{number}', 'wb', buffering=0) as file:\n"
        "            for _ in range(15): written += file.write(bytes(1 << 16))\n"
        "except OSError as error:\n"
        "    print(written, error.errno)\n"
    )
    written, error = outcome.stdout.split()
    assert (0 < int(written) <= SMALL.tmp_bytes, int(error)) == (True, 28)
    assert attack("import os; print(os.listdir('/tmp'))").stdout == "[]\n"


@pytest.mark.parametrize("path", ["/x", "/usr/x", "/dev/x", "/dev/shm/x", "/harness/inside/x"])
def test_nothing_outside_tmp_can_be_written(path: str) -> None:
    """The rest of the file system is read-only."""
    assert attack(f"open({path!r}, 'w')").exit_status == 1


def test_the_standard_library_cannot_be_changed() -> None:
    """A program cannot leave anything for the next one to import."""
    outcome = attack("import os, json; open(json.__file__, 'a')")
    assert outcome.exit_status == 1


def test_a_program_cannot_kill_its_parent() -> None:
    """Signals reach nothing outside: this process and its children live on."""
    victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        attack(
            "import os, sys\n"
            "for pid in (*map(int, sys.argv[1:]), os.getppid(), 1, -1):\n"
            "    try: os.kill(pid, 9)\n"
            "    except OSError: pass\n",
            str(os.getpid()),
            str(victim.pid),
        )
        assert victim.poll() is None
    finally:
        victim.communicate(b"\n")


def test_a_program_sees_no_process_of_this_machine() -> None:
    """Process ids count from 1 inside, and those of this machine are unknown there."""
    outcome = attack(
        "import os, sys\n"
        "try: os.kill(int(sys.argv[1]), 0); known = True\n"
        "except ProcessLookupError: known = False\n"
        "print(os.getpid() < 10, known)\n",
        str(max(os.getpid(), 100_000)),
    )
    assert outcome.stdout == "True False\n"


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the caller's, keys above all, is passed on."""
    monkeypatch.setenv("SLM_MUX_TEST_API_KEY", "secret")
    assert attack("import os; print(dict(os.environ))").stdout == "{}\n"


def test_memory_is_limited() -> None:
    """Asking for more than the limit is a MemoryError in the program, and nothing worse."""
    outcome = attack("x = bytearray(1 << 33)")
    assert (outcome.exit_status, "MemoryError" in outcome.stderr) == (1, True)


def test_a_program_has_no_privileges_and_gets_none() -> None:
    """It runs as nobody in particular, without capabilities, and cannot become root."""
    outcome = attack(
        "import os\n"
        "def refused(attempt):\n"
        "    try: attempt()\n"
        "    except OSError: return True\n"
        "print(0 in os.getresuid() + os.getresgid(), os.getgroups() in ([], [65534]),\n"
        "      refused(lambda: os.setuid(0)), refused(lambda: os.chroot('/tmp')))\n"
    )
    assert outcome.stdout == "False True True True\n"


@pytest.mark.parametrize(
    "call",
    [
        "libc.unshare(0x10000000)",
        "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "libc.shmget(0, 1 << 20, 0o1600)",
        "libc.memfd_create(b'x', 0)",
        "libc.ptrace(16, 1, 0, 0)",
        "libc.syscall(425, 8, None)",
    ],
    ids=lambda call: call.split("(")[0] + call.split("(")[1][:3],
)
def test_system_calls_that_no_program_needs_are_refused(call: str) -> None:
    """New namespaces, mounts, memory that no limit counts, and other processes are off limits."""
    outcome = attack(
        f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"print({call}, ctypes.get_errno())"
    )
    assert outcome.stdout == "-1 1\n"


def test_installed_packages_are_hidden() -> None:
    """Only the standard library can be imported."""
    outcome = attack(
        "import os, sys\n"
        "for folder in list(sys.path) + [os.path.dirname(os.__file__) + '/site-packages']:\n"
        "    if folder.endswith('-packages') and os.path.isdir(folder): print(os.listdir(folder))\n"
        "try: import msgspec\n"
        "except ImportError: print('hidden')\n"
    )
    assert outcome.stdout.removeprefix("[]\n") == "hidden\n"
