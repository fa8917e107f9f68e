"""docs/importing.md is complete and its examples are read."""

import re
from pathlib import Path

from slm_mux.importing import FORMATS
from tests.importing.files import read

TEXT = (Path(__file__).parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")


def test_every_format_is_documented() -> None:
    """The table of formats has a row for each, and no other."""
    assert tuple(re.findall(r"^\| `([\w-]+)` \|", TEXT, re.MULTILINE)) == FORMATS


def test_the_plain_table_of_the_documentation_is_read(tmp_path: Path) -> None:
    """The example imports as it stands."""
    (block,) = re.findall(r"^```jsonl\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    path = tmp_path / "table.jsonl"
    path.write_text(block, encoding="utf-8")
    imported = read(path)
    assert imported.members == ("m1", "m2")
    assert [problem.target for problem in imported.problems] == ["A", "3"]
    assert [one.answer for one in imported.readings[-3:]] == ["3", "3.0", "true"]
