"""What every task's problems have to keep, whichever file they come from."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.tasks.base import Task, TaskOptions
from slm_mux.tasks.rows import DataFile, Row
from slm_mux.types import Problem, ProblemKind
from slm_mux.wording import counted

PLACE = "{question}"
"""Where a prompt's template holds the question."""


class Draft(Struct, frozen=True):
    """A problem as it was read, and where; a blank id stands for one made from the question."""

    row: Row
    problem: Problem


class Data(Struct, frozen=True):
    """The files of a task."""

    files: tuple[DataFile, ...]
    source: str
    """For people."""

    @property
    def sha256(self) -> str:
        """Of the one file, or of the hashes of several, one after another."""
        hashes = [file.sha256 for file in self.files]
        if len(hashes) == 1:
            return hashes[0]
        return hashlib.sha256("".join(hashes).encode()).hexdigest()


def content_id(prefix: str, question: str) -> str:
    """Make an id from a question alone: lines added to the file, or moved in it, do not change it.

    Returns:
        The prefix, a dash, and 12 hexadecimal digits of the question's BLAKE2b hash.
    """
    return f"{prefix}-{hashlib.blake2b(question.encode(), digest_size=6).hexdigest()}"


def finish(
    name: str,
    drafts: Iterable[Draft],
    data: Data,
    options: TaskOptions,
    *,
    notes: Sequence[str] = (),
) -> Task:
    """Check the problems, give ids to those without, put the prompt around the questions.

    A target that is blank or cannot be read makes its problem unscored: its target is None and the
    task's issues name it. It is never counted as wrong.

    Raises:
        TaskDataError: two problems with one id, an empty question, a target that is none of the
            choices or labels.
        InvalidRequestError: the prompt has no place for the question.
    """
    prompt = options.prompt
    if prompt is not None and PLACE not in prompt:
        raise InvalidRequestError(f"the prompt has no {PLACE}: it says where the question stands")
    issues: list[str] = []
    problems: list[Problem] = []
    places: dict[str, str] = {}
    first: dict[tuple[str, tuple[tuple[str, str], ...]], Problem] = {}
    readable = _Readable()
    for draft in drafts:
        row, problem = draft.row, draft.problem
        if not problem.question.strip():
            raise row.error("the question is empty")
        identity = problem.id.strip() or _free_id(name, problem.question, places)
        if identity in places:
            raise row.error(
                f"the id {identity!r} is taken: {places[identity]} has it too; ids are unique"
            )
        places[identity] = row.where
        changed: dict[str, Any] = {"id": identity}
        if complaint := readable.complaint(row, problem):
            issues.append(f"{row.where}: {identity} is not scored: {complaint}")
            changed["target"] = None
        same = first.setdefault((problem.question, tuple(sorted(problem.choices.items()))), problem)
        if same is not problem:
            other = "the same" if same.target == problem.target else "another"
            issues.append(
                f"{row.where}: {identity} repeats an earlier question, with {other} target"
            )
        if prompt is not None:
            changed["question"] = prompt.replace(PLACE, problem.question)
        problems.append(msgspec.structs.replace(problem, **changed))
    if not problems:
        raise TaskDataError(f"{data.source}: there are no problems in it")
    return Task(
        name=name,
        problems=tuple(problems),
        source=data.source,
        sha256=data.sha256,
        notes=(*notes, *_without_split(problems)),
        issues=tuple(issues),
    )


def _without_split(problems: Sequence[Problem]) -> list[str]:
    """Say where only some problems have a split: an evaluation of a split passes the others by."""
    count = sum(problem.split is None for problem in problems)
    if count in (0, len(problems)):
        return []
    have, them = ("has", "it") if count == 1 else ("have", "them")
    total = counted(len(problems), "problem")
    note = (
        f"{count:,} of {total} {have} no split: `eval` takes {them} with --split all, and leaves "
        f"{them} out of any other split"
    )
    return [note]


def _free_id(name: str, question: str, taken: dict[str, str]) -> str:
    """Number the repeats of a question: the first keeps the plain id."""
    prefix = re.sub(r"\W+", "-", name).strip("-") or "problem"
    identity = plain = content_id(prefix, question)
    number = 1
    while identity in taken:
        number += 1
        identity = f"{plain}-{number}"
    return identity


class _Readable:
    """Says what is wrong with a target."""

    def __init__(self) -> None:
        self._targets = TargetReader()

    def complaint(self, row: Row, problem: Problem) -> str | None:
        """Give the reason why a problem cannot be scored, or None.

        Raises:
            TaskDataError: choices or labels that cannot be, or a target that is none of them.
        """
        target = problem.target
        blank = target is None or not target.strip()
        if problem.kind in ("choice", "label"):
            valid = tuple(problem.choices) if problem.kind == "choice" else problem.labels
            self._check_labels(row, valid)
            if not blank and target not in valid:
                raise row.error(
                    f"the target {target!r} is none of the {problem.kind}s {', '.join(valid)}"
                )
        if problem.kind == "code" and (problem.code is None or not problem.code.tests):
            return "it has no tests"
        if target is None or blank:
            return None if problem.kind == "code" else "its target is empty"
        if self._targets.reads(problem.kind, target):
            return None
        return f"its target {target[:60]!r} cannot be read as {problem.kind}"

    def _check_labels(self, row: Row, labels: Sequence[str]) -> None:
        from slm_mux.answers.label import check_labels

        try:
            check_labels(labels)
        except InvalidRequestError as error:
            raise row.error(str(error)) from None


class TargetReader:
    """Says whether targets can be read as answers; makes each answer kind once."""

    def __init__(self) -> None:
        self._canonical: dict[ProblemKind, Callable[[str], str | None]] = {}

    def reads(self, kind: ProblemKind, target: str) -> bool:
        """Whether a target can be read; which choices, labels or tests there are is not asked."""
        match kind:
            case "choice" | "label" | "code":
                return True
            case "math":
                # All that makes mathematics unreadable; its key may take a worker process.
                from slm_mux.answers.latex import means_something, normalise

                return means_something(normalise(target))
        if kind not in self._canonical:
            from slm_mux.answers import make_kind

            self._canonical[kind] = make_kind(kind).canonical
        return self._canonical[kind](target) is not None
