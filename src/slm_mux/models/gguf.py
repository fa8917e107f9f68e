"""What a GGUF file says of its model: how long a context it knows, and what a token of it takes.

A GGUF (version 2 or 3) begins with magic, version, number of tensors and number of metadata
entries; each entry is a key, a type and a value (ggml's docs/gguf.md). Only the entries before the
vocabulary are read, where writers put what is asked for here.
"""

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from msgspec import Struct

_MOST_ENTRIES = 4096
_LONGEST_TEXT = 2**20
"""Bytes of one text, a chat template being the longest before the vocabulary."""
_MOST_ITEMS = 2**16
"""Of one list; lists before the vocabulary have one item per layer."""
_NUMBERS: Mapping[int, str] = MappingProxyType(
    {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
)
_TEXT, _LIST = 8, 9
_LESS_CACHE = ("ssm", "shortconv", "wkv", "sliding_window", "lora_rank", "full_attention_interval")
"""In the keys of models whose layers do not all keep every token: no estimate is made for them."""
_CACHED_VALUE_BYTES = 2
"""llama.cpp keeps keys and values as 16-bit floats."""


class GgufFacts(Struct, frozen=True, kw_only=True):
    """What the metadata says; None where it does not."""

    context_length: int | None = None
    """Tokens that the model was trained for."""
    cache_bytes: int | None = None
    """Of keys and values, for each token of context."""


def gguf_facts(path: Path) -> GgufFacts:
    """Read the start of a GGUF file.

    Args:
        path: the file. One that cannot be read, or is none, gives no facts: llama.cpp says why.
    """
    try:
        with path.open("rb") as file:
            entries = _entries(file)
    except (OSError, ValueError, struct.error):
        return GgufFacts()
    family = f"{entries.get('general.architecture')}."
    return _facts(
        {
            key.removeprefix(family): value
            for key, value in entries.items()
            if key.startswith(family)
        }
    )


def _facts(said: Mapping[str, Any]) -> GgufFacts:
    """Work out the facts from the entries of the model's family.

    Layers x kv heads x (key length + value length) x 2 bytes is what one token takes.
    """
    context = said.get("context_length")
    try:
        layers = said["block_count"]
        heads = said["attention.head_count"]
        cached = said.get("attention.head_count_kv", heads)
        # Either may stand for all layers, or be listed by layer.
        in_all = sum(cached) if isinstance(cached, list) else layers * cached
        widest = max(heads) if isinstance(heads, list) else heads
        usual = said["embedding_length"] / widest
        key = said.get("attention.key_length", usual)
        value = said.get("attention.value_length", usual)
        takes = int(in_all * (key + value) * _CACHED_VALUE_BYTES)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        takes = 0
    if any(word in name for name in said for word in _LESS_CACHE):
        takes = 0
    return GgufFacts(
        context_length=context if isinstance(context, int) and context > 0 else None,
        cache_bytes=takes if takes > 0 else None,
    )


def _entries(file: IO[bytes]) -> dict[str, Any]:
    """Read the metadata up to the vocabulary.

    Raises:
        ValueError: it is not metadata.
        struct.error: it breaks off.
    """
    if file.read(4) != b"GGUF" or _number(file, "I") not in (2, 3):
        raise ValueError("not a GGUF of a known version")
    _number(file, "Q")
    entries: dict[str, Any] = {}
    for _ in range(min(_number(file, "Q"), _MOST_ENTRIES)):
        key = _text(file)
        if key.startswith("tokenizer."):
            break
        entries[key] = _value(file, _number(file, "I"))
    return entries


def _value(file: IO[bytes], kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind != _LIST:
        return _number(file, _code(kind))
    item, count = _number(file, "I"), _number(file, "Q")
    if count > _MOST_ITEMS or item == _LIST:
        raise ValueError("a list that cannot stand here")
    return [_value(file, item) for _ in range(count)]


def _text(file: IO[bytes]) -> str:
    length = _number(file, "Q")
    if length > _LONGEST_TEXT:
        raise ValueError("a text that cannot stand here")
    return file.read(length).decode("utf-8", "replace")


def _number(file: IO[bytes], code: str) -> Any:
    return struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0]


def _code(kind: int) -> str:
    if kind not in _NUMBERS:
        raise ValueError("a type that GGUF does not have")
    return _NUMBERS[kind]
