"""What a program in the sandbox may use, and what came of running it."""

from typing import Literal

from msgspec import Struct

Killed = Literal["wall time", "output", "cancelled"]
CallStatus = Literal["returned", "raised", "timed_out", "died", "skipped"]

MIB = 1 << 20


class Limits(Struct, frozen=True, kw_only=True):
    """What one run may use. Memory is counted per process, so a run's most is `processes` times it.

    The kernel enforces all but the wall time and the output, which the caller's side watches.
    """

    cpu_seconds: int = 5
    """Of each process, >= 1."""
    wall_seconds: float = 5.0
    """Of the whole run, > 0."""
    memory_bytes: int = 512 * MIB
    """Address space of each process."""
    processes: int = 8
    """At the same time, threads included; the program itself is one."""
    file_bytes: int = 16 * MIB
    """Of each file."""
    tmp_bytes: int = 64 * MIB
    """Of /tmp, which only the run sees and which lies in memory."""
    output_bytes: int = MIB
    """Of standard output and of standard error, each; what writes more is killed."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How a program ended, and what it wrote."""

    exit_status: int | None
    """0 to 255, or 128 + N where signal N ended it; None where it was killed from outside."""
    stdout: str
    """Decoded as UTF-8; bytes that are none become U+FFFD."""
    stderr: str
    stdout_cut: bool
    """Whether it wrote more than `output_bytes`."""
    stderr_cut: bool
    killed: Killed | None
    """Why it was killed from outside; None where it ended by itself or by a limit of the kernel."""
    seconds: float
    """Wall time, the start of the sandbox included."""

    @property
    def timed_out(self) -> bool:
        """Whether the wall time or, as far as the exit status tells, the CPU time ran out."""
        return self.killed == "wall time" or self.exit_status in (128 + 24, 128 + 9)


class CallOutcome(Struct, frozen=True, kw_only=True):
    """How one call of a program's function ended."""

    status: CallStatus
    """died: its process ended without a word; skipped: calls before it ran out of time."""
    value: str = ""
    """The canonical form of what it returned; see `slm_mux.sandbox.inside.values.canonical`."""
    text: str = ""
    """What it returned, as text to be read; at most 20,000 characters."""
    error: str = ""
    """The name of the exception's class, where one was raised."""
    printed: str = ""
    """The last 4,000 characters that it printed."""
    by_wall_time: bool = False
    """Whether it was the wall time that ran out: on a machine less busy it may end otherwise."""


class Calls(Struct, frozen=True, kw_only=True):
    """What came of calling one program's function several times."""

    loaded: CallOutcome
    """Running the program once without a call; the calls are made only where this returned."""
    calls: tuple[CallOutcome, ...] = ()
    """One for each call asked for, or none where the program did not load."""
