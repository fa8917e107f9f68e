"""Every field of OpenAI's chat request, and what becomes of it here.

One table says for each field its form and its use; requests are checked by it, the API's
description is written from it, and docs/api.md has a row for each of its entries.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.messages import messages_schema
from slm_mux.server.wire.options import options_schema
from slm_mux.server.wire.schema import Schema, closed
from slm_mux.server.wire.tools import response_format_schema, tool_choice_schema, tools_schema

Use = Literal["honoured", "passed on", "refused"]

HIGHEST_TEMPERATURE = 2.0
"""As in OpenAI's API; the pool file allows more."""
MODEL: Schema = {"type": "string", "minLength": 1, "maxLength": 512}
"""The schema of `model`, whatever names are served."""


class Field(Struct, frozen=True):
    """One field of the request's body."""

    name: str
    use: Use
    """What becomes of it: honoured by this server, passed on to the models' endpoints as it is, or
    refused unless it is null or asks for what is done anyway."""
    note: str
    """How it is honoured, or why it is refused."""
    schema: Schema


def fields_of(caps: Caps) -> tuple[Field, ...]:
    """List every field that is known; all others are refused by name."""
    return (
        Field(
            "model",
            "honoured",
            "a pool, with a method and a kind, or one of its members; see GET /v1/models",
            MODEL,
        ),
        Field(
            "messages",
            "honoured",
            "asked of every model as they are, images included; the request for the answer's form "
            "is put after the last text",
            messages_schema(caps),
        ),
        Field(
            "temperature",
            "honoured",
            "of every draw; below the server's floor it is raised where a model draws more than "
            "once, and `mux.temperature_used` says so",
            _number(minimum=0, maximum=HIGHEST_TEMPERATURE),
        ),
        Field("top_p", "honoured", "of every draw", _number(exclusiveMinimum=0, maximum=1)),
        Field(
            "max_completion_tokens",
            "honoured",
            "of every draw",
            _integer(minimum=1, maximum=caps.max_tokens),
        ),
        Field(
            "max_tokens",
            "honoured",
            "the older name of `max_completion_tokens`; both may be given if they are equal",
            _integer(minimum=1, maximum=caps.max_tokens),
        ),
        Field(
            "stop",
            "honoured",
            "ends every draw",
            {
                "type": ["string", "array", "null"],
                "minLength": 1,
                "maxLength": 1000,
                "maxItems": caps.max_stops,
                "items": {"type": "string", "minLength": 1, "maxLength": 1000},
            },
        ),
        Field(
            "seed",
            "honoured",
            "every draw's own seed derives from it",
            _integer(minimum=-(2**63), maximum=2**63 - 1),
        ),
        Field(
            "n",
            "honoured",
            "the answer, then the distinct answers of the runners-up, at most one per model; fewer "
            "where the models agree",
            _integer(minimum=1, maximum=caps.max_choices),
        ),
        Field(
            "stream", "honoured", "the answer is streamed once it is decided", _optional("boolean")
        ),
        Field(
            "stream_options",
            "honoured",
            "`include_usage` adds a last chunk with the usage; only with `stream`",
            {
                "type": ["object", "null"],
                "properties": {
                    "include_usage": _optional("boolean"),
                    "include_obfuscation": {
                        "type": ["boolean", "null"],
                        "enum": [False, None],
                        "x-refused": "chunks are not padded (false is fine)",
                    },
                },
                "additionalProperties": False,
            },
        ),
        Field(
            "response_format",
            "honoured",
            "passed on; json_object and json_schema make the kind `json`, and the reply's content "
            "is the document alone. Whether it satisfies the schema is the endpoint's business",
            response_format_schema(),
        ),
        Field(
            "tools",
            "honoured",
            "passed on; calls are compared by function and arguments, and the winning one is "
            "returned",
            tools_schema(caps),
        ),
        Field(
            "tool_choice",
            "honoured",
            "passed on; with 'none' the texts are compared as without tools",
            tool_choice_schema(),
        ),
        Field("parallel_tool_calls", "passed on", "with tools only", _optional("boolean")),
        Field(
            "logprobs",
            "honoured",
            "passed on; the reply has those of the winning draw, where its endpoint gives them",
            _optional("boolean"),
        ),
        Field(
            "top_logprobs",
            "honoured",
            "passed on; only with `logprobs`",
            _integer(minimum=0, maximum=20),
        ),
        Field(
            "metadata",
            "honoured",
            "returned in the reply; nothing is kept",
            {
                "type": ["object", "null"],
                "maxProperties": 16,
                "additionalProperties": {"type": "string", "maxLength": 512},
            },
        ),
        Field("frequency_penalty", "passed on", "", _number(minimum=-2, maximum=2)),
        Field("presence_penalty", "passed on", "", _number(minimum=-2, maximum=2)),
        Field(
            "logit_bias",
            "passed on",
            "to one member asked by its own name, or a pool of one: the numbers of tokens differ "
            "between models",
            {
                "type": ["object", "null"],
                "maxProperties": 1024,
                "additionalProperties": _integer(minimum=-100, maximum=100, null=False),
            },
        ),
        Field(
            "reasoning_effort",
            "passed on",
            "",
            {
                "type": ["string", "null"],
                "enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max", None],
            },
        ),
        Field(
            "verbosity",
            "passed on",
            "",
            {"type": ["string", "null"], "enum": ["low", "medium", "high", None]},
        ),
        Field("user", "passed on", "", _text(1024)),
        Field("safety_identifier", "passed on", "", _text(1024)),
        Field("prompt_cache_key", "passed on", "", _text(1024)),
        _refusal("store", "completions are not stored (false is fine)", "boolean", False),
        _refusal(
            "service_tier",
            "there is one tier (auto and default are fine)",
            "string",
            "auto",
            "default",
        ),
        _refusal("modalities", "answers are texts (['text'] is fine)", "array", ["text"]),
        _refusal("audio", "answers are texts"),
        _refusal("prediction", "the models write every answer anew; leave it out"),
        _refusal("web_search_options", "no model here searches the web"),
        _refusal("moderation", "nothing is moderated"),
        _refusal("functions", "it is the form before `tools`; use `tools`"),
        _refusal("function_call", "it is the form before `tools`; use `tool_choice`"),
        _refusal("prompt_cache_options", "the models' endpoints cache prompts as they see fit"),
        _refusal("prompt_cache_retention", "the models' endpoints cache prompts as they see fit"),
        Field("top_k", "passed on", "known to most local endpoints", _integer(minimum=-1)),
        Field(
            "min_p",
            "passed on",
            "known to most local endpoints",
            _number(minimum=0, maximum=1),
        ),
        Field(
            "repeat_penalty",
            "passed on",
            "known to llama.cpp and its relatives",
            _number(minimum=0, maximum=10),
        ),
        Field(
            "repetition_penalty",
            "passed on",
            "known to vLLM and its relatives",
            _number(minimum=0, maximum=10),
        ),
        Field(
            "chat_template_kwargs",
            "passed on",
            "known to llama.cpp, vLLM and SGLang; for instance {'enable_thinking': false}",
            {"type": ["object", "null"], "maxProperties": 64},
        ),
        Field("mux", "honoured", "the options of this server", options_schema(caps)),
    )


def body_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Give the schema of the whole body."""
    return closed(["model", "messages"], **{field.name: field.schema for field in fields})


def passed_on(fields: tuple[Field, ...], body: Mapping[str, Any]) -> dict[str, Any]:
    """Take the fields that go to the endpoints as they are; null is left out."""
    return {
        field.name: body[field.name]
        for field in fields
        if field.use == "passed on"
        and field.name != "parallel_tool_calls"
        and body.get(field.name) is not None
    }


def _optional(name: str) -> Schema:
    return {"type": [name, "null"]}


def _text(most: int) -> Schema:
    return {"type": ["string", "null"], "maxLength": most}


def _number(**limits: float) -> Schema:
    return {"type": ["number", "null"], **limits}


def _integer(*, null: bool = True, **limits: int) -> Schema:
    return {"type": ["integer", "null"] if null else "integer", **limits}


def _refusal(name: str, why: str, kind: str | None = None, *fine: Any) -> Field:
    """A field that is refused, but for null and a few values that ask for what is done anyway."""
    schema: dict[str, Any] = {"type": "null", "x-refused": why}
    if kind is not None:
        schema |= {"type": [kind, "null"], "enum": [*fine, None]}
    return Field(name, "refused", why, schema)
