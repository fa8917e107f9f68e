"""`slm-mux paper` with a real model in the process."""

import json
from pathlib import Path

import pytest

from tests.cli.running import slm_mux

pytestmark = pytest.mark.real_model


@pytest.mark.timeout(300)
async def test_table_1_of_a_real_model(tmp_path: Path, smollm2_gguf: Path) -> None:
    """Two problems, two members, a debate too: everything has a figure, and is replayed."""
    rows = [
        {"id": f"q{n}", "question": f"What is {n} + 2?", "kind": "number", "answer": str(n + 2)}
        for n in range(2)
    ]
    (tmp_path / "sums.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "pool.yaml").write_text(
        "samples: 2\nmax_tokens: 8\nmodels:\n"
        f"  - {{name: tiny, gguf: {smollm2_gguf}, slots: 2, context: 1024}}\n"
        f"  - {{name: terse, gguf: {smollm2_gguf}, context: 1024, system: Be brief.}}\n"
    )
    only = ("--only", "debate", "--only", "mux", "--only", "single")
    arguments = ("paper", "table1", "--task", "sums.jsonl", "--pool", "pool.yaml", *only, "--json")
    shown = await slm_mux(*arguments, cwd=tmp_path)
    assert shown.code == 0, shown.err
    (task,) = shown.document["tasks"]
    accuracies = task["blocks"][0]["rows"]
    assert all(row["ours"] is not None and row["tokens"] > 0 for row in accuracies)
    assert [row["draws"] for row in accuracies] == [4.0, 4.0, 1.0]
    assert {one["quantisation"] for one in task["conditions"]["models"]} <= {"Q4_1", "not known"}
    again = await slm_mux(*arguments, "--offline", cwd=tmp_path)
    assert again.code == 0, again.err
    assert again.document["tasks"][0]["blocks"] == task["blocks"]
