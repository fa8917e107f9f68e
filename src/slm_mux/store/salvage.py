"""Saving what a damaged store still holds into a new one."""

import sqlite3
from collections.abc import Callable, Iterator

from msgspec import Struct

from slm_mux.errors import SlmMuxError
from slm_mux.store.encoding import from_json
from slm_mux.store.scanning import Row, scan
from slm_mux.store.schema import SAMPLE_COLUMNS
from slm_mux.store.verify import (
    SERIES_CONTENT,
    SERIES_JOINS,
    DamagedSample,
    checked_samples,
    name_damaged,
    problem_is_whole,
    series_is_whole,
)


class SalvageReport(Struct, frozen=True, kw_only=True):
    """What was saved, and what was not."""

    saved: dict[str, int]
    """Rows by table."""
    lost: dict[str, int]
    """Rows by table that were there, as far as that is known."""
    damaged: tuple[DamagedSample, ...]
    """The samples among the lost."""


def salvage(db: sqlite3.Connection, to: sqlite3.Connection) -> SalvageReport:
    """Copy every sound row of `db` into the empty store `to`, in the transaction open there."""
    return _Salvage(db, to).run()


class _Salvage:
    """Copies table after table; a row whose parent was lost is lost with it."""

    def __init__(self, db: sqlite3.Connection, to: sqlite3.Connection) -> None:
        self._db = db
        self._to = to
        self._kept: dict[str, set[int]] = {}
        self._lost: dict[str, int] = {}

    def run(self) -> SalvageReport:
        """Copy all; parents before children."""
        self._copy("tasks", "name, source, sha256, updated_at")
        self._copy(
            "problems",
            "task, name, position, split, document",
            {0: "tasks"},
            lambda row: problem_is_whole(row[1], row[4]),
        )
        self._copy("configs", "digest, identity, settings, seed")
        self._copy("prompts", "digest, messages")
        whole = {
            row
            for row, content in scan(self._db, "series", SERIES_CONTENT, SERIES_JOINS)
            if content is not None and series_is_whole(*content)
        }
        self._copy("series", "digest, config, prompt", {1: "configs", 2: "prompts"}, among=whole)
        self._copy("members", "task, name, config", {0: "tasks", 2: "configs"})
        parents = {0: "problems", 1: "members", 2: "series"}
        self._copy("asked", "problem, member, series", parents)
        damaged = self._samples()
        self._copy("runs", "saved_at, document", whole=lambda row: _is_json(row[1]))
        self._copy("fingerprints", "name")
        self._caches()
        return SalvageReport(
            saved={table: len(rows) for table, rows in self._kept.items()},
            lost={table: count for table, count in self._lost.items() if count},
            damaged=tuple(name_damaged(self._db, damaged)),
        )

    def _copy(
        self,
        table: str,
        columns: str,
        parents: dict[int, str] | None = None,
        whole: Callable[[Row], bool] | None = None,
        *,
        among: set[int] | None = None,
    ) -> None:
        kept: set[int] = set()
        lost = 0

        def rows() -> Iterator[Row]:
            nonlocal lost
            for row, content in scan(self._db, table, columns):
                if (
                    content is None
                    or (among is not None and row not in among)
                    or not all(content[at] in self._kept[of] for at, of in (parents or {}).items())
                    or (whole is not None and not whole(content))
                ):
                    lost += 1
                    continue
                kept.add(row)
                yield (row, *content)

        self._insert(table, f"id, {columns}", rows())
        self._kept[table] = kept
        self._lost[table] = lost

    def _samples(self) -> list[tuple[int, str]]:
        kept: set[int] = set()
        damaged: list[tuple[int, str]] = []
        for sample, row, fault in checked_samples(self._db):
            if row is None or fault or row[-1] not in self._kept["series"]:
                damaged.append((sample, fault or "its series is damaged"))
                continue
            body, reasoning, error, message, tries, _, *columns, checksum, series = row
            self._insert(
                "samples",
                f"id, series, {SAMPLE_COLUMNS}, checksum",
                [(sample, series, *columns, checksum)],
            )
            if body is not None:
                self._insert("texts", "sample, body, reasoning", [(sample, body, reasoning)])
            if error is not None:
                failure = (sample, error, message, tries)
                self._insert("failures", "sample, error, message, tries", [failure])
            kept.add(sample)
        self._kept["samples"] = kept
        self._lost["samples"] = len(damaged)
        return damaged

    def _caches(self) -> None:
        """Copy readings and verdicts, as far as they can be read from either end of their table."""
        for table, key, columns in (
            ("readings", ("reader", "sample"), "reader, sample, answer, key"),
            ("verdicts", ("scorer", "answer", "target"), "scorer, answer, target, verdict"),
        ):
            samples = self._kept["samples"] if table == "readings" else None
            for direction in ("ASC", "DESC"):
                order = ", ".join(f"{column} {direction}" for column in key)
                query = f"SELECT {columns} FROM {table} ORDER BY {order}"  # noqa: S608
                try:
                    for row in self._db.execute(query):
                        known = row[0] in self._kept["fingerprints"]
                        if known and (samples is None or row[1] in samples):
                            self._insert(table, columns, [row])
                except sqlite3.DatabaseError:
                    continue
                else:
                    break

    def _insert(self, table: str, columns: str, rows: Iterator[Row] | list[Row]) -> None:
        marks = ", ".join("?" * len(columns.split(",")))
        self._to.executemany(
            f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
            rows,
        )


def _is_json(document: str | bytes) -> bool:
    try:
        return isinstance(from_json(document), dict)
    except SlmMuxError:
        return False
