"""Which problems a table of the paper is run on: those of the store, of a file, or of the hub."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from slm_mux.cli.console import messages, print_line
from slm_mux.cli.evaluated_task import check_questions, find_stored
from slm_mux.cli.stored_task import stored_name
from slm_mux.errors import InvalidRequestError, StoreError, TaskDataError
from slm_mux.store.store import Store
from slm_mux.tasks import TASKS, Task, load_task
from slm_mux.tasks.formats import form_of
from slm_mux.wording import counted

_WITH_PACKAGE = "demo"


class OneTask(Struct, frozen=True, kw_only=True):
    """What the command line says of one task, and where its samples are."""

    task: str
    store: Path | None
    offline: bool
    data: Path | None
    name: ClassVar[None] = None
    can_draw: ClassVar[bool] = True

    @property
    def live(self) -> bool:
        """Whether draws may be made."""
        return not self.offline


def data_of(task: str, folder: Path | None, *, alone: bool) -> Path | None:
    """Find a benchmark's data in a folder: a folder or a file of its name.

    Args:
        task: as the command line names it.
        folder: that --data names.
        alone: whether it is the only task; then the folder itself may be its data.

    Returns:
        None where it is to be fetched, or needs no data.

    Raises:
        TaskDataError: there is no such folder.
    """
    if folder is None or task not in TASKS or task == _WITH_PACKAGE:
        return None
    if not folder.exists():
        raise TaskDataError(f"{folder}: there is no such folder; --data names it")
    if folder.is_dir():
        if (own := folder / task).is_dir():
            return own
        files = [path for path in sorted(folder.glob(f"{task}.*")) if form_of(path.name)]
        if files:
            return files[0]
    if alone:
        return folder
    print_line(messages(), f"{task}: there is nothing of that name in {folder}, so it is fetched")
    return None


def problems_of(one: OneTask, path: Path) -> tuple[str, Task]:
    """The task's name in the store, and its problems: all that are known.

    Args:
        one: the task.
        path: of the store, which need not be there.

    Raises:
        StoreError: offline, there is no such store or task.
        TaskDataError: the data is wrong, or cannot be had and is not in the store.
        InvalidRequestError: there is no such task, or its problems have no questions.
    """
    if one.offline and not path.exists():
        raise StoreError(
            f"{path}: there is no such file; without --offline the samples are drawn into it"
        )
    with opened(path) as store:
        info = None if store is None else find_stored(store, one)
        if store is not None and one.offline:
            name = stored_name(store, one)
            info = next(each for each in store.tasks() if each.name == name)
        if store is None or info is None:
            loaded = _loaded(one)
            return loaded.name, loaded
        stored = Task(
            name=info.name,
            problems=tuple(store.problems(info.name)),
            source=info.source,
            sha256=info.sha256,
        )
        if one.offline:
            return info.name, stored
        task = _whole(one, stored)
        check_questions(store, info.name, task.problems)
        return info.name, task


@contextmanager
def opened(path: Path) -> Iterator[Store | None]:
    """Open the store to look at it, where there is one."""
    # A program that was killed as it made the store left an empty file.
    if not path.exists() or not path.stat().st_size:
        yield None
        return
    with Store.open_to_read(path) as store:
        yield store


def _whole(one: OneTask, stored: Task) -> Task:
    """Load the task whole, since the store may have a part; where that cannot be, say so."""
    try:
        loaded = _loaded(one)
    except (InvalidRequestError, TaskDataError) as error:
        why = str(error)
    else:
        by_id = {problem.id: problem for problem in loaded.problems}
        if all(by_id.get(problem.id) == problem for problem in stored.problems):
            return loaded
        why = "the data has other problems now"
    print_line(
        messages(),
        f"note: the store has {counted(len(stored.problems), 'problem')} of {stored.name}, and no "
        f"more are read: {why}",
    )
    return stored


def _loaded(one: OneTask) -> Task:
    task = load_task(one.task, data=one.data)
    for issue in _few(task.issues):
        print_line(messages(), f"warning: {issue}", style="yellow")
    if not task.problems:
        raise InvalidRequestError(f"{task.name}: there are no problems")
    return task


def _few(issues: Sequence[str]) -> list[str]:
    more = len(issues) - 5
    return [*issues[:5], *([f"… and {counted(more, 'more such warning')}"] if more > 0 else [])]
