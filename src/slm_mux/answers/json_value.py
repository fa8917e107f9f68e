"""JSON documents, compared by value.

Which document of a completion is the answer: the whole text, else the last fenced block that is a
document, else the last object or array in the text. In prose a lone number or word is no document.

The key is the document with sorted keys, no white space, ASCII only, and every number in one exact
form (1.0, 1 and 10e-1 are one number; no rounding). Unreadable are NaN and infinities, an object
that gives one key twice (parsers disagree on it), and more than 100 levels of nesting. A document
in a completion that was cut off counts when its last bracket is there.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

from slm_mux.answers.locate import without_reasoning
from slm_mux.types import Answer, KindName

DEEPEST = 100
"""Levels of nesting."""


class JsonKind:
    """Answers that are one JSON document."""

    name: KindName = "json"
    may_block: bool = False

    def instruction(self) -> str:
        """Ask for a document and nothing else."""
        return "Answer with one valid JSON document and nothing else."

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the document; see the module for the rule."""
        text = without_reasoning(text).strip()
        for piece in _pieces(text):
            if cut_off and not piece.endswith(("}", "]")):
                continue
            if (key := self.canonical(piece)) is not None:
                return Answer(text=piece, key=key)
        return None

    def canonical(self, answer: str) -> str | None:
        """Write the document in its one form; None when the text is not a document."""
        if _depth(answer) > DEEPEST:
            return None
        try:
            # Built per call: a shared decoder would keep the strings of what it last read.
            document = json.loads(
                answer,
                parse_int=Decimal,
                parse_float=Decimal,
                parse_constant=_refuse,
                object_pairs_hook=_without_twins,
            )
            return _dump(document)
        except (ValueError, ArithmeticError, RecursionError):
            return None

    def close(self) -> None:
        """Nothing to release."""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("an object gives one key twice")
    return document


def _dump(value: object) -> str:
    """Write a value of at most `DEEPEST` levels."""
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}:{_dump(value[key])}" for key in sorted(value))
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_dump, value))}]"
    if isinstance(value, Decimal):
        return _dump_number(value)
    return json.dumps(value)


def _dump_number(number: Decimal) -> str:
    """Write a number exactly: plain while that is short, else with an exponent."""
    sign, figures, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return _refuse(str(number))
    digits = "".join(map(str, figures)).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return "0"
    exponent += len(digits) - len(significant)
    minus = "-" if sign else ""
    point = len(significant) + exponent
    if exponent >= 0 and point <= 40:
        return f"{minus}{significant}{'0' * exponent}"
    if 0 < point < len(significant):
        return f"{minus}{significant[:point]}.{significant[point:]}"
    if -10 < point <= 0:
        return f"{minus}0.{'0' * -point}{significant}"
    fraction = f".{significant[1:]}" if len(significant) > 1 else ""
    return f"{minus}{significant[0]}{fraction}e{point - 1}"


_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*+"|\\.|[\[\]{}]', re.DOTALL)
_FENCE = re.compile(r"^[ \t]*```[^\n]*$", re.MULTILINE)
_PARTNER = {"}": "{", "]": "["}


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("{", "["):
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in ("}", "]"):
            depth -= 1
    return deepest


def _pieces(text: str) -> Iterator[str]:
    """Give what may be the document, most trusted first; each kind's pieces do not overlap."""
    yield text
    fences = list(_FENCE.finditer(text))
    for opening, closing in reversed(list(zip(fences[::2], fences[1::2], strict=False))):
        yield text[opening.end() : closing.start()].strip()
    for start, end in reversed(_balanced(text)):
        yield text[start:end]


def _balanced(text: str) -> list[tuple[int, int]]:
    """Find the largest spans whose brackets balance, by position; brackets in strings are text."""
    spans: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in ("{", "["):
            stack.append((sign, token.start()))
        elif sign in _PARTNER:
            if not stack or stack[-1][0] != _PARTNER[sign]:
                stack.clear()
                continue
            _, start = stack.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, token.end()))
    return spans
