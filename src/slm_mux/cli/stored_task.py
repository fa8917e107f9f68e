"""The store that a command reads its samples from, the task in it, and progress bars meanwhile."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from slm_mux.cli.console import messages
from slm_mux.cli.evaluated_task import TaskWanted, find_stored
from slm_mux.cli.options import DEFAULT_STORE
from slm_mux.errors import StoreError
from slm_mux.store.store import Store

if TYPE_CHECKING:
    from rich.progress import Progress


class StoreWanted(TaskWanted, Protocol):
    """What a command line says of the store."""

    @property
    def store(self) -> Path | None:
        """None leaves the choice to the rules."""
        ...

    @property
    def live(self) -> bool:
        """Whether draws may be made."""
        ...

    @property
    def can_draw(self) -> bool:
        """Whether the command draws what is missing, given a pool file."""
        ...


def store_path(wanted: StoreWanted) -> Path:
    """The store to use: the one given, ./samples.db, else for demo the recording that is shipped.

    Raises:
        StoreError: the recording cannot be unpacked.
    """
    if wanted.store is not None:
        return wanted.store
    if wanted.task == "demo" and not wanted.live and not _has_task(DEFAULT_STORE, "demo"):
        from slm_mux.evaluation.recording import recorded_store

        return recorded_store()
    return DEFAULT_STORE


def open_store(path: Path, wanted: StoreWanted) -> Store:
    """Open the store; a new one is made only where draws may be.

    Raises:
        StoreError: there is no such file, or it is no store.
    """
    if wanted.live:
        return Store.open(path)
    if not path.exists():
        raise StoreError(f"{path}: there is no such file. {_how_to_fill(wanted)}")
    return Store.open_to_read(path)


def stored_name(store: Store, wanted: StoreWanted) -> str:
    """Name the task in the store.

    Raises:
        StoreError: it has no such task.
        TaskDataError: a file is not what the task of its name was collected from.
        InvalidRequestError: a name was given for what has one.
    """
    info = find_stored(store, wanted)
    if info is None:
        names = ", ".join(each.name for each in store.tasks()) or "none"
        raise StoreError(
            f"{store.path}: it has no task {wanted.name or wanted.task!r}, only: {names}. "
            + _how_to_fill(wanted)
        )
    return info.name


def store_with_runs() -> Path:
    """The store whose runs are meant where none is given: ./samples.db, else the recording."""
    if DEFAULT_STORE.exists():
        return DEFAULT_STORE
    from slm_mux.evaluation.recording import recordings_folder

    unpacked = sorted(
        recordings_folder().glob("demo-*.db"), key=lambda path: path.stat().st_mtime_ns
    )
    return unpacked[-1] if unpacked else DEFAULT_STORE


def _has_task(path: Path, task: str) -> bool:
    if not path.exists():
        return False
    with Store.open_to_read(path) as store:
        return any(info.name == task for info in store.tasks())


def _how_to_fill(wanted: StoreWanted) -> str:
    collect = f"`slm-mux collect {wanted.task}` draws its samples"
    if wanted.can_draw:
        return f"{collect}, `slm-mux import` takes logs that you have, and --pool draws too"
    return f"{collect}, and `slm-mux import` takes logs that you have"


class WorkBar:
    """A progress bar per kind of work, on a terminal."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._bars: dict[str, Any] = {}

    def __enter__(self) -> "WorkBar":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Make room for another display; what is shown later begins anew."""
        progress, self._progress = self._progress, None
        self._bars.clear()
        if progress is not None:
            progress.stop()

    def show(self, what: str, done: int, total: int) -> None:
        """Show how much of some work is done; nothing where it is nothing."""
        if total == 0 or not sys.stderr.isatty():
            return
        if self._progress is None:
            from rich.progress import Progress

            self._progress = Progress(console=messages(), transient=True)
            self._progress.start()
        if what not in self._bars:
            self._bars[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._bars[what], completed=done, total=total)
