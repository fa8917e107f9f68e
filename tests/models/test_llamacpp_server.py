"""The HTTP client against a real llama.cpp server in another process."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from slm_mux.models.base import Generation, Request
from slm_mux.models.openai import OpenAIModel

pytestmark = pytest.mark.real_model

LONG = 1900


@pytest.fixture(scope="module")
def url(smollm2_gguf: Path) -> Iterator[str]:
    """Run a server with two slots."""
    script = Path(__file__).with_name("llamacpp_server.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(smollm2_gguf), "2"],
        stdout=subprocess.PIPE,
        text=True,
        # Threads that spin would slow everything down on a busy machine.
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture
def model(url: str) -> OpenAIModel:
    """Make a client that may ask for several draws at once."""
    return OpenAIModel("smollm2", model="any", url=f"{url}/v1", draws_at_once=True)


def asked(text: str = "What is 17 * 6?", *, seed: int = 1, n: int = 1, tokens: int = 8) -> Request:
    """Write a short request."""
    return Request(
        messages=({"role": "user", "content": text},),
        generation=Generation(
            temperature=0.8, max_tokens=tokens, extra={"ignore_eos": True, "cache_prompt": False}
        ),
        seed=seed,
        n=n,
    )


async def predicted_tokens(url: str) -> int:
    """Ask how many tokens the server has generated since its start."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as reply:
        found = re.search(
            r"^llamacpp:tokens_predicted_total (\d+)", await reply.text(), re.MULTILINE
        )
    assert found is not None
    return int(found[1])


async def test_seed_fixes_the_text(model: OpenAIModel) -> None:
    """Equal seeds give equal completions, different seeds others; usage is reported."""
    first, again, other = [(await model.complete(asked(seed=seed)))[0] for seed in (5, 5, 6)]
    await model.aclose()
    assert first == again
    assert first.text != other.text
    assert (first.completion_tokens, first.finish_reason) == (8, "length")
    assert first.prompt_tokens is not None
    assert first.prompt_tokens > 8


async def test_two_draws_at_once(model: OpenAIModel) -> None:
    """One request for two draws brings two different completions."""
    found = await model.complete(asked(n=2))
    await model.aclose()
    assert len({completion.text for completion in found}) == 2


async def test_cancelled_request_stops_generation(model: OpenAIModel, url: str) -> None:
    """A cancelled request ends on the server long before its last token."""
    before = await predicted_tokens(url)
    long = asyncio.create_task(model.complete(asked("Tell a long story.", tokens=LONG)))
    await asyncio.sleep(0.5)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    # Two slots: with one of them still taken, two draws at once would wait for its end.
    await model.complete(asked(n=2))
    await model.aclose()
    assert await predicted_tokens(url) - before < LONG / 2
