"""The API's own description: an OpenAPI 3.1 document.

The request's schema is the one that requests are checked by (`fields`, `options`, `Caps`), so the
two cannot differ.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.fields import MODEL, Field, body_schema, fields_of
from slm_mux.server.wire.forms import FORMS
from slm_mux.server.wire.options import Option, options_of

CHAT = "/v1/chat/completions"
_JSON = "application/json"
_STATUSES = {
    "400": "The request is wrong in itself; `param` names the field.",
    "401": "The key is missing or wrong.",
    "403": "A web page of another origin asks.",
    "404": "There is no such model, or nothing at this path.",
    "405": "The path is served, but not by this method.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body is not application/json, or is compressed.",
    "421": "The Host header is none of this server's.",
    "422": "Completions came in, but none was readable as the kind of answer; see `reasons`.",
    "429": "A limit is reached; Retry-After says when to try again.",
    "500": "The server made a mistake; its log has it under X-Request-Id.",
    "502": "No model gave a completion; see `reasons`.",
    "503": "The server cannot answer now, or no model may be asked; see Retry-After.",
    "504": "There was no answer in time.",
}
_EVERYWHERE = ("400", "401", "405", "421", "429", "500", "503")


def openapi_document(
    caps: Caps, *, names: Sequence[str] = (), version: str, secured: bool
) -> dict[str, Any]:
    """Describe the API.

    Args:
        caps: what the server allows; they are the limits in the schemas.
        names: every model name that is served (`Names.all`); none leaves `model` open.
        version: of the package.
        secured: whether a key is needed.
    """
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "slm-mux",
            "version": version,
            "description": "Several small language models answer one question several times each; "
            "the most self-consistent one is believed.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            CHAT: {"post": _chat()},
            "/v1/models": {
                "get": _read("listModels", "List the models that may be asked.", "ModelList")
            },
            "/v1/models/{model}": {
                "get": _read("getModel", "Describe one model.", "Model", "404")
                | {
                    "parameters": [
                        {
                            "name": "model",
                            "in": "path",
                            "required": True,
                            "schema": _model_schema(names),
                        }
                    ]
                }
            },
            "/health": {
                "get": _read("getHealth", "Whether the process is alive.", "Status", secured=False)
            },
            "/ready": {"get": _ready()},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {
                "get": _read("getDescription", "This document.", "Status", secured=False)
            },
        },
        "components": {
            "schemas": {
                "ChatRequest": chat_request_schema(caps, names),
                **FORMS,
            },
            "parameters": {option.name: _header(option) for option in options_of(caps)},
            "responses": {
                status: {
                    "description": text,
                    "content": {_JSON: {"schema": _ref("schemas", "Error")}},
                }
                for status, text in _STATUSES.items()
            },
        },
    }
    if secured:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"key": []}]
    return document


def chat_request_schema(caps: Caps, names: Sequence[str] = ()) -> dict[str, Any]:
    """Give the schema of the chat request's body, each field with what becomes of it."""
    fields = fields_of(caps)
    properties = {field.name: _described(field) for field in fields}
    properties["model"] |= _model_schema(names)
    return body_schema(fields) | {"properties": properties}


def _described(field: Field) -> dict[str, Any]:
    use = field.use.capitalize()
    return {**field.schema, "description": f"{use}: {field.note}." if field.note else f"{use}."}


def _model_schema(names: Sequence[str]) -> dict[str, Any]:
    return {**MODEL, "enum": list(names)} if names else dict(MODEL)


def _chat() -> dict[str, Any]:
    return {
        "operationId": "createChatCompletion",
        "summary": "Ask the pool, or one of its members.",
        "parameters": [_ref("parameters", option.name) for option in options_of(Caps())],
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": _ref("schemas", "ChatRequest")}},
        },
        "responses": {
            "200": {
                "description": "The answer; with `stream`, as server-sent events.",
                "headers": {
                    name: {"schema": {"type": "string"}, "description": text}
                    for name, text in HEADERS.items()
                },
                "content": {
                    _JSON: {"schema": _ref("schemas", "ChatCompletion")},
                    "text/event-stream": {"schema": {"type": "string"}},
                },
            },
            **{status: _ref("responses", status) for status in _STATUSES},
        },
    }


HEADERS = {
    "X-Request-Id": "The client's own, or a new one.",
    "X-Mux-Answer-Confidence": "The winner's confidence, in [0, 1]; not with a stream.",
    "X-Mux-Model": "The winner; not with a stream.",
    "X-Mux-Samples": "How many draws brought a completion; not with a stream.",
}
"""The headers of an answer that are not HTTP's own, and what they say."""


def _read(
    name: str, summary: str, schema: str, *statuses: str, secured: bool = True
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {
                "description": summary,
                "content": {_JSON: {"schema": _ref("schemas", schema)}},
            },
            **{status: _ref("responses", status) for status in sorted({*_EVERYWHERE, *statuses})},
        },
    }
    if not secured:
        operation["security"] = []
    return operation


def _ready() -> dict[str, Any]:
    operation = _read("getReadiness", "Which models answer; 503 where none does.", "Status")
    operation["responses"]["503"] = {
        **operation["responses"]["200"],
        "description": "No model answers, or the server cannot answer now.",
    }
    return operation


def _metrics() -> dict[str, Any]:
    operation = _read("getMetrics", "Counters for Prometheus.", "Status")
    operation["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return operation


def _header(option: Option) -> dict[str, Any]:
    """Describe the header of an option; lists and objects are written as text in it."""
    types = option.schema["type"]
    schema: Mapping[str, Any] = {"type": "string"}
    if "integer" in types:
        schema = {**option.schema, "type": "integer"}
    elif "enum" in option.schema:
        schema = {"type": "string", "enum": [name for name in option.schema["enum"] if name]}
    form = "; as JSON" if "object" in types else "; with commas, or as JSON"
    return {
        "name": option.header,
        "in": "header",
        "required": False,
        "description": option.note + (form if {"object", "array"} & set(types) else ""),
        "schema": schema,
    }


def _ref(part: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{part}/{name}"}
