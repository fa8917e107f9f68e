"""Progress of discussions: how many of a method's are over, and what they have taken."""

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from slm_mux.cli.progress_display import ProgressDisplay
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


class DiscussingDisplay(ProgressDisplay):
    """A live table on a terminal, else a line for the method at work now and then.

    Args:
        console: where to show it.
        total: discussions of each method.
    """

    def __init__(self, console: Console, total: int) -> None:
        super().__init__(console)
        self._total = total
        self._lines: dict[str, _Line] = {}

    @property
    def any_drawn(self) -> bool:
        """Whether a sample came in."""
        return any(line.calls for line in self._lines.values())

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
        self._say_now_and_then()

    def on_discussion(self, _: object) -> None:
        """Take in that a discussion is over."""
        self._now.over += 1

    @property
    def _now(self) -> _Line:
        return next(reversed(self._lines.values()))

    def _say(self) -> None:
        for name, line in list(self._lines.items())[-1:]:
            self._line(name, line.words())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, line in self._lines.items():
            bar = ProgressBar(total=max(line.total, 1), completed=line.over, width=20)
            table.add_row(Text(name, "bold"), bar, *line.words())
        table.add_row(self._note)
        return table
