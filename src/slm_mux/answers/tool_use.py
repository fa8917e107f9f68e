"""What a request's fields `tools` and `tool_choice` allow, in the OpenAI format."""

from collections.abc import Mapping
from typing import Any

from slm_mux.types import ToolUse


def tool_use(extra: Mapping[str, Any]) -> ToolUse | None:
    """What the fields `tools` and `tool_choice` of a request allow; None without tools.

    Tools that are not functions are the endpoint's own affair: then any name may be called.
    """
    if not extra.get("tools"):
        return None
    names, choice = _function_names(extra["tools"]), extra.get("tool_choice")
    if isinstance(choice, Mapping):
        if choice.get("type") == "function":
            return ToolUse(functions=_function_names([choice]), must_call=True)
        allowed = choice.get("allowed_tools")
        choice = allowed.get("mode") if isinstance(allowed, Mapping) else None
    return ToolUse(functions=names, must_call=choice == "required")


def _function_names(tools: Any) -> frozenset[str] | None:
    """The names of the functions; None where something else is among the tools."""
    functions = [
        tool.get("function") if isinstance(tool, Mapping) else None
        for tool in (tools if isinstance(tools, list | tuple) else ())
    ]
    names = [each.get("name") for each in functions if isinstance(each, Mapping)]
    known = frozenset(name for name in names if isinstance(name, str))
    return known if known and len(names) == len(functions) else None
