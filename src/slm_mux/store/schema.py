"""The tables, and the named steps by which an older file becomes a current one.

A file's `user_version` is the number of steps it has taken. Every step runs in the transaction that
opens the file, so a file is never between two versions. A step that has been released is never
changed; a change of the tables is a new step.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from slm_mux.store.encoding import checksum
from slm_mux.store.packing import unpack_texts

APPLICATION_ID = 0x534C4D58
"""Marks a SQLite file as a store of samples ("SLMX")."""


class Migration(Struct, frozen=True):
    """One step: SQL, then code for what SQL cannot do."""

    name: str
    statements: tuple[str, ...]
    finish: Callable[[sqlite3.Connection], None] | None = None


def now() -> str:
    """Return the time as the store writes it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_SAMPLES = (
    """CREATE TABLE migrations (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        applied_at TEXT NOT NULL
    )""",
    """CREATE TABLE tasks (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )""",
    """CREATE TABLE problems (
        id INTEGER PRIMARY KEY,
        task INTEGER NOT NULL REFERENCES tasks (id),
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        split TEXT,
        document TEXT NOT NULL,
        UNIQUE (task, name)
    )""",
    "CREATE INDEX problems_in_order ON problems (task, position)",
    """CREATE TABLE configs (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        identity TEXT NOT NULL,
        settings TEXT NOT NULL,
        seed
    )""",
    """CREATE TABLE prompts (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        messages TEXT NOT NULL
    )""",
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        config INTEGER NOT NULL REFERENCES configs (id),
        prompt INTEGER NOT NULL REFERENCES prompts (id)
    )""",
    """CREATE TABLE members (
        id INTEGER PRIMARY KEY,
        task INTEGER NOT NULL REFERENCES tasks (id),
        name TEXT NOT NULL,
        config INTEGER NOT NULL REFERENCES configs (id),
        UNIQUE (task, name, config)
    )""",
    """CREATE TABLE asked (
        id INTEGER PRIMARY KEY,
        problem INTEGER NOT NULL REFERENCES problems (id),
        member INTEGER NOT NULL REFERENCES members (id),
        series INTEGER NOT NULL REFERENCES series (id),
        UNIQUE (problem, member, series)
    )""",
    """CREATE TABLE samples (
        id INTEGER PRIMARY KEY,
        series INTEGER NOT NULL REFERENCES series (id),
        draw INTEGER NOT NULL CHECK (draw >= 0),
        status INTEGER NOT NULL CHECK (status IN (0, 1)),
        seed,
        finish_reason TEXT,
        prompt_tokens,
        completion_tokens,
        seconds REAL NOT NULL,
        served_model TEXT,
        collected_at TEXT
    )""",
    "CREATE UNIQUE INDEX samples_address ON samples (series, draw)",
    """CREATE TABLE texts (
        sample INTEGER PRIMARY KEY REFERENCES samples (id),
        body BLOB NOT NULL,
        reasoning BLOB
    )""",
    """CREATE TABLE failures (
        sample INTEGER PRIMARY KEY REFERENCES samples (id),
        error TEXT NOT NULL,
        message TEXT NOT NULL,
        tries INTEGER NOT NULL
    )""",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        saved_at TEXT NOT NULL,
        document TEXT NOT NULL
    )""",
)

_CACHES = (
    """CREATE TABLE fingerprints (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    )""",
    """CREATE TABLE readings (
        reader INTEGER NOT NULL REFERENCES fingerprints (id),
        sample INTEGER NOT NULL REFERENCES samples (id),
        answer TEXT,
        key TEXT,
        PRIMARY KEY (reader, sample)
    ) WITHOUT ROWID""",
    """CREATE TABLE verdicts (
        scorer INTEGER NOT NULL REFERENCES fingerprints (id),
        answer TEXT NOT NULL,
        target TEXT NOT NULL,
        verdict INTEGER,
        PRIMARY KEY (scorer, answer, target)
    ) WITHOUT ROWID""",
)

_STOPPED = (
    """CREATE TABLE stopped (
        series INTEGER PRIMARY KEY REFERENCES series (id),
        draws INTEGER NOT NULL
    )""",
)

# Follow-ups have a table of their own: what reads plain draws cannot see them, and an older file in
# a folder that cannot be written can still be read.
_DISCUSSED = (
    """CREATE TABLE discussed (
        id INTEGER PRIMARY KEY,
        problem INTEGER NOT NULL REFERENCES problems (id),
        member INTEGER NOT NULL REFERENCES members (id),
        series INTEGER NOT NULL REFERENCES series (id),
        method TEXT NOT NULL,
        UNIQUE (problem, member, series)
    )""",
)
SAMPLE_COLUMNS = (
    "draw, status, seed, finish_reason, prompt_tokens, completion_tokens, seconds, served_model, "
    "collected_at"
)
"""The columns that a sample's checksum covers, beside its series' digest and its texts."""


def _fill_checksums(db: sqlite3.Connection) -> None:
    rows = db.execute(
        f"SELECT samples.id, body, reasoning, error, message, tries, digest, {SAMPLE_COLUMNS} "  # noqa: S608
        "FROM samples JOIN series ON series.id = samples.series "
        "LEFT JOIN texts ON texts.sample = samples.id "
        "LEFT JOIN failures ON failures.sample = samples.id"
    )
    sums = (
        (checksum(tuple(fields), unpack_texts(body, reasoning)), sample)
        for sample, body, reasoning, *fields in rows
    )
    db.executemany("UPDATE samples SET checksum = ? WHERE id = ?", sums)


MIGRATIONS = (
    Migration("samples", _SAMPLES),
    Migration("checksums", ("ALTER TABLE samples ADD COLUMN checksum BLOB",), _fill_checksums),
    Migration("readings and verdicts", _CACHES),
    Migration("stopped", _STOPPED),
    Migration("discussed", _DISCUSSED),
)

VERSION = len(MIGRATIONS)
"""The `user_version` of a current file."""


def migrate(db: sqlite3.Connection, version: int, *, until: int = VERSION) -> None:
    """Take the steps from `version` on, in the transaction that is open."""
    for step in MIGRATIONS[version:until]:
        for statement in step.statements:
            db.execute(statement)
        if step.finish is not None:
            step.finish(db)
        db.execute("INSERT INTO migrations (name, applied_at) VALUES (?, ?)", (step.name, now()))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {max(version, until)}")
