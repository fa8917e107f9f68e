"""Records become a vote table."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from slm_mux.errors import InvalidRequestError
from slm_mux.table.votes import FAILED, NOT_DRAWN, UNREADABLE, VoteTable, check_records
from slm_mux.types import Answer, Missing, Problem

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class Record(NamedTuple):
    """One draw as the table takes it in."""

    model: int
    """Position in the table's models."""
    problem: int
    """Position in the table's problems."""
    draw: int
    """>= 0."""
    answer: Answer | Missing | None
    """None: unreadable."""
    correct: bool | None = None
    """The scorer's verdict on an answer; None: its problem cannot be scored."""
    prompt_tokens: float | None = None
    completion_tokens: float | None = None


Row = (
    Record | tuple[int, int, int, Answer | Missing | None, bool | None, float | None, float | None]
)
"""A record, or a plain tuple of the same seven values."""


def build_table(
    task: str,
    problems: Sequence[Problem],
    models: Sequence[str],
    records: Iterable[Row],
    *,
    scored: Sequence[bool] | None = None,
    validation_accuracy: Sequence[float | None] | None = None,
) -> VoteTable:
    """Build the table of what was drawn; what no record speaks of was not drawn.

    The table does not depend on the order of the records.

    Args:
        task: the task's name.
        problems: in the table's order.
        models: names, in pool order.
        records: at most one for each model, problem and draw.
        scored: per problem, whether its target can be read; by default, whether it has one. A
            problem with an answer whose verdict is None is not scored either.
        validation_accuracy: per model, in [0, 1]; None where there is no record.

    Raises:
        InvalidRequestError: two models or problems of one name, a record outside the table, two
            records of one draw, or an accuracy outside [0, 1].
    """
    import numpy as np

    accuracies = (None,) * len(models) if validation_accuracy is None else validation_accuracy
    check_records(accuracies, models)
    _check_names("model", models)
    _check_names("problem", [problem.id for problem in problems])
    if scored is not None and len(scored) != len(problems):
        raise InvalidRequestError(f"`scored` has {len(scored)} values for {len(problems)} problems")
    rows = sorted(records, key=itemgetter(1, 2, 0))
    _check_places(rows, problems, models)

    classes, answers = _classes(rows, len(problems))
    can_score = [_has_target(problem) for problem in problems] if scored is None else list(scored)
    for row in rows:
        if row[4] is None and isinstance(row[3], Answer):
            can_score[row[1]] = False

    k = [1] * len(models)
    for row in rows:
        k[row[0]] = max(k[row[0]], row[2] + 1)
    shape = (len(models), len(problems), max(k, default=0))
    at = tuple(np.asarray([row[axis] for row in rows], dtype=np.intp) for axis in range(3))

    def filled(
        values: Sequence[float | None], default: float, dtype: "DTypeLike"
    ) -> "NDArray[Any]":
        array = np.full(shape, default, dtype=dtype)
        array[at] = np.asarray(values, dtype=dtype)
        return array

    scored_now = np.asarray(can_score, dtype=np.bool_)
    verdicts = [row[4] is True and isinstance(row[3], Answer) for row in rows]
    return VoteTable(
        task=task,
        models=tuple(models),
        problems=tuple(problem.id for problem in problems),
        splits=tuple(problem.split for problem in problems),
        klass=filled(classes, NOT_DRAWN, np.int32),
        correct=filled(verdicts, False, np.bool_) & scored_now[:, None],
        scored=scored_now,
        prompt_tokens=filled([row[5] for row in rows], math.nan, np.float64),
        completion_tokens=filled([row[6] for row in rows], math.nan, np.float64),
        k=tuple(k),
        answers=tuple(map(tuple, answers)),
        validation_accuracy=tuple(accuracies),
    )


def _classes(rows: Sequence[Row], problems: int) -> tuple[list[int], list[list[Answer]]]:
    """Number the classes within each problem by first appearance.

    Args:
        rows: sorted by problem, draw, model.
        problems: how many there are.

    Returns:
        The class of each row, and per problem the first answer of each class.
    """
    numbers: list[dict[str, int]] = [{} for _ in range(problems)]
    answers: list[list[Answer]] = [[] for _ in range(problems)]
    found = []
    for row in rows:
        answer = row[3]
        if isinstance(answer, Answer):
            known = numbers[row[1]]
            number = known.setdefault(answer.key, len(known))
            if number == len(answers[row[1]]):
                answers[row[1]].append(answer)
        elif answer is None:
            number = UNREADABLE
        else:
            number = FAILED if answer is Missing.FAILED else NOT_DRAWN
        found.append(number)
    return found, answers


def _has_target(problem: Problem) -> bool:
    return problem.target is not None or (
        problem.code is not None and problem.code.tests is not None
    )


def _check_names(what: str, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequestError(f"two {what}s of the name {twice!r}")


def _check_places(rows: Sequence[Row], problems: Sequence[Problem], models: Sequence[str]) -> None:
    for m, p, d, *_ in rows:
        if not (0 <= m < len(models) and 0 <= p < len(problems) and d >= 0):
            raise InvalidRequestError(
                f"there is no model {m}, problem {p}, draw {d} in a table of {len(models)} models "
                f"and {len(problems)} problems"
            )
    for one, other in pairwise(rows):
        if one[:3] == other[:3]:
            raise InvalidRequestError(
                f"two records of draw {one[2]} of the model {models[one[0]]!r} on the problem "
                f"{problems[one[1]].id!r}"
            )
