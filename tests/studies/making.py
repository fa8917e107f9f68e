"""Stores for the tests of studies, and studying them."""

from pathlib import Path
from typing import Any

from slm_mux.evaluation.question import Question
from slm_mux.store import Store
from slm_mux.studies.rules import SearchRules
from slm_mux.studies.scaling_task import ScaleRules, scale_task
from slm_mux.studies.searching import search_task
from slm_mux.types import Problem
from tests.evaluation.making import TASK, Drawn, problem, reading_and_scoring, stored

RIGHT, WRONG, TORN = ["7"] * 3, ["8"] * 3, ["8", "7", "9"]
VALIDATION = [f"v{number}" for number in range(4)]
TESTED = [f"t{number}" for number in range(4)]

DRAWN: Drawn = {
    "a": dict(zip(VALIDATION, (RIGHT, RIGHT, TORN, WRONG), strict=True))
    | dict(zip(TESTED, (RIGHT, RIGHT, RIGHT, WRONG), strict=True)),
    "b": dict(zip(VALIDATION, (TORN, TORN, RIGHT, TORN), strict=True))
    | dict(zip(TESTED, (TORN, RIGHT, TORN, RIGHT), strict=True)),
    "c": dict(zip(VALIDATION, (WRONG, RIGHT, TORN, RIGHT), strict=True))
    | dict(zip(TESTED, (RIGHT, WRONG, WRONG, WRONG), strict=True)),
}
"""On validation, {a, b} and {b, c} cover three problems and contradict none; all three models cover
four and contradict two. Held out, a and b contradict each other on the last problem, where a has
the better record and is wrong."""


def both_splits() -> list[Problem]:
    """Four problems of each split."""
    return [
        *(problem(name, split="validation") for name in VALIDATION),
        *(problem(name, split="test") for name in TESTED),
    ]


def two_splits(path: Path, drawn: Drawn = DRAWN) -> Store:
    """A store of the toy task with a validation and a test split."""
    return stored(path, both_splits(), drawn)


def one_split(path: Path, drawn: Drawn) -> Store:
    """A store of the toy task without splits: the problems that are drawn."""
    names = dict.fromkeys(name for answers in drawn.values() for name in answers)
    return stored(path, [problem(name) for name in names], drawn)


def searched(
    store: Store, rules: SearchRules | None = None, *, task: str = TASK, **question: Any
) -> dict[str, Any]:
    """Search a task."""
    with reading_and_scoring() as tools:
        return search_task(store, Question(task=task, **question), rules or SearchRules(), **tools)


def scaled(
    store: Store, rules: ScaleRules | None = None, *, task: str = TASK, **question: Any
) -> dict[str, Any]:
    """Study how a task's accuracy scales."""
    with reading_and_scoring() as tools:
        return scale_task(store, Question(task=task, **question), rules or ScaleRules(), **tools)
