"""Rows in JSON Lines: one object a line, UTF-8."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from slm_mux.errors import TaskDataError


def write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (file:line, row); empty lines are passed over. A gzip file is read as what it holds.

    Raises:
        TaskDataError: a line is no JSON object.
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        for number, line in _lines(path, file):
            if not line.strip():
                continue
            place = f"{path}:{number}"
            try:
                row = json.loads(line.decode())
            except UnicodeDecodeError as error:
                raise TaskDataError(f"{place}: it is not UTF-8 ({error})") from error
            except (json.JSONDecodeError, RecursionError) as error:
                raise TaskDataError(f"{place}: it is not a JSON object ({error})") from error
            if not isinstance(row, dict):
                raise TaskDataError(f"{place}: it is not a JSON object")
            yield place, row


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def _lines(path: Path, file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    try:
        yield from enumerate(file, 1)
    except (EOFError, zlib.error) as error:
        raise TaskDataError(f"{path}: it is not whole gzip data ({error})") from error
