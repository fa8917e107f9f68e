"""OpenAI's Python client, which checks each reply strictly, over models that can do all."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
    ChatCompletionToolParam,
)
from pydantic import BaseModel

from tests.endpoints import answers, never_answers, status
from tests.server.clients.serving import ANSWER, PERSON, WEATHER, scripted_server
from tests.server.page.serving import Served

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is 17 * 6?"}]
WEATHER_TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


class Person(BaseModel):
    """What a JSON reply is read into."""

    name: str
    born: int


@pytest.fixture
def client(scripted: Served) -> Iterator[OpenAI]:
    """Make a client that takes no reply which is not in OpenAI's form."""
    with OpenAI(
        base_url=f"{scripted.url}/v1",
        api_key="none",
        max_retries=0,
        _strict_response_validation=True,
    ) as made:
        yield made


@pytest.fixture
async def async_client(scripted: Served) -> AsyncIterator[AsyncOpenAI]:
    """Make its asynchronous sister."""
    async with AsyncOpenAI(
        base_url=f"{scripted.url}/v1",
        api_key="none",
        max_retries=0,
        _strict_response_validation=True,
    ) as made:
        yield made


def test_a_completion(client: OpenAI) -> None:
    """A reply has the text, the tokens of all draws, and the `mux` object as one more field."""
    reply = client.chat.completions.create(
        model="mux",
        messages=[{"role": "developer", "content": "Be brief."}, *ASKED],
        temperature=0,
        seed=7,
        max_completion_tokens=64,
        user="somebody",
    )
    assert reply.choices[0].message.content == ANSWER
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.model_extra is not None
    assert reply.model_extra["mux"]["answer"] == "102"
    assert reply.model_extra["mux"]["temperature_used"] == 0.2


def test_headers_and_options_of_ours(client: OpenAI) -> None:
    """Options go in `extra_body` or in headers; confidence and model come in headers."""
    raw = client.chat.completions.with_raw_response.create(
        model="mux",
        messages=ASKED,
        extra_body={"mux": {"kind": "number", "detail": "draws"}},
        extra_headers={"X-Mux-Set-Samples": "3", "X-Mux-Set-Stopping": "none"},
    )
    assert (raw.headers["X-Mux-Answer-Confidence"], raw.headers["X-Mux-Samples"]) == ("1.0000", "6")
    parsed = raw.parse()
    assert parsed.model_extra is not None
    assert len(parsed.model_extra["mux"]["draws"]) == 6


def test_a_stream(client: OpenAI) -> None:
    """The chunks make the text, the last with a choice has `mux`, and the usage comes after it."""
    with client.chat.completions.create(
        model="mux", messages=ASKED, stream=True, stream_options={"include_usage": True}
    ) as stream:
        *chunks, last = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].model_extra is not None
    assert chunks[-1].model_extra["mux"]["answer"] == "102"
    assert (last.choices, last.usage is not None) == ([], True)


def test_the_streaming_helper(client: OpenAI) -> None:
    """The helper that puts chunks together comes to the reply that is not streamed."""
    with client.chat.completions.stream(model="mux", messages=ASKED) as stream:
        texts = [event.delta for event in stream if event.type == "content.delta"]
        done = stream.get_final_completion()
    assert "".join(texts) == done.choices[0].message.content == ANSWER


def test_a_tool_is_called_and_answered(client: OpenAI) -> None:
    """A call comes back as one, and the conversation goes on with the tool's result."""
    messages: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "How will the weather be in Paris?"}
    ]
    first = client.chat.completions.create(
        model="mux", messages=messages, tools=[WEATHER_TOOL], tool_choice="auto"
    )
    (choice,) = first.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", WEATHER)
    # The message goes back as the client writes it, with all its null fields.
    sent: ChatCompletionMessageParam = choice.message.model_dump()  # type: ignore[assignment]
    result: ChatCompletionMessageParam = {
        "role": "tool",
        "tool_call_id": call.id,
        "content": "rain",
    }
    second = client.chat.completions.create(
        model="mux", messages=[*messages, sent, result], tools=[WEATHER_TOOL]
    )
    assert second.choices[0].message.content == "The tool says: rain"


def test_a_tool_is_called_in_a_stream(client: OpenAI) -> None:
    """The streaming helper puts a call together, with its parsed arguments."""
    with client.chat.completions.stream(
        model="mux", messages=ASKED, tools=[WEATHER_TOOL], tool_choice="required"
    ) as stream:
        kinds = {event.type for event in stream}
        done = stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    calls = done.choices[0].message.tool_calls or []
    assert [call.function.parsed_arguments for call in calls] == [WEATHER]


def test_json_by_a_schema(client: OpenAI, scripted: Served) -> None:
    """`parse` sends a strict schema, and reads the reply into the class that it came from."""
    reply = client.chat.completions.parse(model="mux", messages=ASKED, response_format=Person)
    assert reply.choices[0].message.parsed == Person.model_validate(PERSON)
    form = scripted.fakes[0].bodies[-1]["response_format"]
    assert form["json_schema"]["schema"]["required"] == ["name", "born"]
    with client.chat.completions.stream(
        model="mux", messages=ASKED, response_format=Person
    ) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Person.model_validate(
            PERSON
        )


def test_several_choices(client: OpenAI, scripted: Served) -> None:
    """With `n` the runner-up of another model follows."""
    scripted.fakes[1].always = answers("It is \\boxed{96}.")
    reply = client.chat.completions.create(model="mux", messages=ASKED, n=2)
    assert [choice.message.content for choice in reply.choices] == [ANSWER, "It is \\boxed{96}."]


def test_models(client: OpenAI) -> None:
    """The list has pools, methods, kinds and members; each can be had by its name."""
    names = [model.id for model in client.models.list()]
    assert {"mux", "mux+single", "mux:number", "a", "b"} <= set(names)
    for name in ("mux", "mux+agent_forest:number", "a"):
        assert client.models.retrieve(name).id == name


def test_errors_have_their_classes(client: OpenAI, scripted: Served) -> None:
    """What is refused raises the client's own error, with code and field."""
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="mux@other", messages=ASKED)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="mux", messages=ASKED, n=3)
    assert (refused.value.param, refused.value.code) == ("n", "unsupported")
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(
            model="mux:label", messages=ASKED, extra_body={"mux": {"labels": ["yes", "no"]}}
        )
    with pytest.raises(openai.NotFoundError, match="POST /v1/chat/completions"):
        client.responses.create(model="mux", input="What is 17 * 6?")
    with pytest.raises(openai.NotFoundError, match="POST /v1/chat/completions"):
        client.embeddings.create(model="mux", input="What is 17 * 6?")


def test_what_would_only_cost_the_same_again_is_not_repeated() -> None:
    """After a timeout a client that repeats failures has asked once: of a pool, and of a member."""
    with scripted_server(request_seconds=0.2) as server:
        for fake in server.fakes:
            fake.always = never_answers()
        with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=3) as patient:
            for name, draws in (("mux", 4), ("a", 1)):
                before = sum(fake.requests for fake in server.fakes)
                with pytest.raises(openai.InternalServerError) as failed:
                    patient.chat.completions.create(model=name, messages=ASKED)
                assert failed.value.status_code == 504
                assert sum(fake.requests for fake in server.fakes) - before == draws


def test_a_key_that_the_endpoints_refuse_is_tried_once(scripted: Served) -> None:
    """Where the server's own keys are wrong, no repeat of a client's mends them."""
    for fake in scripted.fakes:
        fake.always = status(401, message="wrong key")
    with OpenAI(base_url=f"{scripted.url}/v1", api_key="none", max_retries=3) as patient:
        for name in ("mux", "a"):
            before = scripted.fakes[0].requests
            with pytest.raises(openai.InternalServerError) as failed:
                patient.chat.completions.create(model=name, messages=ASKED)
            assert failed.value.status_code == 502
            assert scripted.fakes[0].requests - before <= 2


def test_a_wrong_key() -> None:
    """With keys a wrong one raises the client's error, and a right one is let in."""
    key = "a-key-of-somebody"
    with scripted_server(keys={"somebody": key}) as server:
        url = f"{server.url}/v1"
        with OpenAI(base_url=url, api_key="another-key-of-them") as wrong:
            with pytest.raises(openai.AuthenticationError) as refused:
                wrong.models.list()
            assert refused.value.code == "invalid_api_key"
        with OpenAI(base_url=url, api_key=key) as right:
            reply = right.chat.completions.create(model="a", messages=ASKED)
    assert reply.choices[0].message.content == ANSWER


async def test_many_at_once(async_client: AsyncOpenAI) -> None:
    """The asynchronous client gets its answers side by side, whole and streamed."""

    async def streamed() -> str:
        stream = await async_client.chat.completions.create(
            model="mux", messages=ASKED, stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def whole() -> str | None:
        reply = await async_client.chat.completions.create(model="mux", messages=ASKED)
        return reply.choices[0].message.content

    texts = await asyncio.gather(*[streamed() for _ in range(4)], *[whole() for _ in range(4)])
    assert texts == [ANSWER] * 8


async def test_tools_and_json_asynchronously(async_client: AsyncOpenAI) -> None:
    """Calls and documents come to the asynchronous client as they do to the other."""
    reply = await async_client.chat.completions.create(
        model="mux", messages=ASKED, tools=[WEATHER_TOOL]
    )
    assert reply.choices[0].message.tool_calls
    parsed = await async_client.chat.completions.parse(
        model="mux", messages=ASKED, response_format=Person
    )
    assert parsed.choices[0].message.parsed == Person.model_validate(PERSON)


def test_a_stream_that_is_closed_cancels_its_draws() -> None:
    """When the client closes a stream, no request to a model is left."""
    with scripted_server(heartbeat_seconds=0.02) as server:
        for fake in server.fakes:
            fake.always = never_answers()
        with OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            stream = client.chat.completions.create(model="mux", messages=ASKED, stream=True)
            assert all(fake.in_flight for fake in server.fakes)
            stream.close()
            server.quiet()
