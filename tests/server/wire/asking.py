"""Requests, draws and decisions for the tests of the wire format."""

import json
from typing import Any

import pytest

from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import ApiError, RefusedError
from slm_mux.server.wire.request import ChatAsk, parse_chat
from slm_mux.types import Answer, Completion, Decision, Sample
from slm_mux.voting import decide, vote

USER = {"role": "user", "content": "What is 17 * 6?"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "mux", "messages": [USER], **fields}


def parsed(
    caps: Caps | None = None, headers: dict[str, str] | None = None, **fields: Any
) -> ChatAsk:
    raw = json.dumps(body(**fields)).encode()
    return parse_chat(raw, list((headers or {}).items()), caps or Caps())


def refusal(
    caps: Caps | None = None, headers: dict[str, str] | None = None, **fields: Any
) -> ApiError:
    """Give what a client is told of a request that is refused."""
    with pytest.raises(RefusedError) as caught:
        parsed(caps, headers, **fields)
    return caught.value.reply


def drawn(model: str, draw: int, key: str | None, text: str | None = None, **more: Any) -> Sample:
    done = Completion(
        text=f"{model} says {key}" if text is None else text,
        finish_reason="stop",
        prompt_tokens=10,
        completion_tokens=5,
        **more,
    )
    answer = None if key is None else Answer(text=key, key=key)
    return Sample(model=model, draw=draw, completion=done, answer=answer)


def decided(samples: list[Sample], **accuracies: float) -> Decision:
    """Decide as a question of these draws would be; models in order of their first draw."""
    models = list(dict.fromkeys(sample.model for sample in samples))
    return decide(
        vote(
            model,
            [sample.answer for sample in samples if sample.model == model],
            validation_accuracy=accuracies.get(model),
        )
        for model in models
    )
