"""Putting draws into the store: each address is bought once, whoever comes first."""

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.store.encoding import (
    Column,
    checksum,
    number_to_column,
    seconds_of,
    to_column,
)
from slm_mux.store.packing import Packer
from slm_mux.store.rows import Draw
from slm_mux.store.schema import SAMPLE_COLUMNS
from slm_mux.types import Completion, Failure

_Address = tuple[int, int]
"""(the series' row, the draw's index)."""


class PreparedDraw(Struct, frozen=True, gc=False):
    """A draw as columns: compressed and summed before the transaction, which blocks others."""

    series: str
    draw: int
    columns: tuple[Column, ...]
    """As `_COLUMNS` names them."""
    body: bytes | None
    reasoning: bytes | None
    failure: tuple[Column, ...] | None


def check(draw: Draw) -> None:
    """Refuse what is no draw.

    Raises:
        InvalidRequestError: it has both a completion and a failure, or neither; or its index or its
            tries are out of range.
    """
    if (draw.completion is None) == (draw.failure is None):
        raise InvalidRequestError("a draw has either a completion or a failure")
    if not 0 <= draw.draw < _BOUND:
        raise InvalidRequestError(f"a draw's index is in [0, {_BOUND}), not {draw.draw}")
    if draw.failure is not None and not 0 <= draw.failure.tries < _BOUND:
        raise InvalidRequestError(f"a failure's tries are in [0, {_BOUND})")


def prepare(draw: Draw, packer: Packer) -> PreparedDraw:
    """Do everything that needs no transaction.

    Args:
        draw: what came of it.
        packer: best one for many draws.

    Raises:
        InvalidRequestError: it is no draw; see `check`.
    """
    check(draw)
    got = draw.completion or _NO_COMPLETION
    columns: tuple[Column, ...] = (
        0 if draw.failure is None else 1,
        number_to_column(draw.seed),
        to_column(got.finish_reason),
        number_to_column(got.prompt_tokens),
        number_to_column(got.completion_tokens),
        seconds_of(draw.seconds),
        to_column(got.served_model),
        to_column(draw.collected_at),
    )
    failure = None if draw.failure is None else _failure_columns(draw.failure)
    texts = (got.text, got.reasoning) if draw.completion else (None, None)
    total = checksum((*(failure or (None, None, None)), draw.series, draw.draw, *columns), texts)
    return PreparedDraw(
        draw.series,
        draw.draw,
        (*columns, total),
        None if texts[0] is None else packer.pack(texts[0]),
        None if texts[1] is None else packer.pack(texts[1]),
        failure,
    )


_BOUND = 2**31

_COLUMNS = SAMPLE_COLUMNS.removeprefix("draw, ") + ", checksum"

_NO_COMPLETION = Completion(text="")


def _failure_columns(failure: Failure) -> tuple[Column, ...]:
    return to_column(failure.error), to_column(failure.message), failure.tries


def write(
    db: sqlite3.Connection, draws: Sequence[PreparedDraw], series_rows: Mapping[str, int]
) -> list[bool]:
    """Write draws in the transaction that is open.

    Args:
        db: in a transaction that no other writer can be in.
        draws: several may have one address; then the rule below holds in their order.
        series_rows: the rows of their series, by digest.

    Returns:
        For each draw whether its address has a row, or a completion, that it had not. A completion
        is never overwritten; a failure gives way to a completion or to a later failure.
    """
    addressed = [((series_rows[draw.series], draw.draw), draw) for draw in draws]
    batch = _Batch(db, [address for address, _ in addressed])
    new = [batch.add(address, draw) for address, draw in addressed]
    batch.write()
    return new


class _Batch:
    """Sorts draws into new rows and changed ones, then writes each sort at once."""

    def __init__(self, db: sqlite3.Connection, addresses: Sequence[_Address]) -> None:
        self._db = db
        self._next = db.execute("SELECT coalesce(max(id), 0) + 1 FROM samples").fetchone()[0]
        self._stored = _stored(db, addresses)
        self._fresh: dict[_Address, tuple[int, PreparedDraw]] = {}
        self._changed: dict[_Address, tuple[int, PreparedDraw]] = {}

    def add(self, address: _Address, draw: PreparedDraw) -> bool:
        """Decide what becomes of a draw; returns whether it is new."""
        for sort in (self._fresh, self._changed):
            if address in sort:
                sample, earlier = sort[address]
                if earlier.failure is None:
                    return False
                sort[address] = (sample, draw)
                return sort is self._changed and draw.failure is None
        found = self._stored.get(address)
        if found is None:
            self._fresh[address] = (self._next, draw)
            self._next += 1
            return True
        if found[1] == 1:
            self._changed[address] = (found[0], draw)
            return draw.failure is None
        return False

    def write(self) -> None:
        """Write what was sorted."""
        self._db.executemany(
            f"INSERT INTO samples (id, series, draw, {_COLUMNS}) "  # noqa: S608
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(sample, *address, *draw.columns) for address, (sample, draw) in self._fresh.items()],
        )
        if self._changed:
            self._change()
        rows = [*self._fresh.values(), *self._changed.values()]
        self._db.executemany(
            "INSERT INTO texts (sample, body, reasoning) VALUES (?, ?, ?)",
            [(sample, draw.body, draw.reasoning) for sample, draw in rows if draw.body is not None],
        )
        self._db.executemany(
            "INSERT INTO failures (sample, error, message, tries) VALUES (?, ?, ?, ?)",
            [(sample, *draw.failure) for sample, draw in rows if draw.failure is not None],
        )

    def _change(self) -> None:
        self._db.executemany(
            f"UPDATE samples SET ({_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",  # noqa: S608
            [(*draw.columns, sample) for sample, draw in self._changed.values()],
        )
        samples = [(sample,) for sample, _ in self._changed.values()]
        self._db.executemany("DELETE FROM failures WHERE sample = ?", samples)
        # A reading of a failed draw, should anybody have cached one, is none of its completion.
        self._db.executemany("DELETE FROM readings WHERE sample = ?", samples)


def _stored(
    db: sqlite3.Connection, addresses: Sequence[_Address]
) -> dict[_Address, tuple[int, int]]:
    """Return (id, status) of those addresses that have a row."""
    found: dict[_Address, tuple[int, int]] = {}
    for start in range(0, len(addresses), _PAIRS):
        piece = addresses[start : start + _PAIRS]
        marks = ", ".join(["(?, ?)"] * len(piece))
        for series, draw, sample, status in db.execute(
            # CROSS JOIN looks each address up in the index; (series, draw) IN (...) would not.
            f"WITH wanted (series, draw) AS (VALUES {marks}) "  # noqa: S608
            "SELECT series, draw, id, status FROM wanted CROSS JOIN samples USING (series, draw)",
            [value for address in piece for value in address],
        ):
            found[series, draw] = (sample, status)
    return found


_PAIRS = 450
"""Addresses in one query: SQLite once took no more than 999 values."""
