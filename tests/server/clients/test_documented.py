"""What docs/clients.md shows is what is run, and it says of every client what was tried."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.clients import test_other_clients
from tests.server.clients.documented import PAGE, block, blocks, sections
from tests.server.clients.serving import clean_environment

ENVIRONMENTS = Path(__file__).parent / "environments"
RUN_BY = {
    "openai (Python)": Path(__file__),
    **dict.fromkeys(
        (
            "openai (npm)",
            "litellm",
            "langchain-openai",
            "llm",
            "lm-evaluation-harness",
            "Inspect AI",
        ),
        Path(test_other_clients.__file__),
    ),
}
"""By section, the file with the test that takes the code from the page and runs it."""
PACKAGES = {
    "openai (npm)": "openai",
    "lm-evaluation-harness": "lm-eval",
    "Inspect AI": "inspect-ai",
}
"""Where a package has another name than its section."""


@pytest.mark.real_model
def test_the_documented_python(tmp_path: Path, real: str) -> None:
    """OpenAI's Python client gets an answer of the real model, and `mux` beside it."""
    code = block("openai (Python)", "python").at(real)
    done = subprocess.run(
        [sys.executable, "-"],
        input=code,
        capture_output=True,
        text=True,
        env=clean_environment(tmp_path),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *text, confidence = done.stdout.strip().splitlines()
    assert "".join(text).strip()
    assert 0 < float(confidence.removeprefix("confidence:")) <= 1


def test_all_code_on_the_page_is_run() -> None:
    """Each block that names a language is taken from the page by a test, which runs it."""
    shown = {name for name in sections() if blocks(name)}
    assert shown == set(RUN_BY)
    for name, file in RUN_BY.items():
        assert f'"{name}"' in file.read_text(), name
        for each in blocks(name):
            if each.language == "python":
                ast.parse(each.text)


def test_every_client_has_its_line_and_its_section() -> None:
    """The table's names are the sections, and those not tried here say so."""
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]*?) ?\| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
    tried = {name: what for name, version, what in rows if re.match(r"\d", version)}
    assert set(tried) == set(RUN_BY)
    (untried,) = [name for name, _, what in rows if what.startswith("not tried")]
    others = untried.split(", ")
    assert set(sections()) == {*tried, *others}
    for name in others:
        assert sections()[name].strip().startswith("Not tried here."), name


@pytest.mark.parametrize("name", sorted(set(RUN_BY) - {"openai (Python)"}))
def test_the_versions_on_the_page_are_those_that_are_installed(name: str) -> None:
    """A client's version in the table is the one that its environment asks for."""
    package = PACKAGES.get(name, name)
    files = [*ENVIRONMENTS.glob("*.txt"), *ENVIRONMENTS.glob("*/package.json")]
    pattern = rf'^ *"?{re.escape(package)}(?:\[api\])?"?(?:==|: ")([\d.]+)"?$'
    found = {
        version for file in files for version in re.findall(pattern, file.read_text(), re.MULTILINE)
    }
    (row,) = re.findall(rf"^\| {re.escape(name)} \| ([\d.]+) \|", PAGE.read_text(), re.MULTILINE)
    assert found == {row}
