"""Tools in words, and calls that are only written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers.tool_use import tool_use
from slm_mux.models.base import Generation, Request
from slm_mux.models.written_calls import in_words, with_written_calls, written_calls
from slm_mux.types import Completion, Message, ToolCall, ToolUse

WEATHER = {
    "name": "weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
TIME = {"name": "time"}
TOOLS = [{"type": "function", "function": function} for function in (WEATHER, TIME)]
NAMES = frozenset({"weather", "time"})
GRAZ = ToolCall(name="weather", arguments='{"city": "Graz"}')
USER: Message = {"role": "user", "content": "Weather in Graz?"}


def worded(*messages: Message, choice: Any = None, **extra: Any) -> Request:
    """A request with tools, in words."""
    extra = {"tools": TOOLS, "parallel_tool_calls": True, **extra}
    if choice is not None:
        extra["tool_choice"] = choice
    use = tool_use(extra)
    assert use is not None
    return in_words(Request(messages=messages, generation=Generation(extra=extra)), use)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('{"name": "weather", "arguments": {"city": "Graz"}}', [GRAZ]),
        ('```json\n{"name": "weather", "arguments": {"city": "Graz"}}\n```\n\n\n', [GRAZ]),
        ('```\n[{"name": "weather", "parameters": {"city": "Graz"}}]\n```', [GRAZ]),
        ('<tool_call>\n{"arguments": {"city": "Graz"}, "name": "weather"}\n</tool_call>', [GRAZ]),
        (
            '{"name": "weather", "arguments": {"city": "Graz"}}\n{"name": "time", "arguments": {}}',
            [GRAZ, ToolCall(name="time", arguments="{}")],
        ),
        ('Here: {"name": "time", "arguments": {}}', []),
        ('```json\n{"name": "time", "arguments": {}}\n```\nIs that right?', []),
        ('{"name": "rm", "arguments": {}}', []),
        ('{"name": ["time"], "arguments": {}}', []),
        ('{"name": "time", "arguments": []}', []),
        ('{"name": "time"}', []),
        ('{"name": "time", "arguments": {}, "more": 1}', []),
        ('{"name": "time", "arguments": {}} {"a": 1}', []),
        ('{"name": "time", "arguments": {', []),
        ("", []),
        ("[]", []),
        ("[" * 100_000, []),
        ("<tool_call>" * 20_000, []),
        (
            '{"name": "weather", "arguments": {"city": "\\ud800"}}',
            [ToolCall(name="weather", arguments='{"city": "\\ud800"}')],
        ),
    ],
)
def test_a_text_that_is_calls_is_calls(text: str, calls: list[ToolCall]) -> None:
    """Nothing else may be in it, so that no answer about calls is taken for one."""
    assert written_calls(text, NAMES) == tuple(calls)


@given(st.text() | st.recursive(st.none(), lambda s: st.dictionaries(st.text(), s)).map(json.dumps))
def test_any_text_can_be_read(text: str) -> None:
    """What is no call stays a text."""
    assert written_calls(text, NAMES) == ()


def test_a_completion_that_is_a_call() -> None:
    """Its text is then nothing more; one with calls of its own stays as it is."""
    use = ToolUse(functions=NAMES)
    done = Completion(text='{"name": "time", "arguments": {}}', finish_reason="stop")
    found = with_written_calls(done, use)
    assert (found.text, [call.name for call in found.tool_calls]) == ("", ["time"])
    own = Completion(text=done.text, tool_calls=(GRAZ,))
    assert with_written_calls(own, use) is own
    assert with_written_calls(done, ToolUse()) is done


def test_tools_are_described_in_the_system_prompt() -> None:
    """Each with its parameters; nothing about them is left in the fields."""
    request = worded(USER)
    system, user = request.messages
    assert user == USER
    assert json.dumps(WEATHER) in system["content"]
    assert request.generation.extra == {}
    own: Message = {"role": "system", "content": "Be brief."}
    system, _ = worded(own, USER).messages
    assert system["content"].startswith("Be brief.\n\nYou can call")


def test_a_call_that_is_due_is_enforced() -> None:
    """By a schema of the functions that may be called, with the parameters of each."""
    request = worded(USER, choice="required")
    schema = request.generation.extra["response_format"]["json_schema"]["schema"]
    assert [one["properties"]["name"]["const"] for one in schema["anyOf"]] == ["weather", "time"]
    assert schema["anyOf"][0]["properties"]["arguments"] == WEATHER["parameters"]
    assert schema["anyOf"][1]["properties"]["arguments"] == {"type": "object"}
    assert "Call one of them now." in request.messages[0]["content"]
    named = worded(USER, choice={"type": "function", "function": {"name": "time"}})
    assert "weather" not in json.dumps(named.generation.extra)
    assert "Weather of a city" not in named.messages[0]["content"]


def test_references_are_not_torn_from_their_schema() -> None:
    """Parameters that refer to another place in them are any object."""
    parameters = {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}}
    tool = {"type": "function", "function": {"name": "time", "parameters": parameters}}
    request = worded(USER, choice="required", tools=[tool])
    schema = request.generation.extra["response_format"]["json_schema"]["schema"]
    assert schema["anyOf"][0]["properties"]["arguments"] == {"type": "object"}


def test_calls_and_results_of_the_conversation_are_texts() -> None:
    """In the form that is asked for; the roles take turns."""
    called = {"id": "1", "type": "function", "function": {"name": "time", "arguments": ""}}
    parts = [{"type": "text", "text": "noon"}]
    request = worded(
        USER,
        {"role": "assistant", "content": None, "tool_calls": [called, called | {"id": "2"}]},
        {"role": "tool", "tool_call_id": "1", "content": "12:00"},
        {"role": "tool", "tool_call_id": "9", "content": parts},
    )
    assert list(request.messages[1:]) == [
        USER,
        {"role": "assistant", "content": "\n".join(['{"name": "time", "arguments": {}}'] * 2)},
        {"role": "user", "content": "time returned: 12:00\n\nthe function returned: noon"},
    ]
