"""Clients in environments of their own, with what docs/clients.md says, and with all they can do.

The documented code asks `slm-mux serve` over the 135M model; the rest asks scripted models, which
call tools and write JSON.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.server.clients.documented import block
from tests.server.clients.separate import PROGRAMS, Client, program
from tests.server.clients.serving import ANSWER, ENOUGH, PERSON
from tests.server.page.serving import Served

pytestmark = [pytest.mark.client, pytest.mark.timeout(3 * ENOUGH)]
REAL = pytest.mark.real_model

ALL_IS_WELL = "all is well\n"
OFFLINE: dict[str, Any] = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "INSPECT_LOG_FORMAT": "json",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
"""Nobody is asked but the server; logs can be read."""


def answered(printed: str) -> None:
    """Assert that a documented program printed an answer and its confidence."""
    *text, confidence = printed.strip().splitlines()
    assert "".join(text).strip()
    assert 0 < float(confidence.removeprefix("confidence:")) <= 1


def node(tmp_path: Path, name: str, code: str, *arguments: str) -> str:
    """Run a module beside the installed packages, where node looks for them."""
    client = Client("openai-npm", tmp_path)
    shutil.copytree(client.home, client.folder / "modules", symlinks=True)
    (client.folder / "modules" / name).write_text(code)
    return client.run("node", f"modules/{name}", *arguments)


@REAL
def test_openai_npm_as_documented(tmp_path: Path, real: str) -> None:
    """The npm package gets an answer of the real model, and the `mux` object beside it."""
    answered(node(tmp_path, "asking.mjs", block("openai (npm)", "js").at(real)))


def test_openai_npm(tmp_path: Path, scripted: Served) -> None:
    """The npm package reads replies, streams, calls, documents, names and errors."""
    code = program("openai_client.mjs")
    assert node(tmp_path, "trying.mjs", code, scripted.url) == ALL_IS_WELL


@REAL
def test_litellm_as_documented(tmp_path: Path, real: str) -> None:
    """Litellm gets an answer of the real model, and the `mux` object beside it."""
    client = Client("litellm", tmp_path)
    answered(client.python(block("litellm", "python").at(real), **OFFLINE))


def test_litellm(tmp_path: Path, scripted: Served) -> None:
    """Litellm reads replies, streams, calls, documents and errors."""
    client = Client("litellm", tmp_path)
    printed = client.python(program("litellm_client.py"), scripted.url, **OFFLINE)
    assert printed == ALL_IS_WELL


@REAL
def test_langchain_as_documented(tmp_path: Path, real: str) -> None:
    """LangChain gets an answer of the real model, and the confidence in a header."""
    client = Client("langchain-openai", tmp_path)
    answered(client.python(block("langchain-openai", "python").at(real)))


def test_langchain(tmp_path: Path, scripted: Served) -> None:
    """LangChain reads replies, streams, calls and structured output."""
    client = Client("langchain-openai", tmp_path)
    assert client.python(program("langchain_client.py"), scripted.url) == ALL_IS_WELL


def llm(tmp_path: Path, address: str) -> Client:
    """Make `llm` know the pool as docs/clients.md says."""
    client = Client("llm", tmp_path)
    folder = Path(client.run("llm", "logs", "path").strip()).parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "extra-openai-models.yaml").write_text(block("llm", "yaml").at(address))
    return client


@REAL
def test_llm_as_documented(tmp_path: Path, real: str) -> None:
    """The command line `llm` gets an answer of the real model."""
    assert llm(tmp_path, real).console("llm", real).strip()


def test_llm(tmp_path: Path, scripted: Served) -> None:
    """The command line `llm` prints answers, streamed or not, documents, and what tools led to."""
    client = llm(tmp_path, scripted.url)
    ask = ("llm", "-m", "mux")
    assert client.run(*ask, "What is 17 * 6?").strip() == ANSWER
    assert client.run(*ask, "--no-stream", "What is 17 * 6?").strip() == ANSWER
    assert client.run(*ask, "-c", "And why?", "-s", "Be brief.").strip() == ANSWER
    schema = client.run(*ask, "--schema", "name, born int", "Who?")
    assert json.loads(schema) == PERSON
    function = "def weather(city: str, days: int) -> str:\n    return f'rain in {city}'\n"
    said = client.run(*ask, "--functions", function, "How will the weather be?")
    assert said.strip() == "The tool says: rain in Paris"


def evaluated(tmp_path: Path, name: str, section: str, address: str) -> Client:
    """Run the documented evaluation in a folder with the task."""
    client = Client(name, tmp_path)
    for file in ("sums.jsonl", "sums.yaml", "sums.py", "forecast.py"):
        shutil.copy(PROGRAMS / file, tmp_path)
    client.console(section, address, **OFFLINE)
    return client


def harness_score(folder: Path) -> dict[str, Any]:
    """Read what the harness wrote of its one task."""
    (written,) = folder.glob("results/**/results_*.json")
    results = json.loads(written.read_text())
    assert results["n-samples"]["sums"] == {"original": 3, "effective": 3}
    found: dict[str, Any] = results["results"]["sums"]
    return found


@REAL
def test_the_harness_as_documented(tmp_path: Path, real: str) -> None:
    """The harness evaluates the real model on three problems of a local file."""
    evaluated(tmp_path, "lm-eval", "lm-evaluation-harness", real)
    assert 0 <= harness_score(tmp_path)["exact_match,number"] <= 1


def test_the_harness(tmp_path: Path, scripted: Served) -> None:
    """The harness finds two of three answers right of models that always say the same."""
    evaluated(tmp_path, "lm-eval", "lm-evaluation-harness", scripted.url)
    assert harness_score(tmp_path)["exact_match,number"] == pytest.approx(2 / 3)


def inspected(folder: Path) -> tuple[int, float]:
    """Read of the only log how many samples were completed, and the accuracy."""
    (written,) = folder.glob("logs/*.json")
    log = json.loads(written.read_text())
    written.unlink()
    assert log["status"] == "success", log.get("error")
    (score,) = log["results"]["scores"]
    return log["results"]["completed_samples"], score["metrics"]["accuracy"]["value"]


@REAL
def test_inspect_as_documented(tmp_path: Path, real: str) -> None:
    """Inspect AI evaluates the real model on three problems of a local file."""
    evaluated(tmp_path, "inspect-ai", "Inspect AI", real)
    assert inspected(tmp_path)[0] == 3


def test_inspect(tmp_path: Path, scripted: Served) -> None:
    """Inspect AI finds two of three answers right, and an answer that came by a tool."""
    client = evaluated(tmp_path, "inspect-ai", "Inspect AI", scripted.url)
    assert inspected(tmp_path) == (3, pytest.approx(2 / 3))
    client.console("Inspect AI", scripted.url, replacing=("sums.py", "forecast.py"), **OFFLINE)
    assert inspected(tmp_path) == (1, 1.0)
