"""What goes into the store and what comes out: frozen values, no SQL.

The *address* of a sample is (series digest, draw): equal requests have equal addresses, whoever
made them and for whichever task, so that no sample is bought twice.
"""

import hashlib
import math
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.store.encoding import dump_json
from slm_mux.types import Completion, Failure, Message, Problem

Status = Literal["completed", "failed"]

GIVEN = "given"
"""The reader of answers that were imported already read; they count instead of any reading of the
text. With a key, answers are compared as they stand, targets too."""


class Series(Struct, frozen=True, kw_only=True, dict=True):
    """One model asked one prompt under one seed; its draws are numbered from 0."""

    member: str
    """The model's name in the pool; not part of the digest."""
    identity: str
    """What serves it, for instance "gguf:sha256:..." or "openai:http://host/v1|model"."""
    messages: tuple[Message, ...]
    settings: dict[str, Any]
    """The generation settings that are set: temperature, top_p, max_tokens, stop, extra."""
    seed: int | None
    """What the draws' own seeds derive from; None for imported samples."""

    @cached_property
    def digest(self) -> str:
        """The content address: "blake2b-128:" and 32 hexadecimal digits.

        It is the hash of the canonical JSON (keys sorted, no spaces, UTF-8, whole numbers without a
        fraction: 1.0 is 1) of `[identity, messages, settings, seed]`.

        Raises:
            InvalidRequestError: messages or settings hold something that JSON cannot express.
        """
        content = (self.identity, self.messages, self.settings, self.seed)
        return digest_of(canonical(content))


def digest_of(value: Any) -> str:
    """Hash a JSON value that is written in one way: "blake2b-128:" and 32 hexadecimal digits."""
    # The digests of texts with lone surrogates need to exist, too.
    raw = dump_json(value, sort_keys=True).encode("utf-8", "surrogatepass")
    return f"blake2b-128:{hashlib.blake2b(raw, digest_size=16).hexdigest()}"


def canonical(value: Any) -> Any:
    """Rewrite a JSON value so that what means the same is the same: 1.0 is 1, -0.0 is 0.

    Raises:
        InvalidRequestError: it is not a JSON value (NaN, infinity, an object of another class), or
            two keys of an object become the same text.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidRequestError(f"messages and settings cannot hold the number {value}")
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        rewritten = {_key(key): canonical(item) for key, item in value.items()}
        if len(rewritten) < len(value):
            raise InvalidRequestError(
                "messages and settings cannot hold a number and the same number as a text as keys "
                f"of one object: {', '.join(map(repr, value))}"
            )
        return rewritten
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    raise InvalidRequestError(
        f"messages and settings can hold JSON values only, not a {type(value).__name__}"
    )


def _key(key: Any) -> str:
    # YAML allows {50256: -100}; on the wire, such keys become texts.
    if isinstance(key, str):
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise InvalidRequestError(f"a key of messages and settings is a text, not {key!r}")


class Draw(Struct, frozen=True, kw_only=True):
    """One sample as stored; exactly one of `completion` and `failure` is set."""

    series: str
    """The series' digest."""
    draw: int
    """>= 0."""
    seed: int | None = None
    """The draw's own seed."""
    completion: Completion | None = None
    failure: Failure | None = None
    seconds: float = 0.0
    collected_at: str | None = None
    """UTC, ISO 8601 to the second; None where it is not known."""

    @property
    def status(self) -> Status:
        """How it ended."""
        return "failed" if self.completion is None else "completed"


class TaskInfo(Struct, frozen=True, kw_only=True):
    """One task of the store."""

    name: str
    source: str
    sha256: str
    problems: int
    splits: tuple[str | None, ...]
    """In order of appearance; None stands for problems without a split."""
    updated_at: str


class MemberInfo(Struct, frozen=True, kw_only=True):
    """One model as it was asked in one task.

    A name that was asked with several settings has one of these for each; `id` tells them apart.
    """

    id: int
    name: str
    identity: str
    settings: dict[str, Any]
    seed: int | None
    series: int
    """How many problems it was asked."""
    completed: int
    failed: int

    @property
    def draws(self) -> int:
        """Draws in the store, failed ones included."""
        return self.completed + self.failed


class DrawRow(Struct, frozen=True, gc=False):
    """One sample without its text, for analysis."""

    sample_id: int
    problem: str
    member: str
    series: str
    draw: int
    status: Status
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    member_id: int
    """`MemberInfo.id`: tells one name's settings apart."""


class StoppedSeries(Struct, frozen=True, kw_only=True, gc=False):
    """A series that was not drawn to the end because its problem's answer was settled."""

    problem: str
    member: str
    member_id: int
    """`MemberInfo.id`."""
    series: str
    wanted: int
    """Its draws that were wanted then: not all of them are stored."""
    drawn: int
    """How many draws are stored, failed ones included."""


class Reading(Struct, frozen=True, gc=False):
    """What a reader made of a completion: `answer` is None when it is unreadable."""

    answer: str | None
    key: str | None


class Record(Struct, frozen=True, kw_only=True):
    """One sample with everything it belongs to."""

    task: str
    source: str
    sha256: str
    position: int
    """Of the problem in the task, from 0, in the order of the data."""
    problem: Problem
    series: Series
    draw: Draw
    given: Reading | None = None
    """What an import says the answer is; see `GIVEN`."""
    stopped_at: int | None = None
    """The draws of the series that were wanted when it was stopped; None where it was not."""
    method: str | None = None
    """The method whose follow-up this is; None for a plain draw."""
    undrawn: tuple[tuple[Series, int], ...] = ()
    """Of a problem's first record: series of the problem that were stopped before their first draw,
    each with the draws that were wanted of it."""


class RunInfo(Struct, frozen=True, kw_only=True):
    """One saved run, without its document."""

    id: int
    saved_at: str
    task: str | None
    methods: tuple[str, ...]


class StoreInfo(Struct, frozen=True, kw_only=True):
    """What is in a store."""

    path: str
    bytes: int
    """Of the file and its write-ahead log."""
    schema: int
    migrations: tuple[tuple[str, str], ...]
    """(name, when it was applied)."""
    tasks: tuple[TaskInfo, ...]
    series: int
    completed: int
    failed: int
    discussed: int
    """Of these, draws of follow-ups alone: a model was asked them for what others had said."""
    readings: int
    verdicts: int
    runs: int
    text_bytes: int
    """Of all completions as they lie in the file, compressed."""
