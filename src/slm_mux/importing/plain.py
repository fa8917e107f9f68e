"""The plain table: one JSON object a line, one model's answers to one problem.

    {"problem": "q1", "model": "m1", "answers": ["A", "A", null], "target": "A"}

Answers are compared as given: "A" and "a" are two answers, and numbers are the digits in the file.
With a kind of the user's choice, answers are compared by that kind's key instead.
"""

from typing import TYPE_CHECKING, Any

from slm_mux.errors import TaskDataError
from slm_mux.importing.base import Block, Facts, ImportOptions, LoggedDraw
from slm_mux.importing.sources import Source
from slm_mux.importing.values import as_text
from slm_mux.wording import counted

if TYPE_CHECKING:
    from slm_mux.types import ProblemKind

_KNOWN = {"problem", "model", "answers", "target", "question", "split"}


def read_plain(source: Source, options: ImportOptions) -> list[Block]:
    """Read a plain table.

    Raises:
        TaskDataError: a line lacks a field, has one of the wrong form, or repeats the problem and
            model of an earlier line; the message starts with file and line.
    """
    blocks: list[Block] = []
    seen: dict[tuple[str, str], int] = {}
    unknown: set[str] = set()
    blank = 0
    kind: ProblemKind = options.kind or "text"
    for line, row in source.rows():
        place = source.at(line)
        problem = _name(row, "problem", place)
        model = options.model or _name(row, "model", place)
        answers = _answers(row, place)
        target = _optional(row, "target", place)
        if target is not None and not target.strip():
            raise TaskDataError(f"{place}: the target is empty; leave it out where there is none")
        before = seen.setdefault((problem, model), line)
        if before != line:
            raise TaskDataError(
                f"{place}: the answers of {model!r} to {problem!r} stand in line {before} already; "
                "put all of a model's answers to a problem in one line"
            )
        unknown.update(set(row) - _KNOWN)
        blank += sum(answer is not None and not answer.strip() for answer in answers)
        read = [answer if answer and answer.strip() else None for answer in answers]
        blocks.append(
            Block(
                facts=Facts(
                    id=problem,
                    kind=kind,
                    question=_optional(row, "question", place),
                    target=target,
                    split=_optional(row, "split", place),
                ),
                model=model,
                draws=tuple(
                    LoggedDraw(answer=answer, as_given=options.kind is None) for answer in read
                ),
                where=place,
            )
        )
    if unknown:
        names = ", ".join(sorted(unknown))
        source.notes.append(f"{source.path}: fields that a plain table does not have: {names}")
    if blank:
        count = counted(blank, "blank answer counts", "blank answers count")
        source.notes.append(f"{source.path}: {count} as unreadable")
    return blocks


def _name(row: dict[str, Any], field: str, place: str) -> str:
    if field not in row:
        raise TaskDataError(f'{place}: "{field}" is missing')
    name = as_text(row[field])
    if name is None or not name.strip() or isinstance(row[field], bool):
        raise TaskDataError(f'{place}: "{field}" is {_short(row[field])}, but must be a name')
    return name


def _answers(row: dict[str, Any], place: str) -> list[str | None]:
    if "answers" not in row:
        raise TaskDataError(f'{place}: "answers" is missing')
    given = row["answers"]
    if not isinstance(given, list) or not given:
        raise TaskDataError(
            f'{place}: "answers" is {_short(given)}, but must be a list of one answer or more, '
            "null for each that could not be read"
        )
    answers = [as_text(answer) for answer in given]
    for index, (raw, answer) in enumerate(zip(given, answers, strict=True)):
        if raw is not None and answer is None:
            raise TaskDataError(
                f"{place}: answer {index} is {_short(raw)}, but must be a text, a number, "
                "true, false, or null"
            )
    return answers


def _optional(row: dict[str, Any], field: str, place: str) -> str | None:
    value = row.get(field)
    text = as_text(value)
    if value is not None and text is None:
        raise TaskDataError(f'{place}: "{field}" is {_short(value)}, but must be a text')
    return text


def _short(value: Any) -> str:
    shown = "null" if value is None else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
