"""sqlite3's errors as sentences: what was wrong with which file, and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slm_mux.errors import StoreError

_SENTENCES = {
    sqlite3.SQLITE_BUSY: (
        "another program is writing to it and did not finish in time; wait for it, or stop it, and "
        "run this again"
    ),
    sqlite3.SQLITE_LOCKED: "it is locked by another connection; close that and run this again",
    sqlite3.SQLITE_READONLY: (
        "it cannot be written; check the rights of the file and of its folder, or give another "
        "with --store"
    ),
    sqlite3.SQLITE_PERM: "it may not be opened; check the rights of the file and of its folder",
    sqlite3.SQLITE_IOERR: "the disk reported an error; check the disk, then run store verify",
    sqlite3.SQLITE_CORRUPT: (
        "the file is damaged; store verify says which samples, and can save the rest"
    ),
    sqlite3.SQLITE_FULL: (
        "the disk is full; nothing of this batch was stored, everything before it was; free some "
        "space and run this again"
    ),
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the folder, and the rights to write there",
    sqlite3.SQLITE_NOTADB: (
        "it is not a store of samples (nor a SQLite file); give another with --store"
    ),
    sqlite3.SQLITE_TOOBIG: "a text is longer than SQLite allows (about 1 GB)",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
}


def store_error(error: sqlite3.Error | OverflowError, path: Path) -> StoreError:
    """Say in one sentence what happened to the store at `path`."""
    code = getattr(error, "sqlite_errorcode", None)
    sentence = None if code is None else _SENTENCES.get(code & 0xFF)
    if sentence is None and isinstance(error, OverflowError):
        sentence = "a number does not fit in 64 bits"
    if sentence is None and "closed database" in str(error):
        sentence = "it has been closed"
    return StoreError(f"{path}: {sentence or f'SQLite reports: {error}'}")


@contextmanager
def as_store_errors(path: Path) -> Iterator[None]:
    """Raise sqlite3's errors as StoreError."""
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        raise store_error(error, path) from error
