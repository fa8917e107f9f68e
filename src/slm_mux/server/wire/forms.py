"""The forms of replies, as JSON Schemas for the API's description; tests hold replies to them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from slm_mux.server.wire.options import DETAILS
from slm_mux.types import KindName, TieBreak


def _object(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _or_null(form: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(form), {"type": "null"}]}


_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_COUNT = {"type": "integer", "minimum": 0}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_FLAG = {"type": "boolean"}
_KINDS = tuple(name for group in get_args(KindName) for name in get_args(group) or (group,))


def _mux() -> dict[str, Any]:
    count = _object({"answer": _TEXT, "canonical": _TEXT, "count": _COUNT})
    vote = _object(
        {
            "model": _TEXT,
            "k": {"type": "integer", "minimum": 1},
            "answer": _TEXT_OR_NULL,
            "confidence": _SHARE,
            "counts": _list(count),
            "unreadable": _COUNT,
            "failed": _COUNT,
            "not_drawn": _COUNT,
            "validation_accuracy": _NUMBER_OR_NULL,
        }
    )
    issue = _object(
        {"model": _TEXT, "error": _TEXT, "message": _TEXT, "draws": _COUNT, "tries": _COUNT}
    )
    runner_up = _object({"model": _TEXT, "answer": _TEXT, "canonical": _TEXT, "confidence": _SHARE})
    draw = _object(
        {
            "model": _TEXT,
            "draw": _COUNT,
            "seed": {"type": ["integer", "null"]},
            "answer": _TEXT_OR_NULL,
            "canonical": _TEXT_OR_NULL,
            "text": _TEXT_OR_NULL,
            "tool_calls": _list({"type": "object"}),
            "finish_reason": _TEXT_OR_NULL,
            "prompt_tokens": {"type": ["integer", "null"]},
            "completion_tokens": {"type": ["integer", "null"]},
            "error": _TEXT_OR_NULL,
            "message": _TEXT_OR_NULL,
            "seconds": _NUMBER_OR_NULL,
        }
    )
    usage = _object(
        {
            "samples": _COUNT,
            "requests": _COUNT,
            "prompt_tokens": _COUNT,
            "completion_tokens": _COUNT,
            "samples_without_usage": _COUNT,
            "cancelled": _COUNT,
            "seconds": {"type": "number"},
        }
    )
    return _object(
        {
            "answer": _TEXT,
            "canonical": _TEXT,
            "model": _TEXT,
            "confidence": _SHARE,
            "confidence_bounds": {**_list(_SHARE), "minItems": 2, "maxItems": 2},
            "tie_break": {"type": "string", "enum": list(get_args(TieBreak))},
            "kind": {"type": ["string", "null"], "enum": [*_KINDS, None]},
            "kind_reason": _TEXT_OR_NULL,
            "stopped_early": _FLAG,
            "answer_settled": _FLAG,
            "winner_settled": _FLAG,
            "usage": usage,
            "errors": _list(issue),
            "warnings": _list(_TEXT),
            "pool": _TEXT_OR_NULL,
            "method": _TEXT,
            "asked_temperature": _NUMBER_OR_NULL,
            "temperature_used": _NUMBER_OR_NULL,
        },
        text={**_TEXT_OR_NULL, "description": f"Not with the detail {DETAILS[0]}."},
        votes={**_list(vote), "description": f"Not with the detail {DETAILS[0]}."},
        runners_up={**_list(runner_up), "description": f"Not with the detail {DETAILS[0]}."},
        draws={**_list(draw), "description": f"With the detail {DETAILS[2]} only."},
    )


_FINISH = {"type": "string", "enum": ["stop", "length", "tool_calls", "content_filter"]}
_FUNCTION = _object({"name": _TEXT, "arguments": _TEXT})
_CALL = _object(
    {"id": _TEXT, "type": {"type": "string", "const": "function"}, "function": _FUNCTION},
    index=_COUNT,
)
_USAGE = _object({"prompt_tokens": _COUNT, "completion_tokens": _COUNT, "total_tokens": _COUNT})
_LOGPROBS = {"type": ["object", "null"]}
_MESSAGE = _object(
    {"role": {"type": "string", "const": "assistant"}, "content": _TEXT_OR_NULL},
    refusal={"type": "null"},
    tool_calls=_list(_CALL),
    reasoning_content=_TEXT,
)
_DELTA = _object(
    {},
    role={"type": "string", "const": "assistant"},
    content=_TEXT_OR_NULL,
    tool_calls=_list(_CALL),
    reasoning_content=_TEXT,
)
_MODEL = _object(
    {
        "id": _TEXT,
        "object": {"type": "string", "const": "model"},
        "created": _COUNT,
        "owned_by": _TEXT,
    }
)
_COMMON = {
    "service_tier": {"type": "string"},
    "metadata": {"type": "object", "additionalProperties": _TEXT},
    "mux": _mux(),
}

FORMS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "ChatCompletion": _object(
            {
                "id": _TEXT,
                "object": {"type": "string", "const": "chat.completion"},
                "created": _COUNT,
                "model": _TEXT,
                "choices": {
                    **_list(
                        _object(
                            {
                                "index": _COUNT,
                                "message": _MESSAGE,
                                "logprobs": _LOGPROBS,
                                "finish_reason": _FINISH,
                            }
                        )
                    ),
                    "minItems": 1,
                },
                "usage": _USAGE,
                "system_fingerprint": _TEXT_OR_NULL,
            },
            **_COMMON,
        ),
        "ChatCompletionChunk": _object(
            {
                "id": _TEXT,
                "object": {"type": "string", "const": "chat.completion.chunk"},
                "created": _COUNT,
                "model": _TEXT,
                "choices": _list(
                    _object(
                        {
                            "index": _COUNT,
                            "delta": _DELTA,
                            "logprobs": _LOGPROBS,
                            "finish_reason": _or_null(_FINISH),
                        }
                    )
                ),
                "system_fingerprint": _TEXT_OR_NULL,
            },
            usage=_or_null(_USAGE),
            **_COMMON,
        ),
        "Error": _object(
            {
                "error": _object(
                    {
                        "message": _TEXT,
                        "type": _TEXT,
                        "param": _TEXT_OR_NULL,
                        "code": _TEXT_OR_NULL,
                    },
                    reasons={"type": "object", "additionalProperties": _TEXT},
                )
            }
        ),
        "Model": _MODEL,
        "ModelList": _object(
            {"object": {"type": "string", "const": "list"}, "data": _list(_MODEL)}
        ),
        "Status": {"type": "object"},
    }
)
"""By the name under which the description's `components.schemas` has it."""
