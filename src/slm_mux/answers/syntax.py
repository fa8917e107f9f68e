"""The parser: from a normalised text to a tree.

Our own, since a tree has to be there *before* anything is evaluated: only a tree tells how large
its value will be. (Parsers at hand evaluate while they parse, or look ahead exponentially far into
nested braces.) One pass, in time linear in the text; what it does not know is an error, and such an
answer is compared as text.

Grammar, loosest first: lists (`,` `;` or, and), chains of relations, unions, sums, products (also
without a sign), powers, then numbers, names, functions, fractions, roots and brackets.
"""

from fractions import Fraction

from slm_mux.answers.nodes import FUNCTIONS, Apply, Name, Node, Number, UnparsableError, is_scalar
from slm_mux.answers.tokens import END, Token, number_value, tokens_of

LONGEST_EXPRESSION = 1_000
"""Characters; longer answers are not parsed."""
DEEPEST = 40
"""Brackets, fractions, roots and functions inside each other."""

_RELATIONS = {
    "=": "=",
    "<": "<",
    ">": ">",
    "\\le": "<=",
    "\\ge": ">=",
    "<=": "<=",
    ">=": ">=",
    "\\ne": "!=",
}
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}
_GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta",
    "vartheta", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "varphi",
    "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi", "Omega",
    "ell",
})  # fmt: skip
_CONSTANTS = {"pi": "pi", "infty": "infinity", "infinity": "infinity", "inf": "infinity"}


def parse(text: str) -> Node:
    """Parse a normalised answer.

    Raises:
        UnparsableError: it is not in the grammar, or too long, or nested too deep.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise UnparsableError("too long")
    parser = _Parser(tokens_of(text))
    node = parser.list_of()
    parser.expect("")
    return node


class _Parser:
    """Recursive descent over the tokens; one method per line of the grammar."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0
        self._bars = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._position] if self._position < len(self._tokens) else END

    def _take(self) -> Token:
        token = self._next
        self._position += 1
        return token

    def _accept(self, *texts: str) -> str | None:
        if self._next.text in texts and self._next is not END:
            return self._take().text
        return None

    def expect(self, text: str) -> None:
        """Take this token ("" for the end), or raise."""
        if self._take().text != text:
            raise UnparsableError(f"expected {text or 'the end'}")

    def list_of(self) -> Node:
        """Parse `chain, chain or chain`: what stands in a bracket, or the whole answer."""
        items = [self._chain()]
        while self._accept(",", ";", "or", "and", "\\or", "\\and"):
            self._accept("or", "and")
            items.append(self._chain())
        return items[0] if len(items) == 1 else Apply("list", tuple(items))

    def _chain(self) -> Node:
        sides = [self._union()]
        relations: list[str] = []
        while self._next.text in _RELATIONS:
            relations.append(_RELATIONS[self._take().text])
            sides.append(self._union())
        return Apply(" ".join(relations), tuple(sides)) if relations else sides[0]

    def _union(self) -> Node:
        parts = [self._sum()]
        while self._accept("\\cup", "U"):
            parts.append(self._sum())
        return Apply("union", tuple(parts)) if len(parts) > 1 else parts[0]

    def _sum(self) -> Node:
        terms = [self._term(self._accept("+", "-", "\\pm", "\\mp"))]
        while (sign := self._accept("+", "-", "\\pm", "\\mp")) is not None:
            terms.append(self._term(sign))
        return terms[0] if len(terms) == 1 else Apply("+", _scalars(terms))

    def _term(self, sign: str | None) -> Node:
        product = self._product()
        if sign in (None, "+"):
            return product
        operation = {"-": "neg", "\\pm": "pm", "\\mp": "mp"}[sign or ""]
        return Apply(operation, _scalars([product]))

    def _product(self) -> Node:
        above = [self._power()]
        below: list[Node] = []
        while True:
            if self._accept("*"):
                above.append(self._signed_power())
            elif self._accept("/"):
                below.append(self._signed_power())
            elif not self._starts_factor():
                return _quotient(above, below)
            elif below or not self._mixed(above):
                above.append(self._factor())

    def _signed_power(self) -> Node:
        if self._accept("-"):
            return Apply("neg", _scalars([self._power()]))
        return self._power()

    def _factor(self) -> Node:
        if self._next.kind in ("number", "repeating"):
            raise UnparsableError("a number after a factor")
        return self._power()

    def _mixed(self, factors: list[Node]) -> bool:
        r"""Take the fraction of a mixed number such as `1\frac{1}{2}`, if one stands here."""
        before = self._tokens[self._position - 1]
        whole = factors[-1]
        if (
            self._next.text != "\\frac"
            or before.kind != "number"
            or not isinstance(whole, Number)
            or whole.value.denominator != 1
        ):
            return False
        fraction = self._power()
        if _is_proper_fraction(fraction):
            factors[-1] = Apply("+", (whole, fraction))
        else:
            factors.append(fraction)
        return True

    def _starts_factor(self) -> bool:
        token = self._next
        if token.kind == "command":
            return token.text[1:] in _FACTOR_COMMANDS
        if token.kind == "word":
            return token.text not in ("or", "and", "U")
        if token.text == "|":
            return self._bars == 0
        return token.kind in ("letter", "number", "repeating", "digits", "begin") or token.text in (
            "(",
            "{",
            "[",
        )

    def _power(self) -> Node:
        base = self._postfix(self._primary())
        if self._accept("^"):
            return self._postfix(Apply("^", _scalars([base, self._exponent()])))
        return base

    def _postfix(self, node: Node) -> Node:
        if self._accept("!"):
            return Apply("!", _scalars([node]))
        if self._accept("\\degree"):
            turn = Apply("/", (Name("pi"), Number(Fraction(180))))
            return Apply("*", (*_scalars([node]), turn))
        return node

    def _exponent(self) -> Node:
        if self._accept("{"):
            node = self.list_of()
            self.expect("}")
            return node
        if self._accept("-"):
            return Apply("neg", (self._primary(),))
        return self._primary()

    def _primary(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnparsableError("nested too deep")
        node = self._primary_inside()
        self._depth -= 1
        return node

    def _primary_inside(self) -> Node:
        token = self._take()
        match token.kind:
            case "number" | "repeating":
                return Number(number_value(token))
            case "letter":
                return self._name(token.text)
            case "digits":
                # The digits of a value that has no name, as keys have them.
                return Name(token.text)
            case "begin":
                return self._matrix()
            case "command":
                return self._command(token.text[1:])
            case "word":
                return self._command(token.text)
        if token.text in ("(", "[", "{", "\\{"):
            return self._bracket(token.text)
        if token.text == "|":
            self._bars += 1
            inside = self._sum()
            self.expect("|")
            self._bars -= 1
            return Apply("abs", _scalars([inside]))
        raise UnparsableError(f"unexpected {token.text or token.kind}")

    def _bracket(self, opening: str) -> Node:
        bars, self._bars = self._bars, 0
        if opening == "\\{" and self._accept("\\}"):
            self._bars = bars
            return Apply("{}", ())
        inside = self.list_of()
        self._bars = bars
        closing = self._take().text
        items = (
            inside.operands
            if isinstance(inside, Apply) and inside.operation == "list"
            else (inside,)
        )
        match opening + closing:
            case "()" | "{}" | "[]" if len(items) == 1:
                return inside
            case "{}" | "\\{\\}":
                return Apply("{}", items)
            case "()" | "[]":
                return Apply(opening + closing, items)
            case "(]" | "[)" if len(items) == 2:
                return Apply(opening + closing, items)
        raise UnparsableError("brackets that do not match")

    def _name(self, name: str) -> Node:
        """Parse what belongs to a name: a subscript and primes."""
        if self._accept("_"):
            if self._accept("{"):
                parts: list[str] = []
                while self._next.kind in ("letter", "number"):
                    parts.append(self._take().text)
                self.expect("}")
                name += "_" + "".join(parts)
            elif self._next.kind in ("letter", "number"):
                name += "_" + self._take().text
            else:
                raise UnparsableError("an unknown subscript")
        while self._accept("'"):
            name += "'"
        return Name(name)

    def _command(self, name: str) -> Node:
        if name in _CONSTANTS:
            return Name(_CONSTANTS[name])
        if name in _GREEK:
            return self._name(name)
        if name in FUNCTIONS:
            return self._function(name)
        match name:
            case "frac":
                return Apply("/", _scalars([self._argument(), self._argument()]))
            case "binom":
                return Apply("binom", _scalars([self._argument(), self._argument()]))
            case "sqrt":
                degree: Node = Number(Fraction(2))
                if self._accept("["):
                    degree = self._sum()
                    self.expect("]")
                return Apply("root", _scalars([self._argument(), degree]))
            case "abs":
                return Apply("abs", _scalars([self._argument()]))
            case "lfloor" | "lceil":
                inside = self._sum()
                self.expect("\\r" + name[1:])
                return Apply(name[1:].replace("ceil", "ceiling"), _scalars([inside]))
            case "langle":
                inside = self.list_of()
                self.expect("\\rangle")
                if isinstance(inside, Apply) and inside.operation == "list":
                    return Apply("()", inside.operands)
            case "emptyset":
                return Apply("{}", ())
        raise UnparsableError(f"unknown command {name}")

    def _argument(self) -> Node:
        r"""Parse the argument of a command: a group, or the next factor (`\frac\pi2`)."""
        token = self._next
        if token.kind == "number" and len(token.text) > 1 and token.text.isdigit():
            # TeX takes one digit: \frac12 is 1/2. Normalised text has braces there already.
            self._tokens[self._position] = Token("number", token.text[1:])
            return Number(Fraction(int(token.text[0])))
        return self._primary()

    def _function(self, name: str) -> Node:
        base: Node | None = None
        exponent: Node | None = None
        if name in ("log", "lg") and self._accept("_"):
            base = self._argument()
        if self._accept("^"):
            exponent = self._exponent()
            if name in _INVERSES and exponent in (_MINUS_ONE, Number(Fraction(-1))):
                name, exponent = _INVERSES[name], None
        argument = self._function_argument()
        operands = [argument] if base is None else [argument, base]
        node = Apply("log" if name == "lg" else name, _scalars(operands))
        return node if exponent is None else Apply("^", _scalars([node, exponent]))

    def _function_argument(self) -> Node:
        r"""Parse a bracket, or factors up to the next sign or function: `\sin 2x`."""
        if self._next.text in ("(", "{", "["):
            return self._primary()
        factors = [self._power()]
        while self._starts_factor() and self._next.text.lstrip("\\") not in FUNCTIONS | {"("}:
            factors.append(self._factor())
        below: list[Node] = []
        if factors == [Name("pi")] and self._accept("/"):
            below.append(self._power())
        return _quotient(factors, below)

    def _matrix(self) -> Node:
        rows: list[Apply] = []
        while True:
            cells = [self._union()]
            while self._accept("&"):
                cells.append(self._union())
            rows.append(Apply("row", tuple(cells)))
            if not self._accept("\\\\") or self._next.kind == "end":
                break
        if self._take().kind != "end" or len({len(row.operands) for row in rows}) != 1:
            raise UnparsableError("a matrix that does not close, or with uneven rows")
        return Apply("matrix", tuple(rows))


_FACTOR_COMMANDS = (
    frozenset({"frac", "binom", "sqrt", "lfloor", "lceil"}) | FUNCTIONS | _GREEK | set(_CONSTANTS)
)
_MINUS_ONE = Apply("neg", (Number(Fraction(1)),))


def _quotient(above: list[Node], below: list[Node]) -> Node:
    """Give `a b / c / d` as one product over another, so that long ones are not deep."""
    numerator = above[0] if len(above) == 1 else Apply("*", _scalars(above))
    if not below:
        return numerator
    denominator = below[0] if len(below) == 1 else Apply("*", _scalars(below))
    return Apply("/", _scalars([numerator, denominator]))


def _scalars(nodes: list[Node]) -> tuple[Node, ...]:
    """Take the nodes as operands of arithmetic; tuples and relations are none."""
    for node in nodes:
        if isinstance(node, Apply) and not is_scalar(node):
            raise UnparsableError("arithmetic on a structure")
    return tuple(nodes)


def _is_proper_fraction(node: Node) -> bool:
    match node:
        case Apply("/", (Number(above), Number(below))):
            return 0 < above < below and above.denominator == below.denominator == 1
    return False
