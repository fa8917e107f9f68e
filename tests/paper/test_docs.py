"""docs/paper.md is complete; it and docs/results.md show what is printed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slm_mux.cli.reproducing import Wanted
from slm_mux.paper.computing import found_in
from slm_mux.paper.describing import section
from slm_mux.paper.estimating import estimated
from slm_mux.paper.exhibits import EXHIBITS
from tests.cli.running import slm_mux
from tests.docs.worked import shows, steps
from tests.paper.making import drawn, planned
from tests.shipped import shipped_store

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
TITLE = "### The paper's tables and figures on these models\n"


def keys(value: Any) -> Iterator[str]:
    """Every key of an object and of what is in it."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from keys(item)
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys(item)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the recording, which keeps what the tests read of it."""
    folder = tmp_path_factory.mktemp("cache")
    shipped_store(folder)
    return folder


@pytest.fixture
def here(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples."""
    monkeypatch.setenv("SLM_MUX_CACHE", str(cache))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


async def test_what_is_shown_is_printed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that is followed by what it prints prints that on a page of 100 columns."""
    found = [*steps(TEXT), *steps(RESULTS.partition(TITLE)[2].partition("\n## ")[0])]
    assert len(found) == 2 + 6
    for step in found:
        for line in step.code.splitlines():
            command, *arguments = shlex.split(line)
            if command == "export":
                for argument in arguments:
                    monkeypatch.setenv(*argument.split("=", 1))
                continue
            assert command == "slm-mux"
            ended = await slm_mux(*arguments, cwd=here, COLUMNS="100")
            assert ended.code == 0, ended.err
        assert step.shown is not None
        assert shows(step.shown, ended.out), f"{step.code}\nprints\n{ended.out}"


async def test_the_methods_at_one_budget(here: Path) -> None:
    """The README's comparison gives the figures in docs/results.md; each row is at its budget."""
    (command,) = re.findall(r"^slm-mux (eval demo --pool.*--budget 3600)$", README, re.MULTILINE)
    assert f"slm-mux {command}\n" in RESULTS
    ended = await slm_mux(*shlex.split(command), "--json", cwd=here)
    assert ended.code == 0, ended.err
    rows = {row["method"]: row for row in ended.document["methods"] if row["accuracy"] is not None}
    for name, shown in {
        "mux": "mux, k = 4",
        "self_consistency": "self-consistency of the 1.5B, 12 draws",
        "agent_forest": "Agent Forest, k = 4",
        "debate": "debate, 3 agents, 2 rounds",
        "multi_agent_verification": "multi-agent verification, 3 candidates, 3 verifiers, 1 aspect",
        "mixture_of_agents": "mixture of agents, 2 layers of 3, the 1.5B writes",
        "universal_self_consistency": "universal self-consistency, 3 answers, the 1.5B chooses: "
        "far below the budget",
        "single": "single (1.5B, one draw): far below the budget",
    }.items():
        row, (low, high) = rows[name], rows[name]["ci95"]
        accuracy = f"{row['accuracy']:.1%}".replace("%", " %")
        assert f"| {shown} | {accuracy} | {100 * low:.1f} to {100 * high:.1f} |" in RESULTS
        assert f" | {row['tokens_per_problem']:,.0f} | " in RESULTS
    equal = {row["baseline"]: row["equal_budget"] for row in ended.document["differences"][:7]}
    assert {name for name in equal if not equal[name]} == {"single", "universal_self_consistency"}


def test_every_key_is_documented(tmp_path: Path) -> None:
    """Each key of the documents of `paper --json` and `paper --dry-run --json`."""
    named = set(re.findall(r"`(\w+)`", TEXT))
    with drawn(tmp_path / "s.db") as source:
        document = section(planned("table2"), found_in(source, planned("table2")))
        discussions = section(planned("table1"), None)["conditions"]["discussions"]
        estimate = estimated(planned("table1"), source.store, source.readers).document()
    assert set(keys(document)) | discussions.keys() <= named
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
