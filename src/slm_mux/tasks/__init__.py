"""Tasks: data sets of problems by name, and the user's own files."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.tasks.base import TASKS, Task, TaskOptions, refuse_file_options
from slm_mux.wording import did_you_mean

__all__ = ["TASKS", "Task", "TaskOptions", "load_task"]

_DEFAULT = TaskOptions()
_Load = Callable[[Path | None, TaskOptions], Task]


def load_task(
    name_or_path: str, *, data: Path | None = None, options: TaskOptions = _DEFAULT
) -> Task:
    """Load a benchmark by name, or the user's own data file or task file by path.

    Args:
        name_or_path: one of `TASKS`; else the path of a data file (JSONL, JSON, CSV, TSV, Parquet)
            or of a task file (YAML).
        data: where the benchmark's data is; None: from the hub or a package. For a task file, in
            place of the path in it.
        options: how to read it.

    Raises:
        InvalidRequestError: there is no such task, or an option does not go with it.
        TaskDataError: the data is wrong or cannot be had.
    """
    if name_or_path in TASKS:
        refuse_file_options(name_or_path, options)
        return _benchmark(name_or_path, data, options)
    path = Path(name_or_path).expanduser()
    if not _exists(path):
        raise _unknown(name_or_path)
    if path.suffix.lower() in (".yaml", ".yml"):
        from slm_mux.tasks.task_file import load_task_file

        return load_task_file(path, data, options)
    if data is not None:
        raise InvalidRequestError(
            f"{name_or_path} is a data file itself; `data` goes with a task's name or a task file"
        )
    from slm_mux.tasks.user import load_data_file

    return load_data_file(path, options)


def _benchmark(name: str, data: Path | None, options: TaskOptions) -> Task:
    # Each benchmark is a module of its name, and only the one that is asked for is imported.
    load: _Load = import_module(f"slm_mux.tasks.{name}").load
    return load(data, options)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _unknown(name: str) -> InvalidRequestError | TaskDataError:
    if Path(name).suffix or "/" in name or "\\" in name:
        return TaskDataError(f"{name}: there is no such file")
    hint = did_you_mean(name, tuple(TASKS)) or f"; there are {', '.join(TASKS)}"
    return InvalidRequestError(
        f"there is no task {name!r} and no file of that name{hint}; for problems of your own give "
        "the path of a data file or a task file"
    )
