"""Files of model weights on this machine: is it a GGUF, is it the right one, is there room.

A file's sha256 is computed once and remembered with its size and modification time, so that a
gigabyte is not read again at each start.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from slm_mux.errors import HashMismatchError, WeightsError

Progress = Callable[[int, int | None, str], None]
"""Called with (bytes done, bytes in all or None, what is being done), several times a second.

Whatever it raises stops the work, is passed on, and loses nothing that was finished.
"""

CHUNK = 2**20
"""Bytes read or written at a time."""

_MAGIC = b"GGUF"


class SourceError(WeightsError):
    """One source did not give the file; another may."""


class Remembered(Struct, frozen=True):
    """The sha256 of a file as it was at one moment."""

    path: str
    bytes: int
    mtime_ns: int
    sha256: str


def quiet(_done: int, _total: int | None, _what: str) -> None:
    """Show no progress."""


def check_gguf(path: Path) -> None:
    """Check that there is a file with a GGUF's first bytes.

    Raises:
        WeightsError: there is not, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file; give the path of a GGUF file") from None
    except OSError as error:
        raise WeightsError(f"{path}: it cannot be read ({error.strerror})") from error
    if start != _MAGIC:
        raise WeightsError(
            f"{path}: it is not a GGUF file (it starts with {start!r}); "
            "give a model in llama.cpp's GGUF format"
        )


def sha256_of(path: Path, *, memory: Path | None = None, progress: Progress = quiet) -> str:
    """Compute a file's sha256, or recall it.

    Args:
        path: the file.
        memory: the folder in which hashes are remembered; None to compute it in any case.
        progress: bytes read.
    """
    path = path.resolve()
    status = path.stat()
    note = None
    if memory is not None:
        note = memory / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
        with contextlib.suppress(OSError, msgspec.DecodeError):
            known = msgspec.json.decode(note.read_bytes(), type=Remembered)
            if (known.path, known.bytes, known.mtime_ns) == (
                str(path),
                status.st_size,
                status.st_mtime_ns,
            ):
                return known.sha256
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(done, status.st_size, "checking the sha256")
    found = digest.hexdigest()
    if note is not None:
        remembered = Remembered(str(path), status.st_size, status.st_mtime_ns, found)
        # A cache that cannot be written costs time, not correctness.
        with contextlib.suppress(OSError):
            write_atomically(note, msgspec.json.encode(remembered))
    return found


def check_sha256(path: Path, expected: str, found: str, *, remedy: str) -> None:
    """Compare two hashes.

    Raises:
        HashMismatchError: they differ.
    """
    if found != expected:
        raise HashMismatchError(
            f"{path}: its sha256 is {found}, but {expected} is expected; {remedy}"
        )


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a finished file onto its name, once its bytes are on the disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def check_room(folder: Path, needed: int) -> None:
    """Check that a folder's disk has room.

    Raises:
        WeightsError: it has not; the message says how much is needed, and where.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise no_room(folder, needed, free)


def no_room(folder: Path, needed: int, free: int | None = None) -> WeightsError:
    """Make the error of a full disk."""
    there = "" if free is None else f" and {_megabytes(free)} are free"
    return WeightsError(
        f"{folder}: the disk is full: {_megabytes(needed)} are needed{there}; "
        "make room, or set SLM_MUX_CACHE to a folder on another disk"
    )


@contextlib.contextmanager
def full_disk_explained(folder: Path, needed: int) -> Iterator[None]:
    """Turn the error of a disk that filled up meanwhile into a WeightsError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(folder, needed) from error
        raise


@contextlib.contextmanager
def only_one_process(lock: Path, *, progress: Progress = quiet) -> Iterator[None]:
    """Hold a lock file; while another process holds it, wait.

    Where the system has no flock (Windows, some network disks) nothing is held: then a file may be
    fetched twice, and the second takes the place of the first.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with lock.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    break
                progress(0, None, "waiting for another process that fetches it")
                time.sleep(0.1)
        yield


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
