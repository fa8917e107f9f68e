"""What pages of figures are made of: a heading, and tables whose names are never cut."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slm_mux.cli.console import print_line
from slm_mux.wording import counted


def print_heading(out: Console, document: Mapping[str, Any]) -> None:
    """Say what the figures of a document, as `evaluate` or a study returns it, are of."""
    split = f", split {document['split']}" if document["split"] else ""
    models = len(document["models"])
    print_line(
        out,
        f"{document['task']}{split}: {counted(document['problems'], 'problem')}, "
        f"{counted(document['k'], 'draw')} of "
        + ("one model" if models == 1 else f"each of {models} models"),
    )


def make_table(*columns: str, left: Sequence[int] = ()) -> Table:
    """Make a table; the first column and those in `left` hold words, all others figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True)
    for place, column in enumerate(columns):
        words = place == 0 or place in left
        table.add_column(column, justify="left" if words else "right", no_wrap=True)
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add cells as they are: a model may be called m[0]."""
    table.add_row(*map(Text, cells))


def print_table(out: Console, table: Table) -> None:
    """Print a table whole: what is wider than the terminal goes on in its next line."""
    # A name that is cut is no name.
    needed = table.__rich_measure__(out, out.options.update(max_width=10_000)).maximum
    before, out.width = out.width, max(out.width, needed)
    try:
        out.print(table)
    finally:
        out.width = before


def share(value: float | None) -> str:
    """Write a share as a cell; a dash where there is none."""
    return "–" if value is None else f"{value:.1%}"
