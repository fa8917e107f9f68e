"""Damaged samples: found by their checksums, and named by what they were drawn for."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from slm_mux.errors import SlmMuxError
from slm_mux.store.encoding import DamageError, checksum, damaged, text_of
from slm_mux.store.packing import Texts, unpack_texts
from slm_mux.store.scanning import addresses
from slm_mux.store.schema import SAMPLE_COLUMNS

CONTENT = f"body, reasoning, error, message, tries, series.digest, {SAMPLE_COLUMNS}, checksum"
"""All that was stored of a sample, and its checksum."""
CONTENT_JOINS = (
    "LEFT JOIN series ON series.id = samples.series "
    "LEFT JOIN texts ON texts.sample = samples.id "
    "LEFT JOIN failures ON failures.sample = samples.id"
)

EVERY_ASKED = (
    "SELECT id, problem, member, series FROM asked "
    "UNION ALL SELECT id, problem, member, series FROM discussed"
)
"""What was asked plainly, and the follow-ups."""

SERIES_DAMAGED = "what it was asked is damaged"
"""The reason where a sample itself is whole."""

_MOST_NAMED = 10


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

    @property
    def where(self) -> str:
        """The places and the draw, for people."""
        places = [
            f"task {place.task}, problem {place.problem}, model {place.member}"
            for place in self.places
        ] or ["nobody knows whose"]
        return f"{'; '.join(places)}, draw {self.draw}"


def checked(content: Sequence[Any]) -> tuple[Texts, str | None]:
    """Unpack a sample's texts, and compare all that was stored of it with its checksum.

    Args:
        content: the columns of `CONTENT`.

    Returns:
        The texts, as far as they can be unpacked, and what is wrong, or None.
    """
    body, reasoning, *fields, stored = content
    try:
        texts = unpack_texts(body, reasoning)
        if checksum(tuple(fields), texts) == stored:
            return texts, None
    except (SlmMuxError, TypeError, ValueError):
        return (None, None), "its text cannot be unpacked"
    gone = body is None and fields[0] is None
    return texts, "what it brought is gone" if gone else "its checksum does not match"


def with_digest(content: Sequence[Any], digest: str) -> tuple[Any, ...]:
    """Put another digest of the series into the columns of `CONTENT`."""
    return (*content[:5], digest, *content[6:])


def damaged_samples(db: sqlite3.Connection, faults: Sequence[tuple[int, str]]) -> DamageError:
    """Make the error of samples (id, reason) that are wanted and damaged."""
    return damaged(listed(list(name_damaged(db, faults)), separator="; "))


def listed(samples: Sequence[DamagedSample], *, separator: str) -> str:
    """Name damaged samples, for people; of many, the first ones."""
    named = [
        f"sample {sample.sample_id} ({sample.where}): {sample.reason}"
        for sample in samples[:_MOST_NAMED]
    ]
    if more := len(samples) - len(named):
        named.append(f"and {more:,} more")
    return separator.join(named)


def name_damaged(
    db: sqlite3.Connection, faults: Sequence[tuple[int, str]]
) -> Iterator[DamagedSample]:
    """Say for which task, problem and model damaged samples (id, reason) were drawn."""
    if not faults:
        return
    known = addresses(db)
    places: dict[int | None, tuple[Place, ...]] = {}
    for sample, reason in faults:
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
            f"SELECT tasks.name, problems.name, members.name FROM ({EVERY_ASKED}) AS asked "  # noqa: S608
            "LEFT JOIN problems ON problems.id = asked.problem "
            "LEFT JOIN members ON members.id = asked.member "
            "LEFT JOIN tasks ON tasks.id = coalesce(problems.task, members.task) "
            "WHERE asked.series = ? ORDER BY asked.id",
            (series,),
        ).fetchall()
    except sqlite3.DatabaseError:
        return ()
    return tuple(
        Place(*("?" if name is None else text_of(name) for name in names)) for names in rows
    )
