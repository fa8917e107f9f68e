"""Saving what a damaged store still holds into a new one."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from slm_mux.errors import SlmMuxError, StoreError
from slm_mux.store.connection import Connection
from slm_mux.store.contents import config_digest, problem_of, prompt_digest
from slm_mux.store.damage import SERIES_DAMAGED, DamagedSample, name_damaged
from slm_mux.store.encoding import from_json
from slm_mux.store.leaving import write_left
from slm_mux.store.mending import Found, mend, read_series
from slm_mux.store.scanning import Row, from_both_ends, scan
from slm_mux.store.schema import SAMPLE_COLUMNS
from slm_mux.store.verify import checked_samples


class SalvageReport(Struct, frozen=True, kw_only=True):
    """What was saved, and what was not."""

    saved: dict[str, int]
    """Rows by table."""
    lost: dict[str, int]
    """Rows by table that were there, as far as that is known."""
    damaged: tuple[DamagedSample, ...]
    """The samples among the lost."""
    left: int = 0
    """Of these, samples whose text can be read: they are in the file `left_in`."""
    left_in: str | None = None
    unplaced: int = 0
    """Samples that were saved, but whose problem or model was lost: asking the same finds them."""


def salvage(connection: Connection, to_path: Path) -> SalvageReport:
    """See `Store.salvage`."""
    if to_path.exists():
        raise StoreError(f"{to_path}: the file exists; give a new name to save to")
    with (
        contextlib.closing(Connection(to_path)) as target,
        target.writing() as to,
        connection.reading() as db,
    ):
        return _Salvage(db, to).run()


class _Salvage:
    """Copies table after table into an empty store, in the transaction that is open there.

    A row whose parent was lost is lost with it.
    """

    def __init__(self, db: sqlite3.Connection, to: sqlite3.Connection) -> None:
        self._db = db
        self._to = to
        self._kept: dict[str, set[int]] = {}
        self._lost: dict[str, int] = {}
        self._unplaced = 0

    def run(self) -> SalvageReport:
        """Copy all; parents before children."""
        self._copy("tasks", "name, source, sha256, updated_at")
        self._copy(
            "problems",
            "task, name, position, split, document",
            {0: "tasks"},
            lambda row: problem_of(row[1], row[4]) is not None,
        )
        mended = self._series()
        self._copy("members", "task, name, config", {0: "tasks", 2: "configs"})
        parents = {0: "problems", 1: "members", 2: "series"}
        self._copy("asked", "problem, member, series", parents)
        self._copy("discussed", "problem, member, series, method", parents)
        damaged = self._samples({row: found.digest for row, found in mended.items()})
        self._stopped()
        self._copy("runs", "saved_at, document", whole=lambda row: _is_json(row[1]))
        self._copy("fingerprints", "name")
        self._caches()
        named = tuple(name_damaged(self._db, damaged))
        left, left_in = write_left(self._db, self._to, named)
        return SalvageReport(
            saved={table: len(rows) for table, rows in self._kept.items()},
            lost={table: count for table, count in self._lost.items() if count},
            damaged=named,
            left=left,
            left_in=left_in,
            unplaced=self._unplaced,
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

    def _series(self) -> dict[int, Found]:
        """Copy what is whole of configurations, prompts and series, and mend what can be.

        Returns:
            The mended series, by row.
        """
        series = read_series(self._db)
        mended = mend(self._db, series)
        configs = {found.config for found in mended.values()}
        prompts = set()
        for row, content in scan(self._db, "series", "config, prompt"):
            if content is not None and row in series.whole:
                configs.add(content[0])
                prompts.add(content[1])
        self._contents("configs", "identity, settings, seed", config_digest, configs)
        self._contents("prompts", "messages", prompt_digest, prompts)
        parents = {1: "configs", 2: "prompts"}
        self._copy("series", "digest, config, prompt", parents, among=series.whole)
        for row, found in mended.items():
            self._insert_mended(row, found)
        self._lost["series"] = len(series.whole | series.broken.keys()) - len(self._kept["series"])
        return mended

    def _contents(
        self, table: str, columns: str, digest_of: Callable[..., str | None], proven: set[int]
    ) -> None:
        """Copy what agrees with its own digest, or is a part of what agrees with another."""
        rows: dict[str, Row] = {}
        count = 0
        for row, content in scan(self._db, table, f"digest, {columns}"):
            count += 1
            if content is None:
                continue
            digest = digest_of(*content[1:])
            if digest is not None and (digest == content[0] or row in proven):
                rows[digest] = (row, digest, *content[1:])
        self._insert(table, f"id, digest, {columns}", list(rows.values()))
        self._kept[table] = {row[0] for row in rows.values()}
        self._lost[table] = count - len(rows)

    def _insert_mended(self, row: int, found: Found) -> None:
        digest = prompt_digest(found.messages)
        self._to.execute(
            "INSERT OR IGNORE INTO prompts (digest, messages) VALUES (?, ?)",
            (digest, found.messages),
        )
        prompt = self._to.execute("SELECT id FROM prompts WHERE digest = ?", (digest,)).fetchone()
        self._kept["prompts"].add(prompt[0])
        inserted = self._to.execute(
            "INSERT OR IGNORE INTO series (id, digest, config, prompt) VALUES (?, ?, ?, ?)",
            (row, found.digest, found.config, prompt[0]),
        )
        if inserted.rowcount:
            self._kept["series"].add(row)

    def _samples(self, digests: Mapping[int, str]) -> list[tuple[int, str]]:
        kept: set[int] = set()
        damaged: list[tuple[int, str]] = []
        unplaced = _asked(self._db) - _asked(self._to)
        for sample, series, content, fault in checked_samples(self._db, digests):
            if content is None or fault or series not in self._kept["series"]:
                damaged.append((sample, fault or SERIES_DAMAGED))
                continue
            body, reasoning, error, message, tries, _, *columns, checksum = content
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
            self._unplaced += series in unplaced
        self._kept["samples"] = kept
        self._lost["samples"] = len(damaged)
        return damaged

    def _stopped(self) -> None:
        """Copy the marks of the series that were saved; one that cannot be looked up is lost."""
        kept: list[Row] = []
        lost = 0
        for series in sorted(self._kept["series"]):
            query = "SELECT series, draws FROM stopped WHERE series = ?"
            try:
                kept += self._db.execute(query, (series,)).fetchall()
            except sqlite3.DatabaseError:
                lost += 1
        self._insert("stopped", "series, draws", kept)
        self._kept["stopped"] = {series for series, _ in kept}
        self._lost["stopped"] = lost

    def _caches(self) -> None:
        """Copy readings and verdicts, as far as they can be read from either end of their table."""
        for table, key, columns in (
            ("readings", ("reader", "sample"), "reader, sample, answer, key"),
            ("verdicts", ("scorer", "answer", "target"), "scorer, answer, target, verdict"),
        ):
            samples = self._kept["samples"] if table == "readings" else None
            for row in from_both_ends(self._db, f"SELECT {columns} FROM {table}", key):  # noqa: S608
                known = row[0] in self._kept["fingerprints"]
                if known and (samples is None or row[1] in samples):
                    self._insert(table, columns, [row])

    def _insert(self, table: str, columns: str, rows: Iterator[Row] | list[Row]) -> None:
        marks = ", ".join("?" * len(columns.split(",")))
        self._to.executemany(
            f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
            rows,
        )


def _asked(db: sqlite3.Connection) -> set[int]:
    """Return the series that answer a problem, as far as that can be read."""
    return {
        row[0]
        for table in ("asked", "discussed")
        for _, row in scan(db, table, "series")
        if row is not None
    }


def _is_json(document: str | bytes) -> bool:
    try:
        return isinstance(from_json(document), dict)
    except SlmMuxError:
        return False
