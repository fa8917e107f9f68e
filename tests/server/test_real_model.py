"""The server over a real model in the process."""

from pathlib import Path

import pytest
from openai import AsyncOpenAI

from slm_mux.models.pool import Pool
from tests.server.asking import asked, events

SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

pytestmark = pytest.mark.real_model


async def test_a_real_model_behind_the_server(tmp_path: Path, smollm2_gguf: Path) -> None:
    """The pool and its member answer, whole and as a stream, with the model's real tokens."""
    path = tmp_path / "pool.yaml"
    path.write_text(
        "samples: 2\nmax_tokens: 16\nmodels:\n"
        f"  - name: tiny\n    gguf: {smollm2_gguf}\n    sha256: {SHA256}\n"
    )
    async with asked(Pool.load(path), heartbeat_seconds=0.05) as server:
        code, ready, _ = await server.get("/ready")
        assert (code, ready["members"][0]["ok"]) == (200, True)
        reply = await server.ask("What is 7 + 5?", temperature=0)
        lines = await server.stream("What is 7 + 5?", stream_options={"include_usage": True})
        alone = await server.ask("Say hello.", model="tiny", max_tokens=8)
        await server.quiet([])
    assert reply["choices"][0]["message"]["content"]
    assert reply["usage"]["completion_tokens"] > 1
    assert reply["mux"]["usage"]["samples"] >= 1
    assert reply["mux"]["temperature_used"] == 0.2
    assert lines[-1] == "data: [DONE]"
    assert any(line.startswith(":") for line in lines)
    assert events(lines)[-1]["usage"]["completion_tokens"] > 1
    assert 1 <= alone["usage"]["completion_tokens"] <= 8


async def test_openai_s_client_asks_a_debate_of_a_real_model(
    tmp_path: Path, smollm2_gguf: Path
) -> None:
    """Two prompts of one model read each other; the client gets an ordinary completion."""
    path = tmp_path / "pool.yaml"
    entry = f"gguf: {smollm2_gguf}\n    sha256: {SHA256}"
    path.write_text(
        "max_tokens: 24\nmodels:\n"
        f"  - name: plain\n    {entry}\n  - name: brief\n    system: Be brief.\n    {entry}\n"
    )
    async with (
        asked(Pool.load(path)) as server,
        AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client,
    ):
        names = {model.id async for model in client.models.list()}
        reply = await client.chat.completions.create(
            model="mux+debate:text", messages=[{"role": "user", "content": "What is 7 + 5?"}]
        )
        await server.quiet([])
    assert {"mux+debate", "mux+moa"} <= names
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason in ("stop", "length")
    mux = (reply.model_extra or {})["mux"]
    assert [(turn["step"], turn["model"]) for turn in mux["discussion"]["turns"]] == [
        ("round 1", "plain"),
        ("round 1", "brief"),
        ("round 2", "plain"),
        ("round 2", "brief"),
    ]
    assert reply.usage is not None
    assert reply.usage.completion_tokens == mux["usage"]["completion_tokens"] > 4
