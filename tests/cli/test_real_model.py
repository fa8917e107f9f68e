"""The command line and the library with a real model in the process."""

import asyncio
import json
import re
import runpy
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from slm_mux.cli import demonstration
from slm_mux.models.pool import Pool
from tests.cli.running import ended, slm_mux, start

pytestmark = pytest.mark.real_model

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def pool(tmp_path: Path, smollm2_gguf: Path) -> Path:
    """A pool of the 135M model twice, under two prompts."""
    path = tmp_path / "pool.yaml"
    path.write_text(
        "samples: 2\nmax_tokens: 64\nmodels:\n"
        f"  - name: tiny\n    gguf: {smollm2_gguf}\n    sha256: {SHA256}\n    slots: 2\n"
        f"  - name: terse\n    gguf: {smollm2_gguf}\n    sha256: {SHA256}\n    slots: 2\n"
        "    system: Answer in one short sentence.\n"
    )
    return path


SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


async def test_ask_a_real_model(pool: Path) -> None:
    """The real model's draws become votes, with their real token counts."""
    shown = await slm_mux(
        "ask", "What is 7 + 5?", "--pool", str(pool), "--stopping", "none", "--json"
    )
    assert shown.code == 0, shown.err
    document = shown.document
    assert document["kind"] == "number"
    assert re.fullmatch(r"-?\d+(/\d+)?", document["canonical"])
    assert document["usage"]["samples"] == 4
    assert document["usage"]["completion_tokens"] > 0
    assert [vote["model"] for vote in document["votes"]] == ["tiny", "terse"]


async def test_ask_a_real_model_by_debate(pool: Path) -> None:
    """Every turn of it is in the document, with the tokens that it took."""
    shown = await slm_mux(
        "ask", "What is 7 + 5?", "--method", "debate", "--pool", str(pool), "--max-tokens", "24",
        "--kind", "text", "--json",
    )  # fmt: skip
    if shown.code == 0:
        turns = shown.document["discussion"]["turns"]
        assert {turn["step"] for turn in turns} == {"round 1", "round 2"}
        assert shown.document["usage"]["completion_tokens"] > 1
    else:  # so few tokens may hold no whole text
        assert "cut off by the token limit" in shown.err


async def test_models_says_that_a_real_model_answers(pool: Path) -> None:
    """`slm-mux models` asks each member for one token and reports how long it took."""
    shown = await slm_mux("models", "--pool", str(pool), "--json")
    assert shown.code == 0
    assert [(m["model"], m["answers"]) for m in shown.document["models"]] == [
        ("tiny", True),
        ("terse", True),
    ]
    assert all(model["seconds"] > 0 for model in shown.document["models"])


@pytest.mark.alone
async def test_ctrl_c_while_a_real_model_generates(pool: Path) -> None:
    """The process ends within a second of Ctrl-C although llama.cpp is at work."""
    for delay in (3, 9, 27):
        process = await start(
            "ask", "Write a very long story.", "--kind", "text", "--pool", str(pool),
            "--max-tokens", "3000",
        )  # fmt: skip
        await asyncio.sleep(delay)
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        shown = await ended(process)
        assert time.monotonic() - interrupted < 1.0
        if shown.code != -signal.SIGINT:  # it was still loading the file: again, later
            break
    assert shown.code == 130
    assert "interrupted" in shown.err
    assert "Traceback" not in shown.err


def test_the_demo_with_the_small_model(
    smollm2_gguf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo asks its three questions and shows draws, votes and the decision of each."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(demonstration, "BUILTIN_POOL", ("smollm2-135m",))
    make = Pool.builtin

    def brief(names: Sequence[str], *, samples: int) -> Pool:
        models = [member.model for member in make(names, samples=samples)]
        return Pool.of(*models, samples=samples, max_tokens=32)

    monkeypatch.setattr(Pool, "builtin", brief)
    demonstration.demonstrate(full=False, samples=1, as_json=True)
    shown = capsys.readouterr()
    for question in demonstration.QUESTIONS:
        assert question.text in shown.err
    decided = shown.err.count("decided by") + shown.err.count("no model gave a readable answer")
    assert decided == len(demonstration.QUESTIONS)
    assert len(json.loads(shown.out)["questions"]) == len(demonstration.QUESTIONS)
    assert shown.err.count("smollm2-135m  draw 1") == len(demonstration.QUESTIONS)


def test_the_python_in_the_readme_runs(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every Python block of the README runs as it stands, beside a pool file."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 2
    for index, block in enumerate(blocks):
        script = tmp_path / f"block{index}.py"
        script.write_text(block)
        runpy.run_path(str(script))


def test_the_library_asks_a_real_model(pool: Path) -> None:
    """`Mux` and a pool file are enough; closing frees the model."""
    from slm_mux import Mux

    with Mux(Pool.load(pool)) as mux:
        decision = mux.ask("What is 7 + 5?", samples=1)
    assert decision.text
    assert decision.answer in decision.text


async def test_a_debate_of_real_models(pool: Path, tmp_path: Path) -> None:
    """Two prompts of one model debate a problem; the second time nothing is drawn."""
    pool.write_text(pool.read_text().replace("max_tokens: 64", "max_tokens: 24"))
    arguments = ("eval", "demo", "--pool", str(pool), "--method", "debate", "--limit", "1")
    store = ("--store", str(tmp_path / "samples.db"))
    shown = await slm_mux(*arguments, *store, "-k", "1", "--json")
    assert shown.code == 0, shown.err
    again = await slm_mux(*arguments, *store, "-k", "1", "--json", "--offline")
    assert again.code == 0, again.err
    assert again.document["methods"] == shown.document["methods"]
    assert again.document["discussions"] == shown.document["discussions"]
    held = shown.document["discussions"]["debate"]["problems"].values()
    assert [len(one["turns"]) for one in held] == [4]
    assert {turn["step"] for one in held for turn in one["turns"]} == {"round 1", "round 2"}
    (row,) = shown.document["methods"]
    assert (row["calls_per_problem"], row["failed_problems"]) == (4.0, 0)
    assert row["tokens_per_problem"] > 4 * 24
    why = await slm_mux("explain", str(shown.document["run"]), "--worst", "1", "--json", *store)
    explained = why.document["discussions"]["debate"]
    assert explained["right"] == row["correct"]
    assert len(why.document["worst"]["debate"]) == explained["failures"]["wrong"]
