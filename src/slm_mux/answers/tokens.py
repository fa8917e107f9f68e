"""The words of the notation: normalised text cut into numbers, commands, letters and signs."""

import re
from fractions import Fraction

from msgspec import Struct

from slm_mux.answers.latex import consecutive
from slm_mux.answers.nodes import FUNCTIONS, UnparsableError

MOST_DIGITS = 400
"""Of one number."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<repeating>\d*\.\d*\\overline\{\d+\})
    | (?P<digits>~\d+\.\d*(?:[eE]-?\d+)?)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<begin>\\begin\{(?:[pbB]|small)?matrix\*?\}|\\begin\{array\}(?:\{[clr|]*\})?)
    | (?P<end>\\end\{[a-zA-Z]+\*?\})
    | (?P<command>\\[A-Za-z]+)
    | (?P<word>[A-Za-z]+)
    | (?P<sign>\\\\|\\[{}|]|<=|>=|[-+*/^_!'=<>()\[\]{}|,;&])
    )""",
    re.VERBOSE,
)


_WHOLE_WORDS = FUNCTIONS | {"or", "and", "pi", "sqrt", "abs", "infinity", "inf", "U"}


class Token(Struct, frozen=True):
    """One of them; `kind` is the name of its group in the pattern, or letter."""

    kind: str
    text: str


END = Token("end of text", "")


def tokens_of(text: str) -> list[Token]:
    """Cut a text into tokens.

    A run of letters is a product of variables only where it is short or goes along the alphabet
    (`xy`, `abc`); any other is a word, and words are no mathematics.

    Raises:
        UnparsableError: a sign or a word that the grammar does not have.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise UnparsableError(f"unknown sign at {position}")
        kind = match.lastgroup
        written = match[kind]
        if kind == "word" and written not in _WHOLE_WORDS:
            if len(written) > 2 and not consecutive(written):
                raise UnparsableError(f"a word: {written}")
            tokens.extend(Token("letter", letter) for letter in written)
        else:
            tokens.append(Token(kind, written))
        position = match.end()
    return tokens


def number_value(token: Token) -> Fraction:
    r"""Give the exact value of a number as written, also of `0.1\overline{6}`."""
    if len(token.text) > MOST_DIGITS:
        raise UnparsableError("a number of too many digits")
    if token.kind == "number":
        mantissa, _, power = token.text.lower().partition("e")
        if len(power) > 4 or abs(int(power or 0)) > MOST_DIGITS:
            raise UnparsableError("a number of too many digits")
        return Fraction(mantissa.rstrip(".")) * Fraction(10) ** int(power or 0)
    fixed, _, rest = token.text.partition("\\overline{")
    period = rest.rstrip("}")
    decimals = len(fixed.partition(".")[2])
    return Fraction(fixed + "0") + Fraction(int(period), (10 ** len(period) - 1) * 10**decimals)
