"""The user's own data: a file whose fields are named like ours, or named by the options."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec

from slm_mux.questions import check_name
from slm_mux.tasks.base import TASKS, Task, TaskOptions
from slm_mux.tasks.checks import Data, Draft, finish
from slm_mux.tasks.fields import FieldReader
from slm_mux.tasks.formats import read_rows
from slm_mux.tasks.rows import Row
from slm_mux.tasks.sources import from_path
from slm_mux.types import ProblemKind


def load_data_file(path: Path, options: TaskOptions) -> Task:
    """Load a data file, or a folder of files named by their split.

    The task has the options' name, else the file's.

    Raises:
        TaskDataError: the data is wrong.
        InvalidRequestError: an option is.
    """
    name = options.name or name_of_file(path)
    return load_data(name, from_path(path, split=options.split), options)


def name_of_file(path: Path) -> str:
    """Give the name that a data file's task has where none is given: the file's, before its dot."""
    name = path.resolve().name
    stem = name.partition(".")[0]
    # A benchmark's name stays the benchmark's: samples of both may lie in one store.
    return stem if stem and stem not in TASKS else name


def load_data(
    name: str,
    data: Data,
    options: TaskOptions,
    *,
    split_of: Callable[[Row, str | None, str], str | None] | None = None,
) -> Task:
    """Make a task of rows in the user's own form.

    Args:
        name: the task's.
        data: its files.
        options: the fields' names, the kind, the labels, the prompt.
        split_of: given a row, the split it states, and its question, the split it belongs to.

    Raises:
        TaskDataError: the data is wrong.
        InvalidRequestError: an option is.
    """
    if options.kind is not None:
        check_name("kind", options.kind, get_args(ProblemKind))
    reader = FieldReader(options)
    drafts = []
    for file in data.files:
        for row in read_rows(file):
            problem = reader.problem(row, file.split)
            if split_of is not None:
                split = split_of(row, problem.split, problem.question)
                problem = msgspec.structs.replace(problem, split=split)
            drafts.append(Draft(row, problem))
    return finish(name, drafts, data, options, notes=reader.notes())
