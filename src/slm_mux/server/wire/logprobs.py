"""Log-probabilities of the winner, in the one form that strict clients parse."""

import math
from typing import Any

import msgspec
from msgspec import Struct

LEAST = -9999.0
"""Stands for a probability of nought, as in OpenAI's API: JSON has no infinity."""


class _Top(Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class _Token(Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[_Top] = []


class _Logprobs(Struct):
    content: list[_Token] | None = None
    refusal: list[_Token] | None = None


def logprobs_document(given: Any) -> dict[str, Any] | None:
    """Write a choice's `logprobs`.

    Args:
        given: as the endpoint sent them: plain JSON values.

    Returns:
        None where there are none, or they have another form (the legacy API's, for instance).
    """
    if not isinstance(given, dict):
        return None
    try:
        read = msgspec.convert(given, _Logprobs, strict=True)
    except (msgspec.ValidationError, RecursionError):
        return None
    if read.content is None and read.refusal is None:
        return None
    return {"content": _tokens(read.content), "refusal": _tokens(read.refusal)}


def _tokens(tokens: list[_Token] | None) -> list[dict[str, Any]] | None:
    if tokens is None:
        return None
    return [
        _entry(token) | {"top_logprobs": [_entry(top) for top in token.top_logprobs]}
        for token in tokens
    ]


def _entry(entry: _Token | _Top) -> dict[str, Any]:
    finite = math.isfinite(entry.logprob)
    return {
        "token": entry.token,
        "logprob": entry.logprob if finite else LEAST,
        "bytes": entry.bytes,
    }
