"""Is the file sound; and if not, which samples are damaged, and how to save the others."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from slm_mux.store.contents import config_digest, problem_of, prompt_digest
from slm_mux.store.damage import (
    CONTENT,
    CONTENT_JOINS,
    EVERY_ASKED,
    SERIES_DAMAGED,
    DamagedSample,
    checked,
    name_damaged,
    with_digest,
)
from slm_mux.store.mending import read_series
from slm_mux.store.opening import cut_off
from slm_mux.store.scanning import addresses, scan
from slm_mux.wording import counted


class VerifyReport(Struct, frozen=True, kw_only=True):
    """What a check of the whole file found."""

    samples: int
    """How many were looked at."""
    damaged: tuple[DamagedSample, ...]
    others: tuple[str, ...]
    """Damaged rows of other tables, one sentence each."""
    integrity: tuple[str, ...]
    """What the file as such lacks, and what SQLite's own check complains of; at most 101 lines."""

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not (self.damaged or self.others or self.integrity)


def verify(db: sqlite3.Connection, path: Path) -> VerifyReport:
    """See `Store.verify`."""
    samples = 0
    damaged = []
    series = read_series(db)
    for found in checked_samples(db):
        samples += 1
        reason = found.fault or (None if found.series in series.whole else SERIES_DAMAGED)
        if reason:
            damaged.append((found.sample, reason))
    return VerifyReport(
        samples=samples,
        damaged=tuple(name_damaged(db, damaged)),
        others=(
            *_damaged_digests(db),
            *(
                f"series {row} ({digest or 'unknown'}) is damaged"
                for row, digest in sorted(series.broken.items())
            ),
            *_damaged_problems(db),
            *_orphans(db),
        ),
        integrity=(*filter(None, [cut_off(db, path)]), *_integrity(db)),
    )


class CheckedSample(NamedTuple):
    """A sample, compared with its checksum."""

    sample: int
    """Its id."""
    series: int | None
    """Its series' row; None where that cannot be read."""
    content: Sequence[Any] | None
    """The columns of `CONTENT`; None where they cannot be read."""
    fault: str | None
    """What is wrong with it."""


def checked_samples(
    db: sqlite3.Connection, digests: Mapping[int, str] | None = None
) -> Iterator[CheckedSample]:
    """Read every sample and compare it with its checksum.

    Args:
        db: the store.
        digests: of series, by row, where they are known better than the store says.
    """
    known = addresses(db)
    for sample, row in scan(db, "samples", f"{CONTENT}, samples.series", CONTENT_JOINS):
        if row is None:
            # A bound on the ids reaches further than the ids do.
            if not known or sample in known:
                series = known.get(sample, (None, -1))[0]
                yield CheckedSample(sample, series, None, "it cannot be read")
        else:
            content, series = row[:-1], row[-1]
            if digests and series in digests:
                content = with_digest(content, digests[series])
            yield CheckedSample(sample, series, content, checked(content)[1])
        known.pop(sample, None)
    for sample, (series, _) in known.items():
        yield CheckedSample(sample, series, None, "its row is gone")


def _damaged_digests(db: sqlite3.Connection) -> Iterator[str]:
    for row, content in scan(db, "configs", "digest, identity, settings, seed"):
        if content is None or config_digest(*content[1:]) != content[0]:
            yield f"the settings of a model (row {row} of configs) are damaged"
    for row, content in scan(db, "prompts", "digest, messages"):
        if content is None or prompt_digest(content[1]) != content[0]:
            yield f"a prompt (row {row} of prompts) is damaged"


def _damaged_problems(db: sqlite3.Connection) -> Iterator[str]:
    for row, content in scan(db, "problems", "name, document"):
        if content is None or problem_of(*content) is None:
            name = repr(content[0]) if content else "of unknown name"
            yield f"problem {row} ({name}) is damaged{_answered(db, row)}"


def _answered(db: sqlite3.Connection, problem: int) -> str:
    try:
        count = db.execute(
            f"SELECT count(*) FROM ({EVERY_ASKED}) AS asked "  # noqa: S608
            "JOIN samples ON samples.series = asked.series WHERE problem = ?",
            (problem,),
        ).fetchone()[0]
    except sqlite3.DatabaseError:
        return ""
    return f"; {counted(count, 'sample')} of it" if count else ""


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
