"""Tasks and their problems."""

import itertools
import sqlite3
from collections.abc import Sequence

import msgspec

from slm_mux.errors import StoreError
from slm_mux.store.encoding import damaged, from_column, from_json, json_column, text_of, to_column
from slm_mux.store.rows import TaskInfo
from slm_mux.store.schema import now
from slm_mux.types import Problem

_REMEDY = (
    "take the new content with `slm-mux collect --replace`, or keep both under another task name "
    "(--name; of an import --task)"
)
_UNCOUNTED = ("choices", "labels", "code")
"""Contents of a problem that go with "other", not with "another"."""


def put_task(
    db: sqlite3.Connection,
    task: str,
    problems: Sequence[Problem],
    *,
    source: str,
    sha256: str,
    data: Sequence[Problem] | None = None,
    replace: bool = False,
    fill_in: bool = False,
    positions: Sequence[int] | None = None,
) -> None:
    """See `Store.put_task`.

    With `positions` (an import), new problems take these; the task and the problems that are stored
    already stay as they are, but for what is filled in.
    """
    fill_in = fill_in or positions is not None
    key = _put_row(db, task, source=source, sha256=sha256, update=positions is None)
    stored = {
        text_of(name): (row, position, document)
        for row, name, position, document in db.execute(
            "SELECT id, name, position, document FROM problems WHERE task = ?", (key,)
        )
    }
    if replace and data is not None:
        for name in stored.keys() - {problem.id for problem in data}:
            _remove(db, stored.pop(name)[0])
        wanted = {problem.id for problem in problems}
        problems = [one for one in data if one.id in wanted or one.id in stored]
    if positions is None:
        whole = problems if data is None else data
        order = _order(whole, {name: position for name, (_, position, _) in stored.items()})
        for name, (row, position, _) in stored.items():
            if order.get(name, position) != position:
                db.execute("UPDATE problems SET position = ? WHERE id = ?", (order[name], row))
    else:
        order = {one.id: place for one, place in zip(problems, positions, strict=True)}
    for problem in problems:
        document = json_column(msgspec.to_builtins(problem))
        if problem.id not in stored:
            place = order[problem.id]
            cursor = db.execute(
                "INSERT INTO problems (task, name, position, split, document) "
                "VALUES (?, ?, ?, ?, ?)",
                (key, to_column(problem.id), place, to_column(problem.split), document),
            )
            stored[problem.id] = (cursor.lastrowid, place, document)
            continue
        row, place, old_document = stored[problem.id]
        if old_document == document:
            continue
        old = _problem(old_document)
        new = _filled_in(problem, old) if fill_in else problem
        if old != new:
            adds_only = fill_in and _filled_in(old, new) == new
            document = json_column(msgspec.to_builtins(new))
            _replace(db, task, row, old, new, document, allowed=replace, adds_only=adds_only)
            stored[problem.id] = (row, place, document)


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


def _order(problems: Sequence[Problem], stored: dict[str, int]) -> dict[str, int]:
    """Take the given order where it covers all; else new problems come behind the stored ones.

    Returns:
        The position of each of these problems, by id.
    """
    if stored.keys() <= {problem.id for problem in problems}:
        return {problem.id: place for place, problem in enumerate(problems)}
    following = itertools.count(max(stored.values()) + 1)
    return {
        problem.id: stored[problem.id] if problem.id in stored else next(following)
        for problem in problems
    }


def _remove(db: sqlite3.Connection, row: int) -> None:
    """Take a problem out of its task. What was asked stays, with its samples."""
    _forget_asked(db, row)
    db.execute("DELETE FROM problems WHERE id = ?", (row,))


def _forget_asked(db: sqlite3.Connection, problem: int) -> None:
    for table in ("asked", "discussed"):
        db.execute(f"DELETE FROM {table} WHERE problem = ?", (problem,))  # noqa: S608


def _filled_in(problem: Problem, other: Problem) -> Problem:
    """Take over from another state of a problem what this one lacks."""
    missing = {
        name: getattr(other, name)
        for name in ("target", "split", "subject")
        if getattr(problem, name) is None
    }
    # A problem that is imported without a question has its id in the question's place.
    if problem.question == problem.id:
        missing["question"] = other.question
    return msgspec.structs.replace(problem, **missing)


def _replace(
    db: sqlite3.Connection,
    task: str,
    row: int,
    old: Problem,
    new: Problem,
    document: str | bytes,
    *,
    allowed: bool,
    adds_only: bool,
) -> None:
    differing = [
        name for name in Problem.__struct_fields__ if getattr(old, name) != getattr(new, name)
    ]
    if not allowed and not adds_only:
        values = "; ".join(
            f"{name}: {_short(getattr(old, name))} in the store, {_short(getattr(new, name))} here"
            for name in differing
        )
        raise StoreError(
            f"problem {new.id!r} of task {task!r} is in the store with "
            + " and ".join(
                f"{'other' if name in _UNCOUNTED else 'another'} {name}" for name in differing
            )
            + f"; {values}; {_REMEDY}"
        )
    db.execute(
        "UPDATE problems SET split = ?, document = ? WHERE id = ?",
        (to_column(new.split), document, row),
    )
    if not adds_only and not set(differing) <= {"target", "split", "subject"}:
        # What was asked then was another question. Its samples stay, under their address.
        _forget_asked(db, row)


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


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
