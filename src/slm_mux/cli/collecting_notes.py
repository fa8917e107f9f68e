"""What `slm-mux collect` says of a task's data before it draws."""

from collections.abc import Sequence

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.errors import InvalidRequestError
from slm_mux.store.store import Store
from slm_mux.tasks import Task
from slm_mux.wording import counted

_ISSUES = 5
"""Shown at most."""
_NAMES = 3
"""Of problems, shown at most."""


def tell_issues(console: Console, task: Task) -> None:
    """Say what is wrong with the data.

    Raises:
        InvalidRequestError: there are no problems.
    """
    for issue in task.issues[:_ISSUES]:
        print_line(console, f"warning: {issue}", style="yellow")
    if (more := len(task.issues) - _ISSUES) > 0:
        console.print(f"… and {counted(more, 'more such warning')}")
    if not task.problems:
        raise InvalidRequestError(f"{task.name}: there are no problems")


def notes_of(task: Task, name: str, store: Store | None, *, replace: bool) -> Sequence[str]:
    """What was done to the data, and which problems of the store it does not have.

    Args:
        task: the data, whole.
        name: the task's, in the store.
        store: where the task may be.
        replace: whether the store's problems become the data's.
    """
    left = [] if store is None else _left(task, name, store)
    if not left:
        return task.notes
    names = ", ".join(left[:_NAMES]) + (", …" if len(left) > _NAMES else "")
    one = len(left) == 1
    what = f"{counted(len(left), 'problem')} in the store {'is' if one else 'are'} not in this data"
    if replace:
        then = f"{'it leaves' if one else 'they leave'} the task; the samples stay in the store"
    else:
        then = (
            f"{'it stays' if one else 'they stay'} part of the task; --replace leaves exactly the "
            "data's"
        )
    return (*task.notes, f"{what} ({names}): {then}")


def _left(task: Task, name: str, store: Store) -> list[str]:
    if all(info.name != name for info in store.tasks()):
        return []
    there = {problem.id for problem in task.problems}
    return [problem.id for problem in store.problems(name) if problem.id not in there]
