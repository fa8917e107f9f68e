"""Progress of drawing that ends for each problem as soon as its answer is settled."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from slm_mux.cli.collecting_display import CollectingDisplay
from slm_mux.collecting.shortfall import MemberNeeds


class SettlingDisplay(CollectingDisplay):
    """As `CollectingDisplay`, led by the problems: how many draws they take shows at the end.

    Args:
        console: where to show it.
        members: what may be drawn at most, by member, all on the same problems.
    """

    def __init__(self, console: Console, members: Sequence[MemberNeeds]) -> None:
        super().__init__(console, members)
        self._problems = len(members[0].needs)
        self._over = 0

    def on_problem(self) -> None:
        """Take in that a problem's drawing is over."""
        self._over += 1

    def _say(self) -> None:
        if not self.any_drawn:
            return
        now = time.monotonic()
        self._console.print(f"problems  {self._of_problems()}")
        for name, line in self._lines.items():
            self._line(name, line.words(now, at_most=True))

    def _table(self) -> Table:
        now = time.monotonic()
        table = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=max(self._problems, 1), completed=self._over, width=20)
        table.add_row(Text("problems", "bold"), self._of_problems(), bar)
        for name, line in self._lines.items():
            table.add_row(Text(name, "bold"), *line.words(now, at_most=True))
        table.add_row(self._note)
        return table

    def _of_problems(self) -> str:
        return f"{self._over:,}/{self._problems:,}"
