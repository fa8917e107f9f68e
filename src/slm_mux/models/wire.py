"""The OpenAI chat format on the wire, to and from the project's types.

Reading is lenient where a field is not needed: unknown fields are skipped, and a usage, a model
name or a finish reason of the wrong type counts as absent. Only choices and their texts must be
right.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.models.base import Request
from slm_mux.types import Completion, ToolCall

OURS = frozenset({"model", "messages", "n", "seed", "stream"})
"""Fields that are set for each draw, and that `extra` may not set."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_TOKENS = 2**53


class Part(Struct):
    """One part of a content that is a list."""

    type: Any = None
    text: Any = None
    thinking: Any = None


class ReplyMessage(Struct):
    """What the model wrote."""

    content: str | list[Part] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None


class Choice(Struct):
    """One draw. `message` may be absent only where `error` says why."""

    message: ReplyMessage | None = None
    finish_reason: Any = None
    error: Any = None
    logprobs: Any = None


class ChatReply(Struct):
    """A chat completion, or an error object in its place."""

    choices: list[Choice] | msgspec.UnsetType | None = msgspec.UNSET
    usage: Any = None
    model: Any = None
    error: Any = None


class ServedModel(Struct):
    """One entry of GET /models."""

    id: str


class ModelList(Struct):
    """The reply to GET /models. Ollama without any model says null."""

    data: list[ServedModel] | None


class NotJSONError(Exception):
    """The body is not JSON.

    Args:
        incomplete: it starts as an object and stops before its end.
    """

    def __init__(self, *, incomplete: bool) -> None:
        super().__init__()
        self.incomplete = incomplete


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ChatReply)


def encode_request(model: str, request: Request) -> bytes:
    """Write the body of a chat request.

    `extra` may set any field but those that decide what comes back: it overrides temperature and
    its like.

    Raises:
        InvalidRequestError: `extra` sets one of `OURS`.
        UnicodeEncodeError: a text holds half of a surrogate pair, which UTF-8 cannot carry.
        TypeError, RecursionError: something in the messages or in `extra` is not JSON.
    """
    generation = request.generation
    body: dict[str, Any] = {"model": model, "messages": request.messages, "stream": False}
    if generation.temperature is not None:
        body["temperature"] = generation.temperature
    if generation.top_p is not None:
        body["top_p"] = generation.top_p
    if generation.max_tokens is not None:
        body["max_tokens"] = generation.max_tokens
    if generation.stop:
        body["stop"] = generation.stop
    if request.seed is not None:
        body["seed"] = request.seed
    if request.n > 1:
        body["n"] = request.n
    if generation.extra:
        check_extra(generation.extra)
        body |= generation.extra
    return _encoder.encode(body)


def check_extra(extra: Mapping[str, Any]) -> None:
    """Check that extra fields leave alone what is set for each draw.

    Raises:
        InvalidRequestError: they set one of `OURS`.
    """
    if taken := sorted(OURS & extra.keys()):
        raise InvalidRequestError(
            f"the extra fields of a request may not set {', '.join(taken)}: "
            "these are set for each draw; remove them"
        )


def decode_reply(body: bytes) -> ChatReply:
    """Read the body of a reply.

    Raises:
        NotJSONError: it is not JSON.
        msgspec.ValidationError: it is JSON of another shape.
    """
    try:
        return _decoder.decode(body)
    except (ValueError, RecursionError):
        # Broken UTF-8, half surrogate pairs and NaN log-probabilities do not spoil a text.
        return msgspec.convert(decode_json(body), ChatReply)


def decode_models(body: bytes) -> list[str]:
    """Read the model names in a reply to GET /models, in its order, each once.

    Raises:
        NotJSONError: it is not JSON.
        msgspec.ValidationError: it is JSON of another shape.
    """
    served = msgspec.convert(decode_json(body), ModelList).data or []
    return list(dict.fromkeys(model.id for model in served))


def decode_json(body: bytes) -> Any:
    """Any JSON, read as leniently as it can be; characters that are none become U+FFFD.

    Raises:
        NotJSONError: it is not JSON.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, object_pairs_hook=_clean_pairs)
    except (ValueError, RecursionError):
        text = text.strip()
        incomplete = not text or (text[0] == "{" and text[-1] != "}")
        raise NotJSONError(incomplete=incomplete) from None


def completions(reply: ChatReply, n: int) -> list[Completion]:
    """Take the completions out of a reply, at most n, with the cost shared out among them.

    An empty text is a completion. A choice that is an error in itself is left out. Some engines
    report the completion tokens of one choice alone (llama.cpp); that cannot be seen from here.
    """
    choices = [c for c in reply.choices or () if c.message is not None and c.error is None][:n]
    prompt, total = _usage(reply.usage)
    served = reply.model if isinstance(reply.model, str) else None
    found = []
    for index, choice in enumerate(choices):
        text, reasoning = _texts(choice.message)
        finish = choice.finish_reason
        share = total
        if total is not None and len(choices) > 1:
            share = total // len(choices) + (index < total % len(choices))
        found.append(
            Completion(
                text=text,
                finish_reason=finish if isinstance(finish, str) else None,
                prompt_tokens=prompt if index == 0 or prompt is None else 0,
                completion_tokens=share,
                served_model=served,
                reasoning=reasoning,
                tool_calls=_calls(choice.message),
                logprobs=choice.logprobs,
            )
        )
    return found


def _texts(message: ReplyMessage | None) -> tuple[str, str | None]:
    """Text and reasoning of one message."""
    if message is None:
        return "", None
    reasoning = message.reasoning_content or message.reasoning
    kept = reasoning if isinstance(reasoning, str) and reasoning else None
    content = message.content
    if isinstance(content, list):
        thoughts = "".join(_thinking(part.thinking) for part in content)
        texts = [part.text for part in content if isinstance(part.text, str)]
        return "".join(texts), kept or thoughts or None
    return content or "", kept


def _calls(message: ReplyMessage | None) -> tuple[ToolCall, ...]:
    """The calls of functions; what is no call at all is kept as one without a name."""
    given = message.tool_calls if message is not None else None
    return tuple(map(_call, given)) if isinstance(given, list) else ()


def _call(given: Any) -> ToolCall:
    given = given if isinstance(given, dict) else {}
    function = given.get("function")
    function = function if isinstance(function, dict) else {}
    name, arguments = function.get("name"), function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        # Some engines send the object itself where the format has its text.
        arguments = json.dumps(arguments)
    return ToolCall(
        id=given["id"] if isinstance(given.get("id"), str) else None,
        name=name if isinstance(name, str) else "",
        arguments=arguments or "",
    )


def _thinking(value: Any) -> str:
    """Read the text of a part of reasoning: a string, or a list of text parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = (part.get("text") for part in value if isinstance(part, dict))
        return "".join(text for text in texts if isinstance(text, str))
    return ""


def _usage(usage: Any) -> tuple[int | None, int | None]:
    """Prompt and completion tokens, each None where it is missing or cannot be a count."""
    if not isinstance(usage, dict):
        return None, None
    return _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))


def _count(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < _MOST_TOKENS else None


def _clean_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {_clean(key): _clean(value) for key, value in pairs}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
