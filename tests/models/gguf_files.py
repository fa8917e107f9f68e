"""Starts of GGUF files, written as llama.cpp's converter writes them."""

import struct
from pathlib import Path

Value = int | str | list[int]

PLAIN: dict[str, Value] = {
    "general.architecture": "llama",
    "llama.block_count": 30,
    "llama.context_length": 8192,
    "llama.embedding_length": 576,
    "llama.attention.head_count": 9,
    "llama.attention.head_count_kv": 3,
}
"""Of a model whose token takes 30 layers x 3 heads x (64 + 64) values x 2 bytes = 23 040 bytes."""


def header(entries: dict[str, Value], *, version: int = 3) -> bytes:
    """Write magic, version, no tensors, and the entries."""
    start = b"GGUF" + struct.pack("<IQQ", version, 0, len(entries))
    return start + b"".join(_text(key) + _typed(value) for key, value in entries.items())


def written(folder: Path, entries: dict[str, Value]) -> Path:
    """Write a file that holds the entries and no tensors."""
    path = folder / "made.gguf"
    path.write_bytes(header(entries))
    return path


def _typed(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, list):
        return struct.pack(f"<IIQ{len(value)}I", 9, 4, len(value), *value)
    return struct.pack("<II", 4, value)


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack("<Q", len(content)) + content
