"""Who was asked what: models, prompts, series, and which problem of which task they answer."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from slm_mux.errors import StoreError
from slm_mux.store.encoding import (
    Column,
    damaged,
    dump_json,
    from_json,
    json_column,
    number_of,
    number_to_column,
    text_of,
    to_column,
)
from slm_mux.store.problems import task_key
from slm_mux.store.rows import MemberInfo, Series, canonical, digest_of

T = TypeVar("T")

_CHUNK = 900


def chunks(values: Sequence[T]) -> Iterator[tuple[str, Sequence[T]]]:
    """Cut what goes into `IN (...)` into pieces that every SQLite takes, with their "?, ?, ..."."""
    for start in range(0, len(values), _CHUNK):
        piece = values[start : start + _CHUNK]
        yield ", ".join("?" * len(piece)), piece


def put_asked(db: sqlite3.Connection, task: str, given: Iterable[tuple[str, Series]]) -> None:
    """See `Store.put_asked`."""
    # A collector that goes on registers again what it registered before: that has to be quick.
    known = set(asked(db, task))
    fresh = [
        (problem, series)
        for problem, series in given
        if (problem, series.member, series.digest) not in known
    ]
    if fresh:
        register(db, task, fresh)


def register(
    db: sqlite3.Connection,
    task: str,
    given: Iterable[tuple[str, Series]],
    *,
    method: str | None = None,
) -> dict[str, int]:
    """Make what is not there yet of series and of their places in a task.

    Args:
        db: in a transaction.
        task: its name.
        given: (problem, series).
        method: whose follow-ups they are; None: they are asked plainly. What is both is plain.

    Returns:
        The series' rows by digest.

    Raises:
        StoreError: the task has no such problem.
    """
    key = task_key(db, task)
    given = list(given)
    problems = _problem_rows(db, key, {problem for problem, _ in given})
    found = _Register(db, key)
    rows = []
    for problem, series in given:
        if problem not in problems:
            raise StoreError(f"task {task!r} has no problem {problem!r} in the store")
        config, row = found.series(series)
        rows.append((problems[problem], found.member(series.member, config), row))
    if method is None:
        db.executemany(
            "INSERT OR IGNORE INTO asked (problem, member, series) VALUES (?, ?, ?)", rows
        )
        same = "problem = ? AND member = ? AND series = ?"
        db.executemany(f"DELETE FROM discussed WHERE {same}", rows)  # noqa: S608
    else:
        db.executemany(
            "INSERT OR IGNORE INTO discussed (problem, member, series, method) "
            "SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM asked "
            "WHERE problem = ?1 AND member = ?2 AND series = ?3)",
            [(*row, to_column(method)) for row in rows],
        )
    return found.rows


def _problem_rows(db: sqlite3.Connection, task: int, names: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for marks, piece in chunks([to_column(name) for name in names]):
        rows = db.execute(
            f"SELECT id, name FROM problems WHERE task = ? AND name IN ({marks})",  # noqa: S608
            (task, *piece),
        )
        found.update((text_of(name), row) for row, name in rows)
    return found


class _Register:
    """Finds rows, or makes them, and remembers them for the length of one transaction."""

    def __init__(self, db: sqlite3.Connection, task: int) -> None:
        self._db = db
        self._task = task
        self._configs: dict[str, int] = {}
        self._members: dict[tuple[str, int], int] = {}
        self.rows: dict[str, int] = {}

    def series(self, series: Series) -> tuple[int, int]:
        """Return the rows of the configuration and of the series."""
        settings = dump_json(canonical(series.settings), sort_keys=True)
        digest = digest_of([series.identity, settings, series.seed])
        if digest not in self._configs:
            self._configs[digest] = self._row(
                "configs",
                digest,
                "identity, settings, seed",
                (to_column(series.identity), to_column(settings), number_to_column(series.seed)),
            )
        config = self._configs[digest]
        if series.digest not in self.rows:
            found = self._db.execute(
                "SELECT id FROM series WHERE digest = ?", (series.digest,)
            ).fetchone()
            self.rows[series.digest] = found[0] if found else self._new_series(series, config)
        return config, self.rows[series.digest]

    def _new_series(self, series: Series, config: int) -> int:
        messages = canonical(series.messages)
        prompt = self._row("prompts", digest_of(messages), "messages", (json_column(messages),))
        return self._row("series", series.digest, "config, prompt", (config, prompt))

    def member(self, name: str, config: int) -> int:
        """Return the row of a name with a configuration, in the task."""
        if (name, config) not in self._members:
            values = (self._task, to_column(name), config)
            self._db.execute(
                "INSERT OR IGNORE INTO members (task, name, config) VALUES (?, ?, ?)", values
            )
            self._members[name, config] = self._db.execute(
                "SELECT id FROM members WHERE task = ? AND name = ? AND config = ?", values
            ).fetchone()[0]
        return self._members[name, config]

    def _row(self, table: str, digest: str, columns: str, values: Sequence[Column]) -> int:
        marks = ", ".join("?" * (len(values) + 1))
        self._db.execute(
            f"INSERT OR IGNORE INTO {table} (digest, {columns}) VALUES ({marks})",  # noqa: S608
            (digest, *values),
        )
        found = self._db.execute(f"SELECT id FROM {table} WHERE digest = ?", (digest,))  # noqa: S608
        row: int = found.fetchone()[0]
        return row


def series_rows(db: sqlite3.Connection, digests: Iterable[str]) -> dict[str, int]:
    """Return the rows of those series that the store knows."""
    found: dict[str, int] = {}
    for marks, piece in chunks(list(dict.fromkeys(digests))):
        found.update(
            db.execute(f"SELECT digest, id FROM series WHERE digest IN ({marks})", piece)  # noqa: S608
        )
    return found


def known_rows(db: sqlite3.Connection, digests: Iterable[str]) -> dict[str, int]:
    """Return the rows of series that have to be there.

    Raises:
        StoreError: one is not.
    """
    wanted = set(digests)
    found = series_rows(db, wanted)
    for digest in wanted - found.keys():
        raise StoreError(f"the store has no series {digest}: put_asked comes before put_draws")
    return found


def load_series(db: sqlite3.Connection, row: int, member: str) -> Series:
    """Rebuild a series as it was registered."""
    found = db.execute(
        "SELECT identity, settings, seed, messages FROM series "
        "JOIN configs ON configs.id = series.config JOIN prompts ON prompts.id = series.prompt "
        "WHERE series.id = ?",
        (row,),
    ).fetchone()
    if found is None:
        raise damaged(f"series {row} cannot be read")
    identity, settings, seed, column = found
    messages = from_json(column)
    if not isinstance(messages, list):
        raise damaged(f"the messages of series {row} cannot be read")
    return Series(
        member=member,
        identity=text_of(identity),
        messages=tuple(messages),
        settings=_settings(settings),
        seed=number_of(seed),
    )


def _settings(column: str | bytes) -> dict[str, Any]:
    settings = from_json(column)
    if not isinstance(settings, dict):
        raise damaged("the settings of a series cannot be read")
    return settings


def members(db: sqlite3.Connection, task: str) -> list[MemberInfo]:
    """See `Store.members`."""
    key = task_key(db, task)
    asked = dict(
        db.execute(
            "SELECT member, count(*) FROM asked JOIN members ON members.id = asked.member "
            "WHERE members.task = ? GROUP BY member",
            (key,),
        )
    )
    draws = {
        member: (completed, failed)
        for member, completed, failed in db.execute(
            "SELECT member, sum(status = 0), sum(status = 1) FROM members "
            "CROSS JOIN asked ON asked.member = members.id "
            "CROSS JOIN samples ON samples.series = asked.series "
            "WHERE members.task = ? GROUP BY member",
            (key,),
        )
    }
    rows = db.execute(
        "SELECT members.id, name, identity, settings, seed FROM members "
        "JOIN configs ON configs.id = members.config WHERE members.task = ? ORDER BY members.id",
        (key,),
    )
    return [
        MemberInfo(
            id=row,
            name=text_of(name),
            identity=text_of(identity),
            settings=_settings(settings),
            seed=number_of(seed),
            series=asked[row],
            completed=draws.get(row, (0, 0))[0],
            failed=draws.get(row, (0, 0))[1],
        )
        for row, name, identity, settings, seed in rows
        if row in asked
    ]


def asked(
    db: sqlite3.Connection, task: str, split: str | None = None
) -> list[tuple[str, str, str]]:
    """See `Store.asked`."""
    rows = db.execute(
        "SELECT problems.name, members.name, digest FROM problems "
        "JOIN asked ON asked.problem = problems.id JOIN members ON members.id = asked.member "
        "JOIN series ON series.id = asked.series "
        "WHERE problems.task = ?1 AND (?2 IS NULL OR split = ?2) "
        "ORDER BY position, problems.id, asked.member, series.id",
        (task_key(db, task), to_column(split)),
    )
    return [(text_of(problem), text_of(member), digest) for problem, member, digest in rows]
