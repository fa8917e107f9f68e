"""The reference has every public name."""

import importlib
import re
from pathlib import Path

import pytest

import slm_mux
from slm_mux.discussion.workflows import WORKFLOWS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
DIRECTIVES = sorted(
    name
    for path in REFERENCE.glob("*.md")
    for name in re.findall(r"^::: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
)


def test_every_public_name_has_its_place() -> None:
    """Each name of `slm_mux` stands on one page, under the name by which it is imported."""
    of_the_package = [name for name in DIRECTIVES if re.fullmatch(r"slm_mux\.\w+", name)]
    parts = {"slm_mux.methods", "slm_mux.metrics", "slm_mux.scaling", "slm_mux.selection"}
    parts.add("slm_mux.stopping")
    assert set(of_the_package) - parts == {f"slm_mux.{name}" for name in slm_mux.__all__}
    assert len(set(DIRECTIVES)) == len(DIRECTIVES)


@pytest.mark.parametrize("name", DIRECTIVES)
def test_what_the_reference_names_is_there(name: str) -> None:
    """Each name is a documented module, or is in one."""
    module, _, last = name.rpartition(".")
    try:
        thing = importlib.import_module(name)
    except ModuleNotFoundError:
        thing = getattr(importlib.import_module(module), last)
    assert thing.__doc__


def test_every_discussion_says_how_it_follows_its_paper() -> None:
    """Each method in which models read each other is there, with its paper and its departures."""
    shown = [name for name in DIRECTIVES if name.rpartition(".")[2] in WORKFLOWS]
    assert {name.rpartition(".")[2] for name in shown} == set(WORKFLOWS)
    for name in shown:
        text = str(importlib.import_module(name).__doc__)
        assert {"arXiv", "follows", "departs"} <= set(re.findall(r"\w+", text)), name


def test_every_page_is_listed() -> None:
    """The first page of the reference leads to all others."""
    listed = re.findall(r"\]\((\w+\.md)\)", (REFERENCE / "index.md").read_text(encoding="utf-8"))
    assert sorted([*listed, "index.md"]) == sorted(path.name for path in REFERENCE.glob("*.md"))
