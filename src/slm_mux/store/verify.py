"""Is the file sound; and if not, which samples are damaged, and how to save the others."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.errors import SlmMuxError
from slm_mux.store.encoding import from_json, number_of, text_of
from slm_mux.store.rows import Series
from slm_mux.store.scanning import Row, addresses, scan
from slm_mux.store.schema import SAMPLE_COLUMNS, row_checksum
from slm_mux.types import Problem


class Place(Struct, frozen=True):
    """Where a sample belongs."""

    task: str
    problem: str
    member: str


class DamagedSample(Struct, frozen=True, kw_only=True):
    """A sample that cannot be read, or is not what was written."""

    sample_id: int
    series: str | None
    """The series' digest; None and -1 where not even the address can be read."""
    draw: int
    places: tuple[Place, ...]
    """Every task that asked for it; empty where that cannot be read."""
    reason: str


class VerifyReport(Struct, frozen=True, kw_only=True):
    """What a check of the whole file found."""

    samples: int
    """How many were looked at."""
    damaged: tuple[DamagedSample, ...]
    others: tuple[str, ...]
    """Damaged rows of other tables, one sentence each."""
    integrity: tuple[str, ...]
    """What SQLite's own check complains of; at most 100 lines."""

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not (self.damaged or self.others or self.integrity)


def verify(db: sqlite3.Connection) -> VerifyReport:
    """See `Store.verify`."""
    db.execute("PRAGMA cell_size_check = ON")
    samples = 0
    damaged = []
    for sample, _, reason in checked_samples(db):
        samples += 1
        if reason:
            damaged.append((sample, reason))
    return VerifyReport(
        samples=samples,
        damaged=tuple(name_damaged(db, damaged)),
        others=(*_damaged_series(db), *_damaged_problems(db), *_orphans(db)),
        integrity=tuple(_integrity(db)),
    )


def checked_samples(db: sqlite3.Connection) -> Iterator[tuple[int, Row | None, str | None]]:
    """Read every sample and compare it with its checksum.

    Yields:
        (id, the row as `_SAMPLE` lists it or None, what is wrong with it or None).
    """
    known = addresses(db)
    for sample, row in scan(db, "samples", _SAMPLE, _SAMPLE_JOINS):
        if row is None:
            # A bound on the ids reaches further than the ids do.
            if not known or sample in known:
                yield sample, None, "it cannot be read"
        else:
            yield sample, row, _fault(row)
        known.pop(sample, None)
    for sample in known:
        yield sample, None, "its row is gone"


_SAMPLE = (
    "body, reasoning, error, message, tries, digest, "
    + SAMPLE_COLUMNS
    + ", checksum, samples.series"
)
_SAMPLE_JOINS = (
    "LEFT JOIN series ON series.id = samples.series "
    "LEFT JOIN texts ON texts.sample = samples.id "
    "LEFT JOIN failures ON failures.sample = samples.id"
)


def _fault(row: Row) -> str | None:
    *content, checksum, _ = row
    try:
        if row_checksum(tuple(content)) == checksum:
            return None
    except (SlmMuxError, TypeError, ValueError):
        return "its text cannot be unpacked"
    return "its checksum does not match"


def name_damaged(db: sqlite3.Connection, damaged: list[tuple[int, str]]) -> Iterator[DamagedSample]:
    """Say for which task, problem and model damaged samples were drawn."""
    if not damaged:
        return
    known = addresses(db)
    places: dict[int | None, tuple[Place, ...]] = {}
    for sample, reason in damaged:
        series, draw = known.get(sample, (None, -1))
        if series not in places:
            places[series] = _places(db, series)
        yield DamagedSample(
            sample_id=sample,
            series=_digest(db, series),
            draw=draw,
            places=places[series],
            reason=reason,
        )


def _digest(db: sqlite3.Connection, series: int | None) -> str | None:
    try:
        row = db.execute("SELECT digest FROM series WHERE id = ?", (series,)).fetchone()
    except sqlite3.DatabaseError:
        return None
    return row and str(row[0])


def _places(db: sqlite3.Connection, series: int | None) -> tuple[Place, ...]:
    try:
        rows = db.execute(
            "SELECT tasks.name, problems.name, members.name FROM asked "
            "JOIN problems ON problems.id = asked.problem JOIN tasks ON tasks.id = problems.task "
            "JOIN members ON members.id = asked.member WHERE asked.series = ? ORDER BY asked.id",
            (series,),
        ).fetchall()
    except sqlite3.DatabaseError:
        return ()
    return tuple(
        Place(text_of(task), text_of(problem), text_of(member)) for task, problem, member in rows
    )


def series_is_whole(digest: object, identity: Any, settings: Any, seed: Any, messages: Any) -> bool:
    """Whether a series' columns give its digest."""
    try:
        series = Series(
            member="",
            identity=text_of(identity),
            messages=tuple(from_json(messages)),
            settings=from_json(settings),
            seed=number_of(seed),
        )
        found = series.digest
    except (SlmMuxError, TypeError, ValueError, AttributeError):
        return False
    return found == digest


def problem_is_whole(name: Any, document: Any) -> bool:
    """Whether a problem's document can be read and is the one of that name."""
    try:
        return msgspec.convert(from_json(document), Problem).id == text_of(name)
    except (SlmMuxError, msgspec.ValidationError, TypeError, ValueError):
        return False


SERIES_JOINS = (
    "JOIN configs ON configs.id = series.config JOIN prompts ON prompts.id = series.prompt"
)
SERIES_CONTENT = "series.digest, identity, settings, configs.seed, messages"


def _damaged_series(db: sqlite3.Connection) -> Iterator[str]:
    for row, content in scan(db, "series", SERIES_CONTENT, SERIES_JOINS):
        if content is None or not series_is_whole(*content):
            yield f"series {row} ({content[0] if content else 'unknown'}) is damaged"


def _damaged_problems(db: sqlite3.Connection) -> Iterator[str]:
    for row, content in scan(db, "problems", "name, document"):
        if content is None or not problem_is_whole(*content):
            name = repr(content[0]) if content else "of unknown name"
            yield f"problem {row} ({name}) is damaged"


def _orphans(db: sqlite3.Connection) -> Iterator[str]:
    try:
        rows = db.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        yield f"the references between tables cannot be checked ({error})"
        return
    for table, row, parent, _ in rows:
        yield f"row {row} of {table} belongs to a row of {parent} that is gone"


def _integrity(db: sqlite3.Connection) -> Iterator[str]:
    try:
        lines = [str(line) for (line,) in db.execute("PRAGMA integrity_check(100)")]
    except sqlite3.DatabaseError as error:
        lines = [str(error)]
    for line in lines:
        if line != "ok":
            # The first line may hold several, each after a heading of SQLite's.
            yield from (part for part in line.splitlines() if part)
