"""Whole records: every sample with all that it belongs to, out of the store and into it."""

import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.store import caches, drawing
from slm_mux.store.damage import SERIES_DAMAGED, damaged_samples
from slm_mux.store.encoding import damaged, from_column, text_of
from slm_mux.store.packing import Packer
from slm_mux.store.problems import put_task, stored_problems, task_key
from slm_mux.store.rows import Record, Series, StoppedSeries
from slm_mux.store.samples import checked_draws
from slm_mux.store.series import load_series, register, series_rows
from slm_mux.store.stopped import put_stopped, stopped

_BATCH = 1000
"""Records that are put at once."""

OnDamage = Callable[[int, str], object]
"""Takes a damaged sample's id and what is wrong with it."""


def records(
    db: sqlite3.Connection,
    task: str,
    split: str | None = None,
    *,
    on_damage: OnDamage | None = None,
) -> Iterator[Record]:
    """Yield a task's samples by member, problem and draw; one series is in memory at a time.

    Members come first so that they keep their order, which breaks ties, where this is imported.

    Args:
        db: the store.
        task: its name.
        split: one split, or all.
        on_damage: is told of each damaged sample, which is then left out; None: it is an error.

    Raises:
        StoreError: there is no such task; a problem is damaged, or a sample without `on_damage`.
    """

    def refuse(sample: int, reason: str) -> NoReturn:
        raise damaged_samples(db, [(sample, reason)])

    tell = on_damage or refuse
    key = task_key(db, task)
    source, sha256 = db.execute("SELECT source, sha256 FROM tasks WHERE id = ?", (key,)).fetchone()
    problems = {
        problem.id: (position, problem) for position, problem in stored_problems(db, task, split)
    }
    marks = stopped(db, task, split)
    wanted = {mark.series: mark.wanted for mark in marks}
    undrawn: dict[str, list[StoppedSeries]] = defaultdict(list)
    for mark in marks:
        if not mark.drawn:
            undrawn[mark.problem].append(mark)
    for name, row, member, method in _asked(db, key):
        if name is not None and name not in problems:
            continue
        if name is None or member is None:
            _tell_all(db, row, "the problem or the model it belongs to is gone", tell)
            continue
        if (series := _whole_series(db, row, member)) is None:
            _tell_all(db, row, SERIES_DAMAGED, tell)
            continue
        position, problem = problems[name]
        given = caches.given(db, row)
        for sample, draw in checked_draws(db, row):
            if isinstance(draw, str):
                tell(sample, draw)
                continue
            yield Record(
                task=task,
                source=text_of(source),
                sha256=sha256,
                position=position,
                problem=problem,
                series=series,
                draw=draw,
                given=given.get(draw.draw),
                method=method,
                stopped_at=wanted.get(series.digest),
                undrawn=_undrawn(db, undrawn.pop(problem.id, ())),
            )


def _asked(
    db: sqlite3.Connection, task: int
) -> Iterator[tuple[str | None, int, str | None, str | None]]:
    """Yield (problem, series' row, member, method) of a task; None for a row that is gone.

    Follow-ups, which have a method, come after everything that was asked plainly.
    """
    rows = db.execute(
        "SELECT problems.name, series, members.name, method FROM "
        "(SELECT problem, member, series, NULL AS method FROM asked "
        "UNION ALL SELECT problem, member, series, method FROM discussed) AS asked "
        "LEFT JOIN problems ON problems.id = asked.problem "
        "LEFT JOIN members ON members.id = asked.member "
        "WHERE problems.task = ?1 OR members.task = ?1 "
        "ORDER BY method IS NOT NULL, member, position, problems.id, series",
        (task,),
    ).fetchall()
    for problem, series, member, method in rows:
        yield from_column(problem), series, from_column(member), from_column(method)


def _whole_series(db: sqlite3.Connection, row: int, member: str) -> Series | None:
    """Rebuild a series; None where it is not the one of its digest."""
    try:
        series = load_series(db, row, member)
        return series if series_rows(db, [series.digest]).get(series.digest) == row else None
    except (StoreError, InvalidRequestError):
        return None


def _tell_all(db: sqlite3.Connection, series: int, reason: str, tell: OnDamage) -> None:
    rows = db.execute("SELECT id FROM samples WHERE series = ? ORDER BY draw", (series,))
    for (sample,) in rows.fetchall():
        tell(sample, reason)


def _undrawn(
    db: sqlite3.Connection, marks: Sequence[StoppedSeries]
) -> tuple[tuple[Series, int], ...]:
    rows = series_rows(db, (mark.series for mark in marks))
    found = []
    for mark in marks:
        series = _whole_series(db, rows[mark.series], mark.member)
        if series is None:
            raise damaged(f"what model {mark.member} was to be asked for {mark.problem} is damaged")
        found.append((series, mark.wanted))
    return tuple(found)


def put_records(db: sqlite3.Connection, given: Iterable[Record]) -> tuple[int, list[str]]:
    """See `Store.put_records`."""
    iterator = iter(given)
    writer = _RecordWriter(db)
    while batch := list(itertools.islice(iterator, _BATCH)):
        writer.put(batch)
    writer.finish()
    return writer.new, writer.tasks


class _RecordWriter:
    """Puts records into the store, in the transaction that is open, batch by batch."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._packer = Packer()
        self._problems: dict[str, set[str]] = {}
        self._undrawn: dict[str, list[tuple[str, Series, int]]] = defaultdict(list)
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
            rows: dict[str, int] = {}
            for method in dict.fromkeys(record.method for record in mine):
                asked = {
                    (record.problem.id, record.series.member, record.series.digest): record.series
                    for record in mine
                    if record.method == method
                }
                given = [(problem, series) for (problem, _, _), series in asked.items()]
                rows |= register(self._db, task, given, method=method)
            draws = [drawing.prepare(record.draw, self._packer) for record in mine]
            self.new += sum(drawing.write(self._db, draws, rows))
            caches.put_given(
                self._db,
                (
                    (record.series.digest, record.draw.draw, record.given)
                    for record in mine
                    if record.given is not None
                ),
            )
            put_stopped(
                self._db,
                {
                    record.series.digest: record.stopped_at
                    for record in mine
                    if record.stopped_at is not None
                },
            )
            self._undrawn[task] += [
                (record.problem.id, series, wanted)
                for record in mine
                for series, wanted in record.undrawn
            ]

    def finish(self) -> None:
        """Register what was not drawn: after the rest, so that the members keep their order."""
        for task, series in self._undrawn.items():
            register(self._db, task, ((problem, one) for problem, one, _ in series))
            put_stopped(self._db, {one.digest: wanted for _, one, wanted in series})

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
