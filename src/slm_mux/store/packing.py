"""Completions as the store keeps them: compressed, each by itself, and given back exactly."""

import sys
import zlib
from typing import TYPE_CHECKING

from slm_mux.store.encoding import damaged

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
else:
    from compression import zstd

# The first byte of what is stored says how to read the rest.
_PLAIN = b"\x00"
_DEFLATED = b"\x01"
_ZSTD = b"\x02"

# zstd with a dictionary, level 1. On 800 completions of 567 characters on average it takes 11
# microseconds for each, and leaves 0.43 of the size; deflate took 27 and left 0.39. Most of either
# time goes into a new compressor, so one is kept for many texts. Level 3 would leave 0.42.
_LEVEL = 1
_DEFLATE_WBITS = -14

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

_ZSTD_DICTIONARY = zstd.ZstdDict(_DICTIONARY, is_raw=True)


Texts = tuple[str | None, str | None]
"""A sample's text and reasoning."""


class Packer:
    """Compresses texts, one after another. Threads may share it: they take turns."""

    def __init__(self) -> None:
        self._compressor = zstd.ZstdCompressor(
            level=_LEVEL, zstd_dict=_ZSTD_DICTIONARY.as_digested_dict
        )

    def pack(self, text: str) -> bytes:
        """Compress a text; `unpack` gives it back exactly, NUL and lone surrogates included."""
        raw = text.encode("utf-8", "surrogatepass")
        packed = self._compressor.compress(raw, zstd.ZstdCompressor.FLUSH_FRAME)
        return _ZSTD + packed if len(packed) < len(raw) else _PLAIN + raw


def unpack(blob: bytes) -> str:
    """Undo `Packer.pack`, and the deflate of older files.

    Raises:
        StoreError: the bytes are none that were packed.
    """
    try:
        form, body = blob[:1], blob[1:]
        if form == _ZSTD:
            body = zstd.decompress(body, _ZSTD_DICTIONARY)
        elif form == _DEFLATED:
            inflate = zlib.decompressobj(_DEFLATE_WBITS, _DICTIONARY)
            body = inflate.decompress(body) + inflate.flush()
            if not inflate.eof:
                raise damaged("a stored text ends too early")
        elif form != _PLAIN:
            raise damaged("a stored text has an unknown form")
        return body.decode("utf-8", "surrogatepass")
    except (zlib.error, zstd.ZstdError, UnicodeDecodeError, TypeError) as error:
        raise damaged("a stored text cannot be read") from error


def unpack_texts(body: bytes | None, reasoning: bytes | None) -> Texts:
    """Undo `Packer.pack` of a sample's text and reasoning, as far as it has them.

    Raises:
        StoreError: as `unpack` does.
    """
    return (
        None if body is None else unpack(body),
        None if reasoning is None else unpack(reasoning),
    )
