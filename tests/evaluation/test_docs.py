"""docs/evaluating.md is complete."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slm_mux.cli.evaluating import Wanted
from slm_mux.methods import METHODS
from tests.evaluation.making import Drawn, evaluated, problem, rows, stored

TEXT = (Path(__file__).parents[2] / "docs" / "evaluating.md").read_text()


def keys(value: Any) -> Iterator[str]:
    """Every key of an object and of what is in it, but for those that are names of data."""
    if isinstance(value, list):
        for item in value:
            yield from keys(item)
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key == "per_model" and item:
                yield from keys(list(item.values()))
            elif key not in ("attribution", "versions") and not (
                key == "settings" and "name" in value
            ):
                yield from keys(item)


def test_every_key_is_documented(tmp_path: Path) -> None:
    """Each key of the document that `eval --json` prints, and of all that is in it."""
    drawn: Drawn = {"a": {"q1": ["7"] * 2}, "b": {"q1": ["8", None]}}
    with stored(tmp_path / "s.db", [problem("q1")], drawn) as store:
        document = evaluated(store)
    document["settings"]["stopping"] = document["run"] = None
    named = set(re.findall(r"`(\w+)`", TEXT))
    assert set(keys(document)) <= named
    assert set(rows(document)) <= named
    assert set(METHODS) <= named


def test_every_option_is_documented() -> None:
    """Each option of `eval` is explained."""
    options = {name.replace("_", "-") for name in Wanted.__struct_fields__} - {"task", "methods"}
    assert {name for name in options if f"--{name}" not in TEXT} == set()
