"""How values become SQLite columns and come back the same: texts, numbers, JSON, checksums."""

import hashlib
import json
import math
from typing import Any

from slm_mux.errors import StoreError

Column = str | bytes | int | float | None


def to_column(text: str | None) -> str | bytes | None:
    """Text as SQLite takes it: what UTF-8 cannot express (lone surrogates) becomes bytes."""
    return None if text is None else column_of(text)


def column_of(text: str) -> str | bytes:
    """`to_column` where None cannot be."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_column(value: str | bytes | None) -> str | None:
    """Undo `to_column`."""
    return None if value is None else text_of(value)


def text_of(value: str | bytes) -> str:
    """Undo `column_of`.

    Raises:
        StoreError: the value is none that `column_of` made.
    """
    if isinstance(value, str):
        return value
    try:
        return value.decode("utf-8", "surrogatepass")
    except (UnicodeDecodeError, AttributeError) as error:
        raise damaged("a stored text is no UTF-8") from error


def number_to_column(number: int | None) -> int | str | None:
    """A whole number as SQLite takes it: beyond 64 bits it becomes a text."""
    if number is None or -(2**63) <= number < 2**63:
        return number
    return str(number)


def number_of(value: int | str | None) -> int | None:
    """Undo `number_to_column`.

    Raises:
        StoreError: the value is none that `number_to_column` made.
    """
    if value is None or isinstance(value, int):
        return value
    try:
        return int(value)
    except ValueError as error:
        raise damaged(f"{value!r} is stored in the place of a whole number") from error


def seconds_of(seconds: float) -> float:
    """A duration as stored: what is no finite number is 0, for SQLite has no NaN."""
    return float(seconds) if math.isfinite(seconds) else 0.0


def dump_json(value: Any, *, sort_keys: bool = False) -> str:
    """Compact JSON.

    Characters are not escaped: two surrogates that stand beside each other as two characters would
    come back from their escapes as one.
    """
    return (_SORTED if sort_keys else _COMPACT).encode(value)


# json.dumps makes an encoder for each call whose options are not the default.
_COMPACT, _SORTED = (
    json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, sort_keys=sort_keys, separators=(",", ":")
    )
    for sort_keys in (False, True)
)


def json_column(value: Any) -> str | bytes:
    """A JSON value as SQLite takes it."""
    return column_of(dump_json(value))


def from_json(value: str | bytes) -> Any:
    """Undo `json_column`.

    Raises:
        StoreError: the value is none that `json_column` wrote.
    """
    try:
        return json.loads(text_of(value))
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged("a stored document cannot be read") from error


class DamageError(StoreError):
    """Something is stored that the store cannot have written.

    Args:
        what: what is wrong; the file, and the remedy, are named further out.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: the store is damaged; {REMEDY.format(store='')}")
        self.what = what


def damaged(what: str) -> DamageError:
    """Make the error of something that the store cannot have written, with the remedy."""
    return DamageError(what)


REMEDY = (
    "`slm-mux store verify{store}` says which samples are concerned, and with --salvage FILE saves "
    "all others to a new store"
)
"""Of a damaged store; `store` is a space and its name."""


def checksum(fields: tuple[Column, ...], texts: tuple[str | None, ...]) -> bytes:
    """Eight bytes that change with every value of a sample's row and with every character of it."""
    # A plain join: the same on every version of Python, and a tenth of what JSON takes.
    joined = "\x1f".join(map(str, fields))
    state = hashlib.blake2b(joined.encode(), digest_size=8)
    for text in texts:
        if text is None:
            state.update(b"\xff")  # never a byte of UTF-8
        else:
            state.update(b"%d:" % len(text))
            state.update(text.encode("utf-8", "surrogatepass"))
    return state.digest()
