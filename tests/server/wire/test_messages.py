"""The conversation of a chat request goes to the models as it is."""

from typing import Any

import pytest

from slm_mux.server.wire.caps import Caps
from tests.server.wire.asking import TOOL, USER, parsed, refusal

CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Graz"}'},
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}


def test_a_whole_conversation_is_kept() -> None:
    """System prompts, names, images, refusals, calls and their results reach the models."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "What?"}, IMAGE]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "assistant", "content": "Rain.", "reasoning_content": "hm"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "user", "content": "And tomorrow?"},
    ]
    assert list(parsed(messages=messages).conversation) == messages


def test_a_conversation_may_end_with_the_result_of_a_tool() -> None:
    """Then the models are asked what follows from it."""
    messages = [
        USER,
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "rain"}]},
    ]
    ask = parsed(messages=messages, tools=[TOOL])
    assert ask.conversation[1] == {"role": "assistant", "content": None, "tool_calls": [CALL]}
    assert ask.conversation[-1]["role"] == "tool"


def test_a_developer_is_a_system() -> None:
    """The templates of small models know the older role only."""
    messages = [{"role": "developer", "content": "Be brief."}, USER]
    assert parsed(messages=messages).conversation[0] == {"role": "system", "content": "Be brief."}


def test_calls_are_sent_without_what_clients_add() -> None:
    """A place in a stream and arguments that were parsed are no part of a call."""
    added = {**CALL, "index": 0, "function": {**CALL["function"], "parsed_arguments": {"c": 1}}}
    messages = [USER, {"role": "assistant", "content": "x", "tool_calls": [added]}, USER]
    assert parsed(messages=messages).conversation[1]["tool_calls"] == [CALL]


def test_a_reply_may_be_sent_back() -> None:
    """The message that a client got is taken with all its fields; those that say nothing go."""
    got: dict[str, Any] = {
        "role": "assistant",
        "content": "102",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
        "parsed": {"answer": 102},
        "provider_specific_fields": {"refusal": None},
        "reasoning_content": "17 * 6 = 102",
    }
    assert parsed(messages=[USER, got, USER]).conversation[1] == {
        "role": "assistant",
        "content": "102",
        "reasoning_content": "17 * 6 = 102",
    }


@pytest.mark.parametrize(
    ("message", "param", "words"),
    [
        ("hello", "messages[0]", "must be an object"),
        ({"content": "x"}, "messages[0].role", "`role` is missing"),
        ({"role": "usr", "content": "x"}, "messages[0].role", "did you mean 'user'?"),
        ({"role": 1, "content": "x"}, "messages[0].role", "must be one of user, system"),
        ({"role": "function", "content": "x"}, "messages[0].role", "the role `tool`"),
        ({"role": "user"}, "messages[0].content", "`content` is missing"),
        ({"role": "user", "content": None}, "messages[0].content", "must be a text or a list"),
        ({"role": "user", "content": []}, "messages[0].content", "needs at least 1"),
        ({"role": "user", "content": {}}, "messages[0].content", "must be a text or a list"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]", "must be an object"),
        (
            {"role": "user", "content": "x", "contents": "y"},
            "messages[0].contents",
            "did you mean 'content'?",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {}}]},
            "messages[0].content[0].type",
            "no files are kept",
        ),
        (
            {"role": "system", "content": [IMAGE]},
            "messages[0].content[0].type",
            "must be one of text",
        ),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id", "is missing"),
        ({"role": "assistant"}, "messages[0]", "has `content`, or `tool_calls`"),
        ({"role": "assistant", "content": "x"}, "messages[0].role", "texts are not continued"),
        (
            {"role": "assistant", "function_call": {"name": "f"}},
            "messages[0].function_call",
            "use `tools`",
        ),
        (
            {"role": "assistant", "tool_calls": [{"type": "custom"}]},
            "messages[0].tool_calls[0].type",
            "only functions",
        ),
    ],
)
def test_a_message_of_another_form_is_refused(message: Any, param: str, words: str) -> None:
    """The error names the place, and says what would do."""
    reply = refusal(messages=[message])
    assert (reply.status, reply.param) == (400, param)
    assert words in reply.message


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "/etc/passwd", "ftp://host/x", "data:text/html,x", "gopher://x"]
)
def test_an_image_is_data_or_on_the_web(url: str) -> None:
    """A client cannot have an endpoint read a file."""
    part = {"type": "image_url", "image_url": {"url": url}}
    reply = refusal(messages=[{"role": "user", "content": [part]}])
    assert reply.param == "messages[0].content[0].image_url.url"
    assert "must start with data:image/" in reply.message


def test_images_on_the_web_can_be_refused() -> None:
    """A server may be told to let its endpoints fetch nothing."""
    far = {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "?"}, far]}]
    assert parsed(messages=messages).conversation == tuple(messages)
    reply = refusal(Caps(remote_images=False), messages=messages)
    assert "must be the image itself" in reply.message


@pytest.mark.parametrize(
    ("caps", "messages", "param", "words"),
    [
        (Caps(max_messages=2), [USER] * 3, "messages", "3 entries, but may have at most 2"),
        (Caps(), [], "messages", "needs at least 1"),
        (Caps(max_text=10), [USER], "messages", "15 characters, but may have at most 10"),
        (
            Caps(max_parts=1),
            [{"role": "user", "content": [{"type": "text", "text": "x"}] * 2}],
            "messages[0].content",
            "at most 1",
        ),
    ],
)
def test_a_conversation_has_limits(caps: Caps, messages: list[Any], param: str, words: str) -> None:
    """What is over a limit is refused, never cut down."""
    reply = refusal(caps, messages=messages)
    assert (reply.status, reply.param) == (400, param)
    assert words in reply.message
