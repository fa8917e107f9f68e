"""Collecting from a real model in the process."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from slm_mux.store import Store
from tests.cli.running import ended, slm_mux, start

pytestmark = pytest.mark.real_model


def pool_of(gguf: Path, folder: Path) -> Path:
    """A pool of the smallest model, which is cut off after a few tokens."""
    pool = folder / "pool.yaml"
    pool.write_text(f"max_tokens: 24\nmodels:\n  - name: tiny\n    gguf: {gguf}\n")
    return pool


async def test_collecting_from_a_real_model(tmp_path: Path, smollm2_gguf: Path) -> None:
    """Two problems of the demo, twice each; then nothing; then one draw more of each."""
    pool = pool_of(smollm2_gguf, tmp_path)
    store = tmp_path / "samples.db"
    arguments = ("collect", "demo", "--limit", "2", "--pool", str(pool), "--store", str(store))
    found = []
    for k in ("2", "2", "3"):
        shown = await slm_mux(*arguments, "-k", k, "--json")
        assert shown.code == 0, shown.err
        (new,), (summary,) = shown.document["collected"], shown.document["models"]
        assert summary["tokens"] > 0
        with Store.open(store) as samples:
            records = list(samples.records("demo"))
        found.append((new["completed"], summary["completed"], len(records)))
    assert found == [(4, 4, 4), (0, 4, 4), (2, 6, 6)]
    assert {record.series.identity.partition(":")[0] for record in records} == {"gguf"}
    assert {record.series.settings["max_tokens"] for record in records} == {24}
    assert len({record.draw.seed for record in records}) == 6
    assert all(record.draw.completion and record.draw.completion.text for record in records)


@pytest.mark.alone
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
async def test_ctrl_c_while_a_real_model_generates(tmp_path: Path, smollm2_gguf: Path) -> None:
    """The process ends within a second although llama.cpp is at work, and keeps what came in."""
    path = tmp_path / "samples.db"
    process = await start(
        "collect", "demo", "--pool", str(pool_of(smollm2_gguf, tmp_path)), "--store", str(path)
    )

    def completed() -> int:
        with Store.open(path) as store:
            return store.info().completed

    while not path.exists() or completed() < 3:
        await asyncio.sleep(0.1)
        assert process.returncode is None
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    shown = await ended(process)
    assert time.monotonic() - interrupted < 1.5
    assert shown.code == 130, shown.err
    assert f"{completed()} of 240 draws are in the store" in shown.err
    assert "Traceback" not in shown.err
