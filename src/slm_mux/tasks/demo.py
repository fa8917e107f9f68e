"""The demo: 80 short problems of four kinds that come with the package."""

from importlib import resources
from pathlib import Path

import msgspec

from slm_mux.errors import InvalidRequestError
from slm_mux.tasks.base import Task, TaskOptions
from slm_mux.tasks.checks import Data, Draft, finish
from slm_mux.tasks.formats import read_rows
from slm_mux.tasks.rows import DataFile
from slm_mux.types import Problem


def load(data: Path | None, options: TaskOptions) -> Task:
    """Load the demo; its two splits have 40 problems each, the kinds in turn.

    Raises:
        InvalidRequestError: a path was given, or a split that is not there.
    """
    if data is not None:
        raise InvalidRequestError(
            "the demo's problems come with the package: give the path of your own file instead of "
            "the name demo"
        )
    content = resources.files("slm_mux.tasks").joinpath("demo.jsonl").read_bytes()
    file = DataFile("demo.jsonl", content)
    drafts = [Draft(row, msgspec.convert(row.values, Problem)) for row in read_rows(file)]
    if options.split is not None:
        drafts = [draft for draft in drafts if draft.problem.split == options.split]
        if not drafts:
            raise InvalidRequestError(
                f"demo has no split {options.split!r}: it has validation, test"
            )
    return finish("demo", drafts, Data((file,), "shipped with slm-mux"), options)
