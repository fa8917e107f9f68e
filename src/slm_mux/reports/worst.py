"""Words around the worst questions."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from slm_mux.reports.numbers import percent

MARKS: Mapping[bool | None, tuple[str, str, str]] = MappingProxyType(
    {
        True: ("✓", "right", "right"),
        False: ("✗", "wrong", "wrong"),
        None: ("·", "not scored", "unscored"),
    }
)
"""Sign, word and style class by verdict."""


def question_title(row: Mapping[str, Any]) -> str:
    """Say in one line what mux made of a question."""
    if row["model"] is None:
        return "no model has an answer that can be read"
    said = f"{row['model']} decided, confidence {percent(row['confidence'])}"
    if row["tie_break"] == "validation_accuracy":
        said += ", after a tie broken by validation accuracy"
    elif row["tie_break"] == "pool_order":
        said += ", after a tie broken by the models' order"
    return said
