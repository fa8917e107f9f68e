"""The documentation is complete and runs."""

import re
from pathlib import Path

import pytest

from slm_mux.answers import make_kind
from slm_mux.documents import decision_document
from slm_mux.models.pool import Pool
from slm_mux.models.pool_file import ModelEntry, PoolFile
from slm_mux.types import DiscussionRecord, KindName, TurnRecord, Usage
from slm_mux.voting import decide, vote

ROOT = Path(__file__).parent.parent


def code_blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("struct", [PoolFile, ModelEntry])
def test_every_key_of_the_pool_file_is_documented(struct: type[PoolFile | ModelEntry]) -> None:
    """docs/pool-file.md has a row for each key that is accepted."""
    rows = [
        line.split("|")[1]
        for line in (ROOT / "docs" / "pool-file.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    documented = {key for cell in rows for key in re.findall(r"`(\w+)`", cell)}
    assert set(struct.__struct_fields__) <= documented


def test_every_key_of_a_decision_is_documented() -> None:
    """docs/decision.md explains each key of the JSON form."""
    text = (ROOT / "docs" / "decision.md").read_text()
    document = decision_document(decide([vote("m", ["A"])]))
    discussed = {*DiscussionRecord.__struct_fields__, *TurnRecord.__struct_fields__}
    keys = {*document, *document["votes"][0], *Usage.__struct_fields__, *discussed}
    assert keys <= set(re.findall(r"`(\w+)`", text))


@pytest.mark.parametrize(
    "path", [ROOT / "docs" / "pool-file.md", ROOT / "README.md"], ids=lambda path: path.name
)
def test_pool_files_in_the_documentation_load(path: Path, tmp_path: Path) -> None:
    """Every YAML block is a pool file that loads as it stands."""
    blocks = code_blocks(path, "yaml")
    assert blocks
    for block in blocks:
        pool = tmp_path / "pool.yaml"
        pool.write_text(block)
        variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "a-key-of-somebody")
        assert len(Pool.load(pool, environment=variables)) >= 1


@pytest.mark.parametrize("name", ["number", "math"])
def test_the_equivalences_in_the_documentation_hold(name: KindName) -> None:
    """In docs/answers.md, what is the same has one key, and what is not has two."""
    text = (ROOT / "docs" / "answers.md").read_text()
    section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) >= 5
    kind = make_kind(name)
    try:
        for same, different in rows:
            keys = {kind.canonical(answer) for answer in re.findall(r"`([^`]+)`", same)}
            assert len(keys) == 1, same
            assert None not in keys, same
            apart = [kind.canonical(answer) for answer in re.findall(r"`([^`]+)`", different)]
            assert len(set(apart)) == len(apart), different
    finally:
        kind.close()
