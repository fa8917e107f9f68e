"""A reply in chunks: server-sent events as OpenAI's clients read them.

The answer is streamed once it is decided; until then a client gets comment lines, which keep its
connection alive and which every client passes over.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from slm_mux.server.wire.errors import ApiError
from slm_mux.server.wire.logprobs import logprobs_document
from slm_mux.server.wire.picks import Pick
from slm_mux.server.wire.reply import (
    Head,
    echoed,
    finish_reason,
    message_of,
    usage_document,
)
from slm_mux.server.wire.request import ChatAsk
from slm_mux.types import Usage

DONE = b"data: [DONE]\n\n"
"""The end of a stream that went well."""
HEARTBEAT = b": drawing\n\n"
"""A comment: it says that the connection is alive, and nothing else."""

PIECE = 48
"""Characters of one chunk's text, about."""
_MOST_PIECES = 256
"""Of one text: a long one has longer pieces."""


def event(document: Mapping[str, Any]) -> bytes:
    """Write one event."""
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


def error_event(error: ApiError) -> bytes:
    """Write the event that ends a stream that failed after it had begun; no `DONE` follows."""
    return event(error.document())


def chunks(
    head: Head,
    ask: ChatAsk,
    picked: Sequence[Pick],
    *,
    usage: Usage,
    mux: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """Write the reply in chunks; the caller sends each as an `event`, and `DONE` at the end.

    Choices come one after the other: who speaks, the text in pieces, the calls, the reason why it
    ended. The last of these chunks has `mux`. Where the usage is asked for, one more chunk without
    choices has it, and all others say null.

    Args:
        head: what every chunk starts with.
        ask: what was asked.
        picked: at least one.
        usage: of all draws together.
        mux: see `mux_object`; None for a member that was asked alone.
    """
    frame: dict[str, Any] = {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": head.model,
        "system_fingerprint": head.fingerprint,
    }
    if ask.service_tier is not None:
        frame["service_tier"] = ask.service_tier
    if ask.include_usage:
        frame["usage"] = None
    for index, pick in enumerate(picked):
        for delta, logprobs in _deltas(head, ask, pick, index):
            yield frame | {"choices": [_choice(index, delta, logprobs, None)]}
        last = frame | {"choices": [_choice(index, {}, None, finish_reason(pick.completion))]}
        if index == len(picked) - 1:
            last |= echoed(ask) | ({} if mux is None else {"mux": dict(mux)})
        yield last
    if ask.include_usage:
        yield frame | {"choices": [], "usage": usage_document(usage)}


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    """Cut a text after white space into pieces of about so many characters; nothing is lost.

    Args:
        text: any text; of an empty one there is no piece.
        size: characters, >= 1; more where the text would have too many pieces.
    """
    size = max(size, -(-len(text) // _MOST_PIECES))
    start = 0
    while start < len(text):
        end = start + size
        if end < len(text):
            space = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
            end = space + 1 if space >= start else end
        yield text[start:end]
        start = end


def _deltas(
    head: Head, ask: ChatAsk, pick: Pick, index: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Give what each chunk of one choice adds, with the log-probabilities in the first."""
    message = message_of(head, ask, pick, index)
    logprobs = logprobs_document(pick.completion.logprobs) if ask.logprobs else None
    content = message["content"]
    yield {"role": "assistant", "content": None if content is None else ""}, None
    for text in pieces(message.get("reasoning_content") or ""):
        yield {"reasoning_content": text}, None
    for text in pieces(content or ""):
        yield {"content": text}, logprobs
        logprobs = None
    for number, call in enumerate(message.get("tool_calls", ())):
        yield {"tool_calls": [{"index": number, **call}]}, logprobs
        logprobs = None


def _choice(
    index: int,
    delta: dict[str, Any],
    logprobs: dict[str, Any] | None,
    reason: str | None,
) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
