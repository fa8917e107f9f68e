"""A real model writes programs: one that is asked for, and one that computes an answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from slm_mux.types import CodeSpec
from tests.cli.running import slm_mux
from tests.sandboxes import NEEDS_SANDBOX

pytestmark = [pytest.mark.real_model, NEEDS_SANDBOX]

ADD = CodeSpec(
    prompt=(
        "def add(a: int, b: int) -> int:\n"
        '    """Add two numbers.\n'
        "    >>> add(2, 3)\n"
        "    5\n"
        '    """\n'
    ),
    entry_point="add",
    tests=(
        "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(-1, 1) == 0\n"
    ),
)


def pool_of(gguf: Path, folder: Path, *, style: str) -> str:
    """A pool of the smallest model, asked in one style."""
    pool = folder / f"{style}.yaml"
    pool.write_text(
        f"samples: 2\nmax_tokens: 48\nmodels:\n"
        f"  - name: tiny\n    gguf: {gguf}\n    style: {style}\n"
    )
    return str(pool)


async def collected(folder: Path, task: str, *arguments: str) -> dict[str, Any]:
    """Collect, evaluate offline; returns the evaluation's row of mux and its model."""
    store = ("--store", str(folder / "samples.db"))
    shown = await slm_mux("collect", task, *arguments, *store, "--json")
    assert shown.code == 0, shown.err
    assert shown.document["collected"][0]["completed"] == 2
    name = shown.document["task"]
    shown = await slm_mux("eval", name, "--offline", "--method", "mux", *store, "--json")
    assert shown.code == 0, shown.err
    row: dict[str, Any] = shown.document["methods"][0]
    return row


async def test_a_real_model_s_function_is_run_and_scored(
    tmp_path: Path, smollm2_gguf: Path
) -> None:
    """Its completions are read as programs, vote by behaviour, and meet the hidden tests."""
    data = tmp_path / "own.jsonl"
    data.write_text(
        json.dumps(
            {
                "task_id": "own/0",
                "prompt": ADD.prompt,
                "entry_point": ADD.entry_point,
                "canonical_solution": "    return a + b\n",
                "test": ADD.tests,
            }
        )
    )
    pool = pool_of(smollm2_gguf, tmp_path, style="words")
    row = await collected(tmp_path, "humaneval", "--data", str(data), "--pool", pool)
    model = row["per_model"]["tiny"]
    assert (row["total"], model["readable"] + model["unreadable"]) == (1, 2)
    assert row["correct"] <= (model["readable"] > 0)


async def test_a_real_model_answers_by_a_program(tmp_path: Path, smollm2_gguf: Path) -> None:
    """A member of the style `program` is asked for one, and what it writes is run."""
    data = tmp_path / "own.jsonl"
    data.write_text(json.dumps({"question": "What is 17 + 25?", "target": "42"}))
    pool = pool_of(smollm2_gguf, tmp_path, style="program")
    row = await collected(tmp_path, str(data), "--kind", "number", "--pool", pool)
    model = row["per_model"]["tiny"]
    assert (row["total"], model["readable"] + model["unreadable"]) == (1, 2)
