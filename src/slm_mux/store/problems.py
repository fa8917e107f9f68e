"""Tasks and their problems."""

import sqlite3
from collections.abc import Sequence

import msgspec

from slm_mux.errors import StoreError
from slm_mux.store.encoding import damaged, from_column, from_json, json_column, text_of, to_column
from slm_mux.store.rows import TaskInfo
from slm_mux.store.schema import now
from slm_mux.types import Problem


def put_task(
    db: sqlite3.Connection,
    task: str,
    problems: Sequence[Problem],
    *,
    source: str,
    sha256: str,
    replace: bool = False,
    positions: Sequence[int] | None = None,
) -> None:
    """See `Store.put_task`.

    With `positions` (an import), new problems take these; the task and the problems that are stored
    already stay as they are.
    """
    key = _put_row(db, task, source=source, sha256=sha256, update=positions is None)
    fixed = positions is not None
    stored = {
        text_of(name): (row, position, document)
        for row, name, position, document in db.execute(
            "SELECT id, name, position, document FROM problems WHERE task = ?", (key,)
        )
    }
    if positions is None:
        positions = _positions(problems, {name: row[1] for name, row in stored.items()})
    for problem, position in zip(problems, positions, strict=True):
        document = json_column(msgspec.to_builtins(problem))
        if problem.id not in stored:
            cursor = db.execute(
                "INSERT INTO problems (task, name, position, split, document) "
                "VALUES (?, ?, ?, ?, ?)",
                (key, to_column(problem.id), position, to_column(problem.split), document),
            )
            stored[problem.id] = (cursor.lastrowid, position, document)
            continue
        row, old_position, old_document = stored[problem.id]
        if old_document != document:
            old = _problem(old_document)
            if old != problem:
                _replace(db, task, row, old, problem, document, allowed=replace)
                stored[problem.id] = (row, position, document)
        if old_position != position and not fixed:
            db.execute("UPDATE problems SET position = ? WHERE id = ?", (position, row))


def _put_row(db: sqlite3.Connection, task: str, *, source: str, sha256: str, update: bool) -> int:
    change = (
        "UPDATE SET source = excluded.source, sha256 = excluded.sha256, "
        "updated_at = excluded.updated_at"
    )
    db.execute(
        "INSERT INTO tasks (name, source, sha256, updated_at) VALUES (?, ?, ?, ?) "  # noqa: S608
        f"ON CONFLICT (name) DO {change if update else 'NOTHING'}",
        (to_column(task), to_column(source), sha256, now()),
    )
    return task_key(db, task)


def _positions(problems: Sequence[Problem], stored: dict[str, int]) -> list[int]:
    """Take the given order where it covers all; else new problems come behind the stored ones."""
    if stored.keys() <= {problem.id for problem in problems}:
        return list(range(len(problems)))
    following = max(stored.values(), default=-1) + 1
    positions = []
    for problem in problems:
        positions.append(stored.get(problem.id, following))
        following += problem.id not in stored
    return positions


def _replace(
    db: sqlite3.Connection,
    task: str,
    row: int,
    old: Problem,
    new: Problem,
    document: str | bytes,
    *,
    allowed: bool,
) -> None:
    differing = [
        name for name in Problem.__struct_fields__ if getattr(old, name) != getattr(new, name)
    ]
    if not allowed:
        raise StoreError(
            f"problem {new.id!r} of task {task!r} is in the store with another "
            f"{' and '.join(differing)}; give the task another name, or replace the problem"
        )
    db.execute(
        "UPDATE problems SET split = ?, document = ? WHERE id = ?",
        (to_column(new.split), document, row),
    )
    if not set(differing) <= {"target", "split", "subject"}:
        # What was asked then was another question. Its samples stay, under their address.
        db.execute("DELETE FROM asked WHERE problem = ?", (row,))


def task_key(db: sqlite3.Connection, task: str) -> int:
    """Find a task's row.

    Raises:
        StoreError: the store has no such task; names those it has.
    """
    row = db.execute("SELECT id FROM tasks WHERE name = ?", (to_column(task),)).fetchone()
    if row is None:
        names = ", ".join(
            text_of(name) for (name,) in db.execute("SELECT name FROM tasks ORDER BY id")
        )
        raise StoreError(f"the store has no task {task!r}; it has: {names or 'none'}")
    key: int = row[0]
    return key


def _problem(document: str | bytes) -> Problem:
    content = from_json(document)
    try:
        return msgspec.convert(content, Problem)
    except msgspec.ValidationError as error:
        raise damaged(f"a stored problem cannot be read ({error})") from error


def stored_problems(
    db: sqlite3.Connection, task: str, split: str | None = None
) -> list[tuple[int, Problem]]:
    """Return a task's problems after their positions, in order."""
    rows = db.execute(
        "SELECT position, document FROM problems WHERE task = ? AND (? IS NULL OR split = ?) "
        "ORDER BY position, id",
        (task_key(db, task), to_column(split), to_column(split)),
    )
    return [(position, _problem(document)) for position, document in rows]


def tasks(db: sqlite3.Connection) -> list[TaskInfo]:
    """See `Store.tasks`."""
    found = []
    for key, name, source, sha256, updated_at in db.execute(
        "SELECT id, name, source, sha256, updated_at FROM tasks ORDER BY id"
    ).fetchall():
        splits = db.execute(
            "SELECT split, count(*) FROM problems WHERE task = ? GROUP BY split "
            "ORDER BY min(position)",
            (key,),
        ).fetchall()
        found.append(
            TaskInfo(
                name=text_of(name),
                source=text_of(source),
                sha256=sha256,
                problems=sum(count for _, count in splits),
                splits=tuple(from_column(split) for split, _ in splits),
                updated_at=updated_at,
            )
        )
    return found
