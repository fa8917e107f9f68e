r"""The canonical key of a normalised maths answer, but for the expressions that workers settle.

`plan` reads an answer as a structure whose leaves are expressions. Rational leaves are settled
here; the others are listed, and `Plan.key` puts their canonical forms in. The rules:

- a list without brackets is a set of answers, `1, -2` is `{-2, 1}`, unless an element occurs twice
  (then it is the sorted list) or all are capital letters (then order counts: `B, A, C`);
  `1 \pm 2` is the list of its two values;
- sets are sorted, each element once; tuples, intervals and matrices keep their order; `(1, 2)` is a
  tuple and an open interval alike, and apart from `[1, 2]`, `\{1, 2\}` and `1<x<2`;
- `x = 7` is `7`: a name alone on the left is dropped when the right has a value without variables,
  or is a set or tuple of such; so are `f(x) =`, `AB =`, `a_n =`, words, and `x \in`. Lists drop it
  only where all their equations have the same name. Any other equation stays one;
- `1 > x` is `x < 1`; inequalities are otherwise compared side by side;
- `1011_2` is its digits with its base, apart from 1011 and from 11.
"""

import re
from collections.abc import Mapping
from fractions import Fraction

from msgspec import Struct

from slm_mux.answers.latex import consecutive
from slm_mux.answers.nodes import (
    Apply,
    Name,
    Node,
    Number,
    UnparsableError,
    is_equation,
    is_scalar,
    names,
    variables,
)
from slm_mux.answers.sizes import check, fold
from slm_mux.answers.syntax import parse

_BASED = re.compile(r"\(?([0-9A-Fa-f]+)\)?_\{?([1-9]\d?)\}?\Z")
_INTEGER = re.compile(r"-?\d{1,400}\Z")
_FRACTION = re.compile(r"-?\d+(?:/\d+)?\Z")
_FUNCTION_VALUE = re.compile(r"\A[A-Za-z]'{0,2}(?:\^\{-1\})?\([a-z](?:,[a-z])*\)=(?!.*=)")
_MEMBER = re.compile(r"\A(?:[A-Za-z]|\\[a-z]+ ?)(?:_\w)?\\in(?=[(\[{\\])")
_LABEL = re.compile(
    r"\A(?:m?\\(?:angle|triangle) ?)?([A-Za-z][A-Za-z ]*)(?:=|\\approx ?|is )(?=[^=]+\Z)"
)
_WORDS_ONLY = re.compile(r"[A-Za-z \-'.,()&/]+\Z")
_OPPOSITE = {">": "<", ">=": "<="}
_INFINITY = Name("infinity")


class Plan(Struct, frozen=True):
    """An answer's structure, and the expressions in it that are still to be settled."""

    node: Node
    expressions: tuple[Node, ...]
    """Folded, checked, and each once."""

    def key(self, forms: Mapping[Node, str]) -> str:
        """Give the key, given the canonical form of each of `expressions`."""
        return _render(self.node, forms)


def plan(text: str) -> Plan | str:
    """Read a normalised answer that is not blank.

    Returns:
        The key itself where the text alone gives it, else the plan of it.

    Raises:
        UnparsableError: not in the grammar, or too large: then `text_key` gives the key.
    """
    if _INTEGER.match(text):
        return str(int(text))
    if (based := _BASED.match(text)) is not None:
        return f"{based[1].upper().lstrip('0') or '0'}_{based[2]}"
    if text.casefold() == "no":
        raise UnparsableError("a word")
    node = _prepared(fold(parse(_without_name(text))))
    expressions: list[Node] = []
    _collect(node, expressions)
    for expression in expressions:
        check(expression)
    return Plan(node, tuple(dict.fromkeys(expressions)))


def text_key(text: str) -> str:
    """Give the key of an answer that is no mathematics: words in lower case, else as it is."""
    return text.casefold() if len(text) > 1 and _WORDS_ONLY.match(text) else text


def _without_name(text: str) -> str:
    r"""Drop what only names the answer: `f(x)=`, `x \in`, `Area =`, `AB =`."""
    text = _FUNCTION_VALUE.sub("", _MEMBER.sub("", text, count=1), count=1)
    label = _LABEL.match(text)
    if (
        label is not None
        and len(label[1]) > 1
        and (label[1].isupper() or not consecutive(label[1]))
    ):
        rest = text[label.end() :]
        if (not label[1].isupper() and len(label[1]) > 2) or not re.search(
            r"(?<!\\)\b[A-Za-z]", rest
        ):
            return rest
    first, approximately, _ = text.partition("\\approx")
    if approximately:
        single = re.fullmatch(r"\\?[A-Za-z]+'?", first)
        return text[text.index("\\approx") + len("\\approx") :] if single or not first else first
    return text


def _prepared(node: Node) -> Node:
    """Write out plus-minus signs, and take values out of their equations."""
    if not isinstance(node, Apply):
        return node
    match node.operation:
        case "list" | "{}":
            items = [variant for item in node.operands for variant in _variants(item)]
            values = _common_name_dropped(items)
            if any(_is_inequality(value) for value in values):
                raise UnparsableError("a list of inequalities")
            if node.operation == "list" and len(values) == 1:
                return values[0]
            return Apply(node.operation, tuple(values))
        case "()" | "[]" | "(]" | "[)" | "union" | "matrix" | "row":
            variants = _variants(node)
            if len(variants) > 1:
                return _prepared(Apply("list", tuple(variants)))
            return Apply(node.operation, tuple(_prepared(item) for item in node.operands))
    if is_equation(node):
        variants = _variants(node)
        if len(variants) > 1:
            return _prepared(Apply("list", tuple(variants)))
        return _common_name_dropped(variants)[0]
    if is_scalar(node):
        variants = _variants(node)
        return node if len(variants) == 1 else _prepared(Apply("list", tuple(variants)))
    return _chain(node)


def _variants(node: Node) -> list[Node]:
    """Give the node with its plus-minus signs as plus, and as minus; itself without any."""
    if not _has_sign(node):
        return [node]
    return [fold(_with_sign(node, upper=True)), fold(_with_sign(node, upper=False))]


def _has_sign(node: Node) -> bool:
    return isinstance(node, Apply) and (
        node.operation in ("pm", "mp") or any(_has_sign(operand) for operand in node.operands)
    )


def _with_sign(node: Node, *, upper: bool) -> Node:
    if not isinstance(node, Apply):
        return node
    operands = tuple(_with_sign(operand, upper=upper) for operand in node.operands)
    if node.operation in ("pm", "mp"):
        return operands[0] if (node.operation == "pm") == upper else Apply("neg", operands)
    return Apply(node.operation, operands)


def _common_name_dropped(items: list[Node]) -> list[Node]:
    """Replace `x = value` by the value where all the equations of a list name the same."""
    named = [_named_value(item) for item in items]
    dropped = {pair[0] for pair in named if pair is not None}
    unnamed = [item for item, pair in zip(items, named, strict=True) if pair is None]
    if len(dropped) == 1 and not any(is_equation(item) for item in unnamed):
        return [
            _prepared(item if pair is None else pair[1])
            for item, pair in zip(items, named, strict=True)
        ]
    return [item if is_equation(item) else _prepared(item) for item in items]


def _named_value(node: Node) -> tuple[Node, Node] | None:
    """Find the name and the value in `x = 7`, `7 = x`, `(x, y) = (1, 2)`, `x = 1/2 = 0.5`."""
    if not isinstance(node, Apply) or not is_equation(node):
        return None
    sides = node.operands
    if all(isinstance(side, Number) for side in sides):
        return (sides[0], sides[0]) if len(set(sides)) == 1 else None
    if len(sides) == 2 and not variables(sides[0]) and _is_name(sides[1]):
        sides = (sides[1], sides[0])
    name, *values = sides
    if not _is_name(name) or len(set(values)) != 1:
        return None
    if not variables(values[0]) or (isinstance(name, Name) and "_" in name.text):
        return (name, values[0]) if name not in variables(values[0]) else None
    return None


def _is_name(node: Node) -> bool:
    """Whether the node is a variable, a tuple of variables, or points such as AB."""
    match node:
        case Name(text):
            return text not in ("pi", "infinity")
        case Apply("()", items):
            return all(isinstance(item, Name) for item in items)
        case Apply("*", (Name(first), Name(second))):
            return (first + second).isupper()
    return False


def _is_inequality(node: Node) -> bool:
    return isinstance(node, Apply) and node.operation[0] in "<>!" and node.operation != "!"


def _chain(node: Apply) -> Node:
    """Turn a chain of inequalities so that it goes up."""
    relations = node.operation.split()
    if set(relations) <= {"<", "<="}:
        return node
    if set(relations) <= {">", ">="}:
        turned = [_OPPOSITE[relation] for relation in reversed(relations)]
        return Apply(" ".join(turned), tuple(reversed(node.operands)))
    if relations == ["!="]:
        return node
    raise UnparsableError("a chain of mixed relations")


def _collect(node: Node, expressions: list[Node]) -> None:
    if _is_settled(node) or not isinstance(node, Apply):
        return
    if is_scalar(node):
        if _INFINITY in names(node):
            raise UnparsableError("arithmetic on infinity")
        expressions.append(node)
    elif node.operation == "=":
        if not all(is_scalar(side) for side in node.operands) or not variables(node):
            raise UnparsableError("an equation of structures or values")
        expressions.append(node)
    elif is_equation(node):
        raise UnparsableError("a chain of equations")
    else:
        for operand in node.operands:
            _collect(operand, expressions)


def _is_settled(node: Node) -> bool:
    return isinstance(node, Number | Name) or node == Apply("neg", (_INFINITY,))


def _render(node: Node, forms: Mapping[Node, str]) -> str:
    match node:
        case Number(value):
            return str(value)
        case Name(text):
            return text
        case Apply("neg", (Name("infinity"),)):
            return "-infinity"
    if is_scalar(node) or node.operation == "=":
        return forms[node]
    parts = [_render(operand, forms) for operand in node.operands]
    match node.operation:
        case "()" | "[]" | "(]" | "[)":
            return f"{node.operation[0]}{', '.join(parts)}{node.operation[1]}"
        case "{}":
            return _set(parts)
        case "list":
            if all(len(part) == 1 and part.isupper() for part in parts):
                return ", ".join(parts)
            return (
                _set(parts)
                if len(set(parts)) == len(parts)
                else ", ".join(sorted(parts, key=_place))
            )
        case "union":
            return " U ".join(sorted(set(parts)))
        case "row":
            return "&".join(parts)
        case "matrix":
            return "\\begin{pmatrix}" + "\\\\".join(parts) + "\\end{pmatrix}"
        case "!=":
            return "!=".join(sorted(parts))
    relations = [*node.operation.split(), ""]
    return "".join(part + relation for part, relation in zip(parts, relations, strict=True))


def _set(parts: list[str]) -> str:
    elements = ", ".join(sorted(set(parts), key=_place))
    # Plain braces around one element are a group of TeX.
    return f"{{{elements}}}" if len(set(parts)) > 1 else f"\\{{{elements}\\}}"


def _place(part: str) -> tuple[bool, Fraction, str]:
    """Sort rationals by value, then the rest by their text."""
    rational = _FRACTION.match(part) is not None
    return (not rational, Fraction(part) if rational else Fraction(0), part)
