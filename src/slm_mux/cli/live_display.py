"""How a question fares on a terminal: what displays of draws and of turns have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from slm_mux.sampling.events import Event, RequestRetried
from slm_mux.types import Sample

LONGEST_CELL = 24


class LiveDisplay(ABC):
    """Shows how a question fares: live on a terminal, else a line for each thing that happens.

    Args:
        console: where to show it.
        lines: whether to print lines where the console is no terminal.
    """

    def __init__(self, console: Console, *, lines: bool = False) -> None:
        self._console = console
        self._lines = lines and not console.is_terminal
        self._note = Text("")
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it while the block runs, then remove it."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=8, transient=True) as self._live:
            # A process that is ended from outside could not bring a hidden cursor back.
            self._console.show_cursor(show=True)
            yield
        self._live = None

    def observe(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, RequestRetried):
            self._note = retry_note(event)
            if self._lines:
                self._console.print(self._note)
        else:
            self._take_in(event)
        if self._live is not None:
            self._live.update(Group(self._table(), self._note))

    @abstractmethod
    def _take_in(self, event: Event) -> None:
        """Take in anything but a retry."""

    @abstractmethod
    def _table(self) -> Table:
        """How it stands."""


def retry_note(event: RequestRetried) -> Text:
    """Why somebody waits."""
    return Text(f"{event.model}: trying again in {event.wait:.1f} s: {event.reason}", "yellow")


def cell(sample: Sample) -> Text:
    """A draw in a few letters: its answer, or why there is none."""
    if sample.failure is not None:
        return Text("failed", "red")
    if sample.answer is None:
        return Text("unreadable", "magenta")
    return Text(short(sample.answer.text), "cyan")


def short(text: str) -> str:
    """A text on one line, cut to fit a column."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_CELL else line[: LONGEST_CELL - 1] + "…"
