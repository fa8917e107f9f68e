"""The conversation of a chat request: the form of its messages, and what becomes of them.

Messages go to the models as they are, images and names included, but for two things. The role
`developer` becomes `system`, which is all that the templates of small models know. What is null, or
made by a client's library of what is there, is left out: a client may send back the message that it
got.
"""

from typing import Any

from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import refused
from slm_mux.server.wire.schema import NOTHING, Schema, closed, tagged
from slm_mux.types import Message

_NO_FUNCTIONS = "it is the form before `tools`; use `tools`, `tool_calls` and the role `tool`"

_OF_LIBRARIES = ("parsed", "provider_specific_fields")
"""What OpenAI's library, and litellm, add to the message that they got."""


def messages_schema(caps: Caps) -> Schema:
    """Give the schema of `messages`."""
    text_part = tagged("text", text={"type": "string"})
    image = closed(
        ["url"],
        url={"type": "string", "pattern": _image_pattern(caps), "x-what": _image_rule(caps)},
        detail={"type": "string", "enum": ["auto", "low", "high", "original"]},
    )
    audio = closed(["data", "format"], data={"type": "string"}, format={"type": "string"})
    refusal_part = tagged("refusal", refusal={"type": "string"})
    user_parts = (
        text_part,
        tagged("image_url", image_url=image),
        tagged("input_audio", input_audio=audio),
    )
    texts = _content(caps, text_part)
    name = {"type": ["string", "null"], "maxLength": 256}
    calls = {
        "type": ["array", "null"],
        "maxItems": caps.max_parts,
        "items": {
            "anyOf": [_call_schema()],
            "x-tag": "type",
            "x-refused": {"custom": "only functions can be called"},
        },
    }
    assistant: dict[str, Schema] = {
        "content": {"anyOf": [*_content(caps, text_part, refusal_part)["anyOf"], {"type": "null"}]},
        "name": name,
        "tool_calls": calls,
        "refusal": {"type": ["string", "null"]},
        "reasoning_content": {"type": ["string", "null"]},
        "reasoning": {"type": ["string", "null"]},
        "annotations": {"type": ["array", "null"], "maxItems": 0},
        **{name: {} for name in _OF_LIBRARIES},
        "audio": {"type": "null", "x-refused": "no audio is kept that could be referred to"},
        "function_call": {"type": "null", "x-refused": _NO_FUNCTIONS},
    }
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": caps.max_messages,
        "items": {
            "anyOf": [
                _message("user", ["content"], content=_content(caps, *user_parts), name=name),
                _message("system", ["content"], content=texts, name=name),
                _message("developer", ["content"], content=texts, name=name),
                _message("assistant", [], **assistant),
                _message(
                    "tool",
                    ["content", "tool_call_id"],
                    content=texts,
                    tool_call_id={"type": "string", "maxLength": 512},
                    name=name,
                ),
            ],
            "x-tag": "role",
            "x-refused": {"function": _NO_FUNCTIONS},
        },
    }


def conversation_of(messages: list[Message], caps: Caps) -> tuple[Message, ...]:
    """Make the conversation that the models are asked with.

    Args:
        messages: as `messages_schema` allows them.
        caps: what the server allows.

    Raises:
        RefusedError: the texts are too long together, an assistant's message says nothing, or the
            conversation ends with one.
    """
    characters = sum(map(_characters, messages))
    if characters > caps.max_text:
        raise refused(
            f"the conversation has {characters:,} characters, but may have at most "
            f"{caps.max_text:,}",
            param="messages",
        )
    for index, message in enumerate(messages):
        if message["role"] == "assistant" and not (
            message.get("content") is not None or message.get("tool_calls")
        ):
            raise refused(
                "an assistant's message has `content`, or `tool_calls`, or both",
                param=f"messages[{index}]",
            )
    if messages[-1]["role"] == "assistant":
        raise refused(
            "the conversation ends with an assistant's message; texts are not continued: end it "
            "with a user's message, or with a tool's",
            param=f"messages[{len(messages) - 1}].role",
        )
    return tuple(map(_sent, messages))


def _sent(message: Message) -> Message:
    """Leave out what says nothing, and what a client's library made of the rest."""
    sent = {
        name: value
        for name, value in message.items()
        if name == "content" or not (value is None or value == [] or name in _OF_LIBRARIES)
    }
    sent.setdefault("content", None)
    if sent["role"] == "developer":
        sent["role"] = "system"
    if "tool_calls" in sent:
        sent["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {name: call["function"][name] for name in ("name", "arguments")},
            }
            for call in sent["tool_calls"]
        ]
    return sent


def _characters(message: Message) -> int:
    content = message.get("content") or ""
    if isinstance(content, str):
        return len(content)
    return sum(len(part.get("text", "")) for part in content)


def _message(role: str, required: list[str], **properties: Schema) -> Schema:
    form = closed(["role", *required], role={"type": "string", "const": role}, **properties)
    return form | {"additionalProperties": NOTHING}


def _content(caps: Caps, *parts: Schema) -> dict[str, Any]:
    """A text, or a list of parts."""
    return {
        "anyOf": [
            {"type": "string"},
            {
                "type": "array",
                "minItems": 1,
                "maxItems": caps.max_parts,
                "items": {
                    "anyOf": list(parts),
                    "x-tag": "type",
                    "x-refused": {
                        "file": "no files are kept; give texts, and images as `image_url`",
                        "input_file": "no files are kept; give texts, and images as `image_url`",
                        "video_url": "videos are not passed on; give images",
                    },
                },
            },
        ]
    }


def _call_schema() -> Schema:
    return closed(
        ["id", "type", "function"],
        id={"type": "string", "maxLength": 512},
        type={"type": "string", "const": "function"},
        index={"type": "integer", "minimum": 0},
        function=closed(
            ["name", "arguments"],
            name={"type": "string", "maxLength": 256},
            arguments={"type": "string"},
            parsed_arguments={},
        ),
    )


def _image_pattern(caps: Caps) -> str:
    return "^(data:image/|https?://)" if caps.remote_images else "^data:image/"


def _image_rule(caps: Caps) -> str:
    if caps.remote_images:
        return "must start with data:image/, https:// or http://"
    return "must be the image itself, as a data: URL (data:image/...): this server fetches none"
