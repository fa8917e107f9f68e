"""How drawing goes on: a live table on a terminal, else lines now and then."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from slm_mux.cli.live_display import retry_note
from slm_mux.sampling.events import Event, RequestRetried

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class ProgressDisplay(ABC):
    """What displays of draws and of discussions have in common.

    Args:
        console: where to show it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._note = Text("")
        self._live: Live | None = None
        self._said = time.monotonic()

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
            # A process that is ended from outside could not bring a hidden cursor back.
            self._console.show_cursor(show=True)
            yield

    def observe(self, event: Event) -> None:
        """Take in a retry."""
        if isinstance(event, RequestRetried):
            self._note = retry_note(event)

    def _say_now_and_then(self) -> None:
        """Print lines where there is no terminal, if it is time."""
        if self._live is None and time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            self._say()

    def _line(self, name: str, words: list[str]) -> None:
        """Print a name and what there is to say of it."""
        said = "  ".join(word for word in words if word)
        self._console.print(f"{name}  {said}", markup=False)

    @abstractmethod
    def _say(self) -> None:
        """Print how it stands, in lines."""

    @abstractmethod
    def _table(self) -> Table:
        """How it stands, as a table."""
