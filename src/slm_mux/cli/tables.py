"""Tables without lines, whose names are never cut."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


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
