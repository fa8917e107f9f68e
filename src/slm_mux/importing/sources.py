"""One file of a log: its bytes, its lines, its JSON, and mistakes with file and line.

Bytes that are no UTF-8 become U+FFFD and are counted, so that one bad byte does not cost a file.
Numbers of JSON lines are kept as they are written (`Numeral`), so that an answer 3.0 stays "3.0".
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slm_mux.errors import TaskDataError
from slm_mux.importing.values import Numeral

_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Source:
    """One file, read whole.

    Args:
        path: a file; gzip is recognised by its content.

    Raises:
        TaskDataError: there is no such file, it is a folder, unreadable, empty, or a broken gzip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        if path.is_dir():
            raise TaskDataError(f"{path}: this is a folder; name the files in it ({path}/*)")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TaskDataError(f"{path}: cannot be read ({error.strerror})") from error
        if content.startswith(_GZIP):
            try:
                content = gzip.decompress(content)
            except (OSError, EOFError, zlib.error) as error:
                raise TaskDataError(f"{path}: is not whole gzip data ({error})") from error
        if not content.strip():
            raise TaskDataError(f"{path}: the file is empty")
        if content.startswith(_UTF16):
            raise TaskDataError(f"{path}: is UTF-16 text; save it as UTF-8")
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._rows: list[tuple[int, Any]] | None = None
        self._document: Any = None

    def at(self, line: int | None = None) -> str:
        """The place, as messages start with it."""
        return f"{self.path}:{line}" if line else f"{self.path}"

    def lines(self) -> Iterator[tuple[int, str]]:
        """Each line that is not blank, with its number from 1."""
        replaced = 0
        # Only \n ends a line: JSON texts may hold the other line separators of Unicode as they are.
        for number, raw in enumerate(self.content.split(b"\n"), 1):
            raw = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if not raw.strip():
                continue
            text, bad = _decode(raw)
            if bad and not replaced:
                first = number
            replaced += bad
            yield number, text
        if replaced:
            self.notes.append(_replaced_note(self.at(first), replaced))

    def rows(self) -> list[tuple[int, Any]]:
        """Each line as a JSON value, with its number; parsed once.

        Raises:
            TaskDataError: a line is no JSON.
        """
        if self._rows is None:
            self._rows = [
                (number, self._parse(text, line=number, as_written=True))
                for number, text in self.lines()
            ]
        return self._rows

    def first_row(self) -> Any | None:
        """The first line's JSON value, or None when the line alone is no JSON."""
        number, text = next(self.lines())
        try:
            return self._parse(text, line=number, as_written=True)
        except TaskDataError:
            return None

    def document(self) -> Any:
        """The whole file as one JSON value; parsed once.

        Raises:
            TaskDataError: it is none; the message names the line.
        """
        if self._document is not None:
            return self._document
        text, bad = _decode(self.content.removeprefix(b"\xef\xbb\xbf"))
        if bad:
            self.notes.append(_replaced_note(self.at(), bad))
        self._document = self._parse(text)
        return self._document

    def _parse(self, text: str, *, line: int = 1, as_written: bool = False) -> Any:
        hooks: dict[str, Any] = {}
        if as_written:
            hooks = {"parse_int": Numeral, "parse_float": Numeral, "parse_constant": Numeral}
        try:
            # strict=False: some writers leave control characters, NUL among them, unescaped.
            return json.loads(text, strict=False, **hooks)
        except json.JSONDecodeError as error:
            place = self.at(line + error.lineno - 1)
            raise TaskDataError(f"{place}: is not JSON ({error.msg}, column {error.colno})") from (
                error
            )
        except (ValueError, RecursionError) as error:
            raise TaskDataError(f"{self.at(line)}: cannot be read as JSON ({error})") from error


def _decode(raw: bytes) -> tuple[str, int]:
    """Text, and how many characters had to be replaced."""
    try:
        return raw.decode(), 0
    except UnicodeDecodeError:
        text = raw.decode(errors="replace")
        return text, text.count("\ufffd") - raw.count(b"\xef\xbf\xbd")


def _replaced_note(place: str, count: int) -> str:
    what = "1 piece is" if count == 1 else f"{count} pieces are"
    return f"{place}: {what} not UTF-8; U+FFFD stands there now"
