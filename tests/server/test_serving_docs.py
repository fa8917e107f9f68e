"""The documentation of the server is complete, and its examples work."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from slm_mux.cli.app import app
from slm_mux.models.pool import Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.server.app import SERVED
from slm_mux.server.keys import SHORTEST, Keys
from slm_mux.server.service import Service
from slm_mux.server.settings import ServerSettings, caps_of
from slm_mux.server.settings_file import read_settings
from slm_mux.server.wire.options import options_of

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "serving.md").read_text()
EXAMPLES = ROOT / "examples"


def rows(heading: str) -> dict[str, str]:
    """The tables of a section: what is in the second column, by the first."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): row[1].strip(" `") for row in cells}


def test_every_setting_is_documented_with_its_default() -> None:
    """docs/serving.md has a row for each key, and no other."""
    documented = rows("Settings")
    defaults = msgspec.to_builtins(ServerSettings())
    assert set(documented) == set(defaults)
    for name, default in defaults.items():
        shown = documented[name]
        if default in (None, [], {}):
            assert shown == "", name
        elif isinstance(default, bool):
            assert shown == str(default).lower(), name
        elif isinstance(default, int | float):
            assert float(shown) == default, name
        else:
            assert shown == default


def test_every_metric_is_documented() -> None:
    """Each family of the registry has its name in the table."""
    service = Service(ServerSettings(), {"pool": Pool.of(ScriptedModel("m", "x"))}, Keys({}))
    documented = set(re.findall(r"`(slm_mux_\w+)`", TEXT))
    families = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in service.metrics.registry.collect()
    }
    assert documented == families


def test_routes_options_and_statuses_are_documented() -> None:
    """Each of them is named."""
    for route in SERVED:
        assert f"`{route}`" in TEXT
    for option in options_of(caps_of(ServerSettings())):
        assert f"`{option.name}`" in TEXT
    assert f"at least {SHORTEST} characters" in TEXT
    statuses = set(re.findall(r"^\| (\d{3}) ", TEXT, re.MULTILINE))
    from slm_mux.server.wire.openapi import openapi_document

    document = openapi_document(caps_of(ServerSettings()), version="1", secured=False)
    assert set(document["components"]["responses"]) <= statuses


def test_the_example_of_a_settings_file() -> None:
    """It is read as it stands."""
    settings = read_settings(EXAMPLES / "server.yaml")
    assert settings.keys["bob"].max_concurrent == 4


@pytest.mark.parametrize("name", ["slm-mux.service", "Dockerfile"])
def test_the_commands_of_the_examples(name: str) -> None:
    """Every option that they give to `slm-mux serve` is one."""
    text = (EXAMPLES / name).read_text().replace("\\\n", " ")
    found = re.findall(
        r"--[a-z][a-z-]+(?=[ \"=])",
        " ".join(
            line
            for line in text.splitlines()
            if line.startswith(("ExecStart", "ENTRYPOINT", "CMD"))
        ),
    )
    assert found
    shown = CliRunner().invoke(app, ["serve", "--help"], terminal_width=200)
    for option in found:
        assert option in shown.output


def test_the_unit_leaves_time_to_finish() -> None:
    """Systemd kills later than the server itself ends what runs."""
    text = (EXAMPLES / "slm-mux.service").read_text()
    seconds = int(re.findall(r"TimeoutStopSec=(\d+)", text)[0])
    assert seconds > ServerSettings().shutdown_seconds + 5
    start = re.findall(r"ExecStart=(.*)", text)[0]
    assert shlex.split(start)[1] == "serve"
