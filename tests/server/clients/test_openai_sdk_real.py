"""OpenAI's Python client against `slm-mux serve` over the 135M model."""

import asyncio

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.server.clients.serving import ENOUGH
from tests.server.clients.test_openai_sdk import ASKED, WEATHER_TOOL, Person

pytestmark = pytest.mark.real_model


def test_whole_and_streamed(real: str) -> None:
    """A reply and a stream have real words, real tokens, and what the pool decided."""
    with OpenAI(
        base_url=f"{real}/v1", api_key="none", timeout=ENOUGH, _strict_response_validation=True
    ) as client:
        assert "tiny" in [model.id for model in client.models.list()]
        reply = client.chat.completions.create(model="mux", messages=ASKED, temperature=0)
        stream = client.chat.completions.create(
            model="mux", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        *chunks, last = list(stream)
        alone = client.chat.completions.create(
            model="tiny", messages=ASKED, max_tokens=4, logprobs=True, top_logprobs=2
        )
    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert reply.usage.completion_tokens > 1
    assert reply.model_extra is not None
    assert reply.model_extra["mux"]["temperature_used"] == 0.2
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert last.usage is not None
    assert last.usage.completion_tokens > 1
    assert alone.choices[0].logprobs is not None
    assert alone.choices[0].logprobs.content


async def test_asynchronously(real: str) -> None:
    """Two questions at the same time are both answered."""
    async with AsyncOpenAI(
        base_url=f"{real}/v1", api_key="none", timeout=ENOUGH, _strict_response_validation=True
    ) as client:
        replies = await asyncio.gather(
            *[
                client.chat.completions.create(model="mux", messages=ASKED, max_tokens=16)
                for _ in range(2)
            ]
        )
    assert all(reply.choices[0].message.content for reply in replies)


def test_json_and_tools(real: str) -> None:
    """llama.cpp holds the model to a schema; with tools it calls one or says something."""
    with OpenAI(
        base_url=f"{real}/v1", api_key="none", timeout=ENOUGH, _strict_response_validation=True
    ) as client:
        parsed = client.chat.completions.parse(
            model="mux", messages=ASKED, response_format=Person, max_tokens=200
        )
        called = client.chat.completions.create(model="mux", messages=ASKED, tools=[WEATHER_TOOL])
    assert isinstance(parsed.choices[0].message.parsed, Person)
    message = called.choices[0].message
    assert message.content or message.tool_calls
    assert called.model_extra is not None
    assert called.model_extra["mux"]["kind"] == "tool_call"
