"""Plain records, one model's answers to one problem each, become a vote table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slm_mux.errors import InvalidRequestError
from slm_mux.table.building import Record, build_table
from slm_mux.table.votes import VoteTable
from slm_mux.types import Answer, Problem

_FIELDS = ("problem", "model", "answers", "target", "correct", "split")


def table_of_records(
    records: Iterable[Mapping[str, Any]],
    *,
    task: str,
    validation_accuracy: Mapping[str, float | None] | None,
) -> VoteTable:
    """See `VoteTable.from_records`."""
    problems: dict[str, Problem] = {}
    places: dict[str, int] = {}
    models: dict[str, int] = {}
    rows: list[Record] = []
    scored: dict[str, bool] = {}
    for number, record in enumerate(records):
        where = f"record {number}"
        if not isinstance(record, Mapping):
            raise InvalidRequestError(f"{where} is no mapping with {', '.join(_FIELDS[:3])}")
        name, model = _name(record, "problem", where), _name(record, "model", where)
        target, split = (_optional(record, field, where) for field in ("target", "split"))
        answers = _answers(record, where)
        verdicts = _verdicts(record, answers, target, where)
        problem = Problem(id=name, question="", kind="text", target=target, split=split)
        known = problems.setdefault(name, problem)
        for field in ("target", "split"):
            if getattr(known, field) != getattr(problem, field):
                raise InvalidRequestError(
                    f"{where}: the {field} of {name!r} is {getattr(problem, field)!r}, but an "
                    f"earlier record has {getattr(known, field)!r}"
                )
        scored[name] = scored.get(name, False) or target is not None or "correct" in record
        m, p = models.setdefault(model, len(models)), places.setdefault(name, len(places))
        rows += [
            Record(m, p, draw, None if text is None else Answer(text=text, key=text), verdict)
            for draw, (text, verdict) in enumerate(zip(answers, verdicts, strict=True))
        ]
    accuracies = dict(validation_accuracy or {})
    if unknown := sorted(accuracies.keys() - models.keys()):
        raise InvalidRequestError(
            f"there are no records of {unknown[0]!r}, which has a validation accuracy"
        )
    return build_table(
        task,
        list(problems.values()),
        list(models),
        rows,
        scored=list(scored.values()),
        validation_accuracy=[accuracies.get(model) for model in models],
    )


def _name(record: Mapping[str, Any], field: str, where: str) -> str:
    value = record.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(f"{where}: `{field}` is {value!r}, but must be a name")
    return value


def _optional(record: Mapping[str, Any], field: str, where: str) -> str | None:
    value = record.get(field)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"{where}: `{field}` is {value!r}, but must be a text or None")
    return value


def _answers(record: Mapping[str, Any], where: str) -> Sequence[str | None]:
    answers = record.get("answers")
    if isinstance(answers, str) or not isinstance(answers, Sequence) or not answers:
        raise InvalidRequestError(f"{where}: `answers` is {answers!r}, but must be a list of texts")
    for answer in answers:
        if answer is not None and not isinstance(answer, str):
            raise InvalidRequestError(
                f"{where}: the answer {answer!r} is no text; unreadable is None"
            )
    return answers


def _verdicts(
    record: Mapping[str, Any], answers: Sequence[str | None], target: str | None, where: str
) -> Sequence[bool | None]:
    given = record.get("correct")
    if given is None:
        return [None if target is None else answer == target for answer in answers]
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != len(answers):
        raise InvalidRequestError(
            f"{where}: `correct` must have one value, true or false, for each of the "
            f"{len(answers)} answers"
        )
    return [bool(verdict) for verdict in given]
