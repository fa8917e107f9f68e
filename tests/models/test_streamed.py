"""Putting a stream together into the reply that it stands for."""

import json

import aiohttp
import pytest

from slm_mux.models.streamed import assembled


def stream(*events: object) -> bytes:
    """Write events as a server sends them."""
    return b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)


def piece(index: int = 0, finish: str | None = None, **delta: str | None) -> dict[str, object]:
    """Make an event with one piece of one choice."""
    return {"choices": [{"index": index, "finish_reason": finish, "delta": delta}], "model": "m"}


END = b"data: [DONE]\n\n"
USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def test_pieces_are_joined() -> None:
    """Texts are joined in order; usage, model and finish reason are kept."""
    events = stream(
        piece(role="assistant", content=None), piece(content="4"), piece(content="2"), USAGE
    )
    assert assembled(events + stream(piece(finish="stop")) + END) == {
        "model": "m",
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        "choices": [{"index": 0, "message": {"content": "42"}, "finish_reason": "stop"}],
    }


def test_interleaved_choices() -> None:
    """Pieces of several choices are told apart by their index."""
    events = stream(
        piece(1, content="b"), piece(0, content="a"), piece(1, content="B", finish="length")
    )
    texts = [choice["message"]["content"] for choice in assembled(events + END)["choices"]]
    assert texts == ["a", "bB"]


def test_reasoning_is_kept_apart() -> None:
    """Reasoning does not run into the text."""
    events = stream(piece(reasoning_content="hm"), piece(content="42")) + END
    message = assembled(events)["choices"][0]["message"]
    assert message == {"content": "42", "reasoning_content": "hm"}


def test_error_event() -> None:
    """An error in the middle of a stream is the reply."""
    assert assembled(stream(piece(content="4"), {"error": {"message": "no"}})) == {
        "error": {"message": "no"}
    }


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        stream(piece(content="4")),
        b"data: {\n\n" + END,
        stream([1]) + END,
        stream({"choices": [1]}),
    ],
)
def test_broken_stream(broken: bytes) -> None:
    """A stream without its end, or with what is no event, is a broken connection."""
    with pytest.raises(aiohttp.ClientPayloadError):
        assembled(broken)
