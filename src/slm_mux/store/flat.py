"""Our own form of a sample in a file: one flat row, with everything to rebuild the store from."""

import base64
import json
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from slm_mux.store.drawing import check
from slm_mux.store.encoding import dump_json
from slm_mux.store.rows import Draw, Reading, Record, Series
from slm_mux.types import CodeSpec, Completion, Failure, Message, Problem, ProblemKind

StoppedAt = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]


class Undrawn(Struct, frozen=True, kw_only=True):
    """A series that was stopped before its first draw, in the column `undrawn`."""

    member: str
    identity: str
    settings: dict[str, Any] = {}
    base_seed: int | None = None
    messages: tuple[Message, ...]
    series: str | None = None
    stopped_at: StoppedAt


class Row(Struct, frozen=True, kw_only=True):
    """One row of a file; docs/store.md explains the columns."""

    task: str
    task_source: str = ""
    task_sha256: str = ""
    problem: str
    position: int = 0
    split: str | None = None
    subject: str | None = None
    kind: ProblemKind
    question: str
    choices: dict[str, str] = {}
    labels: tuple[str, ...] = ()
    code: CodeSpec | None = None
    target: str | None = None
    member: str
    identity: str
    settings: dict[str, Any] = {}
    base_seed: int | None = None
    messages: tuple[Message, ...]
    series: str | None = None
    method: str | None = None
    draw: int
    seed: int | None = None
    text: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    served_model: str | None = None
    seconds: float = 0.0
    collected_at: str | None = None
    error: str | None = None
    error_message: str | None = None
    tries: int | None = None
    given: Reading | None = None
    stopped_at: StoppedAt | None = None
    undrawn: tuple[Undrawn, ...] | None = None
    exact: dict[str, str] | None = None


COLUMNS = Row.__struct_fields__
"""In their order."""

INTEGERS = frozenset(
    {
        "position",
        "base_seed",
        "draw",
        "seed",
        "prompt_tokens",
        "completion_tokens",
        "tries",
        "stopped_at",
    }
)
NESTED = frozenset(
    {"choices", "labels", "code", "settings", "messages", "given", "undrawn", "exact"}
)
"""Columns whose values are objects or lists."""


def row_of(record: Record) -> dict[str, Any]:
    """Flatten a record; every value can be written as UTF-8 and in 64 bits."""
    problem, series, draw = record.problem, record.series, record.draw
    completion, failure = draw.completion, draw.failure
    row: dict[str, Any] = {
        "task": record.task,
        "task_source": record.source,
        "task_sha256": record.sha256,
        "problem": problem.id,
        "position": record.position,
        "split": problem.split,
        "subject": problem.subject,
        "kind": problem.kind,
        "question": problem.question,
        "choices": problem.choices,
        "labels": list(problem.labels),
        "code": None if problem.code is None else msgspec.to_builtins(problem.code),
        "target": problem.target,
        **_series_columns(series),
        "method": record.method,
        "draw": draw.draw,
        "seed": draw.seed,
        "text": completion and completion.text,
        "reasoning": completion and completion.reasoning,
        "finish_reason": completion and completion.finish_reason,
        "prompt_tokens": completion and completion.prompt_tokens,
        "completion_tokens": completion and completion.completion_tokens,
        "served_model": completion and completion.served_model,
        "seconds": draw.seconds,
        "collected_at": draw.collected_at,
        "error": failure and failure.error,
        "error_message": failure and failure.message,
        "tries": failure and failure.tries,
        "given": record.given and {"answer": record.given.answer, "key": record.given.key},
        "stopped_at": record.stopped_at,
        "undrawn": [
            {**_series_columns(one), "stopped_at": wanted} for one, wanted in record.undrawn
        ]
        or None,
    }
    exact = {}
    for name, value in row.items():
        plain, bytes_ = _writable(value)
        if bytes_ is not None:
            row[name] = plain
            exact[name] = base64.b64encode(bytes_).decode()
    row["exact"] = exact or None
    return row


def _series_columns(series: Series) -> dict[str, Any]:
    return {
        "member": series.member,
        "identity": series.identity,
        "settings": series.settings,
        "base_seed": series.seed,
        "messages": list(series.messages),
        "series": series.digest,
    }


def _writable(value: Any) -> tuple[Any, bytes | None]:
    """Return what can be written, and where that is not the value itself, its exact bytes."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return None, str(value).encode()
    if isinstance(value, str):
        if value.isascii():
            return value, None
        raw = value.encode("utf-8", "surrogatepass")
        plain = raw.decode("utf-8", "replace")
        return (value, None) if plain == value else (plain, raw)
    if isinstance(value, dict | list):
        text = dump_json(value)
        plain, bytes_ = _writable(text)
        return (value, None) if bytes_ is None else (json.loads(plain), bytes_)
    return value, None


def record_of(fields: dict[str, Any], task: str | None = None) -> Record:
    """Rebuild a record from a row.

    Raises:
        ValueError: a field is missing or wrong (msgspec.ValidationError is one), or the series'
            digest is not that of its content.
    """
    row = msgspec.convert(fields, Row)
    if row.exact:
        restored = dict(fields)
        for name, text in row.exact.items():
            restored[name] = _restored(name, base64.b64decode(text, validate=True))
        row = msgspec.convert(restored, Row)
    series = _series(row)
    problem = Problem(
        id=row.problem,
        question=row.question,
        kind=row.kind,
        target=row.target,
        split=row.split,
        choices=row.choices,
        labels=row.labels,
        code=row.code,
        subject=row.subject,
    )
    return Record(
        task=row.task if task is None else task,
        source=row.task_source,
        sha256=row.task_sha256,
        position=row.position,
        problem=problem,
        series=series,
        draw=_draw(row, series.digest),
        given=row.given,
        method=row.method,
        stopped_at=row.stopped_at,
        undrawn=tuple((_series(one), one.stopped_at) for one in row.undrawn or ()),
    )


def _series(row: Row | Undrawn) -> Series:
    series = Series(
        member=row.member,
        identity=row.identity,
        messages=row.messages,
        settings=row.settings,
        seed=row.base_seed,
    )
    if row.series is not None and row.series != series.digest:
        raise ValueError(
            "the digest in `series` is not that of identity, messages, settings and base_seed: "
            "the row was changed or damaged"
        )
    return series


def _restored(name: str, raw: bytes) -> Any:
    text = raw.decode("utf-8", "surrogatepass")
    if name in INTEGERS:
        return int(text)
    return json.loads(text) if name in NESTED else text


def _draw(row: Row, digest: str) -> Draw:
    if (row.text is None) == (row.error is None):
        raise ValueError("a row has either `text` or `error`")
    completion = failure = None
    if row.text is not None:
        completion = Completion(
            text=row.text,
            finish_reason=row.finish_reason,
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            served_model=row.served_model,
            reasoning=row.reasoning,
        )
    if row.error is not None:
        tries = 1 if row.tries is None else row.tries
        failure = Failure(row.error, row.error_message or "", tries)
    draw = Draw(
        series=digest,
        draw=row.draw,
        seed=row.seed,
        completion=completion,
        failure=failure,
        seconds=row.seconds,
        collected_at=row.collected_at,
    )
    check(draw)
    return draw
