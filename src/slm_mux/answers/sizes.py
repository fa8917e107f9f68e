"""How large an expression's value will be, known before it is evaluated.

`fold` evaluates what is rational, exactly, and refuses what would get too large on the way.
`check` bounds the terms, degrees and digits that expanding the rest can bring. Both are pure and
run in time linear in the tree, so `9^{9^{9}}` or `(10^7)!` cost microseconds.
"""

import math
from fractions import Fraction
from functools import reduce

from msgspec import Struct, structs

from slm_mux.answers.nodes import Apply, Name, Node, Number, UnparsableError, is_scalar

MOST_BITS = 1_400
"""Of a numerator or denominator: some 420 decimal digits."""
MOST_TERMS = 120
"""Of an expanded numerator or denominator."""
HIGHEST_POWER = 10_000
"""Degree where nothing is divided."""
_CANCELLED = ((60, 60), (60, 60), (40, 24), (32, 16), (20, 12), (12, 10), (8, 8), (6, 6), (4, 6))
"""Most terms and highest degree of a fraction to be cancelled, by the number of its symbols.

A name counts as one, a root or function as two; cancelling takes time exponential in them.
"""


class TooLargeError(UnparsableError):
    """The value would exceed the limits of this module."""


def fold(node: Node) -> Node:
    """Replace every rational subexpression by its value.

    Raises:
        TooLargeError: a number of more than `MOST_BITS` bits would arise.
        UnparsableError: a division by zero, or the like.
    """
    if not isinstance(node, Apply):
        return node
    operands = tuple(fold(operand) for operand in node.operands)
    folded = Apply(node.operation, operands)
    if not operands or not is_scalar(folded):
        return folded
    if node.operation == "/" and operands[1] == Number(Fraction(0)):
        raise UnparsableError("a division by zero")
    values = [operand.value for operand in operands if isinstance(operand, Number)]
    if len(values) < len(operands):
        return folded
    value = _evaluate(node.operation, values)
    return folded if value is None else Number(value)


def _evaluate(operation: str, values: list[Fraction]) -> Fraction | None:
    """Give the exact value, or None when it is not rational (or not known to be)."""
    first = values[0]
    match operation:
        case "+":
            return _checked(sum(values, Fraction(0)))
        case "*":
            return _checked(math.prod(values, start=Fraction(1)))
        case "neg":
            return -first
        case "abs":
            return abs(first)
        case "floor":
            return Fraction(math.floor(first))
        case "ceiling":
            return Fraction(math.ceil(first))
        case "/":
            return _checked(first / values[1])
        case "^":
            return _power(first, values[1])
        case "root":
            return _square_root(first) if values[1] == 2 else None
        case "!":
            return _factorial(first)
        case "binom":
            return _binomial(first, values[1])
    return None


def _checked(value: Fraction) -> Fraction:
    if bits(value) > MOST_BITS:
        raise TooLargeError("a number of too many digits")
    return value


def bits(value: Fraction) -> int:
    """Give the larger bit length of numerator and denominator."""
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _power(base: Fraction, exponent: Fraction) -> Fraction | None:
    if base == 0 and exponent <= 0:
        raise UnparsableError("zero to the power of nothing, or less")
    if abs(base) == 1 and exponent.denominator == 1:
        return base if exponent.numerator % 2 else Fraction(1)
    if bits(base) * abs(exponent) > MOST_BITS:
        raise TooLargeError("a power of too many digits")
    return base**exponent.numerator if exponent.denominator == 1 else None


def _square_root(value: Fraction) -> Fraction | None:
    if value < 0:
        return None
    root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
    return root if root * root == value else None


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or value < 0:
        raise UnparsableError("a factorial of no natural number")
    if value > 200:
        raise TooLargeError("a factorial of too many digits")
    return _checked(Fraction(math.factorial(value.numerator)))


def _binomial(above: Fraction, below: Fraction) -> Fraction:
    if above.denominator != 1 or below.denominator != 1 or above < 0 or below < 0:
        raise UnparsableError("a binomial of no natural numbers")
    if above > MOST_BITS:
        raise TooLargeError("a binomial of too many digits")
    return _checked(Fraction(math.comb(above.numerator, below.numerator)))


class _Size(Struct, frozen=True):
    """Bounds of an expression written as one fraction of expanded sums."""

    above: int = 1
    """Terms of the numerator."""
    below: int = 1
    """Terms of the denominator."""
    degree: int = 0
    bits: int = 1
    divides: bool = False
    """Whether something other than a number is divided by, so that factors have to be cancelled."""
    symbols: frozenset[Node] = frozenset()
    """What the polynomials are in: names, and roots and functions of whatever."""


def check(node: Node) -> None:
    """Refuse a folded expression or equation whose canonical form could be large or slow to find.

    Raises:
        TooLargeError: it exceeds the terms, degrees or bits of this module.
    """
    match node:
        case Apply("=", (left, right)):
            _limited(_sum(_size(left), _size(right)))
        case _:
            _limited(_size(node))


def _size(node: Node) -> _Size:
    match node:
        case Number(value):
            return _limited(_Size(bits=bits(value)))
        case Name():
            return _Size(degree=1, bits=0, symbols=frozenset({node}))
        case Apply("neg", (inside,)):
            return _size(inside)
        case Apply("+", terms):
            return reduce(lambda total, term: _limited(_sum(total, _size(term))), terms, _ZERO)
        case Apply("*", factors):
            return reduce(lambda total, part: _limited(_product(total, _size(part))), factors, _ONE)
        case Apply("/", (above, below)):
            return _limited(_product(_size(above), _inverse(_size(below))))
        case Apply("^", (base, Number(exponent))):
            size = _raised(_size(base), math.ceil(abs(exponent)))
            if exponent.denominator != 1:
                size = structs.replace(size, symbols=size.symbols | {node})
            return _limited(_inverse(size) if exponent < 0 else size)
        case Apply("^", (base, exponent)):
            return _symbolic_power(node, _size(base), _size(exponent))
        case Apply("root", (inside, Number(degree))) if degree in range(2, 13):
            size = _size(inside)
            return structs.replace(size, degree=max(1, size.degree), symbols=size.symbols | {node})
        case Apply("root" | "!" | "binom"):
            raise TooLargeError(f"{node.operation} of an unknown size")
    sizes = [_size(operand) for operand in node.operands]
    return _Size(
        degree=1,
        bits=max(size.bits for size in sizes),
        divides=node.operation in _QUOTIENTS or any(size.divides for size in sizes),
        symbols=frozenset({node}).union(*(size.symbols for size in sizes)),
    )


_ZERO = _Size(above=0, bits=0)
_ONE = _Size(bits=0)
_QUOTIENTS = frozenset({"tan", "cot", "sec", "csc"})
"""Functions that are written as quotients."""


def _symbolic_power(node: Node, base: _Size, exponent: _Size) -> _Size:
    if base.above * base.below > 1 and exponent.bits > 4:
        # (1 + x)^(y + 1000) has a factor (1 + x)^1000, which would be expanded.
        raise TooLargeError("too many terms")
    return _limited(
        _Size(
            # An exponent's terms become factors, which stay as they are.
            above=base.above * exponent.above,
            degree=1 + exponent.degree,
            # A number to a power with a number in it, such as 2^(1000 + x), is evaluated.
            bits=max(1, base.bits) * (2 ** min(exponent.bits, 12)),
            divides=True,
            symbols=base.symbols | exponent.symbols | {node},
        )
    )


def _sum(a: _Size, b: _Size) -> _Size:
    return _Size(
        above=a.above * b.below + b.above * a.below,
        below=a.below * b.below,
        degree=a.degree + b.degree if a.divides or b.divides else max(a.degree, b.degree),
        bits=a.bits + b.bits + 1,
        divides=a.divides or b.divides,
        symbols=a.symbols | b.symbols,
    )


def _product(a: _Size, b: _Size) -> _Size:
    return _Size(
        above=a.above * b.above,
        below=a.below * b.below,
        degree=a.degree + b.degree,
        bits=a.bits + b.bits,
        divides=a.divides or b.divides,
        symbols=a.symbols | b.symbols,
    )


def _inverse(size: _Size) -> _Size:
    return structs.replace(
        size, above=size.below, below=size.above, divides=size.divides or size.degree > 0
    )


def _raised(size: _Size, exponent: int) -> _Size:
    return structs.replace(
        size,
        above=_expanded_terms(size.above, exponent),
        below=_expanded_terms(size.below, exponent),
        degree=size.degree * exponent,
        bits=size.bits * max(1, exponent),
    )


def _expanded_terms(terms: int, exponent: int) -> int:
    """Give the terms of a sum of `terms` terms to a power, or some number above the limit."""
    if terms == 1 or exponent <= 1:
        return terms
    if exponent > MOST_TERMS:
        return MOST_TERMS + 1
    return math.comb(exponent + terms - 1, exponent)


def _limited(size: _Size) -> _Size:
    terms, degree = MOST_TERMS, HIGHEST_POWER
    if size.divides:
        weight = sum(1 if isinstance(symbol, Name) else 2 for symbol in size.symbols)
        terms, degree = _CANCELLED[min(weight, len(_CANCELLED) - 1)]
    if max(size.above, size.below) > terms:
        raise TooLargeError("too many terms")
    if size.bits > MOST_BITS:
        raise TooLargeError("too many digits")
    if size.degree > degree:
        raise TooLargeError("too high a degree")
    return size
