"""Reading a table that may be damaged: row by row around what cannot be read."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

_CHUNK = 256

Row = tuple[Any, ...]


def scan(
    db: sqlite3.Connection, table: str, columns: str, joined: str = ""
) -> Iterator[tuple[int, Row | None]]:
    """Read a table in the order of its ids.

    Args:
        db: the connection; after an error on one page SQLite can go on with the next.
        table: has an integer key `id`.
        columns: what to select.
        joined: further tables, each giving at most one row.

    Yields:
        (id, columns); None in the place of the columns where a row is known to have been there, or
        may have been, and cannot be read.
    """
    # Names of tables and columns come from this package alone.
    query = f"SELECT {table}.id, {columns} FROM {table} {joined} WHERE {table}.id "  # noqa: S608
    last, start = _last_id(db, table), 0
    while start < last:
        end = min(start + _CHUNK, last)
        try:
            rows = db.execute(query + "BETWEEN ? AND ?", (start + 1, end)).fetchall()
        except sqlite3.DatabaseError:
            yield from _one_by_one(db, query + "= ?", start + 1, end)
        else:
            for row in rows:
                yield row[0], row[1:]
        start = end


def _one_by_one(
    db: sqlite3.Connection, query: str, first: int, last: int
) -> Iterator[tuple[int, Row | None]]:
    for number in range(first, last + 1):
        try:
            row = db.execute(query, (number,)).fetchone()
        except sqlite3.DatabaseError:
            yield number, None
        else:
            if row is not None:
                yield number, row[1:]


def _last_id(db: sqlite3.Connection, table: str) -> int:
    """Return the largest id, or a bound on it where that cannot be read."""
    for query in (
        f"SELECT max(id) FROM {table}",  # noqa: S608
        # The unary plus keeps SQLite from the table itself: any index has all the ids.
        f"SELECT max(+id) FROM {table}",  # noqa: S608
    ):
        try:
            return db.execute(query).fetchone()[0] or 0
        except sqlite3.DatabaseError:
            continue
    # A row takes 16 bytes and more, and rows are never deleted in numbers.
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    bound: int = pages * size // 16
    return bound


def addresses(db: sqlite3.Connection) -> dict[int, tuple[int, int]]:
    """Return (series row, draw) by sample id from the index, which lies on pages of its own.

    Where the index is damaged, too, what can be read from either end of it.
    """
    query = "SELECT id, series, draw FROM samples INDEXED BY samples_address"
    rows = from_both_ends(db, query, ("series", "draw"))
    return {sample: (series, draw) for sample, series, draw in rows}


def from_both_ends(db: sqlite3.Connection, query: str, key: Sequence[str]) -> Iterator[Row]:
    """Yield what can be read from either end of an index; rows may come twice where it is damaged.

    Args:
        db: as of `scan`.
        query: what to select, without an order.
        key: the columns of the index.
    """
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{column} {direction}" for column in key)
        with suppress(sqlite3.DatabaseError):
            yield from db.execute(f"{query} ORDER BY {order}")
            return
