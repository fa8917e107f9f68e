"""What was made of the samples, kept so that it is made once: readings, verdicts."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from slm_mux.store.encoding import from_column, text_of, to_column
from slm_mux.store.rows import GIVEN, Reading
from slm_mux.store.series import chunks


def _fingerprint(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT id FROM fingerprints WHERE name = ?", (to_column(name),)).fetchone()
    return None if row is None else row[0]


def _make_fingerprint(db: sqlite3.Connection, name: str) -> int | None:
    db.execute("INSERT OR IGNORE INTO fingerprints (name) VALUES (?)", (to_column(name),))
    return _fingerprint(db, name)


def readings(db: sqlite3.Connection, reader: str, sample_ids: Sequence[int]) -> dict[int, Reading]:
    """See `Store.readings`."""
    key = _fingerprint(db, reader)
    found: dict[int, Reading] = {}
    if key is None:
        return found
    for marks, piece in chunks(sample_ids):
        for sample, answer, canonical in db.execute(
            f"SELECT sample, answer, key FROM readings WHERE reader = ? AND sample IN ({marks})",  # noqa: S608
            (key, *piece),
        ):
            found[sample] = Reading(from_column(answer), from_column(canonical))
    return found


def given(db: sqlite3.Connection, series: int) -> dict[int, Reading]:
    """Return the answers that were imported with a series' draws, by draw; see `GIVEN`."""
    rows = db.execute(
        "SELECT draw, answer, key FROM samples CROSS JOIN readings ON readings.sample = samples.id "
        "WHERE series = ? AND reader = ?",
        (series, _fingerprint(db, GIVEN)),
    )
    return {draw: Reading(from_column(answer), from_column(key)) for draw, answer, key in rows}


def put_given(db: sqlite3.Connection, read: Iterable[tuple[str, int, Reading]]) -> None:
    """Keep answers that came already read, by (series digest, draw); one that is there stays."""
    rows = [
        (to_column(reading.answer), to_column(reading.key), digest, draw)
        for digest, draw, reading in read
    ]
    if not rows:
        return
    key = _make_fingerprint(db, GIVEN)
    db.executemany(
        "INSERT OR IGNORE INTO readings (reader, sample, answer, key) "
        "SELECT ?, samples.id, ?, ? FROM series JOIN samples ON samples.series = series.id "
        "WHERE digest = ? AND draw = ?",
        [(key, *row) for row in rows],
    )


def put_readings(db: sqlite3.Connection, reader: str, read: Iterable[tuple[int, Reading]]) -> None:
    """See `Store.put_readings`."""
    key = _make_fingerprint(db, reader)
    db.executemany(
        "INSERT OR REPLACE INTO readings (reader, sample, answer, key) VALUES (?, ?, ?, ?)",
        [
            (key, sample, to_column(reading.answer), to_column(reading.key))
            for sample, reading in read
        ],
    )


def verdicts(db: sqlite3.Connection, scorer: str) -> dict[tuple[str, str], bool | None]:
    """See `Store.verdicts`."""
    rows = db.execute(
        "SELECT answer, target, verdict FROM verdicts WHERE scorer = ?",
        (_fingerprint(db, scorer),),
    )
    return {
        (text_of(answer), text_of(target)): None if verdict is None else bool(verdict)
        for answer, target, verdict in rows
    }


def put_verdicts(
    db: sqlite3.Connection, scorer: str, given: Mapping[tuple[str, str], bool | None]
) -> None:
    """See `Store.put_verdicts`."""
    key = _make_fingerprint(db, scorer)
    db.executemany(
        "INSERT OR REPLACE INTO verdicts (scorer, answer, target, verdict) VALUES (?, ?, ?, ?)",
        [
            (key, to_column(answer), to_column(target), verdict)
            for (answer, target), verdict in given.items()
        ],
    )
