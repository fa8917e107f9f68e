"""docs/paper.md is complete, and shows what is printed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slm_mux.cli.reproducing import Wanted
from slm_mux.paper.computing import found_in
from slm_mux.paper.describing import section
from slm_mux.paper.estimating import estimated
from slm_mux.paper.exhibits import EXHIBITS
from tests.docs.worked import Runner, steps
from tests.paper.making import drawn, planned
from tests.shipped import shipped_store

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")


def keys(value: Any) -> Iterator[str]:
    """Every key of an object and of what is in it."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from keys(item)
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys(item)


def test_what_is_shown_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that is followed by what it prints prints that."""
    shipped_store(tmp_path / "cache")
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "cache"))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    found = list(steps(TEXT))
    assert len(found) == 4
    with Runner(tmp_path) as runner:
        for step in found:
            runner.check(step)


def test_every_key_is_documented(tmp_path: Path) -> None:
    """Each key of the documents of `paper --json` and `paper --dry-run --json`."""
    named = set(re.findall(r"`(\w+)`", TEXT))
    with drawn(tmp_path / "s.db") as source:
        document = section(planned("table2"), found_in(source, planned("table2")))
        estimate = estimated(planned("table1"), source.store, source.readers).document()
    assert set(keys(document)) <= named
    assert set(keys(estimate)) <= named
    assert {"exhibit", "title", "pool", "versions", "tasks", "store", "gap"} <= named


def test_every_option_exhibit_and_line_is_documented() -> None:
    """Each option of `paper`, each table and figure, each line that --only takes."""
    options = {
        {"tasks": "task"}.get(name, name).replace("_", "-") for name in Wanted.__struct_fields__
    }
    assert {name for name in options - {"exhibit"} if f"--{name}" not in TEXT} == set()
    named = set(re.findall(r"`(\w+)`", TEXT))
    assert EXHIBITS.keys() <= named
    assert {line for one in EXHIBITS.values() for line in one.lines} <= named
