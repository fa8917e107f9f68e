"""Which format a file is in, by its content; and reading several files into one."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.importing.archive import Archive
from slm_mux.importing.base import (
    DESCRIPTIONS,
    FORMATS,
    Block,
    FormatName,
    Imported,
    ImportOptions,
)
from slm_mux.importing.inspect_log import is_inspect, read_inspect
from slm_mux.importing.lm_eval import read_lm_eval
from slm_mux.importing.merging import Merger
from slm_mux.importing.plain import read_plain
from slm_mux.importing.reference import read_reference, responses
from slm_mux.importing.sources import Source
from slm_mux.types import Problem

_READERS: Mapping[FormatName, Callable[[Source, ImportOptions], list[Block]]] = {
    "plain": read_plain,
    "reference": read_reference,
    "lm-eval": read_lm_eval,
    "inspect": read_inspect,
}
_BY_LINE = ("plain", "lm-eval")


def detect_format(path: Path) -> FormatName:
    """The format of a log, by its content; its name does not matter.

    Raises:
        TaskDataError: it is in none of the formats, or in two.
    """
    return _detect(Source(path))


def read_import(
    paths: Iterable[Path],
    *,
    task: str,
    format: str = "auto",  # noqa: A002 - the option's name
    options: ImportOptions | None = None,
    known: Iterable[Problem] = (),
) -> Imported:
    """Read logs; the models' and problems' order is that of the files.

    Args:
        paths: one file or more, of one format or several; gzip or not.
        task: the name that the problems get in the store.
        format: "auto", or the format of all files.
        options: what the files do not say; None: nothing.
        known: the problems that the task has already; they come first, and files have to agree.

    Raises:
        InvalidRequestError: no file, an unknown format, or a kind that cannot be imported.
        TaskDataError: a file cannot be read, or two files contradict each other.
    """
    paths = [Path(path) for path in paths]
    if not paths:
        raise InvalidRequestError("name at least one file to import")
    if not task.strip():
        raise InvalidRequestError("the task needs a name")
    forms: dict[str, FormatName] = {name: name for name in _READERS}
    if format != "auto" and format not in forms:
        names = ", ".join(["auto", *_READERS])
        raise InvalidRequestError(f"there is no format {format!r} to import: use {names}")
    options = options or ImportOptions()
    if options.kind == "code":
        raise InvalidRequestError("problems of the kind code need their tests, which no log holds")
    merger = Merger(task, options)
    merger.start_from(known)
    for path in paths:
        source = Source(path)
        form = forms[format] if format != "auto" else _detect(source)
        if form == "own":
            raise TaskDataError(f"{path}: is {DESCRIPTIONS['own']}; it is imported by itself")
        if format in _BY_LINE:
            _check_rows(source, form)
        merger.add(path, source.sha256, form, _READERS[form](source, options))
        merger.notes += source.notes
    return merger.result()


def _detect(source: Source) -> FormatName:
    content = source.content
    if content.startswith(b"PAR1"):
        return "own"
    if content.startswith(b"SQLite format 3\0"):
        raise TaskDataError(f"{source.path}: is an SQLite file; a store is given with --store")
    if content.startswith(b"PK"):
        names = Archive(source).names
        if not {"header.json", "_journal/start.json"} & set(names):
            raise _unknown(source, "it is a zip file without a header.json")
        return "inspect"
    first = source.first_row()
    form = _row_format(first)
    if form is not None:
        _check_rows(source, form)
        return form
    document = first
    if not _is_document(first) and _looks_whole(content):
        document = source.document()
    if is_inspect(document):
        return "inspect"
    if responses(document) is not None:
        return "reference"
    if isinstance(document, dict) and "results" in document and "configs" in document:
        raise TaskDataError(
            f"{source.path}: holds the scores of lm-evaluation-harness, not the samples; import "
            "the samples_*.jsonl beside it (written with --log_samples)"
        )
    if document is None:
        number, _ = next(source.lines())
        raise _unknown(source, f"line {number} is not JSON")
    raise _unknown(source, _fields(document))


def _is_document(value: Any) -> bool:
    return is_inspect(value) or responses(value) is not None


def _looks_whole(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _row_format(row: Any) -> FormatName | None:
    """The format that one line belongs to."""
    if not isinstance(row, dict):
        return None
    keys = set(row)
    if {"series", "draw", "member"} <= keys:
        return "own"
    if {"doc_id", "doc"} <= keys and keys & {"resps", "filtered_resps"}:
        return "lm-eval"
    if "answers" in keys and keys & {"problem", "model"}:
        return "plain"
    return None


def _check_rows(source: Source, form: FormatName) -> None:
    """Every line belongs to the same format, as far as it belongs to any."""
    for line, row in source.rows():
        other = _row_format(row)
        if not isinstance(row, dict):
            raise TaskDataError(
                f"{source.at(line)}: is not a JSON object, as each line of {DESCRIPTIONS[form]} is"
            )
        if other is not None and other != form and line == source.rows()[0][0]:
            raise TaskDataError(
                f"{source.at(line)}: is {DESCRIPTIONS[other]}, not {DESCRIPTIONS[form]}"
            )
        if other is not None and other != form:
            raise TaskDataError(
                f"{source.at(line)}: from here on the file is {DESCRIPTIONS[other]}, before it is "
                f"{DESCRIPTIONS[form]}; give each its own file"
            )


def _fields(document: Any) -> str:
    if isinstance(document, dict):
        names = ", ".join(list(document)[:8])
        return f"it is an object with the fields {names or '(none)'}"
    if isinstance(document, list):
        return "it is a list; a plain table has one object a line and no brackets around them"
    return "it is JSON, but no object"


def _unknown(source: Source, why: str) -> TaskDataError:
    known = "; ".join(f"{name}: {DESCRIPTIONS[name]}" for name in FORMATS)
    return TaskDataError(f"{source.path}: is in no known format ({why}). Known are {known}")
