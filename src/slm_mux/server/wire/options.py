"""The options that are ours: the body's `mux` object and the X-Mux-Set-* headers.

A header says the same as the field of its name (X-Mux-Set-Samples: 5). Where both are given, the
body is followed; if they differ, the reply's `mux.warnings` says so.
"""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec
from msgspec import Struct

from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import RefusedError, refused, shortened
from slm_mux.server.wire.names import KINDS, nearest
from slm_mux.server.wire.schema import Schema, check
from slm_mux.types import Stopping

HEADER = "x-mux-set-"
DETAILS = ("summary", "votes", "draws")
"""What the reply's `mux` object holds: the outcome alone; with every model's vote; with every draw
and its text too."""
DEFAULT_DETAIL = "votes"
MOST_OPTION_TEXT = 20_000
"""Characters of all choices, or of all labels, together. The patterns that find them in completions
are made for each request, and take a second for half a million."""


class Option(Struct, frozen=True):
    """One option."""

    name: str
    note: str
    schema: Schema

    @property
    def header(self) -> str:
        """The header that sets it."""
        return f"X-Mux-Set-{self.name.capitalize()}"


def options_of(caps: Caps) -> tuple[Option, ...]:
    """List the options."""
    return (
        Option(
            "kind",
            "the form of the answer; auto decides it from the question. Not beside `tools`, and "
            "beside a JSON `response_format` only json",
            {"type": ["string", "null"], "enum": ["auto", *KINDS, None]},
        ),
        Option(
            "samples",
            "draws per model; the pool's own by default",
            {"type": ["integer", "null"], "minimum": 1, "maximum": caps.max_samples},
        ),
        Option(
            "stopping",
            "when to stop drawing; the pool's own by default, and none where `n` is more than 1",
            {"type": ["string", "null"], "enum": [*get_args(Stopping), None]},
        ),
        Option(
            "choices",
            f"the text of a multiple choice's answers, by label; {MOST_OPTION_TEXT:,} characters "
            "together at most",
            {
                "type": ["object", "null"],
                "maxProperties": caps.max_labels,
                "additionalProperties": {"type": "string", "maxLength": 10_000},
            },
        ),
        Option(
            "labels",
            f"the labels of a classification; {MOST_OPTION_TEXT:,} characters together at most",
            {
                "type": ["array", "null"],
                "maxItems": caps.max_labels,
                "items": {"type": "string", "minLength": 1, "maxLength": 1000},
            },
        ),
        Option(
            "detail",
            "how much the reply's `mux` object says: summary, votes (the default) or draws",
            {"type": ["string", "null"], "enum": [*DETAILS, None]},
        ),
    )


def options_schema(caps: Caps) -> Schema:
    """Give the schema of the body's `mux`."""
    return {
        "type": ["object", "null"],
        "properties": {
            option.name: {**option.schema, "description": option.note}
            for option in options_of(caps)
        },
        "additionalProperties": False,
    }


def options_from(
    given: Mapping[str, Any] | None, headers: Iterable[tuple[str, str]], caps: Caps
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Put the options of a request together.

    Args:
        given: the body's `mux`, already checked.
        headers: all headers of the request, in any spelling; others than ours are passed over.
        caps: what the server allows.

    Returns:
        The options that are set, by name, and what to warn of.

    Raises:
        RefusedError: a header of ours that is unknown, given twice, or has a wrong value.
    """
    body = {name: value for name, value in (given or {}).items() if value is not None}
    ours = [header for header in headers if header[0].lower().startswith(HEADER)]
    if not ours:
        _check_length(body)
        return body, ()
    known = {option.name: option for option in options_of(caps)}
    options: dict[str, Any] = {}
    warnings = []
    for header, text in ours:
        name = header.lower().removeprefix(HEADER)
        if name not in known:
            raise refused(
                f"there is no option of ours for the header {shortened(header)}"
                f"{nearest(name, list(known))}",
                param=shortened(header),
                code="unknown_field",
            )
        option = known[name]
        if name in options:
            raise refused(f"the header {option.header} is given twice", param=option.header)
        options[name] = _read(option, text)
        if name in body and body[name] != options[name]:
            warnings.append(
                f"the header {option.header} and the body's mux.{name} differ: the body was "
                "followed"
            )
    together = {**options, **body}
    _check_length(together)
    return together, tuple(warnings)


def _check_length(options: Mapping[str, Any]) -> None:
    """Bound what all choices, or all labels, come to.

    Raises:
        RefusedError: they are too long together.
    """
    for name in ("choices", "labels"):
        given = options.get(name) or ()
        length = sum(map(len, given))
        if isinstance(given, dict):
            length += sum(map(len, given.values()))
        if length > MOST_OPTION_TEXT:
            raise refused(
                f"`mux.{name}` has {length:,} characters together, but may have at most "
                f"{MOST_OPTION_TEXT:,}",
                param=f"mux.{name}",
            )


def _read(option: Option, text: str) -> Any:
    """Read a header's value: a word, a number, a list with commas or JSON, an object of JSON."""
    text = _as_utf8(text).strip()
    types = option.schema["type"]
    value: Any = text
    if "integer" in types or "object" in types or ("array" in types and text.startswith("[")):
        try:
            value = msgspec.json.decode(text)
        except (ValueError, RecursionError):
            raise _unreadable(option, text) from None
    elif "array" in types:
        value = [label.strip() for label in text.split(",") if label.strip()]
    if value is None:
        raise _unreadable(option, text)
    check(value, option.schema, option.header)
    return int(value) if "integer" in types else value


def _unreadable(option: Option, text: str) -> RefusedError:
    form = "a whole number" if option.name == "samples" else "JSON"
    return refused(
        f"the header {option.header} is {shortened(text, 40)!r}, but must be {form}",
        param=option.header,
    )


def _as_utf8(text: str) -> str:
    """Headers reach us as Latin-1; what is UTF-8 in truth is read as that."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
