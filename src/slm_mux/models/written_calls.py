"""Calls of tools in plain text, for models whose engine or template has no form for them.

The tools are described in the system prompt, what was called before stands in the conversation as
text, and a completion that is written in the form that was asked for is a call. Where a call is
due, the form is enforced by a JSON schema, in which llama.cpp lets nothing else be written.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from slm_mux.models.base import Request
from slm_mux.types import Completion, Message, ToolCall, ToolUse

_FIELDS = ("tools", "tool_choice", "parallel_tool_calls")
_BETWEEN = re.compile(r"(?:[\s,;]|```(?:json)?|</?tool_call>)*")
"""What may stand around calls: fences, and the tags of Hermes' and Qwen's templates."""
_ARGUMENTS = ("arguments", "parameters")
"""What models name them; the first is what is asked for."""
_decoder = json.JSONDecoder()


def in_words(request: Request, use: ToolUse) -> Request:
    """Ask in words for what the fields about tools of a request ask for.

    Args:
        request: its `extra` has tools.
        use: what they allow.
    """
    extra = dict(request.generation.extra)
    tools = [
        tool["function"]
        for tool in extra.get("tools") or ()
        if use.functions is None or tool["function"]["name"] in use.functions
    ]
    for field in _FIELDS:
        extra.pop(field, None)
    if use.must_call:
        extra["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "call", "strict": True, "schema": _schema(tools)},
        }
    return replace(
        request,
        messages=_told(request.messages, _instruction(tools, must_call=use.must_call)),
        generation=replace(request.generation, extra=extra),
    )


def with_written_calls(completion: Completion, use: ToolUse) -> Completion:
    """Take a completion that is nothing but calls, in writing, for these calls.

    Args:
        completion: one that has calls already stays as it is.
        use: only functions that may be called are.
    """
    if completion.tool_calls or use.functions is None:
        return completion
    calls = written_calls(completion.text, use.functions)
    return replace(completion, text="", tool_calls=calls) if calls else completion


def written_calls(text: str, functions: frozenset[str]) -> tuple[ToolCall, ...]:
    """Read the calls that a text consists of.

    Returns:
        Nothing where anything else is in the text: prose, other JSON, a call of another function.
    """
    found: list[ToolCall] = []
    at = _end_of_gap(text, 0)
    while at < len(text):
        try:
            document, at = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return ()
        for each in document if isinstance(document, list) else [document]:
            call = _call(each, functions)
            if call is None:
                return ()
            found.append(call)
        at = _end_of_gap(text, at)
    return tuple(found)


def _end_of_gap(text: str, at: int) -> int:
    gap = _BETWEEN.match(text, at)
    return at if gap is None else gap.end()


def _call(document: Any, functions: frozenset[str]) -> ToolCall | None:
    name = document.get("name") if isinstance(document, dict) else None
    if not isinstance(name, str) or name not in functions:
        return None
    given = [field for field in document if field != "name"]
    if len(given) != 1 or given[0] not in _ARGUMENTS:
        return None
    arguments = document[given[0]]
    if not isinstance(arguments, dict):
        return None
    return ToolCall(name=name, arguments=json.dumps(arguments))


def _instruction(tools: Sequence[Mapping[str, Any]], *, must_call: bool) -> str:
    described = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    when = (
        "Call one of them now."
        if must_call
        else "Call one only where it is needed; else answer in words."
    )
    return (
        f"You can call these functions:\n{described}\n\nTo call one, write this JSON object and "
        'nothing else: {"name": the function\'s name, "arguments": an object of its arguments}. '
        f"{when}"
    )


def _schema(tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The form of one call of one of these functions."""
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {
                    "name": {"const": tool["name"]},
                    "arguments": _parameters(tool.get("parameters")),
                },
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
            for tool in tools
        ]
    }


def _parameters(schema: Any) -> dict[str, Any]:
    # A reference means a place in the whole schema, where this one is not the whole any more.
    if not isinstance(schema, dict) or '"$ref"' in json.dumps(schema):
        return {"type": "object"}
    return {"type": "object", **schema}


def _told(messages: Sequence[Message], instruction: str) -> tuple[Message, ...]:
    """Put the instruction into the system prompt, and calls and their results into words."""
    told: list[Message] = []
    names: dict[str, str] = {}
    for message in messages:
        calls = message.get("tool_calls") or ()
        names |= {call["id"]: call["function"]["name"] for call in calls}
        told.append(_in_words(message, names))
    if told and told[0]["role"] == "system" and isinstance(told[0]["content"], str):
        told[0] = told[0] | {"content": f"{told[0]['content']}\n\n{instruction}"}
    else:
        told.insert(0, {"role": "system", "content": instruction})
    return tuple(_joined(told))


def _in_words(message: Message, names: Mapping[str, str]) -> Message:
    if message["role"] == "tool":
        name = names.get(message.get("tool_call_id", ""), "the function")
        return {"role": "user", "content": f"{name} returned: {_text(message['content'])}"}
    if not message.get("tool_calls"):
        return message
    calls = [
        f'{{"name": {json.dumps(call["function"]["name"])}, '
        f'"arguments": {call["function"]["arguments"].strip() or "{}"}}}'
        for call in message["tool_calls"]
    ]
    said = _text(message.get("content"))
    return {"role": "assistant", "content": "\n".join(filter(None, [said, *calls]))}


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content or ""


def _joined(messages: Sequence[Message]) -> list[Message]:
    """Join texts of one role that follow each other: many templates want the roles in turn."""
    joined: list[Message] = []
    for message in messages:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last["role"] == message["role"]
            and isinstance(last["content"], str)
            and isinstance(message["content"], str)
        ):
            joined[-1] = last | {"content": f"{last['content']}\n\n{message['content']}"}
        else:
            joined.append(message)
    return joined
