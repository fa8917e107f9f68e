"""Whether what samples belong to is what was written: its own digests say so."""

from typing import Any

import msgspec

from slm_mux.errors import SlmMuxError
from slm_mux.store.encoding import from_json, number_of, text_of
from slm_mux.store.rows import Series, digest_of
from slm_mux.types import Problem

_UNREADABLE = (SlmMuxError, TypeError, ValueError, AttributeError)


def config_digest(identity: Any, settings: Any, seed: Any) -> str | None:
    """Compute the digest of a row of `configs`; None where it cannot be read."""
    try:
        return digest_of([text_of(identity), text_of(settings), number_of(seed)])
    except _UNREADABLE:
        return None


def prompt_digest(messages: Any) -> str | None:
    """Compute the digest of a row of `prompts`; None where it cannot be read."""
    try:
        return digest_of(from_json(messages))
    except _UNREADABLE:
        return None


def series_digest(identity: Any, settings: Any, seed: Any, messages: Any) -> str | None:
    """Compute a series' digest from its columns; None where they cannot be read."""
    try:
        return Series(
            member="",
            identity=text_of(identity),
            messages=tuple(from_json(messages)),
            settings=from_json(settings),
            seed=number_of(seed),
        ).digest
    except _UNREADABLE:
        return None


def problem_of(name: Any, document: Any) -> Problem | None:
    """Read a row of `problems`; None where it cannot be read, or is not the one of that name."""
    try:
        problem = msgspec.convert(from_json(document), Problem)
        return problem if problem.id == text_of(name) else None
    except _UNREADABLE:
        return None
