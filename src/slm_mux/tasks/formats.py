"""Data files in JSON, JSON lines, CSV and Parquet, gzipped or not, read into rows."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from slm_mux.errors import TaskDataError
from slm_mux.tasks.rows import DataFile, Row, described
from slm_mux.wording import counted

FORMATS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
"""What can be read, each also with .gz behind it."""

_SPACE = re.compile(r"[ \t\r\n]*")


def form_of(name: str) -> str | None:
    """Give a file name's format, an entry of `FORMATS`, or None."""
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    return suffix if suffix in FORMATS else None


def read_rows(file: DataFile) -> list[Row]:
    """Read every row of a data file.

    Raises:
        TaskDataError: a format that is not known, a broken line, bytes that are not UTF-8, or no
            row at all.
    """
    form = form_of(file.name)
    if form is None:
        raise TaskDataError(
            f"{file.name}: unknown kind of file; its name must end in {', '.join(FORMATS)} "
            "(or one of these and .gz)"
        )
    content = file.content
    if file.name.lower().endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise TaskDataError(f"{file.name}: damaged gzip file ({error})") from None
    if form == ".parquet":
        rows = list(_parquet_rows(file.name, content))
    else:
        text = _decoded(file.name, content)
        if form in (".csv", ".tsv"):
            rows = list(_table_rows(file.name, text, "\t" if form == ".tsv" else ","))
        elif form == ".json":
            rows = list(_json_rows(file.name, text))
        else:
            rows = list(_line_rows(file.name, text))
    if not rows:
        raise TaskDataError(f"{file.name}:1: the file is empty: there are no problems in it")
    return rows


def _decoded(name: str, content: bytes) -> str:
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TaskDataError(
            f"{name}:{line}: not UTF-8 (byte {error.start} of the file); save it as UTF-8"
        ) from None
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise TaskDataError(f"{name}:{line}: a NUL character; this is not a text file")
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _parsed(text: str, start: int, where: str) -> tuple[Any, int]:
    """Parse one JSON value; an error's line within a longer value is left to `where`."""
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise TaskDataError(f"{where}: not valid JSON: {error.msg}") from None
    except ValueError as error:
        raise TaskDataError(f"{where}: not valid JSON: {error}") from None
    except RecursionError:
        raise TaskDataError(f"{where}: not valid JSON: lists or objects nest too deep") from None


def _row(where: str, value: Any) -> Row:
    if not isinstance(value, dict):
        raise TaskDataError(
            f"{where}: this is {described(value)}, but must be an object with a field for the "
            "question"
        )
    return Row(where, value)


def _line_rows(name: str, text: str) -> Iterator[Row]:
    # Only at line feeds: JSON may hold the other characters that Python takes for line ends.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            where = f"{name}:{number}"
            value, end = _parsed(line, _blank(line, 0), where)
            if line[end:].strip():
                raise TaskDataError(
                    f"{where}: not valid JSON: more text after the object; a line holds one object"
                )
            yield _row(where, value)


def _json_rows(name: str, text: str) -> Iterator[Row]:
    """Read a list of objects one by one, so that each has its line; or one object."""
    at = _blank(text, 0)
    line = 1 + text.count("\n", 0, at)
    if text[at : at + 1] != "[":
        if at < len(text):
            value, end = _parsed(text, at, f"{name}:{line}")
            _nothing_after(name, text, end)
            yield _row(f"{name}:{line}", value)
        return
    separator = "["
    while True:
        start = _blank(text, at + 1)
        line += text.count("\n", at, start)
        if separator == "[" and text[start : start + 1] == "]":
            at = start
            break
        where = f"{name}:{line}"
        value, end = _parsed(text, start, where)
        yield _row(where, value)
        at = _blank(text, end)
        line += text.count("\n", start, at)
        separator = text[at : at + 1]
        if separator not in (",", "]"):
            raise TaskDataError(f"{name}:{line}: not valid JSON: `,` or `]` was expected here")
        if separator == "]":
            break
    _nothing_after(name, text, at + 1)


def _nothing_after(name: str, text: str, end: int) -> None:
    after = _blank(text, end)
    if after < len(text):
        line = 1 + text.count("\n", 0, after)
        raise TaskDataError(
            f"{name}:{line}: not valid JSON: more text after the end; a file with one object a "
            "line is named .jsonl"
        )


def _blank(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _table_rows(name: str, text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            where = f"{name}:{line}"
            line = reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                if twice := {cell for cell in header if cell and header.count(cell) > 1}:
                    raise TaskDataError(f"{where}: two columns are named {min(twice)!r}")
                continue
            if len(cells) != len(header):
                raise TaskDataError(
                    f"{where}: this row has {counted(len(cells), 'field')}, the header "
                    f"{len(header)}; a comma or a quote is missing or one too many"
                )
            yield Row(where, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise TaskDataError(f"{name}:{line}: not valid CSV: {error}") from None


def _parquet_rows(name: str, content: bytes) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        said = str(error).partition("\n")[0]
        raise TaskDataError(f"{name}: not a Parquet file that can be read ({said})") from None
    for number, values in enumerate(table.to_pylist(), 1):
        yield Row(f"{name}: row {number}", values)
