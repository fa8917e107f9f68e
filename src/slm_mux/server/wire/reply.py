"""A decision as OpenAI's chat completion: an ordinary one, with one more object, `mux`.

The content is the winning completion, whole. With a JSON `response_format` it is the document alone
(a small model likes to put a fence around it), so that a client can parse it.
"""

import hashlib
import math
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.documents import decision_document
from slm_mux.server.wire.failures import without_addresses
from slm_mux.server.wire.logprobs import logprobs_document
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.picks import Pick, runners_up
from slm_mux.server.wire.request import ChatAsk
from slm_mux.types import Completion, Decision, Sample, Usage
from slm_mux.wording import counted

_FINISHES = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}


class Head(Struct, frozen=True, kw_only=True):
    """What the reply, or every chunk of it, starts with."""

    id: str
    """Unique, for instance `chatcmpl-...`."""
    created: int
    """Seconds since 1970."""
    model: str
    """The name that was asked for; the winner's is in `mux.model`."""
    fingerprint: str | None = None
    """See `fingerprint_of`."""


def fingerprint_of(*parts: Any) -> str:
    """Name a configuration: the same parts, made of plain JSON values, give the same name."""
    digest = hashlib.sha256(msgspec.json.encode(parts, order="sorted"))
    return f"fp_{digest.hexdigest()[:12]}"


def completion(
    head: Head,
    ask: ChatAsk,
    picked: Sequence[Pick],
    *,
    usage: Usage,
    mux: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the reply that is not streamed.

    Args:
        head: what it starts with.
        ask: what was asked.
        picked: at least one; see `picks`.
        usage: of all draws together.
        mux: see `mux_object`; None for a member that was asked alone.
    """
    document: dict[str, Any] = {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [
            {
                "index": index,
                "message": message_of(head, ask, pick, index),
                "logprobs": logprobs_document(pick.completion.logprobs) if ask.logprobs else None,
                "finish_reason": finish_reason(pick.completion),
            }
            for index, pick in enumerate(picked)
        ],
        "usage": usage_document(usage),
        "system_fingerprint": head.fingerprint,
    }
    return document | echoed(ask) | ({} if mux is None else {"mux": dict(mux)})


def message_of(head: Head, ask: ChatAsk, pick: Pick, index: int) -> dict[str, Any]:
    """Write one choice's message.

    Args:
        head: its id makes those of calls to which their endpoint gave none.
        ask: what was asked.
        pick: the draw.
        index: the choice's.
    """
    done = pick.completion
    calls = [
        {
            "id": call.id or f"call_{head.id.rpartition('-')[2]}_{index}_{number}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for number, call in enumerate(done.tool_calls)
    ]
    content: str | None = done.text
    if ask.json_reply and not ask.tools and pick.answer is not None:
        content = pick.answer
    message: dict[str, Any] = {
        "role": "assistant",
        # With calls a text is optional, and blank ones confuse clients.
        "content": content if content or not calls else None,
        "refusal": None,
    }
    if calls:
        message["tool_calls"] = calls
    if done.reasoning is not None:
        message["reasoning_content"] = done.reasoning
    return message


def finish_reason(done: Completion) -> str:
    """Name why a completion ended, in the words that strict clients know."""
    reason = _FINISHES.get(done.finish_reason or "stop", "stop")
    if done.tool_calls:
        return "length" if reason == "length" else "tool_calls"
    return "stop" if reason == "tool_calls" else reason


def usage_document(usage: Usage) -> dict[str, Any]:
    """Add up the tokens of all draws whose endpoints reported them."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def mux_object(
    decision: Decision,
    ask: ChatAsk,
    name: ModelName,
    *,
    temperature_used: float | None,
    picked: Sequence[Pick] = (),
    samples: Iterable[Sample] = (),
) -> dict[str, Any]:
    """Write the reply's `mux`: the JSON of `slm-mux ask`, and what only a server can say.

    Args:
        decision: what the draws came to.
        ask: what was asked; its `detail` says how much is written.
        name: what was asked of.
        temperature_used: of every draw; None where it was each model's own.
        picked: the reply's choices.
        samples: the draws that are in; only written with the detail "draws".
    """
    document = decision_document(decision)
    document["warnings"] = [
        # Some quote the names that endpoints gave their models.
        *map(without_addresses, decision.warnings),
        *ask.warnings,
        *_own_warnings(decision, ask, picked),
    ]
    document |= {
        "pool": name.pool,
        "asked_temperature": ask.temperature,
        "temperature_used": temperature_used,
        "runners_up": [msgspec.to_builtins(other) for other in runners_up(decision)],
    }
    discussion = document["discussion"]
    if ask.detail == "summary":
        for key in ("text", "votes", "runners_up"):
            del document[key]
        if discussion is not None:
            del discussion["turns"]
    if ask.detail == "votes" and discussion is not None:
        for turn in discussion["turns"]:
            del turn["text"]
    if ask.detail == "draws":
        # In a discussion a draw's number counts those of one prompt: the turns' order stays.
        ordered = (
            sorted(samples, key=lambda sample: (sample.model, sample.draw))
            if discussion is None
            else samples
        )
        document["draws"] = [draw_document(sample) for sample in ordered]
    return document


def answer_headers(model: str, usage: Usage, *, confidence: float | None = None) -> dict[str, str]:
    """Write the headers of a reply that is not streamed.

    Args:
        model: whose answer it is.
        usage: of all draws together.
        confidence: the winner's; None where nothing was compared.
    """
    headers = {
        # A header holds ASCII only; what it cannot hold is percent-encoded.
        "X-Mux-Model": urllib.parse.quote(model, safe=" !#$&'()*+,/:;=?@[]<>{}|^`\"\\"),
        "X-Mux-Samples": str(usage.samples),
    }
    if confidence is not None:
        headers["X-Mux-Answer-Confidence"] = f"{confidence:.4f}"
    return headers


def echoed(ask: ChatAsk) -> dict[str, Any]:
    """Repeat of the request what a reply repeats."""
    repeated: dict[str, Any] = {}
    if ask.service_tier is not None:
        repeated["service_tier"] = ask.service_tier
    if ask.metadata is not None:
        repeated["metadata"] = ask.metadata
    return repeated


def _own_warnings(decision: Decision, ask: ChatAsk, picked: Sequence[Pick]) -> list[str]:
    warnings = []
    if picked and len(picked) < ask.n:
        warnings.append(
            f"{ask.n} choices were asked for, but the models gave only "
            f"{counted(len(picked), 'distinct answer')}"
        )
    if ask.logprobs and picked and logprobs_document(picked[0].completion.logprobs) is None:
        warnings.append("the winner's endpoint gave no log-probabilities")
    if without := decision.usage.samples_without_usage:
        warnings.append(
            f"the endpoints reported no tokens for {counted(without, 'draw')}: `usage` leaves "
            "them out"
        )
    return warnings


def draw_document(sample: Sample) -> dict[str, Any]:
    """Write one draw, however it ended."""
    done, failure = sample.completion, sample.failure
    seconds = sample.seconds if math.isfinite(sample.seconds) else None
    return {
        "model": sample.model,
        "draw": sample.draw,
        "seed": sample.seed,
        "answer": None if sample.answer is None else sample.answer.text,
        "canonical": None if sample.answer is None else sample.answer.key,
        "text": None if done is None else done.text,
        "tool_calls": [] if done is None else msgspec.to_builtins(done.tool_calls),
        "finish_reason": None if done is None else done.finish_reason,
        "prompt_tokens": None if done is None else done.prompt_tokens,
        "completion_tokens": None if done is None else done.completion_tokens,
        "error": None if failure is None else failure.error,
        "message": None if failure is None else failure.message,
        "seconds": seconds,
    }
