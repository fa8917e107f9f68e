"""Answers as trees: numbers, names, and operations on them. Light: workers unpickle these."""

from fractions import Fraction

from msgspec import Struct


class UnparsableError(ValueError):
    """The text is not in the grammar, or too large; it is compared as text."""


class Number(Struct, frozen=True):
    """An exact rational."""

    value: Fraction


class Name(Struct, frozen=True):
    """A variable, or one of the constants pi, e, i and infinity."""

    text: str


class Apply(Struct, frozen=True):
    """An operation on its operands.

    Operations: + * / ^ neg pm mp ! root(radicand, degree) binom abs floor ceiling, the names in
    `FUNCTIONS`, log(argument, base); the structures of `STRUCTURES`; and chains of relations, whose
    operation holds the relations between their sides, as in "< <=".
    """

    operation: str
    operands: "tuple[Node, ...]"


Node = Number | Name | Apply

STRUCTURES = frozenset({"()", "[]", "(]", "[)", "{}", "list", "union", "matrix", "row"})
FUNCTIONS = frozenset(
    {"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"}
    | {"ln", "log", "lg", "exp"}
)
CONSTANTS = frozenset({Name("pi"), Name("e"), Name("i"), Name("infinity")})


def is_equation(node: Node) -> bool:
    """Whether the node is a chain of equal signs."""
    return isinstance(node, Apply) and set(node.operation.split()) == {"="}


def is_scalar(node: Node) -> bool:
    """Whether the node is an expression, not a structure or a chain of relations."""
    return not isinstance(node, Apply) or not (
        node.operation in STRUCTURES
        or node.operation[0] in "=<>"
        or node.operation.startswith("!=")
    )


def names(node: Node) -> set[Name]:
    """Collect the names in the node, constants included."""
    if isinstance(node, Apply):
        return {name for operand in node.operands for name in names(operand)}
    return {node} if isinstance(node, Name) else set()


def variables(node: Node) -> set[Name]:
    """Collect the names in the node that stand for unknowns."""
    return names(node) - CONSTANTS
