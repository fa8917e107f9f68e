"""Texts that a saved store cannot take, kept beside it in a readable file."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slm_mux.errors import SlmMuxError, StoreError
from slm_mux.store.damage import SERIES_DAMAGED, DamagedSample
from slm_mux.store.packing import unpack

_SUFFIX = ".left.jsonl"


def write_left(
    db: sqlite3.Connection, to: sqlite3.Connection, samples: Sequence[DamagedSample]
) -> tuple[int, str | None]:
    """Write the texts of damaged samples, as far as they can be read, beside the new store.

    One JSON object a line; `whole` says whether the checksum proved the text. It is no file of
    samples: an import would make sound samples of texts that may be anything.

    Returns:
        How many there are, and the file; None where there are none.

    Raises:
        StoreError: the file exists, or cannot be written.
    """
    path = Path(f"{to.execute('PRAGMA database_list').fetchone()[2]}{_SUFFIX}")
    count = 0
    try:
        for sample in samples:
            texts = _texts(db, sample.sample_id)
            if texts is None:
                continue
            with path.open("a" if count else "x", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(_row(sample, *texts)) + "\n")
            count += 1
    except OSError as error:
        raise StoreError(f"{path}: it cannot be written: {error.strerror or error}") from error
    return count, str(path) if count else None


def _texts(db: sqlite3.Connection, sample: int) -> tuple[str, str | None] | None:
    try:
        row = db.execute("SELECT body, reasoning FROM texts WHERE sample = ?", (sample,)).fetchone()
        return row and (unpack(row[0]), None if row[1] is None else unpack(row[1]))
    except (sqlite3.DatabaseError, SlmMuxError):
        return None


def _row(sample: DamagedSample, text: str, reasoning: str | None) -> dict[str, Any]:
    return {
        "places": [
            {"task": place.task, "problem": place.problem, "model": place.member}
            for place in sample.places
        ],
        "series": sample.series,
        "draw": sample.draw,
        "whole": sample.reason == SERIES_DAMAGED,
        "reason": sample.reason,
        "text": text,
        "reasoning": reasoning,
    }
