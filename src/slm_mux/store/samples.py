"""The samples: what was drawn, what is missing, and the light rows that analysis reads."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from slm_mux.store.damage import CONTENT, CONTENT_JOINS, checked, damaged_samples
from slm_mux.store.encoding import damaged, from_column, number_of, text_of, to_column
from slm_mux.store.packing import Texts
from slm_mux.store.problems import task_key
from slm_mux.store.rows import Draw, DrawRow, Status
from slm_mux.store.series import chunks, series_rows
from slm_mux.types import Completion, Failure


class _Statuses(dict[object, Status]):
    def __missing__(self, value: object) -> Status:
        raise damaged(f"a sample has {value!r} in the place of its status")


_STATUS = _Statuses({0: "completed", 1: "failed"})
"""By the number in the column."""


def drawn(db: sqlite3.Connection, digests: Iterable[str]) -> dict[str, dict[int, Status]]:
    """See `Store.drawn`."""
    found: dict[str, dict[int, Status]] = {digest: {} for digest in digests}
    by_row = {row: found[digest] for digest, row in series_rows(db, found).items()}
    # In the order of the index, so that its pages are read once.
    for marks, piece in chunks(sorted(by_row)):
        for row, draw, status in db.execute(
            f"SELECT series, draw, status FROM samples WHERE series IN ({marks})",  # noqa: S608
            piece,
        ):
            by_row[row][draw] = _STATUS[status]
    return found


def draw_rows(
    db: sqlite3.Connection,
    task: str,
    split: str | None = None,
    members: Iterable[str] | None = None,
    series: Iterable[str] | None = None,
) -> list[DrawRow]:
    """See `Store.draw_rows`."""
    key = task_key(db, task)
    names = _names(db, "SELECT id, name FROM problems WHERE task = ?", key)
    member_names = _names(db, "SELECT id, name FROM members WHERE task = ?", key)
    digests: dict[int, str] = dict(
        db.execute(
            "SELECT series.id, digest FROM problems JOIN asked ON asked.problem = problems.id "
            "JOIN series ON series.id = asked.series WHERE problems.task = ?",
            (key,),
        )
    )
    wanted = _Wanted(member_names, members, "model"), _Wanted(digests, series, "series")
    # CROSS JOIN keeps this order of the tables; their indexes then give the rows sorted.
    rows = db.execute(
        "SELECT samples.id, problem, member, asked.series, draw, status, finish_reason, "
        "prompt_tokens, completion_tokens, seconds "
        "FROM problems INDEXED BY problems_in_order "
        "CROSS JOIN asked ON asked.problem = problems.id "
        "CROSS JOIN samples ON samples.series = asked.series "
        "WHERE task = ?1 AND (?2 IS NULL OR split = ?2) "
        "ORDER BY position, problems.id, member, asked.series, draw",
        (key, to_column(split)),
    )
    of_member, of_series = wanted
    return [
        DrawRow(
            sample,
            names[problem],
            member_names[member],
            digests[row],
            draw,
            _STATUS[status],
            from_column(finish_reason),
            number_of(prompt_tokens),
            number_of(completion_tokens),
            seconds if isinstance(seconds, float) else _no_duration(sample),
            member,
        )
        for (
            sample,
            problem,
            member,
            row,
            draw,
            status,
            finish_reason,
            prompt_tokens,
            completion_tokens,
            seconds,
        ) in rows
        if of_member[member] and of_series[row]
    ]


class _Wanted(dict[int, bool]):
    """Says of a row's number whether the row is wanted; a row that is gone is an error."""

    def __init__(self, rows: dict[int, str], among: Iterable[str] | None, what: str) -> None:
        chosen = None if among is None else set(among)
        super().__init__(
            (row, chosen is None or content in chosen) for row, content in rows.items()
        )
        self._what = what

    def __missing__(self, row: int) -> bool:
        raise damaged(f"{self._what} {row}, which samples belong to, is gone")


def _no_duration(sample: int) -> float:
    raise damaged(f"the duration of sample {sample} is no number")


def _names(db: sqlite3.Connection, query: str, key: int) -> dict[int, str]:
    return {row: text_of(name) for row, name in db.execute(query, (key,))}


def texts(db: sqlite3.Connection, sample_ids: Sequence[int]) -> dict[int, str]:
    """See `Store.texts`."""
    found = {}
    faults = []
    for marks, piece in chunks(sample_ids):
        for sample, *content in db.execute(
            f"SELECT samples.id, {CONTENT} FROM samples {CONTENT_JOINS} "  # noqa: S608
            f"WHERE samples.id IN ({marks})",
            piece,
        ):
            (text, _), fault = checked(content)
            if fault:
                faults.append((sample, fault))
            elif text is not None:
                found[sample] = text
    if faults:
        raise damaged_samples(db, faults)
    return found


def draws_of(db: sqlite3.Connection, series: str) -> list[Draw]:
    """See `Store.draws_of`."""
    row = series_rows(db, [series]).get(series)
    found = []
    faults = []
    for sample, draw in () if row is None else checked_draws(db, row):
        if isinstance(draw, Draw):
            found.append(draw)
        else:
            faults.append((sample, draw))
    if faults:
        raise damaged_samples(db, faults)
    return found


def checked_draws(db: sqlite3.Connection, series: int) -> Iterator[tuple[int, Draw | str]]:
    """Yield (sample, draw) of a series (by its row), in order; what is wrong with a damaged one."""
    rows = db.execute(
        f"SELECT samples.id, {CONTENT} FROM samples {CONTENT_JOINS} "  # noqa: S608
        "WHERE samples.series = ? ORDER BY draw",
        (series,),
    )
    for sample, *content in rows:
        texts, fault = checked(content)
        yield sample, fault or _draw(content, texts)


def _draw(content: Sequence[Any], texts: Texts) -> Draw:
    """Rebuild a draw from the columns of `CONTENT` and its unpacked texts."""
    _, _, error, message, tries, digest, draw, _, seed, *rest, _ = content
    finish_reason, prompt_tokens, completion_tokens, seconds, served_model, collected_at = rest
    text, reasoning = texts
    completion = failure = None
    if text is not None:
        completion = Completion(
            text=text,
            finish_reason=from_column(finish_reason),
            prompt_tokens=number_of(prompt_tokens),
            completion_tokens=number_of(completion_tokens),
            served_model=from_column(served_model),
            reasoning=reasoning,
        )
    if error is not None:
        failure = Failure(text_of(error), text_of(message), tries)
    return Draw(
        series=digest,
        draw=draw,
        seed=number_of(seed),
        completion=completion,
        failure=failure,
        seconds=seconds,
        collected_at=from_column(collected_at),
    )
