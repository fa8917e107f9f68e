"""Saved runs, and what is in the store as a whole."""

import sqlite3
from pathlib import Path
from typing import Any

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.store import problems
from slm_mux.store.encoding import damaged, from_json, json_column
from slm_mux.store.rows import RunInfo, StoreInfo
from slm_mux.store.schema import now


def put_run(db: sqlite3.Connection, document: dict[str, Any]) -> int:
    """See `Store.put_run`."""
    try:
        column = json_column(document)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"a run's document is a JSON object: {error}") from error
    db.execute("INSERT INTO runs (saved_at, document) VALUES (?, ?)", (now(), column))
    row: int = db.execute("SELECT last_insert_rowid()").fetchone()[0]
    return row


def runs(db: sqlite3.Connection) -> list[RunInfo]:
    """See `Store.runs`."""
    found = []
    for row, saved_at, text in db.execute("SELECT id, saved_at, document FROM runs ORDER BY id"):
        document = _document(row, text)
        task, methods = document.get("task"), document.get("methods")
        found.append(
            RunInfo(
                id=row,
                saved_at=saved_at,
                task=task if isinstance(task, str) else None,
                methods=_method_names(methods),
            )
        )
    return found


def _method_names(methods: Any) -> tuple[str, ...]:
    if not isinstance(methods, list):
        return ()
    names = (item.get("method") if isinstance(item, dict) else item for item in methods)
    return tuple(name for name in names if isinstance(name, str))


def run(db: sqlite3.Connection, row: int) -> dict[str, Any]:
    """See `Store.run`."""
    found = db.execute("SELECT document FROM runs WHERE id = ?", (row,)).fetchone()
    if found is None:
        last = db.execute("SELECT max(id) FROM runs").fetchone()[0]
        raise StoreError(
            f"the store has no run {row}; " + (f"the last is {last}" if last else "it has none yet")
        )
    return _document(row, found[0])


def _document(row: int, column: str | bytes) -> dict[str, Any]:
    document = from_json(column)
    if not isinstance(document, dict):
        raise damaged(f"run {row} cannot be read")
    return document


def info(db: sqlite3.Connection, path: Path) -> StoreInfo:
    """See `Store.info`."""

    def count(query: str) -> int:
        number: int = db.execute(query).fetchone()[0] or 0
        return number

    files = (path, Path(f"{path}-wal"))
    return StoreInfo(
        path=str(path),
        bytes=sum(file.stat().st_size for file in files if file.exists()),
        schema=count("PRAGMA user_version"),
        migrations=tuple(db.execute("SELECT name, applied_at FROM migrations ORDER BY id")),
        tasks=tuple(problems.tasks(db)),
        series=count("SELECT count(*) FROM series"),
        completed=count("SELECT count(*) FROM samples WHERE status = 0"),
        failed=count("SELECT count(*) FROM samples WHERE status = 1"),
        discussed=count(
            "SELECT count(*) FROM samples WHERE series IN "
            "(SELECT series FROM discussed EXCEPT SELECT series FROM asked)"
        ),
        readings=count("SELECT count(*) FROM readings"),
        verdicts=count("SELECT count(*) FROM verdicts"),
        runs=count("SELECT count(*) FROM runs"),
        text_bytes=count("SELECT sum(length(body) + coalesce(length(reasoning), 0)) FROM texts"),
    )


def vacuum(db: sqlite3.Connection, path: Path) -> int:
    """See `Store.vacuum`."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.stat().st_size
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - path.stat().st_size
