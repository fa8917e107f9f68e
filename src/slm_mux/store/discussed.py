"""Follow-ups: what a model was asked for what others had said, in the task of the question."""

import sqlite3
from collections.abc import Iterable

from slm_mux.store.encoding import to_column
from slm_mux.store.problems import task_key
from slm_mux.store.rows import Series
from slm_mux.store.series import register


def put_discussed(
    db: sqlite3.Connection, task: str, method: str, given: Iterable[tuple[str, Series]]
) -> None:
    """See `Store.put_discussed`."""
    key = task_key(db, task)
    # A discussion that is held again registers what it registered before: that has to be quick.
    fresh = [(problem, series) for problem, series in given if not _known(db, key, problem, series)]
    if fresh:
        register(db, task, fresh, method=method)


def _known(db: sqlite3.Connection, task: int, problem: str, series: Series) -> bool:
    """Whether a series is registered with a problem, plainly or as a follow-up."""
    at = (task, to_column(problem), to_column(series.member), series.digest)
    return any(
        db.execute(
            f"SELECT 1 FROM problems JOIN {table} ON {table}.problem = problems.id "  # noqa: S608
            f"JOIN members ON members.id = {table}.member "
            f"JOIN series ON series.id = {table}.series "
            "WHERE problems.task = ? AND problems.name = ? AND members.name = ? AND digest = ?",
            at,
        ).fetchone()
        for table in ("asked", "discussed")
    )
