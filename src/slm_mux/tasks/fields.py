"""The fields of the user's own rows: which one is what, and a problem made of them."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from slm_mux.errors import InvalidRequestError
from slm_mux.questions import check_name
from slm_mux.tasks.base import TaskOptions
from slm_mux.tasks.rows import Row
from slm_mux.types import CodeSpec, Problem, ProblemKind

QUESTION_FIELDS = ("question", "problem", "prompt", "input")
"""Looked for in this order where the options name no field."""
TARGET_FIELDS = ("target", "answer", "label")
LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class FieldReader:
    """Makes problems of rows.

    Args:
        options: the fields' names, the kind and the labels.
    """

    def __init__(self, options: TaskOptions) -> None:
        self._options = options
        self._decided: Counter[str] = Counter()

    def notes(self) -> list[str]:
        """Say how many problems got their kind from their words."""
        counts = ", ".join(f"{kind} {count}" for kind, count in self._decided.most_common())
        return [f"kinds decided from the questions: {counts}"] if counts else []

    def problem(self, row: Row, file_split: str | None) -> Problem:
        """Make the problem of a row; its id is blank where the row has none.

        Args:
            row: a row of the data.
            file_split: the problem's split where the row states none.

        Raises:
            TaskDataError: a field is missing or is not what it should be.
        """
        options = self._options
        question = row.text(_field(row, options.question_field, QUESTION_FIELDS)).strip()
        choices = self._choices(row)
        labels = options.labels or self._labels(row)
        kind, choices = self._kind(row, question, choices, labels)
        code = row.values.get("code") if kind == "code" else None
        if kind == "code":
            try:
                code = msgspec.convert(code, CodeSpec)
            except msgspec.ValidationError as error:
                raise row.error(
                    f"`code` must hold prompt, entry_point and tests: {error}"
                ) from None
        subject = row.text("subject") if row.has("subject") else None
        return Problem(
            id=self._given(row, options.id_field, "id") or "",
            question=question,
            kind=kind,
            target=self._target(row, kind, choices),
            split=self._given(row, options.split_field, "split") or file_split,
            choices=choices if kind == "choice" else {},
            labels=tuple(labels) if kind == "label" else (),
            code=code,
            subject=subject,
        )

    def _given(self, row: Row, named: str | None, usual: str) -> str | None:
        """Read a field that the options name; else the usual one where it is there."""
        if named is None and not row.has(usual):
            return None
        return row.text(named or usual).strip() or None

    def _kind(
        self, row: Row, question: str, choices: dict[str, str], labels: tuple[str, ...]
    ) -> tuple[ProblemKind, dict[str, str]]:
        kind: Any = self._options.kind or row.values.get("kind")
        if kind is None:
            from slm_mux.answers.auto import choices_in, detect_kind

            kind, _ = detect_kind(question, choices=choices, labels=labels)
            if not choices and not labels:
                self._decided[kind] += 1
            if kind == "choice" and not choices:
                choices = choices_in(question)
        try:
            check_name("kind", kind, get_args(ProblemKind))
        except InvalidRequestError as error:
            raise row.error(str(error)) from None
        if kind == "choice" and not choices:
            raise row.error("a multiple choice needs `choices`: a mapping of labels, or a list")
        if kind == "label" and not labels:
            raise row.error("the kind label needs `labels`: give them with --label, or in the row")
        return kind, choices

    def _choices(self, row: Row) -> dict[str, str]:
        field = self._options.choices_field
        if field is not None and field not in row.values:
            row.text(field)
        field = field or "choices"
        value = _unpacked(row.values.get(field))
        if isinstance(value, list):
            if len(value) > len(LABELS):
                raise row.error(f"`{field}` has {len(value)} texts; at most {len(LABELS)} go")
            value = dict(zip(LABELS, value, strict=False))
        if value is not None and not isinstance(value, dict):
            raise row.error(f"`{field}` must be a mapping from label to text, or a list of texts")
        return {row.checked(field, k): row.checked(field, v) for k, v in (value or {}).items()}

    def _labels(self, row: Row) -> tuple[str, ...]:
        value = _unpacked(row.values.get("labels"))
        if value is not None and not isinstance(value, list):
            raise row.error("`labels` must be a list of texts")
        return tuple(row.checked("labels", label) for label in value or [])

    def _target(self, row: Row, kind: ProblemKind, choices: dict[str, str]) -> str | None:
        usual = (*TARGET_FIELDS, *(["code"] if kind == "code" else []))
        field = _field(row, self._options.target_field, usual)
        if field == "code":
            return None
        if kind == "json" and field in row.values and not isinstance(row.values[field], str):
            value = row.values[field]
            return None if value is None else row.checked(field, value)
        target = row.text(field).strip()
        if kind == "choice" and target not in choices:
            same = [label for label, text in choices.items() if text.strip() == target]
            target = same[0] if len(same) == 1 else target
        return target or None


def _field(row: Row, named: str | None, usual: Sequence[str]) -> str:
    return named or next((field for field in usual if field in row.values), usual[0])


def _unpacked(value: Any) -> Any:
    """Read the JSON in a table's cell; a blank cell is none."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
