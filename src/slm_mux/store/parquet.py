"""Rows in Parquet. pyarrow is imported where it is used: it takes long to load."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slm_mux.errors import TaskDataError
from slm_mux.store.encoding import dump_json
from slm_mux.store.flat import COLUMNS, INTEGERS, NESTED

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 5000
_BATCH_CHARACTERS = 50_000_000
"""A column of a batch holds less than 2 GB even when every character takes four bytes."""


# Nested values are texts of JSON: a column has one type, whatever settings and messages hold.
def _schema() -> "pa.Schema":
    import pyarrow as pa

    def kind(name: str) -> "pa.DataType":
        if name == "seconds":
            return pa.float64()
        return pa.int64() if name in INTEGERS else pa.string()

    return pa.schema([(name, kind(name)) for name in COLUMNS])


def write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows; returns how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema()
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in _batches(rows):
            file.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    characters = 0
    for row in rows:
        flat = {
            name: dump_json(value) if name in NESTED and value is not None else value
            for name, value in row.items()
        }
        batch.append(flat)
        characters += sum(len(value) for value in flat.values() if isinstance(value, str))
        if len(batch) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def read(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (file and row, row), rows counted from 1.

    Raises:
        TaskDataError: it is not a Parquet file, or a nested column holds no JSON.
        OSError: the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=500):
                for row in batch.to_pylist():
                    number += 1
                    place = f"{path}: row {number}"
                    yield place, _nested(place, row)
    except pa.ArrowException as error:
        raise TaskDataError(f"{path}: it cannot be read as Parquet ({error})") from error


def _nested(place: str, row: dict[str, Any]) -> dict[str, Any]:
    for name in NESTED & row.keys():
        if row[name] is None:
            continue
        try:
            row[name] = json.loads(row[name])
        except (TypeError, json.JSONDecodeError) as error:
            raise TaskDataError(f"{place}: column {name} holds no JSON ({error})") from error
    return row
