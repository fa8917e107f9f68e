"""Export and import of samples in our own form, as JSON Lines or Parquet."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from slm_mux.errors import InvalidRequestError, SlmMuxError, StoreError, TaskDataError
from slm_mux.store import jsonl, parquet
from slm_mux.store.connection import Connection
from slm_mux.store.damage import listed, name_damaged
from slm_mux.store.encoding import REMEDY
from slm_mux.store.flat import record_of, row_of
from slm_mux.store.records import records
from slm_mux.store.rows import Record
from slm_mux.store.store import Store
from slm_mux.wording import counted

Format = Literal["jsonl", "parquet"]


class ImportReport(Struct, frozen=True, kw_only=True):
    """What came out of a file."""

    rows: int
    new: int
    """Samples that the store had not."""
    tasks: tuple[str, ...]
    """In order of appearance."""


def export_samples(
    store: Store,
    path: str | os.PathLike[str],
    *,
    tasks: Iterable[str] | None = None,
    split: str | None = None,
) -> int:
    """Write samples to a file; it is there when it is whole.

    All rows are of one moment, however long it takes. A damaged sample is left out: an import must
    not bring it back as a sound one.

    Args:
        store: where they are.
        path: the file, whose name ends in .jsonl or .parquet; an older one is replaced.
        tasks: their names; all by default.
        split: only this one.

    Returns:
        How many rows were written.

    Raises:
        StoreError: a task is not in the store, a problem is damaged, or the file cannot be written.
            Also when the file is there, but without damaged samples; names them.
        InvalidRequestError: the name does not say the format.
    """
    path = Path(path)
    write = parquet.write if format_of(path) == "parquet" else jsonl.write
    names = [task.name for task in store.tasks()] if tasks is None else list(tasks)
    part = path.with_name(path.name + ".part")
    faults: dict[int, str] = {}
    with (
        contextlib.closing(Connection(store.path, create=False, read_only=True)) as connection,
        connection.snapshot() as db,
    ):
        found = (
            record
            for name in names
            for record in records(db, name, split, on_damage=faults.setdefault)
        )
        try:
            count = write(part, map(row_of, found))
            part.replace(path)
        except OSError as error:
            raise StoreError(f"{path}: it cannot be written: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)
        if faults:
            left_out = listed(list(name_damaged(db, list(faults.items()))), separator="\n  ")
            raise StoreError(
                f"{path}: {counted(count, 'sample')} written, "
                f"{counted(len(faults), 'damaged sample')} left out:\n  {left_out}\n"
                + REMEDY.format(store=f" {store.path}")
            )
    return count


def import_samples(
    store: Store,
    path: str | os.PathLike[str],
    *,
    task: str | None = None,
    format: Format | None = None,  # noqa: A002 (the option's name)
) -> ImportReport:
    """Read a file that `export_samples` wrote; all of it or, on any error, nothing.

    Args:
        store: where they go. What is there already stays.
        path: the file.
        task: the name the samples get instead of their task's own.
        format: by default what the file's name ends in.

    Raises:
        TaskDataError: the file is not of this form; starts with file and line.
        StoreError: the store cannot be written.
        InvalidRequestError: the name does not say the format.
    """
    path = Path(path)
    read = parquet.read if (format or format_of(path)) == "parquet" else jsonl.read
    rows = 0

    def found() -> Iterator[Record]:
        nonlocal rows
        for place, row in read(path):
            rows += 1
            yield _record_at(place, row, task)

    try:
        new, tasks = store.put_records(found())
    except OSError as error:
        raise TaskDataError(f"{path}: it cannot be read: {error.strerror or error}") from error
    return ImportReport(rows=rows, new=new, tasks=tuple(tasks))


def format_of(path: Path) -> Format:
    """Tell the format by the file's name.

    Raises:
        InvalidRequestError: it ends in neither .jsonl nor .parquet.
    """
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            return "jsonl"
        case ".parquet" | ".pq":
            return "parquet"
    raise InvalidRequestError(f"{path}: the name of the file has to end in .jsonl or .parquet")


def _record_at(place: str, fields: dict[str, Any], task: str | None) -> Record:
    try:
        return record_of(fields, task)
    except (SlmMuxError, ValueError, TypeError) as error:
        raise TaskDataError(f"{place}: {error}") from error
