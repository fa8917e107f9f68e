"""Answer kinds: how to ask for a form of answer, how to read it, when two of them are the same.

Each kind has a canonical key, a pure function of the answer's text; two answers are in one class if
and only if their keys are equal. An unreadable completion is None and belongs to no class.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slm_mux.errors import InvalidRequestError

if TYPE_CHECKING:
    from slm_mux.answers.base import AnswerKind
    from slm_mux.types import CodeSpec, KindName, ToolUse

__all__ = ["make_kind"]


def make_kind(
    name: "KindName",
    *,
    choices: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    code: "CodeSpec | None" = None,
    tools: "ToolUse | None" = None,
) -> "AnswerKind":
    """Make an answer kind by name; only its own module is imported.

    Args:
        name: number, choice, math, label, json, text, code or tool_call.
        choices: the text by label; for choice alone, and needed there.
        labels: the labels; for label alone, and needed there.
        code: the function to write; for code alone, and needed there. Reading such an answer runs
            it in the sandbox that all kinds of this process share.
        tools: what the tools of the question allow; for tool_call alone, and needed there.

    Raises:
        InvalidRequestError: choices, labels, code or tools are missing; choices, labels or code
            are unusable, or given to another kind; or there is no kind of that name.
    """
    if choices and name != "choice":
        raise InvalidRequestError(f"choices were given, but the kind is {name!r}, not 'choice'")
    if labels and name != "label":
        raise InvalidRequestError(f"labels were given, but the kind is {name!r}, not 'label'")
    if code is not None and name != "code":
        raise InvalidRequestError(f"code was given, but the kind is {name!r}, not 'code'")
    match name:
        case "number":
            from slm_mux.answers.number import NumberKind

            return NumberKind()
        case "choice":
            from slm_mux.answers.choice import ChoiceKind

            return ChoiceKind(choices or {})
        case "math":
            from slm_mux.answers.math import MathKind

            return MathKind()
        case "label":
            from slm_mux.answers.label import LabelKind

            return LabelKind(labels)
        case "json":
            from slm_mux.answers.json_value import JsonKind

            return JsonKind()
        case "text":
            from slm_mux.answers.text import TextKind

            return TextKind()
        case "code":
            if code is None:
                raise InvalidRequestError(
                    "the kind code needs a programming problem: its prompt and the name of the "
                    "function"
                )
            from slm_mux.answers.code import CodeKind
            from slm_mux.sandbox import shared_sandbox

            return CodeKind(code, shared_sandbox())
        case "tool_call":
            if tools is None:
                raise InvalidRequestError(
                    "the kind tool_call needs tools: it compares the calls of a question that is "
                    "asked with some"
                )
            from slm_mux.answers.tool_call import ToolCallKind

            return ToolCallKind(tools)
    raise InvalidRequestError(
        f"there is no answer kind {name!r}: use number, choice, math, label, json, text or code"
    )
