"""Problems whose answers cannot be called right or wrong: an import takes them, and names them."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from slm_mux.answers import make_kind
from slm_mux.tasks.checks import TargetReader
from slm_mux.types import Problem

NO_TARGET = "it has no target"


class Unscored(Struct, frozen=True, kw_only=True):
    """A problem that cannot be scored, and why."""

    task: str
    problem: str
    target: str | None
    reason: str


def unscored(task: str, problems: Iterable[Problem]) -> Iterator[Unscored]:
    """The problems of a task that have no target, or one that cannot be read as an answer."""
    targets = TargetReader()
    for problem in problems:
        if (reason := _reason(problem, targets)) is not None:
            yield Unscored(task=task, problem=problem.id, target=problem.target, reason=reason)


def _reason(problem: Problem, targets: TargetReader) -> str | None:
    target = problem.target
    if problem.kind == "code":
        tested = problem.code is not None and problem.code.tests is not None
        return None if tested else "it has no tests"
    if target is None:
        return NO_TARGET
    match problem.kind:
        case "choice" | "label":
            valid = tuple(problem.choices) if problem.kind == "choice" else problem.labels
            readable = target in valid or (
                make_kind(problem.kind, choices=problem.choices, labels=problem.labels).canonical(
                    target
                )
                is not None
            )
            why = f"is none of the {problem.kind}s {', '.join(valid)}"
        case _:
            readable = targets.reads(problem.kind, target)
            why = f"cannot be read as {problem.kind}"
    return None if readable else f"its target {target[:60]!r} {why}"
