"""docs/report.md is complete."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slm_mux.cli.reporting import Wanted
from slm_mux.reports.sections import sections
from slm_mux.studies.worst import LENGTHS, TextLimits
from tests.reports.making import demo_document

TEXT = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")

OF_OTHERS = ("evaluation", "search", "scale", "missing", "versions", "choices")
"""Keys whose value is explained elsewhere, or has names of data as keys."""


def keys(value: Any) -> Iterator[str]:
    """Every key of an object and of what is in it, but for those of others."""
    if isinstance(value, list):
        for item in value:
            yield from keys(item)
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key not in OF_OTHERS:
                yield from keys(item)


def test_every_key_is_documented() -> None:
    """Each key of the document that `report --json` prints."""
    assert set(keys(demo_document())) <= set(re.findall(r"`([\w-]+)`", TEXT))


def test_every_option_is_documented() -> None:
    """Each option of `report` is explained."""
    options = {name.replace("_", "-") for name in Wanted.__struct_fields__} - {"task", "methods"}
    assert {name for name in options | {"method"} if f"--{name}" not in TEXT} == set()


def test_every_part_is_documented() -> None:
    """Each part of the page has its row."""
    rows = {row.lower() for row in re.findall(r"^\| ([^|]+) \|", TEXT, re.MULTILINE)}
    assert {section.title.lower() for section in sections(demo_document())} <= rows


def test_limits_are_those_of_the_code() -> None:
    """The rule by which texts are cut is the one that is written."""
    first, *others, last = (f"{length:,}" for length in LENGTHS)
    assert f"may have {first} characters, or {', '.join(others)} or {last}" in TEXT
    limits = TextLimits()
    assert f"within {limits.together:,}" in TEXT
    assert f"at most {limits.question:,} characters, answers {limits.answer}" in TEXT
