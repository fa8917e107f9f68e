"""Finding out again what a damaged series is: its digest, a content address, proves any guess."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from slm_mux.errors import StoreError
from slm_mux.store.contents import problem_of, series_digest
from slm_mux.store.damage import CONTENT, CONTENT_JOINS, checked, with_digest
from slm_mux.store.encoding import Column, from_json, json_column
from slm_mux.store.scanning import from_both_ends, scan
from slm_mux.types import Problem

_EXAMPLES = 3
"""Prompts of the same model that a lost one is rebuilt after."""


class Found(Struct, frozen=True):
    """What a series is, proven."""

    digest: str
    config: int
    """Its row in `configs`."""
    messages: Column


class SeriesRows(Struct, frozen=True):
    """The series of a store that may be damaged, by their rows."""

    whole: set[int]
    broken: dict[int, str]
    """The digests of those whose content is another or gone; "" where the digest is gone, too."""


def read_series(db: sqlite3.Connection) -> SeriesRows:
    """Compare every series with its digest."""
    whole: set[int] = set()
    broken: dict[int, str] = {}
    for row, content in scan(db, "series", _SERIES, _SERIES_JOINS):
        if content is not None and content[0] == series_digest(*content[1:]):
            whole.add(row)
        else:
            broken[row] = "" if content is None else str(content[0])
    if broken:
        # The digests lie in an index, too, on pages of its own.
        indexed = _indexed_digests(db)
        # Where the table cannot be read, its rows are guessed; the index knows which there were.
        broken = {row: digest for row, digest in broken.items() if digest or not indexed}
        broken |= {row: digest for row, digest in indexed.items() if row not in whole}
    return SeriesRows(whole, broken)


_SERIES = "series.digest, identity, settings, configs.seed, messages"
_SERIES_JOINS = (
    "LEFT JOIN configs ON configs.id = series.config "
    "LEFT JOIN prompts ON prompts.id = series.prompt"
)


def _indexed_digests(db: sqlite3.Connection) -> dict[int, str]:
    query = "SELECT id, digest FROM series INDEXED BY sqlite_autoindex_series_1"
    return {row: str(digest) for row, digest in from_both_ends(db, query, ("digest",))}


def mend(db: sqlite3.Connection, series: SeriesRows) -> dict[int, Found]:
    """Find out what broken series are, where that can be proven.

    Tried are: every configuration with every prompt of the store; prompts rebuilt from the problem
    after those of other problems; and the content as it stands, should the digest be what is
    damaged.

    Returns:
        By the series' row.
    """
    if not series.broken:
        return {}
    configs = {row: content for row, content in scan(db, "configs", _CONFIG) if content}
    rows = {digest: row for row, digest in series.broken.items() if digest}
    found: dict[int, Found] = {}

    def try_messages(messages: Column) -> None:
        for config, (identity, settings, seed) in configs.items():
            digest = series_digest(identity, settings, seed, messages)
            if digest in rows:
                found[rows[digest]] = Found(digest, config, messages)

    for _, content in scan(db, "prompts", "messages"):
        if content is not None:
            try_messages(content[0])
    for row in sorted(set(rows.values()) - found.keys()):
        for messages in _rebuilt(db, row):
            if row not in found:
                try_messages(messages)
        if row not in found and (proven := _proven_by_sample(db, row)) is not None:
            found[row] = proven
    return found


_CONFIG = "identity, settings, seed"


def _rebuilt(db: sqlite3.Connection, series: int) -> Iterator[Column]:
    """Yield what may have been asked: another problem's prompt with this problem's words in it."""
    try:
        asked = db.execute(
            "SELECT member, name, document FROM asked JOIN problems ON problems.id = asked.problem "
            "WHERE series = ?",
            (series,),
        ).fetchall()
        for member, name, document in asked:
            if (problem := problem_of(name, document)) is None:
                continue
            examples = db.execute(
                "SELECT name, document, messages FROM asked "
                "JOIN problems ON problems.id = asked.problem "
                "JOIN series ON series.id = asked.series JOIN prompts ON prompts.id = prompt "
                "WHERE member = ? AND asked.series <> ? LIMIT ?",
                (member, series, _EXAMPLES),
            ).fetchall()
            for example_name, example_document, messages in examples:
                if (example := problem_of(example_name, example_document)) is not None:
                    yield json_column(_reworded(from_json(messages), _words(example, problem)))
    except (sqlite3.DatabaseError, StoreError):
        return


def _words(example: Problem, problem: Problem) -> Mapping[str, str]:
    words = {example.question: problem.question}
    if example.choices and problem.choices:
        words[_lines(example)] = _lines(problem)
    return words


def _lines(problem: Problem) -> str:
    return "\n".join(f"{label}) {text}" for label, text in problem.choices.items())


def _reworded(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for old, new in words.items():
            value = value.replace(old, new) if old else value
        return value
    if isinstance(value, list):
        return [_reworded(item, words) for item in value]
    if isinstance(value, dict):
        return {key: _reworded(item, words) for key, item in value.items()}
    return value


def _proven_by_sample(db: sqlite3.Connection, series: int) -> Found | None:
    """Take the content of a series as it stands if a sample's checksum agrees with its digest."""
    try:
        config, *parts = db.execute(
            "SELECT config, identity, settings, configs.seed, messages FROM series "
            "JOIN configs ON configs.id = config JOIN prompts ON prompts.id = prompt "
            "WHERE series.id = ?",
            (series,),
        ).fetchone() or (None,)
        sample = db.execute(
            f"SELECT {CONTENT} FROM samples {CONTENT_JOINS} WHERE samples.series = ? LIMIT 1",  # noqa: S608
            (series,),
        ).fetchone()
    except sqlite3.DatabaseError:
        return None
    if config is None or sample is None or (digest := series_digest(*parts)) is None:
        return None
    _, fault = checked(with_digest(sample, digest))
    return Found(digest, config, parts[-1]) if fault is None else None
