"""Whole records: every sample with all that it belongs to, out of the store and into it."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from slm_mux.store import caches, drawing
from slm_mux.store.encoding import text_of
from slm_mux.store.problems import put_task, stored_problems, task_key
from slm_mux.store.rows import Record
from slm_mux.store.samples import draws_of
from slm_mux.store.series import load_series, register


def records(db: sqlite3.Connection, task: str, split: str | None = None) -> Iterator[Record]:
    """Yield a task's samples by member, problem and draw; one series is in memory at a time.

    Members come first so that they keep their order, which breaks ties, where this is imported.
    """
    key = task_key(db, task)
    source, sha256 = db.execute("SELECT source, sha256 FROM tasks WHERE id = ?", (key,)).fetchone()
    problems = {
        problem.id: (position, problem) for position, problem in stored_problems(db, task, split)
    }
    asked = db.execute(
        "SELECT problems.name, series, members.name FROM problems "
        "JOIN asked ON asked.problem = problems.id JOIN members ON members.id = asked.member "
        "WHERE problems.task = ? ORDER BY member, position, problems.id, series",
        (key,),
    ).fetchall()
    for name, row, member in asked:
        if (found := problems.get(text_of(name))) is None:
            continue
        position, problem = found
        series = load_series(db, row, text_of(member))
        given = caches.given(db, row)
        for draw in draws_of(db, series.digest):
            yield Record(
                task=task,
                source=text_of(source),
                sha256=sha256,
                position=position,
                problem=problem,
                series=series,
                draw=draw,
                given=given.get(draw.draw),
            )


class RecordWriter:
    """Puts records into the store, in the transaction that is open, batch by batch."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._problems: dict[str, set[str]] = {}
        self.tasks: list[str] = []
        self.new = 0

    def put(self, batch: Sequence[Record]) -> None:
        """Store a batch; what is there already stays.

        Raises:
            StoreError: a problem of that id is stored with other content.
            InvalidRequestError: a draw is none.
        """
        by_task: dict[str, list[Record]] = {}
        for record in batch:
            by_task.setdefault(record.task, []).append(record)
        for task, mine in by_task.items():
            self._put_problems(task, mine)
            asked = {
                (record.problem.id, record.series.member, record.series.digest): record.series
                for record in mine
            }
            rows = register(
                self._db, task, ((problem, series) for (problem, _, _), series in asked.items())
            )
            draws = [drawing.prepare(record.draw) for record in mine]
            self.new += sum(drawing.write(self._db, draws, rows))
            caches.put_given(
                self._db,
                (
                    (record.series.digest, record.draw.draw, record.given)
                    for record in mine
                    if record.given is not None
                ),
            )

    def _put_problems(self, task: str, mine: Iterable[Record]) -> None:
        if task not in self._problems:
            self._problems[task] = set()
            self.tasks.append(task)
        seen = self._problems[task]
        # A problem that comes twice with two contents is an error wherever the second comes.
        fresh = {}
        for record in mine:
            digest = repr(record.problem)
            if digest not in seen:
                seen.add(digest)
                fresh[digest] = record
        if fresh:
            first = next(iter(fresh.values()))
            put_task(
                self._db,
                task,
                [record.problem for record in fresh.values()],
                source=first.source,
                sha256=first.sha256,
                positions=[record.position for record in fresh.values()],
            )
