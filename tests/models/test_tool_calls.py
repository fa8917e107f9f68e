"""Calls of tools and log-probabilities, from the wire to the completion."""

import json
from typing import Any

import pytest

from slm_mux.models.openai import OpenAIModel
from slm_mux.models.scripted import ScriptedModel
from slm_mux.models.streamed import StreamingEndpoint, assembled
from slm_mux.models.wire import completions, decode_reply
from slm_mux.types import Completion, ToolCall
from tests.endpoints import completion, replies, serving
from tests.models.asking import ask, model_at
from tests.models.test_streamed import END, piece, stream

PARIS = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
LOGPROBS = {"content": [{"token": "4", "logprob": -0.5, "bytes": [52], "top_logprobs": []}]}


def read(reply: Any) -> list[Completion]:
    """Read a reply as it comes from an endpoint."""
    return completions(decode_reply(json.dumps(reply).encode()), 9)


async def test_calls_are_kept() -> None:
    """Id, function and arguments arrive as the model wrote them; no content is an empty text."""
    async with serving() as fake:
        model = model_at(fake)
        fake.then(replies(completion(None, finish_reason="tool_calls", tool_calls=[PARIS])))
        (found,) = await model.complete(ask(extra={"tools": [{"type": "function"}]}))
        await model.aclose()
    assert fake.bodies[0]["tools"] == [{"type": "function"}]
    assert (found.text, found.finish_reason) == ("", "tool_calls")
    assert found.tool_calls == (ToolCall(id="c1", name="f", arguments='{"a": 1}'),)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, ()),
        ([], ()),
        ("f()", ()),
        ([5], (ToolCall(name="", arguments=""),)),
        ([{"function": None}], (ToolCall(name="", arguments=""),)),
        (
            [{"id": 7, "function": {"name": "f", "arguments": {"a": [1, None]}}}],
            (ToolCall(name="f", arguments='{"a": [1, null]}'),),
        ),
        ([{"function": {"name": "f", "arguments": 5}}], (ToolCall(name="f", arguments="5"),)),
        ([{"function": {"name": "f"}}], (ToolCall(name="f", arguments=""),)),
        (
            [{"type": "custom", "custom": {"name": "f", "input": "x"}}],
            (ToolCall(name="", arguments=""),),
        ),
    ],
)
def test_calls_are_read_leniently(given: Any, kept: tuple[ToolCall, ...]) -> None:
    """Arguments sent as an object become a text; what is no call stays visible as one unnamed."""
    (found,) = read(completion("hm", tool_calls=given))
    assert (found.text, found.tool_calls) == ("hm", kept)


def test_log_probabilities_are_kept_as_they_came() -> None:
    """They are the choice's own; where there are none, it is None."""
    reply = completion("4", "5")
    reply["choices"][1]["logprobs"] = LOGPROBS
    assert [found.logprobs for found in read(reply)] == [None, LOGPROBS]


def test_half_a_surrogate_pair_in_arguments_does_not_spoil_a_reply() -> None:
    """It becomes U+FFFD, as in texts."""
    body = b'{"choices": [{"message": {"tool_calls": [{"function": '
    body += b'{"name": "f", "arguments": "{\\"a\\": \\"\\ud800\\"}"}}]}}]}'
    (found,) = completions(decode_reply(body), 1)
    assert found.tool_calls == (ToolCall(name="f", arguments='{"a": "\ufffd"}'),)


def part(index: int, name: str | None = None, arguments: str | None = None, **more: Any) -> Any:
    """Make an event with a piece of one call."""
    function = {"name": name} if name else {}
    if arguments is not None:
        function["arguments"] = arguments
    event: dict[str, Any] = piece()
    event["choices"][0]["delta"] = {"tool_calls": [{"index": index, "function": function, **more}]}
    return event


def test_streamed_calls_are_put_together() -> None:
    """Pieces belong to the call of their index, also where several are interleaved."""
    events = stream(
        piece(role="assistant", content=None),
        part(0, "f", "", id="c1", type="function"),
        part(0, arguments='{"a"'),
        part(1, "g", '{"b":', id="c2", type="function"),
        part(0, arguments=":1}"),
        part(1, arguments="2}"),
        piece(finish="tool_calls"),
    )
    (found,) = read(assembled(events + END))
    assert (found.text, found.finish_reason) == ("", "tool_calls")
    assert found.tool_calls == (
        ToolCall(id="c1", name="f", arguments='{"a":1}'),
        ToolCall(id="c2", name="g", arguments='{"b":2}'),
    )


def test_streamed_log_probabilities_are_put_together() -> None:
    """Each event brings those of its own tokens."""
    events: list[Any] = [piece(content="4"), piece(content="2"), piece(finish="stop")]
    for event, token in zip(events, "42", strict=False):
        event["choices"][0]["logprobs"] = {"content": [{"token": token}], "refusal": None}
    events[2]["choices"][0]["logprobs"] = None
    (found,) = read(assembled(stream(*events) + END))
    assert found.logprobs == {"content": [{"token": "4"}, {"token": "2"}]}


async def test_tools_with_log_probabilities_are_not_asked_for_as_a_stream() -> None:
    """llama.cpp refuses a stream of both, and gives both without one."""
    async with serving() as fake:
        endpoint = StreamingEndpoint(fake.url, api_key="k")
        model = OpenAIModel("m", model="m", endpoint=endpoint)
        for extra in ({"tools": [PARIS]}, {"logprobs": True}, {"tools": [PARIS], "logprobs": True}):
            await model.complete(ask(extra=extra))
        await model.aclose()
    assert [body["stream"] for body in fake.bodies] == [True, True, False]
    assert all(body["cache_prompt"] for body in fake.bodies)


async def test_a_scripted_model_calls_tools() -> None:
    """A whole completion among the replies is given as it is."""
    reply = Completion(text="", tool_calls=(ToolCall(name="f", arguments="{}"),), logprobs=LOGPROBS)
    assert await ScriptedModel("m", [reply]).complete(ask()) == [reply]
