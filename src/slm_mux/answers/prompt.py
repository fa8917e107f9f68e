"""The prompt: a question, its choices, and the request for an answer of one kind."""

from collections.abc import Mapping, Sequence

from slm_mux.answers.base import AnswerKind
from slm_mux.types import Message


def prompt_messages(
    question: str | Sequence[Message],
    kind: AnswerKind,
    *,
    choices: Mapping[str, str] | None = None,
    system: str | None = None,
) -> tuple[Message, ...]:
    """Write the messages that every draw of one model is asked with.

    The request for the answer's form goes into the user's message, since small models follow it
    there and often not in a system prompt.

    Args:
        question: a text, or a whole conversation that ends with a user's message.
        kind: what to ask for.
        choices: by label; written out below the question unless it already shows them.
        system: a system prompt to put first.
    """
    conversation: list[Message] = (
        [{"role": "user", "content": question}]
        if isinstance(question, str)
        else [dict(message) for message in question]
    )
    last = conversation[-1]
    addition = "\n\n".join(
        part for part in (_choice_lines(last["content"], choices), kind.instruction()) if part
    )
    if addition:
        content = last["content"]
        last["content"] = (
            f"{content}\n\n{addition}"
            if isinstance(content, str)
            else [*content, {"type": "text", "text": addition}]
        )
    if system is not None:
        conversation.insert(0, {"role": "system", "content": system})
    return tuple(conversation)


def _choice_lines(content: object, choices: Mapping[str, str] | None) -> str:
    if not choices:
        return ""
    if isinstance(content, str) and all(text in content for text in choices.values() if text):
        return ""
    return "\n".join(
        f"{label}) {text}" if text and text != label else label for label, text in choices.items()
    )
