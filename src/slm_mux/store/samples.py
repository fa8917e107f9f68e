"""The samples: what was drawn, what is missing, and the light rows that analysis reads."""

import sqlite3
from collections.abc import Iterable, Sequence

from slm_mux.store.encoding import damaged, from_column, number_of, text_of, to_column, unpack
from slm_mux.store.problems import task_key
from slm_mux.store.rows import Draw, DrawRow, Status
from slm_mux.store.series import chunks, series_rows
from slm_mux.types import Completion, Failure

STATUS: tuple[Status, Status] = ("completed", "failed")
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
            by_row[row][draw] = STATUS[status]
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
    wanted = None if members is None else set(members)
    if wanted is not None:
        member_names = {row: name for row, name in member_names.items() if name in wanted}
    digests: dict[int, str] = dict(
        db.execute(
            "SELECT series.id, digest FROM problems JOIN asked ON asked.problem = problems.id "
            "JOIN series ON series.id = asked.series WHERE problems.task = ?",
            (key,),
        )
    )
    if series is not None:
        among = set(series)
        digests = {row: digest for row, digest in digests.items() if digest in among}
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
    return [
        DrawRow(
            sample,
            names[problem],
            member_names[member],
            digests[row],
            draw,
            STATUS[status],
            from_column(finish_reason),
            number_of(prompt_tokens),
            number_of(completion_tokens),
            seconds,
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
        if member in member_names and row in digests
    ]


def _names(db: sqlite3.Connection, query: str, key: int) -> dict[int, str]:
    return {row: text_of(name) for row, name in db.execute(query, (key,))}


def texts(db: sqlite3.Connection, sample_ids: Sequence[int]) -> dict[int, str]:
    """See `Store.texts`."""
    found = {}
    for marks, piece in chunks(sample_ids):
        for sample, body in db.execute(
            f"SELECT sample, body FROM texts WHERE sample IN ({marks})",  # noqa: S608
            piece,
        ):
            found[sample] = unpack(body)
    without = [sample for sample in sample_ids if sample not in found]
    for marks, piece in chunks(without):
        gone = db.execute(
            f"SELECT id FROM samples WHERE status = 0 AND id IN ({marks})",  # noqa: S608
            piece,
        ).fetchone()
        if gone is not None:
            raise damaged(f"the text of sample {gone[0]} is gone")
    return found


def draws_of(db: sqlite3.Connection, series: str) -> list[Draw]:
    """See `Store.draws_of`."""
    rows = db.execute(
        "SELECT samples.id, status, draw, samples.seed, seconds, collected_at, body, reasoning, "
        "finish_reason, prompt_tokens, completion_tokens, served_model, error, message, tries "
        "FROM series JOIN samples ON samples.series = series.id "
        "LEFT JOIN texts ON texts.sample = samples.id "
        "LEFT JOIN failures ON failures.sample = samples.id WHERE digest = ? ORDER BY draw",
        (series,),
    )
    found = []
    for sample, status, draw, seed, seconds, collected_at, *brought in rows:
        *completed, error, message, tries = brought
        if (completed[0] if STATUS[status] == "completed" else error) is None:
            raise damaged(f"what sample {sample} brought is gone")
        found.append(
            Draw(
                series=series,
                draw=draw,
                seed=number_of(seed),
                completion=None if completed[0] is None else _completion(*completed),
                failure=None if error is None else Failure(text_of(error), text_of(message), tries),
                seconds=seconds,
                collected_at=from_column(collected_at),
            )
        )
    return found


def _completion(
    body: bytes,
    reasoning: bytes | None,
    finish_reason: str | bytes | None,
    prompt_tokens: int | str | None,
    completion_tokens: int | str | None,
    served_model: str | bytes | None,
) -> Completion:
    """Rebuild a completion from its columns."""
    return Completion(
        text=unpack(body),
        finish_reason=from_column(finish_reason),
        prompt_tokens=number_of(prompt_tokens),
        completion_tokens=number_of(completion_tokens),
        served_model=from_column(served_model),
        reasoning=None if reasoning is None else unpack(reasoning),
    )
