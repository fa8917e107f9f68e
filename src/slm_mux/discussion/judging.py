"""How a model is asked about others' answers to a question, in place of answering it."""

from msgspec.structs import replace

from slm_mux.discussion.base import Speaker
from slm_mux.types import Message

FORMS = frozenset(
    {
        "format",
        "function_call",
        "functions",
        "grammar",
        "json_schema",
        "parallel_tool_calls",
        "response_format",
        "structured_outputs",
        "tool_choice",
        "tools",
    }
)
"""Fields of a request that give the answer to the question its form; a judgement has its own."""


def judging(speaker: Speaker) -> Speaker:
    """The speaker as one who judges: nothing forces the form of the question's answer on it."""
    extra = speaker.generation.extra
    if FORMS.isdisjoint(extra):
        return speaker
    kept = {field: value for field, value in extra.items() if field not in FORMS}
    return replace(speaker, generation=replace(speaker.generation, extra=kept))


def judged_by(speaker: Speaker, text: str) -> tuple[Message, ...]:
    """Write what a speaker is asked about others' answers.

    Its own system prompt, the conversation before the question and pictures beside the question
    stay; the request for the form of an answer does not.

    Args:
        speaker: who is asked.
        text: the question, the answers to judge, and what is to be said of them.
    """
    *before, last = speaker.opening
    content = last["content"]
    if isinstance(content, str):
        return (*before, {"role": "user", "content": text})
    pictures = [part for part in content if part.get("type") != "text"]
    return (*before, {"role": "user", "content": [*pictures, {"type": "text", "text": text}]})
