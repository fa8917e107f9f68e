"""An endpoint that is asked for a stream, and answers as if it had not been.

llama.cpp notices a closed connection at the next token it tries to send, so a streamed request that
is cancelled stops at once; one that is not streamed goes on for a second or more. `return_progress`
makes it write while it still reads the prompt, so that this holds then too.
"""

from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from slm_mux.models.endpoint import Endpoint, RawReply, Timeouts
from slm_mux.models.pulse import STANDSTILL_SECONDS, Pulse

_EVENT = b"data:"
_END = b"[DONE]"


class StreamingEndpoint(Endpoint):
    """A llama.cpp server whose requests stop when they are cancelled.

    Args:
        url: the base URL.
        api_key: its key.
        reuse_prompts: whether it may keep what it computed for an earlier prompt that starts
            alike. That saves time, but rounds differently, so a seed alone no longer fixes a text.
        pulse: the engine's, for all who ask it; None for one of its own.
        standstill: seconds without a sign of life after which a request is given up, > 0.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str,
        reuse_prompts: bool = True,
        pulse: Pulse | None = None,
        standstill: float = STANDSTILL_SECONDS,
    ) -> None:
        super().__init__(url, api_key=api_key)
        self._reuse_prompts = reuse_prompts
        self._pulse = pulse or Pulse()
        self._standstill = standstill

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        timeouts: Timeouts,
        headers: Mapping[str, str] | None = None,
        user: object = None,
    ) -> RawReply:
        """Send one request; a chat completion's stream is put together into one reply.

        Raises:
            StandstillError: the engine writes nothing any more.
            aiohttp.ClientError, TimeoutError, OSError: there is no whole reply.
        """
        if body is None:
            return await super().send(method, url, timeouts=timeouts, headers=headers, user=user)
        asked = msgspec.json.decode(body) | {"cache_prompt": self._reuse_prompts}
        if asked.get("tools") and asked.get("logprobs"):
            # Of both together llama.cpp makes no stream, so there are no signs of life either.
            plain = msgspec.json.encode(asked)
            return await super().send(
                method, url, body=plain, timeouts=timeouts, headers=headers, user=user
            )
        asked |= {
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
        }
        # llama.cpp closes the connection after a stream without saying so: never use one twice.
        once = {**(headers or {}), "Connection": "close"}
        streaming = msgspec.json.encode(asked)
        async with self._pulse.watched(self._standstill):
            raw = await super().send(
                method, url, body=streaming, timeouts=timeouts, headers=once, user=user
            )
        if not raw.headers.get("Content-Type", "").startswith("text/event-stream"):
            return raw
        return raw._replace(body=msgspec.json.encode(assembled(raw.body)))

    def _arrived(self) -> None:
        self._pulse.beat()


def assembled(stream: bytes) -> dict[str, Any]:
    """Put the events of a chat completion's stream together into the reply without a stream.

    Raises:
        aiohttp.ClientPayloadError: the stream stops before its end, or is not one.
    """
    choices: dict[int, dict[str, Any]] = {}
    reply: dict[str, Any] = {}
    for line in stream.splitlines():
        if not line.startswith(_EVENT):
            continue
        data = line.removeprefix(_EVENT).strip()
        if data == _END:
            return reply | {"choices": [choices[index] for index in sorted(choices)]}
        try:
            event = msgspec.json.decode(data)
            if event.get("error"):
                return {"error": event["error"]}
            reply |= {key: event[key] for key in ("model", "usage") if event.get(key)}
            for piece in event.get("choices") or ():
                _add(choices, piece)
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError) as error:
            raise aiohttp.ClientPayloadError(
                f"the stream holds what is no event: {error}"
            ) from None
    raise aiohttp.ClientPayloadError("the stream ended early")


def _add(choices: dict[int, dict[str, Any]], piece: dict[str, Any]) -> None:
    """Add one event's piece of a choice to what came before."""
    index = piece.get("index", 0)
    choice = choices.setdefault(
        index, {"index": index, "message": {"content": ""}, "finish_reason": None}
    )
    message, delta = choice["message"], piece["delta"]
    for field, text in delta.items():
        if field in ("content", "reasoning_content") and text:
            message[field] = message.get(field, "") + text
    for part in delta.get("tool_calls") or ():
        _add_call(message.setdefault("tool_calls", []), part)
    for field, tokens in (piece.get("logprobs") or {}).items():
        if tokens is not None:
            choice.setdefault("logprobs", {}).setdefault(field, []).extend(tokens)
    choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]


def _add_call(calls: list[dict[str, Any]], part: dict[str, Any]) -> None:
    """Add one piece of a call to what came before; its index says of which call it is."""
    index = part.get("index", 0)
    call = next((call for call in calls if call["index"] == index), None)
    if call is None:
        call = {"index": index, "id": None, "function": {"name": "", "arguments": ""}}
        calls.append(call)
    call["id"] = call["id"] or part.get("id")
    function, more = call["function"], part.get("function") or {}
    for field in function:
        function[field] += more.get(field) or ""
