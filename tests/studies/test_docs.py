"""docs/searching.md, docs/scaling.md and docs/explaining.md are complete."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slm_mux.cli.explaining import Wanted as ExplainWanted
from slm_mux.cli.scale_display import KINDS, METHODS
from slm_mux.cli.scaling import Wanted as ScaleWanted
from slm_mux.cli.searching import Wanted
from slm_mux.collecting.holding import Held as Answered
from slm_mux.dissecting.debates import KINDS as KINDS_OF_DEBATES
from slm_mux.scaling.failures import KINDS as ALL_KINDS
from slm_mux.selection import CRITERIA
from slm_mux.studies.explaining_methods import EXPLAINED
from slm_mux.studies.labelling import Labelling, labels_document
from slm_mux.studies.rules import SearchRules
from tests.studies.explaining import explained_run, run_with
from tests.studies.making import scaled, searched, two_splits

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "searching.md").read_text()
SCALING = (DOCS / "scaling.md").read_text()
EXPLAINING = (DOCS / "explaining.md").read_text()

OF_DATA = ("best_by_size", "validation_accuracies", "subsets", "draws", "per_draw")
"""Keys whose value may have names of data as keys."""


def keys(value: Any) -> Iterator[str]:
    """Every key of an object and of what is in it, but for those that are names of data."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from keys(item)
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key in OF_DATA and isinstance(item, dict):
                yield from keys(list(item.values()))
            elif key not in ("versions", "attribution") and not (
                key == "settings" and "identity" in value
            ):
                yield from keys(item)


def test_every_key_is_documented(tmp_path: Path) -> None:
    """Each key of the document that `search --json` prints, and of all that is in it."""
    with two_splits(tmp_path / "s.db") as store:
        document = searched(store, SearchRules(cost_limit=40))
    named = set(re.findall(r"`([\w-]+)`", TEXT))
    assert set(keys(document)) | {"written", "to_fill_in"} <= named
    assert set(CRITERIA) <= named


def test_every_option_is_documented() -> None:
    """Each option of `search` is explained."""
    options = {name.replace("_", "-") for name in Wanted.__struct_fields__} - {"task"}
    assert {name for name in options if f"--{name}" not in TEXT} == set()


def test_every_key_of_a_study_of_scaling_is_documented(tmp_path: Path) -> None:
    """Each key of the document that `scale --json` prints, and all that they may name."""
    with two_splits(tmp_path / "s.db") as store:
        document = scaled(store)
    named = set(re.findall(r"`([\w-]+)`", SCALING))
    assert set(keys(document)) <= named
    methods = {curve["method"] for curve in document["chosen"]["curves"]["curves"]}
    assert methods == set(METHODS) <= named
    assert set(ALL_KINDS) == set(KINDS) <= named


def test_every_option_of_scale_is_documented() -> None:
    """Each option of `scale` is explained."""
    options = {name.replace("_", "-") for name in ScaleWanted.__struct_fields__} - {"task"}
    assert {name for name in options if f"--{name}" not in SCALING} == set()


def test_every_key_of_an_explanation_is_documented(tmp_path: Path) -> None:
    """Each key of the document that `explain --json` prints, and every kind of failure."""
    with run_with(tmp_path / "s.db") as store:
        document = explained_run(store, worst=1)
    del document["mux"]["kinds"]  # As in docs/scaling.md.
    named = set(re.findall(r"`([\w-]+)`", EXPLAINING))
    of_mux = set(re.findall(r"`([\w-]+)`", SCALING))
    assert set(keys({**document, "mux": {}})) - {"made", "cut"} <= named
    assert set(keys(document["mux"])) <= named | of_mux
    assert {kind for rules in EXPLAINED.values() for kind in rules.kinds} | set(EXPLAINED) <= named
    labels = labels_document([], [], Answered(workflow=Labelling()), "judge")
    assert set(keys(labels)) - set(KINDS_OF_DEBATES) | {"by_problem", "label"} <= named


def test_every_option_of_explain_is_documented() -> None:
    """Each option of `explain` is explained."""
    options = {name.replace("_", "-") for name in ExplainWanted.__struct_fields__} - {"run"}
    options = options - {"methods"} | {"method"}
    assert {name for name in options if f"--{name}" not in EXPLAINING} == set()
