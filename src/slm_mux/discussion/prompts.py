"""The pieces that prompts of discussions are made of."""

from collections.abc import Sequence

from slm_mux.types import Message


def user(*parts: str) -> Message:
    """A user's message of these paragraphs; empty ones are left out."""
    return {"role": "user", "content": joined(*parts)}


def assistant(text: str) -> Message:
    """A message that the model itself wrote before."""
    return {"role": "assistant", "content": text}


def joined(*parts: str) -> str:
    """Paragraphs with a blank line between; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)


def numbered(texts: Sequence[str]) -> str:
    """Texts one after the other as "Reply 1:", "Reply 2:", without who wrote them.

    The word "answer" is not used: whoever repeats such a line has not given an answer yet.
    """
    return joined(*(f"Reply {number}:\n{text}" for number, text in enumerate(texts, 1)))


def before_request(opening: Sequence[Message], notes: str, instruction: str) -> tuple[Message, ...]:
    """Put notes below an opening's question, above its request for the answer's form.

    Args:
        opening: ends with a user's message, which ends with the request.
        notes: what the speaker is to read beside the question.
        instruction: the request; where the opening does not end with it, it comes after the notes.
    """
    *before, last = opening
    content = last["content"]
    if isinstance(content, str):
        return (*before, {**last, "content": _inserted(content, notes, instruction)})
    parts = list(content)
    if instruction and parts and parts[-1].get("type") == "text":
        text = _inserted(str(parts.pop()["text"]), notes, instruction)
    else:
        text = joined(notes, instruction)
    return (*before, {**last, "content": [*parts, {"type": "text", "text": text}]})


def _inserted(text: str, notes: str, instruction: str) -> str:
    if instruction:
        text = text.removesuffix(instruction).rstrip()
    return joined(text, notes, instruction)
