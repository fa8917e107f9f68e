"""The canonical form of expressions that are not rational numbers. Runs in worker processes.

Variables are complex unknowns, so nothing is assumed of them: sqrt(x^2) stays apart from x. Three
sorts of forms come out, each a text that depends on the expression's meaning as far as it goes:

- a value made of rationals, roots of rationals, powers of pi and e, logarithms of primes and i is
  written as a sum of their products with square-free roots, without a root in a denominator;
- any other value (nested roots, sin 1, 1/(1 + pi)) is written to 30 digits after a `~`, computed
  with 60; a number that is rational to 40 digits is written as that rational;
- an expression in variables is one fraction of expanded sums without a common factor, terms in
  sympy's order. tan, cot, sec and csc are written with sin and cos. Other identities between
  functions are not looked for.

An equation is the difference of its sides as a polynomial with whole coefficients without a common
divisor, the first of them positive, equated to zero.

The caller bounds the size of what arrives here (`slm_mux.answers.sizes`).
"""

from fractions import Fraction
from functools import reduce
from typing import Any

import sympy
from sympy import I, Integer, Pow, Rational, Symbol, pi

from slm_mux.answers.nodes import Apply, Name, Node, Number

_DIGITS = 30
_WORKING_DIGITS = 60
_TINY = sympy.Float("1e-40", _WORKING_DIGITS)
_CONSTANTS: dict[str, Any] = {"pi": pi, "e": sympy.E, "i": I}
_FUNCTIONS: dict[str, Any] = {
    "sin": sympy.sin,
    "cos": sympy.cos,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "exp": sympy.exp,
    "ln": sympy.log,
    "abs": sympy.Abs,
    "floor": sympy.floor,
    "ceiling": sympy.ceiling,
}
_OUR_NAMES = {"log": "ln", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "Abs": "abs"}


def canonical_forms(nodes: tuple[Node, ...]) -> list[str | None]:
    """Give the canonical form of each folded and checked node; None where there is none.

    A node is an expression, or an equation (operation `=`) of two.
    """
    return [_canonical_form(node) for node in nodes]


def warm_up() -> None:
    """Do once what sympy does on first use, so that no answer's time limit pays for it."""
    x = Apply("^", (Apply("+", (Name("x"), Apply("root", (Number(Fraction(2)),) * 2))), Name("y")))
    _canonical_form(Apply("/", (x, Name("x"))))


def _canonical_form(node: Node) -> str | None:
    try:
        if isinstance(node, Apply) and node.operation == "=":
            left, right = node.operands
            return _equation(_expression(left) - _expression(right))
        form = _simplified(_expression(node))
        return None if form is None else _written(form)
    except (ArithmeticError, ValueError, TypeError, AttributeError, NotImplementedError, KeyError):
        # sympy raises these where an expression has no value (log 0) or no such form; the answer
        # then keeps its text as its key.
        return None


def _expression(node: Node) -> Any:
    match node:
        case Number(value):
            return Rational(value.numerator, value.denominator)
        case Name(text):
            return _CONSTANTS.get(text) or Symbol(text)
        case Apply("log", (argument, base)):
            return sympy.log(_expression(argument)) / sympy.log(_expression(base))
        case Apply("root", (inside, Number(degree))):
            return _root(_expression(inside), Rational(1, degree.numerator))
        case Apply("^", (base, exponent)):
            return _root(_expression(base), _expression(exponent))
    arguments = [_expression(operand) for operand in node.operands]
    match node.operation:
        case "+":
            return sympy.Add(*arguments)
        case "*":
            return sympy.Mul(*arguments)
        case "/":
            return arguments[0] / arguments[1]
        case "neg":
            return -arguments[0]
        case "tan":
            return sympy.sin(arguments[0]) / sympy.cos(arguments[0])
        case "cot":
            return sympy.cos(arguments[0]) / sympy.sin(arguments[0])
        case "sec":
            return 1 / sympy.cos(arguments[0])
        case "csc":
            return 1 / sympy.sin(arguments[0])
        case "log":
            # Without a base it is written log in the key, apart from ln: it may be to base 10.
            return sympy.Function("log_")(arguments[0])
    return _FUNCTIONS[node.operation](*arguments)


def _root(base: Any, exponent: Any) -> Any:
    """Raise to a power; an odd root of a negative number is the real one, as answers mean it."""
    if base.is_Rational and base < 0 and exponent.is_Rational and exponent.q % 2 and exponent.q > 1:
        return (-1) ** exponent.p * (-base) ** exponent
    return base**exponent


def _simplified(expression: Any) -> Any:
    """Give the canonical expression; None for what has no finite value."""
    if expression.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        return None
    if expression.free_symbols or expression.has(sympy.core.function.AppliedUndef):
        return _simplified_open(expression)
    exact = _simplified_value(expression)
    return exact if _is_canonical_value(exact) else _digits(expression)


def _simplified_open(expression: Any) -> Any:
    expression = sympy.expand(_prime_powers(expression))
    numerator, denominator = sympy.fraction(sympy.together(expression))
    if denominator.is_Number:
        return expression
    if denominator.atoms(Pow) and not denominator.has(I) and _has_plain_roots(denominator):
        expression = sympy.radsimp(numerator / denominator)
    cancelled = sympy.cancel(sympy.together(expression))
    numerator, denominator = sympy.fraction(cancelled)
    numerator, denominator = sympy.expand(numerator), sympy.expand(denominator)
    if denominator.is_Number or _is_monomial(denominator):
        return sympy.expand(numerator / denominator)
    return numerator / denominator


def _has_plain_roots(denominator: Any) -> bool:
    """Whether its roots are a few square roots of rationals or names.

    Others are left to cancelling, since to rationalise them can take very long.
    """
    roots = [power for power in denominator.atoms(Pow) if power.exp.is_Rational and power.exp.q > 1]
    return len(roots) <= 4 and all(
        power.exp.q == 2 and (power.base.is_Rational or power.base.is_Symbol) for power in roots
    )


def _simplified_value(expression: Any) -> Any:
    expression = sympy.expand_log(sympy.expand(expression), factor=True)
    _, denominator = sympy.fraction(sympy.together(expression))
    if not _is_monomial(denominator) and _has_plain_roots(denominator):
        expression = sympy.radsimp(sympy.cancel(sympy.radsimp(expression)))
    if any(isinstance(power.base, sympy.Add) for power in expression.atoms(Pow)):
        expression = sympy.sqrtdenest(expression)
    return sympy.expand(_prime_powers(sympy.expand(expression)))


def _is_monomial(expression: Any) -> bool:
    return not any(isinstance(factor, sympy.Add) for factor in sympy.preorder_traversal(expression))


def _prime_powers(expression: Any) -> Any:
    """Write 12^(1/3) as 2^(2/3) 3^(1/3), the only product of roots that sympy leaves open."""

    def split(power: Any) -> Any:
        factors = sympy.factorint(power.base, limit=10_000)
        return reduce(
            lambda product, factor: product * Integer(factor[0]) ** (factor[1] * power.exp),
            factors.items(),
            Integer(1),
        )

    return expression.replace(
        lambda part: (
            isinstance(part, Pow)
            and part.base.is_Integer
            and part.base > 1
            and part.exp.is_Rational
            and part.exp.q > 2
        ),
        split,
    )


def _is_canonical_value(expression: Any) -> bool:
    """Whether equal values of this form are written alike."""
    return all(
        _is_canonical_factor(factor)
        for term in sympy.Add.make_args(expression)
        for factor in sympy.Mul.make_args(term)
    )


def _is_canonical_factor(factor: Any) -> bool:
    if factor.is_Rational or factor in (I, pi, sympy.E):
        return True
    if isinstance(factor, sympy.log):
        return bool(factor.args[0].is_Integer and sympy.isprime(factor.args[0]))
    if isinstance(factor, sympy.exp):
        return bool(factor.args[0].is_Rational)
    if not isinstance(factor, Pow) or not factor.exp.is_Rational:
        return False
    if factor.base == pi:
        return True
    if isinstance(factor.base, sympy.log):
        return bool(factor.exp.is_Integer and factor.exp > 0) and _is_canonical_factor(factor.base)
    return bool(factor.base.is_Integer and factor.base > 0)


def _digits(value: Any) -> Any:
    """Give a complex value to 30 digits, or as a rational where it is one to 40."""
    if _is_tower(value):
        return None
    number = value.evalf(_WORKING_DIGITS)
    size = abs(number)
    if not size.is_Number or not size.is_finite:
        return None
    if size < _TINY:
        # Cancelled out: nothing is left of the digits, so this is zero or not to be told from it.
        return Integer(0) if abs(value.evalf(3 * _WORKING_DIGITS)) < _TINY**3 else None
    real, imaginary = (_part_digits(part, size) for part in number.as_real_imag())
    return real + imaginary * I


def _part_digits(part: Any, size: Any) -> Any:
    """Give a real number as a name such as `~0.84`, or as a rational that it is within `_TINY`."""
    if abs(part) < size * _TINY:
        return Integer(0)
    rational = Fraction(int(part * 10**50), 10**50).limit_denominator(10**6)
    exact = Rational(rational.numerator, rational.denominator)
    if abs(part - exact) < abs(part) * _TINY:
        return exact
    name = Symbol(f"~{sympy.Float(abs(part), _DIGITS)}")
    return -name if part < 0 else name


def _is_tower(value: Any) -> bool:
    """Whether exponentials stand in the exponents of others: too large to compute."""
    growing = (sympy.exp, sympy.sinh, sympy.cosh)

    def height(part: Any) -> int:
        inside = max((height(argument) for argument in part.args), default=0)
        grows = isinstance(part, growing) or (isinstance(part, Pow) and not part.exp.is_Rational)
        return inside + int(grows)

    return height(value) > 1


def _equation(difference: Any) -> str | None:
    if difference.has(sympy.nan, sympy.zoo, sympy.oo):
        return None
    numerator, _ = sympy.fraction(sympy.cancel(sympy.together(sympy.expand(difference))))
    numerator = sympy.expand(numerator)
    symbols = sorted(numerator.free_symbols, key=str)
    if not symbols:
        return None
    if numerator.is_polynomial(*symbols):
        polynomial = sympy.Poly(numerator, *symbols)
        leading = polynomial.LC()
        if all(coefficient.is_Rational for coefficient in polynomial.coeffs()):
            _, polynomial = polynomial.clear_denoms(convert=True)
            _, polynomial = polynomial.primitive()
            numerator = polynomial.as_expr() * (1 if leading > 0 else -1)
        else:
            shares = [
                _simplified_value(coefficient / leading) for coefficient in polynomial.coeffs()
            ]
            monomials = [sympy.Mul(*map(Pow, symbols, powers)) for powers in polynomial.monoms()]
            numerator = sympy.Add(*map(sympy.Mul, shares, monomials))
    else:
        first = sympy.Add.make_args(numerator)[0].as_coeff_Mul()[0]
        numerator = sympy.expand(numerator * sympy.sign(first))
    return f"{_written(sympy.expand(numerator))}=0"


def _written(expression: Any) -> str:
    """Write the expression as text that the parser reads back."""
    names = {
        part: Symbol("e") if part == sympy.E else Symbol("i")
        for part in expression.atoms(type(I), type(sympy.E))
    }
    text = sympy.sstr(expression.xreplace(names), order="lex")
    for theirs, ours in _OUR_NAMES.items():
        text = text.replace(f"{theirs}(", f"{ours}(")
    text = text.replace("log_(", "log(") if "log_(" in text else text
    return str(text.replace("**", "^").replace(" ", ""))
