"""Opening a store, and its transactions."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slm_mux.errors import StoreError
from slm_mux.store.faults import as_store_errors, store_error
from slm_mux.store.opening import check_opened, lay_over, unreadable
from slm_mux.store.schema import APPLICATION_ID, VERSION, migrate

BUSY_SECONDS = 60.0
"""How long a write waits for another program's before it is given up."""


class Connection:
    """One connection to a store file; threads may share it and then take turns.

    Args:
        path: the file.
        create: make the file when there is none.
        read_only: open without the right to write. What is left of a damaged file can then be
            read, too.
        busy_seconds: how long a write waits for another program's; >= 0.

    Raises:
        StoreError: the file is not there, not ours, newer than this program, locked or damaged.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        read_only: bool = False,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._lock = threading.RLock()
        self._writing = False
        _check_path(path, create=create and not read_only)
        with as_store_errors(path):
            try:
                self.db = _connect(path, read_only=read_only, busy_seconds=busy_seconds)
                self._open(create=create, read_only=read_only, busy_seconds=busy_seconds)
            except sqlite3.DatabaseError as error:
                code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
                damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
                if damaged and (explained := unreadable(path, read_only=read_only)):
                    raise explained from error
                raise

    def _open(self, *, create: bool, read_only: bool, busy_seconds: float) -> None:
        try:
            self._prepare(create=create, read_only=read_only, busy_seconds=busy_seconds)
        except BaseException:
            self.db.close()
            raise

    def _prepare(self, *, create: bool, read_only: bool, busy_seconds: float) -> None:
        version = _version(self.db, self.path)
        if version is None and (read_only or not create):
            raise StoreError(f"{self.path}: it is empty, not a store of samples; give another")
        if read_only:
            if not lay_over(self.db, version or 0):
                raise StoreError(
                    f"{self.path}: it has the tables of an older version and cannot be changed; "
                    "open it once where it can be written"
                )
            return
        check_opened(self.db, self.path, version or 0)
        _enter_wal(self.db, busy_seconds)
        # FULL: a commit returns when the disk has it. fullfsync asks macOS for the same.
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA fullfsync = ON")
        self.db.execute("PRAGMA foreign_keys = ON")
        # Fewer, larger checkpoints: 16 MB of log.
        self.db.execute("PRAGMA wal_autocheckpoint = 4000")
        if version != VERSION:
            with self.writing():
                # Another program may have done it while this one waited for its turn.
                migrate(self.db, _version(self.db, self.path) or 0)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Take this connection's turn; for one statement, see `snapshot`.

        Raises:
            StoreError: in the place of sqlite3's errors.
        """
        with self._lock, as_store_errors(self.path):
            yield self.db

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Take this connection's turn; all that is read within is one moment's state.

        Raises:
            StoreError: in the place of sqlite3's errors.
        """
        with self._lock, as_store_errors(self.path):
            if self.db.in_transaction:
                yield self.db
                return
            self.db.execute("BEGIN")
            try:
                yield self.db
            finally:
                # SQLite ends a transaction itself on some errors.
                if self.db.in_transaction:
                    self.db.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: commit, durably, at the end, or roll back on any error.

        Within another `writing` of the same thread it is a part of that, undone alone on an error.

        Raises:
            StoreError: in the place of sqlite3's errors.
        """
        with self._lock, as_store_errors(self.path):
            if self._writing:
                yield from self._within()
                return
            # IMMEDIATE: a transaction that began by reading could not wait for another writer.
            self.db.execute("BEGIN IMMEDIATE")
            self._writing = True
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
            finally:
                self._writing = False

    def _within(self) -> Iterator[sqlite3.Connection]:
        self.db.execute("SAVEPOINT part")
        try:
            yield self.db
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK TO part")
            raise
        finally:
            if self.db.in_transaction:
                self.db.execute("RELEASE part")

    def close(self) -> None:
        """Close; what was committed is in the file. Closing twice is allowed."""
        with self._lock:
            self.db.close()


def _check_path(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"{path}: it is a folder; give a file")
    if not path.exists():
        if not create:
            raise StoreError(f"{path}: there is no such file")
        if not path.parent.is_dir():
            raise StoreError(f"{path}: there is no folder {path.parent}; create it first")


def _connect(path: Path, *, read_only: bool, busy_seconds: float) -> sqlite3.Connection:
    location = path.absolute().as_uri()

    def connect(options: str) -> sqlite3.Connection:
        db = sqlite3.connect(
            location + options,
            uri=True,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        # A damaged page is found when it is read, rather than misread.
        db.execute("PRAGMA cell_size_check = ON")
        if read_only:
            # Without this SQLite reads nothing of a file whose end is gone.
            db.execute("PRAGMA writable_schema = ON")
        return db

    if not read_only:
        return connect("")
    db = connect("?mode=ro")
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        # In a folder that cannot be written, SQLite cannot make the files that readers and writers
        # agree through. Without a write-ahead log there is nobody to agree with.
        log = Path(f"{path}-wal")
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if log.exists() and log.stat().st_size:
            raise store_error(error, path) from error
        return connect("?mode=ro&immutable=1")
    return db


def _version(db: sqlite3.Connection, path: Path) -> int | None:
    """Return the file's version, None for one without tables, or refuse what is not ours."""
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if not tables and application in (0, APPLICATION_ID):
        return None
    if application != APPLICATION_ID:
        raise StoreError(
            f"{path}: it is another program's SQLite file, not a store of samples; give another "
            "with --store"
        )
    if version > VERSION:
        raise StoreError(
            f"{path}: it was written by a newer slm-mux (tables of version {version}; this one "
            f"knows {VERSION}); upgrade with: pip install -U slm-mux"
        )
    return version


def _enter_wal(db: sqlite3.Connection, busy_seconds: float) -> None:
    # Two programs that create one file at the same moment: SQLite does not wait here by itself.
    give_up = time.monotonic() + busy_seconds
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return
