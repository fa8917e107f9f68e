"""Rows of a data file, each with its place, and what is asked of their fields."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from slm_mux.errors import TaskDataError
from slm_mux.wording import did_you_mean

_SURROGATE = re.compile("[\ud800-\udfff]")


class DataFile(Struct, frozen=True):
    """A file's bytes, its name in messages, and the split that all of it belongs to, if any."""

    name: str
    content: bytes
    split: str | None = None

    @property
    def sha256(self) -> str:
        """Of the bytes, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


class Row(Struct, frozen=True):
    """One object of a data file, or one line of its table."""

    where: str
    """`file:line`; the line on which the row starts. Of a Parquet file the row's number."""
    values: dict[str, Any]

    def error(self, message: str) -> TaskDataError:
        """Make an error that starts with the row's place, in one line that can be printed."""
        line = " ".join(message.splitlines()).encode(errors="backslashreplace").decode()
        return TaskDataError(f"{self.where}: {line}")

    def has(self, field: str) -> bool:
        """Whether the field is there and neither null nor blank."""
        value = self.values.get(field)
        return value is not None and (not isinstance(value, str) or bool(value.strip()))

    def text(self, field: str) -> str:
        """Give a field that every row must have, as text; blank is allowed, null reads as blank.

        Raises:
            TaskDataError: there is no such field, or it is a list or a mapping, or holds what is
                not text.
        """
        if field not in self.values:
            fields = tuple(self.values)
            shown = f"the fields are {', '.join(fields)}" if fields else "there are no fields"
            raise self.error(f"`{field}` is missing; {shown}{did_you_mean(field, fields)}")
        value = self.values[field]
        if isinstance(value, dict | list):
            raise self.error(f"`{field}` is {described(value)}, but must be a text")
        return self.checked(field, value)

    def checked(self, field: str, value: Any) -> str:
        """Write a value as text, and check that it is one.

        Raises:
            TaskDataError: it holds a NUL character or half of a surrogate pair.
        """
        if isinstance(value, str):
            text = value
        elif value is None:
            text = ""
        else:
            text = json.dumps(value, ensure_ascii=False, default=str)
        if "\0" in text:
            raise self.error(f"`{field}` holds a NUL character, which is no text")
        if _SURROGATE.search(text):
            raise self.error(f"`{field}` holds half of a surrogate pair, which is no character")
        return text


def read_file(path: Path) -> DataFile:
    """Read a file whole.

    Raises:
        TaskDataError: it is not there, not a file, or cannot be read.
    """
    try:
        if not path.exists():
            raise TaskDataError(f"{path}: there is no such file")
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            raise TaskDataError(f"{path}: this is {what}, not a data file")
        return DataFile(str(path), path.read_bytes())
    except ValueError:
        raise TaskDataError(f"{str(path)!r}: this cannot be the name of a file") from None
    except OSError as error:
        raise TaskDataError(f"{path}: cannot be read: {error.strerror or error}") from None


def described(value: Any) -> str:
    """Say in a word or two what a JSON value is."""
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"the value {json.dumps(value)[:40]}"
