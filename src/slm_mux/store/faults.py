"""sqlite3's errors as sentences: what was wrong with which file, and what to do."""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slm_mux.errors import StoreError
from slm_mux.store.encoding import REMEDY, DamageError

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
    sqlite3.SQLITE_IOERR: (
        "the disk reported an error; check the disk, then run `slm-mux store verify`"
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


_OF_READING = "could not decode to utf-8"
"""How Python's sqlite3 begins the error, which has no code, of a text that is none."""


def store_error(error: sqlite3.Error | OverflowError, path: Path) -> StoreError:
    """Say in one sentence what happened to the store at `path`."""
    code = getattr(error, "sqlite_errorcode", None)
    if _is_damage(error):
        return damaged_file("the file is damaged", path)
    if code is not None and (limit := _file_size_limit(code, path)) is not None:
        # Like a full disk: what could not be written now can be later, and is tried again.
        error.sqlite_errorcode = sqlite3.SQLITE_FULL  # type: ignore[union-attr]
        return StoreError(
            f"{path}: a file may have {limit:,} bytes at most here (ulimit -f), and that is "
            "reached; nothing of this batch was stored, everything before it was; raise the limit "
            "and run this again"
        )
    sentence = None if code is None else _SENTENCES.get(code & 0xFF)
    if sentence is None and isinstance(error, OverflowError):
        sentence = "a number does not fit in 64 bits"
    if sentence is None and "closed database" in str(error):
        sentence = "it has been closed"
    return StoreError(f"{path}: {sentence or f'SQLite reports: {error}'}")


def damaged_file(what: str, path: Path) -> StoreError:
    """Make the error of a damaged store, with the remedy."""
    return StoreError(f"{path}: {what}; {REMEDY.format(store=f' {path}')}")


def _is_damage(error: sqlite3.Error | OverflowError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return str(error).lower().startswith(_OF_READING)
    return bool(code & 0xFF == sqlite3.SQLITE_CORRUPT)


def _file_size_limit(code: int, path: Path) -> int | None:
    """Return the limit on a file's size that a write has met; None where it met none.

    SQLite does not tell such a file from a broken disk.
    """
    if code != sqlite3.SQLITE_IOERR_WRITE or sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    largest = 0
    for file in (path, Path(f"{path}-wal")):
        with contextlib.suppress(OSError):
            largest = max(largest, file.stat().st_size)
    return limit if largest + _LARGEST_WRITE > limit else None


_LARGEST_WRITE = 2**16
"""Of SQLite: a page."""


@contextmanager
def as_store_errors(path: Path) -> Iterator[None]:
    """Raise sqlite3's errors as StoreError, and name the file where something in it is damaged."""
    try:
        yield
    except DamageError as error:
        raise damaged_file(f"the store is damaged: {error.what}", path) from error
    except (sqlite3.Error, OverflowError) as error:
        raise store_error(error, path) from error
