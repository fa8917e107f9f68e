"""Tools and response formats: their forms, and what they make of the kind of answer."""

from collections.abc import Mapping
from typing import Any

from slm_mux.server.wire.caps import Caps
from slm_mux.server.wire.errors import refused
from slm_mux.server.wire.schema import Schema, closed, tagged

_NAME: Schema = {
    "type": "string",
    "pattern": "^[a-zA-Z0-9_.-]{1,128}$",
    "x-what": "must be 1 to 128 letters of ASCII, digits, points, dashes and underscores",
}


def tools_schema(caps: Caps) -> Schema:
    """Give the schema of `tools`."""
    function = _described("parameters")
    return {
        "type": ["array", "null"],
        "maxItems": caps.max_tools,
        "items": {
            "anyOf": [tagged("function", function=function)],
            "x-tag": "type",
            "x-refused": {"custom": "free-form tools have no arguments that could be compared"},
        },
    }


def tool_choice_schema() -> Schema:
    """Give the schema of `tool_choice`."""
    return {
        "anyOf": [
            {"type": ["string", "null"], "enum": ["none", "auto", "required", None]},
            tagged("function", function=closed(["name"], name=_NAME)),
        ],
        "x-tag": "type",
        "x-refused": {
            "allowed_tools": "few endpoints know it; give in `tools` only those that may be used",
            "custom": "only functions can be called",
        },
    }


def response_format_schema() -> Schema:
    """Give the schema of `response_format`."""
    return {
        "anyOf": [
            {"type": "null"},
            tagged("text"),
            tagged("json_object"),
            tagged("json_schema", json_schema=_described("schema")),
        ],
        "x-tag": "type",
        "x-refused": {
            "grammar": "few endpoints know it; use json_schema",
            "python": "programs are compared by running them, which belongs to a task",
        },
    }


def _described(holder: str) -> Schema:
    """The form of a named JSON schema; `holder` is the property that has the schema itself."""
    properties: dict[str, Schema] = {
        "name": _NAME,
        "description": {"type": ["string", "null"]},
        holder: {"type": ["object", "null"]},
        "strict": {"type": ["boolean", "null"]},
    }
    return closed(["name"], **properties)


def tool_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """Take what is passed on about tools: nothing where there are none.

    Raises:
        RefusedError: `tool_choice` without tools, or of a function that is not among them; two
            functions of one name.
    """
    tools = body.get("tools") or []
    choice = body.get("tool_choice")
    names = [tool["function"]["name"] for tool in tools]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise refused(f"two functions are named {twice!r}; give each its own", param="tools")
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise refused(
            f"there is no function {choice['function']['name']!r} in `tools`",
            param="tool_choice.function.name",
        )
    if not tools:
        if choice == "required":
            raise refused("`tool_choice` is 'required', but there are no `tools`", param="tools")
        return {}
    return {
        name: body[name]
        for name in ("tools", "tool_choice", "parallel_tool_calls")
        if body.get(name) is not None
    }


def calls_wanted(fields: Mapping[str, Any]) -> bool:
    """Whether the models may call tools, so that calls are what is compared."""
    return bool(fields.get("tools")) and fields.get("tool_choice") != "none"
