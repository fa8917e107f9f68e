"""Progress per model: draws, rate, tokens, cost, time left."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from slm_mux.cli.progress_display import ProgressDisplay
from slm_mux.collecting.shortfall import MemberNeeds
from slm_mux.types import Sample
from slm_mux.wording import counted

WINDOW = 30.0
"""Seconds over which a rate is taken."""


class _Line:
    """One model's progress."""

    def __init__(self, needs: MemberNeeds) -> None:
        self.needs = needs
        self.completed = 0
        self.failed = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.started = time.monotonic()
        self.recent: deque[float] = deque()

    def take(self, sample: Sample, now: float) -> None:
        if sample.completion is None:
            self.failed += 1
        else:
            self.completed += 1
            self.prompt_tokens += sample.completion.prompt_tokens or 0
            self.completion_tokens += sample.completion.completion_tokens or 0
        self.recent.append(now)

    @property
    def done(self) -> int:
        return self.completed + self.failed

    def rate(self, now: float) -> float:
        """Draws per second, over the last window."""
        while self.recent and self.recent[0] < now - WINDOW:
            self.recent.popleft()
        return len(self.recent) / max(min(now - self.started, WINDOW), 1e-9)

    def cost(self) -> str:
        price = self.needs.member.price
        if price is None:
            return ""
        return f"cost {price.of(self.prompt_tokens, self.completion_tokens):.4f}"

    def words(self, now: float, *, at_most: bool = False) -> list[str]:
        """What there is to say; at most: the missing draws need not all be made."""
        rate = self.rate(now)
        left = 0 if at_most else self.needs.missing - self.done
        of = " of at most " if at_most else "/"
        return [
            f"{self.done:,}{of}{self.needs.missing:,}",
            f"{rate:.1f}/s" if rate else "",
            f"{self.prompt_tokens + self.completion_tokens:,} tokens",
            self.cost(),
            f"{self.failed} failed" if self.failed else "",
            f"{_duration(left / rate)} left" if rate and left else "",
        ]


class CollectingDisplay(ProgressDisplay):
    """A live table on a terminal, else a line for each model now and then.

    Args:
        console: where to show it.
        members: what is missing, by member.
    """

    def __init__(self, console: Console, members: Sequence[MemberNeeds]) -> None:
        super().__init__(console)
        self._lines = {needs.member.name: _Line(needs) for needs in members}

    @property
    def any_drawn(self) -> bool:
        """Whether a sample came in."""
        return any(line.done for line in self._lines.values())

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show progress while the block runs."""
        total = sum(line.needs.total for line in self._lines.values())
        missing = sum(line.needs.missing for line in self._lines.values())
        if missing < total:
            there, are = total - missing, "is" if total - missing == 1 else "are"
            self._console.print(f"{there:,} of {counted(total, 'draw')} {are} in the store")
        with super().shown():
            yield

    def on_sample(self, sample: Sample) -> None:
        """Take in a sample that is on disk."""
        self._lines[sample.model].take(sample, time.monotonic())
        self._say_now_and_then()

    def _say(self) -> None:
        now = time.monotonic()
        for name, line in self._lines.items():
            self._line(name, line.words(now))

    def _table(self) -> Table:
        now = time.monotonic()
        table = Table.grid(padding=(0, 2))
        for name, line in self._lines.items():
            bar = ProgressBar(total=max(line.needs.missing, 1), completed=line.done, width=20)
            table.add_row(Text(name, "bold"), bar, *line.words(now))
        table.add_row(self._note)
        return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
