"""What is noticed as a store is opened, without reading all of it.

The cost does not depend on how much is stored: SQLite's own check of the header, the size of the
file, the names of the tables, and both ends of each table.
"""

import re
import sqlite3
from pathlib import Path

from slm_mux.errors import StoreError
from slm_mux.store.faults import damaged_file
from slm_mux.store.schema import MIGRATIONS, VERSION

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
"""Bytes."""

_NAMES = frozenset(
    name
    for step in MIGRATIONS
    for statement in step.statements
    for name in re.findall(r"^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)", statement)
)
_TABLES = (
    *("tasks", "problems", "configs", "prompts", "series", "members", "asked", "discussed"),
    *("samples", "texts", "failures", "stopped", "runs"),
)
_ENDS = (
    *((table, "rowid") for table in _TABLES),
    ("samples INDEXED BY samples_address", "series {0}, draw"),
    ("readings", "reader {0}, sample"),
    ("verdicts", "scorer {0}, answer {0}, target"),
)


def check_opened(db: sqlite3.Connection, path: Path, version: int) -> None:
    """Refuse a store that is visibly damaged; of an older one, only its size is known.

    Raises:
        StoreError: it is.
        sqlite3.DatabaseError: SQLite says so.
    """
    if complaint := cut_off(db, path):
        raise damaged_file(complaint, path)
    if version != VERSION:
        return
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if missing := sorted(_NAMES - names):
        raise damaged_file(f"it lacks {', '.join(missing)}", path)
    for table, key in _ENDS:
        for direction in ("ASC", "DESC"):
            order = key.format(direction)
            db.execute(f"SELECT 1 FROM {table} ORDER BY {order} {direction} LIMIT 1").fetchone()  # noqa: S608
    for table in ("texts", "failures"):
        # A new sample would take the number of the one that is gone.
        query = f"SELECT (SELECT max(sample) FROM {table}) > (SELECT max(id) FROM samples)"  # noqa: S608
        if db.execute(query).fetchone()[0]:
            raise damaged_file("the last samples are gone", path)


def cut_off(db: sqlite3.Connection, path: Path) -> str | None:
    """Say that the end of the file is gone, where that shows; SQLite reads zeros there."""
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        # What is whole may lie in the log.
        return None
    page = db.execute("PRAGMA page_size").fetchone()[0]
    return "its last page is cut off" if path.stat().st_size % page else None


def lay_over(db: sqlite3.Connection, version: int) -> bool:
    """Give a file of an older version that cannot be changed the tables it lacks, outside of it.

    Returns:
        Whether that can be done: not where the tables it has were different.
    """
    steps = MIGRATIONS[version:]
    statements = [statement for step in steps for statement in step.statements]
    if any(step.finish for step in steps) or not all(map(_TABLE.match, statements)):
        return False
    db.execute("PRAGMA temp_store = MEMORY")
    for statement in statements:
        db.execute(_TABLE.sub("CREATE TEMP TABLE ", statement))
    return True


_TABLE = re.compile("^CREATE TABLE ")


def unreadable(path: Path, *, read_only: bool) -> StoreError | None:
    """Explain why SQLite refuses a file as damaged; None for a file that is none of SQLite's.

    Args:
        path: the file.
        read_only: SQLite was to read what is left, and could not.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER)
    size = path.stat().st_size
    if not header or not _MAGIC.startswith(header[: len(_MAGIC)]):
        return None
    what, nothing_left = "the file is damaged", read_only
    if len(header) < _HEADER:
        what, nothing_left = f"all but its first {size} bytes are gone", True
    else:
        page = int.from_bytes(header[16:18], "big")
        whole = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
        if size < whole:
            what = f"the end of the file is gone, {size:,} of {whole:,} bytes are left"
    if not nothing_left:
        return damaged_file(what, path)
    return StoreError(
        f"{path}: {what}, and no sample can be read from it any more; put a copy in its place, or "
        "move it away: then `slm-mux import` of an export, or `slm-mux collect`, makes a new store"
    )
