"""Where a benchmark's data comes from: a path, the hub, or a package of the package index.

Nothing is fetched before a task is loaded. What was fetched is kept in `tasks` in the folder that
SLM_MUX_CACHE names, else in the user's cache folder, and taken from there the next time.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

from slm_mux.errors import InvalidRequestError, TaskDataError, WeightsError
from slm_mux.tasks.checks import Data
from slm_mux.tasks.formats import form_of
from slm_mux.tasks.rows import DataFile, read_file
from slm_mux.wording import did_you_mean

_OFFICIAL = {"train": "validation", "validation": "validation", "dev": "validation", "test": "test"}
_REVISION = "main"
"""Of every data set on the hub."""
_WORD = re.compile(r"[a-z]+")


def split_named(name: str | None) -> str | None:
    """Give the split that an official name stands for; what was trained on serves as validation."""
    return _OFFICIAL.get(name.lower(), name) if name else None


def split_of_file(name: str) -> str | None:
    """Find `train`, `dev`, `validation` or `test` among the words of a file's name."""
    words = _WORD.findall(Path(name).name.lower())
    return next((split for word, split in _OFFICIAL.items() if word in words), None)


def from_path(path: Path, *, split: str | None = None) -> Data:
    """Read the data file at a path, or a folder's files that are named by their split.

    Args:
        path: a file, or a folder with for instance train.jsonl and test.jsonl.
        split: of a folder, the one split to read; of a file, its problems' split (else the one in
            its name).

    Raises:
        TaskDataError: there is none.
    """
    wanted = split_named(split)
    if not path.is_dir():
        file = read_file(path)
        placed = DataFile(file.name, file.content, wanted or split_of_file(file.name))
        return Data((placed,), str(path))
    found = {
        file: named
        for file in sorted(path.iterdir())
        if form_of(file.name) and (named := split_of_file(file.name)) and file.is_file()
    }
    files = sorted((named != "validation", file) for file, named in found.items())
    placed_files = tuple(
        DataFile(str(file), read_file(file).content, found[file])
        for _, file in files
        if wanted in (None, found[file])
    )
    if not placed_files:
        which = f"for the split {wanted!r}" if wanted else "with train, validation or test"
        raise TaskDataError(f"{path}: no data file {which} in its name in this folder")
    names = ", ".join(Path(file.name).name for file in placed_files)
    return Data(placed_files, f"{path} ({names})")


def from_hub(
    task: str,
    repo: str,
    files: Mapping[str, str],
    *,
    split: str | None = None,
    tried: Sequence[str] = (),
) -> Data:
    """Fetch a data set's files from the Hugging Face hub, or take them from the cache.

    Args:
        task: named in messages.
        repo: `owner/name` of a data set.
        files: a file for each split; the split "" stands for none.
        split: the one split to read.
        tried: why other sources gave nothing, for the message.

    Raises:
        InvalidRequestError: there is no such split.
        TaskDataError: the hub cannot be reached, or refuses, or a file cannot be kept.
    """
    wanted = split_named(split)
    if wanted is not None and "" not in files:
        if wanted not in files:
            hint = did_you_mean(wanted, tuple(files))
            raise InvalidRequestError(
                f"{task} has no split {split!r}: it has {', '.join(files)}{hint}"
            )
        files = {wanted: files[wanted]}
    placed = []
    for named, file in files.items():
        try:
            path = _kept(repo, file)
        except WeightsError as error:
            raise unavailable(task, [*tried, str(error)]) from None
        except OSError as error:
            reason = f"{cache_folder()} cannot be written: {error.strerror or error}"
            raise unavailable(task, [*tried, reason]) from None
        name = f"hub:{repo}@{_REVISION}/{file}"
        placed.append(DataFile(name, read_file(path).content, named or wanted))
    return Data(tuple(placed), f"hub {repo}@{_REVISION} {', '.join(files.values())}")


def cache_folder() -> Path:
    """Name the folder in which fetched data sets are kept."""
    base = os.environ.get("SLM_MUX_CACHE") or platformdirs.user_cache_dir("slm-mux")
    return Path(base) / "tasks"


def unavailable(task: str, reasons: Sequence[str]) -> TaskDataError:
    """Make the error of a data set that no source gave."""
    return TaskDataError(
        f"{task}: its data could not be had ({'; '.join(reasons)}); download it yourself and give "
        f"its path with --data PATH (in Python: data=Path(...))"
    )


def _kept(repo: str, file: str) -> Path:
    """Give the path of a hub's file in the cache, fetched first where it is missing."""
    # The hub's client comes with urllib and http; only a download needs it.
    from slm_mux.models.catalogue import HubFile
    from slm_mux.models.files import only_one_process, put_in_place
    from slm_mux.models.hub import download

    folder = cache_folder() / repo.replace("/", "--") / _REVISION
    path = folder / file
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with only_one_process(folder / ".lock"):
        if not path.is_file():
            partial = path.with_name(path.name + ".partial")
            # The hub serves data sets beside models, under a path of their own.
            download(HubFile(f"datasets/{repo}", _REVISION, file), partial)
            put_in_place(partial, path)
    return path
