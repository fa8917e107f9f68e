"""Calls of tools, compared by what they would do.

Two draws are in one class when they call the same functions with equal arguments: the order of
parallel calls, their ids, the order of keys and the writing of numbers do not matter, a repeated
call does. A draw that calls nothing is compared as a whole text, as by the kind text, and is never
in one class with a call; a text beside a call is not compared.

Unreadable are arguments that are not one JSON object (blank ones are an empty object), a call of a
function that there is not, a text where a call is due, and every draw that was cut off: a further
call may be missing.
"""

import json
from collections.abc import Sequence

from slm_mux.answers.json_value import JsonKind
from slm_mux.answers.text import TextKind
from slm_mux.types import Answer, KindName, ToolCall, ToolUse

CALLS = "CALLS "
"""What the key of calls starts with. A text's key is case-folded, so none starts like that."""


class ToolCallKind:
    """Answers that are calls of tools, or a text in their place.

    Args:
        tools: what may be called, and whether something must be.
    """

    name: KindName = "tool_call"
    may_block: bool = False

    def __init__(self, tools: ToolUse) -> None:
        self._tools = tools
        self._json = JsonKind()
        self._text = TextKind()

    def instruction(self) -> str:
        """Ask for nothing: the endpoint tells the model about the tools."""
        return ""

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read a completion that calls nothing, as the kind text does; None where a call is due."""
        return None if self._tools.must_call else self._text.read(text, cut_off=cut_off)

    def read_calls(self, calls: Sequence[ToolCall], *, cut_off: bool = False) -> Answer | None:
        """Read a completion that calls tools; see the module for the rule.

        Returns:
            The calls as written, `name(arguments)` on a line each, with their key.
        """
        keys = [self._key(call) for call in calls]
        if cut_off or not keys or None in keys:
            return None
        return Answer(
            text="\n".join(f"{call.name}({call.arguments.strip()})" for call in calls),
            key=f"{CALLS}[{','.join(sorted(key for key in keys if key is not None))}]",
        )

    def canonical(self, answer: str) -> str | None:
        """The key of an answer that calls nothing."""
        return self._text.canonical(answer)

    def close(self) -> None:
        """Nothing to release."""

    def _key(self, call: ToolCall) -> str | None:
        """Write one call as a JSON object in one form; None when it cannot be made."""
        functions = self._tools.functions
        if not call.name or (functions is not None and call.name not in functions):
            return None
        arguments = self._json.canonical(call.arguments if call.arguments.strip() else "{}")
        if arguments is None or not arguments.startswith("{"):
            return None
        return f'{{"arguments":{arguments},"name":{json.dumps(call.name)}}}'
