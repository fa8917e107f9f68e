"""Answer kinds: how to ask for a form of answer, how to read it, when two of them are the same.

Each kind has a canonical key, a pure function of the answer's text; two answers are in one class if
and only if their keys are equal. An unreadable completion is None and belongs to no class.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slm_mux.errors import InvalidRequestError

if TYPE_CHECKING:
    from slm_mux.answers.base import AnswerKind
    from slm_mux.types import KindName

__all__ = ["make_kind"]


def make_kind(
    name: "KindName", *, choices: Mapping[str, str] | None = None, labels: Sequence[str] = ()
) -> "AnswerKind":
    """Make an answer kind by name; only its own module is imported.

    Args:
        name: number, choice, math, label, json or text.
        choices: the text by label; for choice alone, and needed there.
        labels: the labels; for label alone, and needed there.

    Raises:
        InvalidRequestError: choices or labels are missing, unusable, or given to another kind; or
            there is no kind of that name.
    """
    if choices and name != "choice":
        raise InvalidRequestError(f"choices were given, but the kind is {name!r}, not 'choice'")
    if labels and name != "label":
        raise InvalidRequestError(f"labels were given, but the kind is {name!r}, not 'label'")
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
    raise InvalidRequestError(
        f"there is no answer kind {name!r}: use number, choice, math, label, json or text"
    )
