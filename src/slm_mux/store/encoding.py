"""How values become SQLite columns and come back the same: texts, numbers, JSON, checksums."""

import hashlib
import json
import math
import zlib
from typing import Any

from slm_mux.errors import StoreError

Column = str | bytes | int | float | None

_PLAIN = b"\x00"
_DEFLATED = b"\x01"

# The form of a compressed text: deflate with a dictionary. On 1,242 completions of 1,014 characters
# on average, the dictionary takes 0.42 of the size down to 0.38, for as good as no time. Level 3
# would save 2 % more and take 7 % longer, level 6 7 % more and 50 % longer. A small window and a
# small hash table (wbits, memLevel) make it three times faster than zlib's defaults, because a
# compressor has to be allocated and cleared for each text. lzma takes ten times as long and ends
# larger; zstd is not in the standard library of Python 3.11.
_LEVEL, _WBITS, _MEM_LEVEL = 1, -14, 5

# Part of the file format: a change would make the stored texts unreadable. A new dictionary needs a
# form byte of its own.
_DICTIONARY = rb"""the number of pears in each box per day per hour minutes weeks months years
dollars cents times as many as more than less than half of the remaining in the following Given
that Since there are We know that Let's break it down. Let's solve this step by step. First, we
need to find the total number of Next, we need to determine how many Now, we can calculate the
Then, Finally, we add subtract multiply divide both sides by to get Substituting this into the
equation Simplify the expression: Therefore, Thus, the value of x is Hence, Option A, B, C, D is
correct. def solution(): return \n\n1. **Calculate the 2. **Determine the 3. **Find the
\begin{align*} \end{align*} \\ \sqrt{ \left( \right) \cdot \times 100 \frac{1}{2} \text{ \[ \]
\( \) x^2 + y = 10 - 20 = 30 So, the final answer is \(\boxed{ The answer is: $\boxed{"""


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


def pack(text: str) -> bytes:
    """Compress a text; `unpack` gives it back exactly, NUL and lone surrogates included."""
    raw = text.encode("utf-8", "surrogatepass")
    deflate = zlib.compressobj(
        _LEVEL, zlib.DEFLATED, _WBITS, _MEM_LEVEL, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY
    )
    packed = deflate.compress(raw) + deflate.flush()
    return _DEFLATED + packed if len(packed) < len(raw) else _PLAIN + raw


def unpack(blob: bytes) -> str:
    """Undo `pack`.

    Raises:
        StoreError: the bytes are none that `pack` wrote.
    """
    try:
        form, body = blob[:1], blob[1:]
        if form == _DEFLATED:
            inflate = zlib.decompressobj(_WBITS, _DICTIONARY)
            body = inflate.decompress(body) + inflate.flush()
            if not inflate.eof:
                raise damaged("a stored text ends too early")
        elif form != _PLAIN:
            raise damaged("a stored text has an unknown form")
        return body.decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise damaged("a stored text cannot be read") from error


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
