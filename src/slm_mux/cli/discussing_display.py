"""Progress of discussions: how many of a method's are over, and what they have taken."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from slm_mux.cli.collecting_display import EVERY
from slm_mux.sampling.events import Event, RequestRetried
from slm_mux.types import Sample


class _Line:
    """One method's progress."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.over = 0
        self.calls = 0
        self.failed = 0
        self.tokens = 0

    def words(self) -> list[str]:
        return [
            f"{self.over:,}/{self.total:,}",
            f"{self.calls:,} calls",
            f"{self.tokens:,} tokens",
            f"{self.failed:,} failed" if self.failed else "",
        ]


class DiscussingDisplay:
    """A live table on a terminal, else a line for the method at work now and then.

    Args:
        console: where to show it.
        total: discussions of each method.
    """

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._lines: dict[str, _Line] = {}
        self._note = Text("")
        self._live: Live | None = None
        self._said = time.monotonic()

    @property
    def any_drawn(self) -> bool:
        """Whether a sample came in."""
        return any(line.calls for line in self._lines.values())

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show progress while the block runs."""
        if not self._console.is_terminal:
            yield
            self._say()
            return
        with Live(
            get_renderable=self._table, console=self._console, refresh_per_second=4
        ) as self._live:
            self._console.show_cursor(show=True)
            yield

    def begin(self, method: str, *, over: int) -> None:
        """Turn to a method, of which some discussions were replayed from the store."""
        if self._live is None and self._lines:
            self._say()
        self._lines[method] = _Line(self._total)
        self._lines[method].over = over

    def on_sample(self, sample: Sample) -> None:
        """Take in a sample that is on disk."""
        line = self._now
        line.calls += 1
        line.failed += sample.failure is not None
        if sample.completion is not None:
            line.tokens += sample.completion.prompt_tokens or 0
            line.tokens += sample.completion.completion_tokens or 0
        if self._live is None and time.monotonic() - self._said >= EVERY:
            self._say()

    def on_discussion(self, _: object) -> None:
        """Take in that a discussion is over."""
        self._now.over += 1

    def observe(self, event: Event) -> None:
        """Take in a retry."""
        if isinstance(event, RequestRetried):
            self._note = Text(
                f"{event.model}: trying again in {event.wait:.1f} s: {event.reason}", "yellow"
            )

    @property
    def _now(self) -> _Line:
        return next(reversed(self._lines.values()))

    def _say(self) -> None:
        self._said = time.monotonic()
        for name, line in list(self._lines.items())[-1:]:
            words = "  ".join(word for word in line.words() if word)
            self._console.print(f"{name}  {words}", markup=False)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, line in self._lines.items():
            bar = ProgressBar(total=max(line.total, 1), completed=line.over, width=20)
            table.add_row(Text(name, "bold"), bar, *line.words())
        table.add_row(self._note)
        return table
