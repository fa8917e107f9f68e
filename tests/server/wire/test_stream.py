"""A reply in chunks says the same as the reply that is not streamed."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slm_mux.server.wire.errors import refused
from slm_mux.server.wire.forms import FORMS
from slm_mux.server.wire.picks import Pick
from slm_mux.server.wire.reply import Head, completion
from slm_mux.server.wire.schema import check
from slm_mux.server.wire.stream import DONE, HEARTBEAT, PIECE, chunks, error_event, event, pieces
from slm_mux.types import Completion, ToolCall, Usage
from tests.server.wire.asking import TOOL, parsed

HEAD = Head(id="chatcmpl-1f", created=7, model="mux", fingerprint="fp_0")
USAGE = Usage(samples=9, prompt_tokens=90, completion_tokens=45)
LOGPROBS = {"content": [{"token": "1", "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
PICKS = [
    Pick(completion=Completion(text="word " * 60, reasoning="hm " * 40, finish_reason="length")),
    Pick(
        completion=Completion(
            text="",
            tool_calls=(
                ToolCall(id="x1", name="weather", arguments='{"city": "Graz"}'),
                ToolCall(name="time", arguments="{}"),
            ),
        )
    ),
    Pick(completion=Completion(text="", logprobs=LOGPROBS)),
]


def joined(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put chunks together as a client does: one choice each."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in events:
        for piece in chunk["choices"]:
            choice = choices.setdefault(piece["index"], {"message": {}, "finish_reason": None})
            message = choice["message"]
            for name, value in piece["delta"].items():
                if name == "tool_calls":
                    message.setdefault(name, []).extend(
                        {key: call[key] for key in ("id", "type", "function")} for call in value
                    )
                elif isinstance(value, str):
                    message[name] = (message.get(name) or "") + value
                else:
                    message.setdefault(name, value)
            choice["finish_reason"] = piece["finish_reason"] or choice["finish_reason"]
    return [choices[index] for index in sorted(choices)]


def test_chunks_put_together_are_the_reply() -> None:
    """Text, reasoning, calls and reasons of every choice are the same."""
    ask = parsed(stream=True, n=3, tools=[TOOL])
    events = list(chunks(HEAD, ask, PICKS, usage=USAGE, mux={"answer": "x"}))
    whole = completion(HEAD, ask, PICKS, usage=USAGE)
    expected = []
    for choice in whole["choices"]:
        message = {name: value for name, value in choice["message"].items() if name != "refusal"}
        expected.append({"message": message, "finish_reason": choice["finish_reason"]})
    assert joined(events) == expected
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in events} == {
        ("chatcmpl-1f", 7, "mux")
    }


def test_the_last_chunk_has_the_mux_object() -> None:
    """Only that one, and what the client set in passing."""
    ask = parsed(stream=True, metadata={"a": "b"})
    *before, last = chunks(HEAD, ask, PICKS[:1], usage=USAGE, mux={"answer": "x"})
    assert last["mux"] == {"answer": "x"}
    assert last["metadata"] == {"a": "b"}
    assert last["choices"][0]["finish_reason"] == "length"
    assert not any("mux" in chunk or "usage" in chunk for chunk in before)


def test_usage_comes_last_where_it_is_asked_for() -> None:
    """It has no choices; all chunks before it say null."""
    ask = parsed(stream=True, stream_options={"include_usage": True})
    *before, last = chunks(HEAD, ask, PICKS[:1], usage=USAGE, mux={"answer": "x"})
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 90, "completion_tokens": 45, "total_tokens": 135}
    assert {chunk["usage"] for chunk in before} == {None}
    assert before[-1]["mux"] == {"answer": "x"}


def test_every_chunk_has_the_promised_form() -> None:
    """As the API's description gives it."""
    ask = parsed(
        stream=True, stream_options={"include_usage": True}, logprobs=True, service_tier="auto"
    )
    for chunk in chunks(HEAD, ask, PICKS, usage=USAGE):
        check(json.loads(json.dumps(chunk)), FORMS["ChatCompletionChunk"])


def test_log_probabilities_come_once() -> None:
    """With the first piece of the text that they belong to."""
    pick = Pick(completion=Completion(text="word " * 40, logprobs=LOGPROBS))
    given = [
        chunk["choices"][0]["logprobs"]
        for chunk in chunks(HEAD, parsed(stream=True, logprobs=True), [pick], usage=USAGE)
    ]
    assert sum(logprobs is not None for logprobs in given) == 1
    assert given[1] is not None


@given(st.text(max_size=3000), st.integers(1, 100))
def test_pieces_put_together_are_the_text(text: str, size: int) -> None:
    """Nothing is lost, no piece is empty, and none is much longer than asked for."""
    cut = list(pieces(text, size))
    assert "".join(cut) == text
    assert all(cut)
    assert all(len(piece) <= max(size, len(text) // 256 + 1) for piece in cut)


def test_pieces_end_after_words() -> None:
    """Where there are spaces, words stay whole."""
    cut = list(pieces("word " * 100))
    assert all(piece.endswith(" ") for piece in cut)
    assert all(PIECE - 5 < len(piece) <= PIECE for piece in cut[:-1])


def test_events_are_lines_of_json() -> None:
    """A text's line breaks do not end an event; a heartbeat is a comment."""
    assert event({"a": "x\n\ny"}) == b'data: {"a":"x\\n\\ny"}\n\n'
    assert DONE == b"data: [DONE]\n\n"
    assert HEARTBEAT.startswith(b":")
    assert HEARTBEAT.endswith(b"\n\n")


def test_an_error_ends_a_stream_as_an_event() -> None:
    """It is the object that a reply would have."""
    reply = refused("no", param="n").reply
    sent = error_event(reply)
    assert json.loads(sent.removeprefix(b"data: ")) == reply.document()
