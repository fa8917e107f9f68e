"""The prompt: a conversation, its choices, and the request for an answer of one kind."""

import re
from collections.abc import Mapping, Sequence

from slm_mux.answers.base import AnswerKind
from slm_mux.types import Message


def prompt_messages(
    conversation: Sequence[Message],
    kind: AnswerKind,
    *,
    choices: Mapping[str, str] | None = None,
    system: str | None = None,
) -> tuple[Message, ...]:
    """Write the messages that every draw of one model is asked with.

    The request for the answer's form goes into the user's message, since small models follow it
    there and often not in a system prompt.

    Args:
        conversation: ends with a user's message, or with a tool's result where the kind asks for
            nothing; it is not changed.
        kind: what to ask for.
        choices: by label; written out below the question unless it already shows them.
        system: a system prompt to put first; before the text of one that is there already.
    """
    messages = [dict(message) for message in conversation]
    last = messages[-1]
    addition = "\n\n".join(
        part for part in (_choice_lines(last.get("content"), choices), kind.instruction()) if part
    )
    if addition:
        content = last["content"]
        last["content"] = (
            f"{content}\n\n{addition}"
            if isinstance(content, str)
            else [*content, {"type": "text", "text": addition}]
        )
    if system is not None:
        _put_first(system, messages)
    return tuple(messages)


def _put_first(system: str, messages: list[Message]) -> None:
    """Many chat templates take one system message only, so two become one."""
    first = messages[0]
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        first["content"] = f"{system}\n\n{first['content']}"
    else:
        messages.insert(0, {"role": "system", "content": system})


def _choice_lines(content: object, choices: Mapping[str, str] | None) -> str:
    if not choices:
        return ""
    if isinstance(content, str) and all(
        text in content and (text in ("", label) or _shows_label(label, content))
        for label, text in choices.items()
    ):
        return ""
    return "\n".join(
        f"{label}) {text}" if text and text != label else label for label, text in choices.items()
    )


def _shows_label(label: str, content: str) -> bool:
    """Whether a label stands before something: a question may name all texts without labels."""
    return re.search(rf"(?<!\w){re.escape(label)}\s?[).:\]]", content) is not None
