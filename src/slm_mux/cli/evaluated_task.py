"""Which task an evaluation is about: one that the store has, by name or by file, or a new one.

A stored problem holds the question as it was asked, with prompt, choices and labels. So the options
that its file was read with are needed no more, nor is the file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from slm_mux.cli.console import messages, print_line
from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.evaluation.question import split_among
from slm_mux.evaluation.ranking import VALIDATION
from slm_mux.store.rows import TaskInfo
from slm_mux.store.store import Store
from slm_mux.tasks import TASKS, Task, TaskOptions, load_task
from slm_mux.types import Problem
from slm_mux.wording import counted

if TYPE_CHECKING:
    from slm_mux.cli.evaluating import Wanted


class TaskWanted(Protocol):
    """What a command line says of the task."""

    @property
    def task(self) -> str:
        """A name or a file."""
        ...

    @property
    def name(self) -> str | None:
        """The task's name in the store, if not its own."""
        ...

    @property
    def data(self) -> Path | None:
        """Where a benchmark's data is."""
        ...


def find_stored(store: Store, wanted: TaskWanted) -> TaskInfo | None:
    """Find a task in the store by its name, or by the name that `collect` gives a file's task.

    Raises:
        TaskDataError: a file is not what the task of its name was collected from.
        InvalidRequestError: a name was given for what has one.
    """
    known = {info.name: info for info in store.tasks()}
    path = _file(wanted.task)
    if wanted.name is None and wanted.task in known:
        return known[wanted.task]
    if wanted.task in TASKS:
        return known.get(wanted.name or wanted.task)
    if path is None:
        if wanted.name is not None:
            raise InvalidRequestError(
                f"--name goes with a file or a benchmark, and {wanted.task} is neither; give the "
                "name alone for a task that the store has"
            )
        return None
    return _of_file(store, wanted, path, known)


def task_to_ask(store: Store, wanted: "Wanted") -> tuple[str, Task]:
    """The problems that models are asked, and the task's name: those in the store, if it has it.

    Where --limit or --split asks for more than was collected, the rest is loaded.

    Raises:
        InvalidRequestError: there is no such task, split or file, or it has no questions.
        TaskDataError: a file is wrong, or not what was collected.
    """
    info = find_stored(store, wanted)
    if info is None or (wanted.data is not None and wanted.task in TASKS):
        loaded = _load_new(store, wanted)
        return wanted.name or loaded.name, loaded
    stored = Task(
        name=info.name,
        problems=tuple(store.problems(info.name)),
        source=info.source,
        sha256=info.sha256,
    )
    loadable = wanted.task in TASKS or _file(wanted.task) is not None
    if loadable and _asks_for_more(wanted, stored):
        stored = _with_the_rest(wanted, stored)
    return info.name, stored


def check_questions(store: Store, name: str, problems: Sequence[Problem]) -> None:
    """Refuse to ask problems that came without their questions.

    Raises:
        InvalidRequestError: some have none.
    """
    # An import puts the id in the place of a question that the logs do not hold.
    unknown = [one for one in problems if not one.question.strip() or one.question == one.id]
    if not unknown or all(info.name != name for info in store.tasks()):
        return
    if any(member.seed is not None for member in store.members(name)):
        return  # It was collected, so its questions are what they look like.
    raise InvalidRequestError(
        f"{name}: {len(unknown)} of {counted(len(problems), 'problem')} came without a question "
        f"({unknown[0].id}, for instance), so no model can be asked; evaluate what was imported "
        "with --offline"
    )


def _of_file(
    store: Store, wanted: TaskWanted, path: Path, known: Mapping[str, TaskInfo]
) -> TaskInfo | None:
    if _is_task_file(path):
        # It says itself how its data is read, so its problems can be compared.
        task = _load(wanted)
        if (info := known.get(task.name)) is None:
            return None
        same = info.sha256 == task.sha256 and _holds(task, store.problems(task.name))
    else:
        from slm_mux.tasks.sources import from_path
        from slm_mux.tasks.user import name_of_file

        if (info := known.get(wanted.name or name_of_file(path))) is None:
            return None
        same = info.sha256 == from_path(path).sha256
    if not same:
        raise TaskDataError(
            f"{wanted.task}: this is not what the store's task {info.name!r} was collected from "
            f"({info.source}), or has changed since. `slm-mux collect {wanted.task} --replace` "
            "(with its options) takes the problems as they are now, --name NAME makes another task "
            f"of them, and {info.name!r} in place of the file means those that the store has"
        )
    return info


def _load_new(store: Store, wanted: "Wanted") -> Task:
    """Load a task that the store does not have; an error names what would be understood."""
    file = _file(wanted.task)
    try:
        return _load(wanted)
    except InvalidRequestError as error:
        names = [each.name for each in store.tasks()]
        if wanted.task in TASKS or file is not None or not names:
            raise
        raise InvalidRequestError(f"{error}. The store has: {', '.join(names)}") from None
    except TaskDataError as error:
        if wanted.task in TASKS or file is None or _is_task_file(file):
            raise
        raise TaskDataError(
            f"{error}. Options that say which field is which go with `slm-mux collect`; `slm-mux "
            "eval` takes what that stored, as it was read"
        ) from None


def _asks_for_more(wanted: "Wanted", stored: Task) -> bool:
    if wanted.split is None and stored.splits == (VALIDATION,):
        # Collected to rank the models; what is to be evaluated is still to come.
        return True
    split = split_among(stored.splits, wanted.split)
    if split is not None and split not in stored.splits:
        return True
    return wanted.limit is not None and len(stored.select(split)) < wanted.limit


def _with_the_rest(wanted: "Wanted", stored: Task) -> Task:
    """Load the task whole; where that cannot be, or gives other problems, say so."""
    why = "`slm-mux collect`, with the options of the first time, adds others"
    try:
        loaded = _load(wanted)
    except (InvalidRequestError, TaskDataError) as error:
        if wanted.task in TASKS:
            why = str(error)
    else:
        if _holds(loaded, stored.problems):
            return loaded
    has = counted(len(stored.problems), "problem")
    print_line(
        messages(), f"note: the store has {has} of {stored.name}, and no more are read: {why}"
    )
    return stored


def _holds(task: Task, problems: Sequence[Problem]) -> bool:
    by_id = {problem.id: problem for problem in task.problems}
    return all(by_id.get(problem.id) == problem for problem in problems)


def _load(wanted: TaskWanted) -> Task:
    return load_task(wanted.task, data=wanted.data, options=TaskOptions(name=wanted.name))


def _is_task_file(path: Path) -> bool:
    return path.suffix.lower() in (".yaml", ".yml")


def _file(given: str) -> Path | None:
    """The file or folder of that name, if there is one."""
    path = Path(given).expanduser()
    try:
        return path if path.exists() else None
    except (OSError, ValueError):
        return None
