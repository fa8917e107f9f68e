"""Texts in an Inspect sample: contents in pieces, references to attachments, the prompt."""

import re
from collections.abc import Mapping
from typing import Any

from slm_mux.types import Message

_REFERENCE = re.compile(r"attachment://([0-9a-f]{32})")
_RESOLVED = ("input", "messages", "output", "choices", "target", "error")


def with_attachments(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The sample with each `attachment://…` that the log replaced a long text by put back."""
    attachments = sample.get("attachments")
    if not isinstance(attachments, dict) or not attachments:
        return dict(sample)

    def resolve(value: Any) -> Any:
        if isinstance(value, str):
            return _REFERENCE.sub(lambda found: str(attachments.get(found[1], found[0])), value)
        if isinstance(value, list):
            return [resolve(item) for item in value]
        if isinstance(value, dict):
            return {key: resolve(item) for key, item in value.items()}
        return value

    return {key: resolve(item) if key in _RESOLVED else item for key, item in sample.items()}


def split_content(content: Any) -> tuple[str, str | None]:
    """A message's text, and its reasoning apart; pictures and the like are left out."""
    if isinstance(content, str):
        return content, None
    texts: list[str] = []
    thoughts: list[str] = []
    for piece in content if isinstance(content, list) else ():
        if isinstance(piece, str):
            texts.append(piece)
        elif isinstance(piece, dict) and isinstance(piece.get("text"), str):
            texts.append(piece["text"])
        elif isinstance(piece, dict) and isinstance(piece.get("reasoning"), str):
            thoughts.append(piece["reasoning"])
    return "\n".join(texts), "\n".join(thoughts) or None


def question_of(given: Any) -> str | None:
    """The sample's input: a text, or its last message of the user."""
    if isinstance(given, str):
        return given if given.strip() else None
    for message in reversed(given if isinstance(given, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return split_content(message.get("content"))[0] or None
    return None


def prompt_of(sample: Mapping[str, Any]) -> tuple[Message, ...] | None:
    """The messages before the first that the model generated; None when the log has none."""
    prompt: list[Message] = []
    messages = sample.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            return None
        if message["role"] == "assistant" and message.get("source") != "input":
            break
        prompt.append(
            {"role": message["role"], "content": split_content(message.get("content"))[0]}
        )
    return tuple(prompt) or None
