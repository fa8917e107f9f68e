r"""Cosmetic LaTeX taken off: two ways of writing one thing become one text.

`normalise` is a fixed series of regular expressions over short texts (tens of microseconds), pure,
and never fails. What it decides about meaning, it decides for every answer alike:

- units, currency signs and degree signs are dropped: `5\text{ cm}`, `\$5`, `5^\circ` are `5`;
- a percent sign is dropped like a unit: `50\%` is `50`, not `0.5`;
- a comma between groups of three digits outside brackets separates thousands: `1,234` is `1234`,
  `(1,234)` stays a pair; `{,}`, `,\!` and `\,` between such groups separate thousands anywhere;
- `a.m.` and `p.m.` are kept, as `am` and `pm`.
"""

import re
from itertools import pairwise

LONGEST = 2_000
"""Characters; of a longer text only the white space is normalised."""

_MOST_ROUNDS = 6

_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "×": r"\cdot ",
        "·": r"\cdot ",
        "⋅": r"\cdot ",
        "÷": "/",
        "π": r"\pi ",
        "∞": r"\infty ",
        "√": r"\sqrt ",
        "≤": r"\le ",
        "≥": r"\ge ",
        "≠": r"\ne ",
        "≈": r"\approx ",
        "±": r"\pm ",
        "∓": r"\mp ",
        "∪": r"\cup ",
        "∈": r"\in ",
        "∅": r"\emptyset ",
        "°": r"\degree ",
        "²": "^2",
        "³": "^3",
        "½": r"\frac{1}{2}",
        "¼": r"\frac{1}{4}",
        "¾": r"\frac{3}{4}",
        "θ": r"\theta ",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "′": "'",
        "\N{NO-BREAK SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{THIN SPACE}": " ",
        "\N{ZERO WIDTH SPACE}": None,
        "€": None,
        "£": None,
    }
)

_SYNONYMS = {
    "dfrac": "frac",
    "tfrac": "frac",
    "cfrac": "frac",
    "dbinom": "binom",
    "tbinom": "binom",
    "cdot": "*",
    "times": "*",
    "ast": "*",
    "div": "/",
    "lt": "<",
    "gt": ">",
    "leq": "le",
    "leqslant": "le",
    "geq": "ge",
    "geqslant": "ge",
    "neq": "ne",
    "vert": "|",
    "lvert": "|",
    "rvert": "|",
    "lbrace": r"\{",
    "rbrace": r"\}",
    "lbrack": "[",
    "rbrack": "]",
    "colon": ":",
    "varnothing": "emptyset",
    "degrees": "degree",
    "lor": "or",
    "land": "and",
    "cross": "*",
}
_DROPPED = (
    "left|right|middle|bigl|bigr|Bigl|Bigr|biggl|biggr|Biggl|Biggr|big|Big|bigg|Bigg"
    "|displaystyle|textstyle|limits|nolimits|rm|bf|it|mathstrut|strut"
)
_FONTS = (
    "text|textbf|textit|textrm|textsf|texttt|textnormal|mbox|hbox|emph|mathrm|mathbf|mathit|mathsf"
    "|mathcal|mathbb|mathnormal|boldsymbol|bm|operatorname\\*?|rm|bf|boxed|fbox"
)

_THOUSANDS_SIGN = re.compile(r"(?<=\d)(?:\{,\}|,\s*\\!|\\!\s*,|\\,|\\ )\s*(?=\d{3}(?!\d))")
_ROW_SPACE = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|cm|mm)\s*\]")
_DELIMITERS = re.compile(r"\$\$|(?<!\\)\$|(?<!\\)\\[()\[\]]")
_SPACES = re.compile(
    r"(?<!\\)\\[,;:>! ]|(?<!\\)~(?!\d)|\\(?:quad|qquad|enspace|thinspace)(?![A-Za-z])"
    r"|\\hspace\*?\{[^{}]*\}"
)
_NO_DELIMITER = re.compile(r"\\(?:left|right)\s*\.")
_DROPPED_COMMAND = re.compile(rf"\\(?:{_DROPPED})(?![A-Za-z])")
_SYNONYM = re.compile(rf"\\({'|'.join(_SYNONYMS)})(?![A-Za-z])")
_FONT = re.compile(rf"\\(?:{_FONTS})\s*\{{([^{{}}]*)\}}")
_FONT_UNIT = re.compile(
    rf"(?P<head>(?:[\d)}}\]!]|\\pi))\s*\\(?:{_FONTS})\s*\{{(?P<unit>[^{{}}\d]*)\}}"
    r"\s*(?:\^\s*\{?\s*-?\d\s*\}?)?[\s.]*\Z"
)
_DEGREES = re.compile(r"\^\s*(?:\\circ(?![A-Za-z])|\{\s*\\circ\s*\})|\\degree(?![A-Za-z])")
_ANGLE_FUNCTION = re.compile(r"\\?(?:sin|cos|tan|cot|sec|csc)(?![a-z])")
_CURRENCY = re.compile(r"\\\$|\bUS(?=\\\$)")
_PERCENT = re.compile(r"\s*\\?%")
_MERIDIEM = re.compile(r"(?<=\d)\s*([ap])\.?\s?m\.?\s*\Z", re.IGNORECASE)
_MERIDIEM_WORD = re.compile(r"\s*[ap]\.?\s?m\.?\s*\Z", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_MIXED = re.compile(r"(?<![\d./^_{])(\d+)\s+(\d+)\s*/\s*(\d+)(?![\d.])")
_BASE = re.compile(r"(?<=\d)\s*(?:in\s+)?base[\s-]+\{?(\d+)\}?\Z")
_WORDS_AT_END = re.compile(
    r"(?<=[\d)}\]!])\s*(?P<words>[A-Za-z][A-Za-z]*(?:[ ./-]+[A-Za-z]+)*)"
    r"(?P<power>\s*\^\s*\{?\s*[23]\s*\}?)?\Z"
)
_ONE_CHARACTER = re.compile(r"([\^_])\s*\{\s*(\w)\s*\}")
_FRACTION_FIRST = re.compile(r"\\frac\s*([0-9])")
_FRACTION_SECOND = re.compile(r"(\\frac\s*\{[^{}]*\})\s*([0-9A-Za-z])")
_ROOT = re.compile(r"\\sqrt\s*([0-9])")
_WHITE = re.compile(r"\s+")
# The space in "1, 234" stays: without it that would be a number.
_NEEDLESS_SPACE = re.compile(
    r"(?<![A-Za-z0-9,]) | (?![A-Za-z0-9])|(?<=,) (?!\d{3}(?!\d))"
    r"|(?<=\d) (?!(?:or|and)\b)(?=[A-Za-z])"
)
_COMMAND_SPACE = re.compile(r"(\\[A-Za-z]+) (?![A-Za-z])")
_MEANS_SOMETHING = re.compile(r"[^\W_]")
_MARKDOWN = re.compile(r"\A(\*{1,3}|`{1,3}|\"|'')(.+?)\1\Z", re.DOTALL)

SHORT_UNITS = frozenset({
    "cm", "mm", "km", "kg", "mg", "ft", "lb", "lbs", "oz", "mL", "ml", "dL", "mi", "hr", "hrs",
    "nm", "ms", "Hz", "in", "sq", "mph",
})  # fmt: skip
"""Units of two letters or so, which are else read as products of variables."""
MEANINGFUL_WORDS = frozenset({
    "or", "and", "if", "when", "for", "where", "is", "are", "am", "pm", "base", "mod", "modulo",
    "million", "billion", "thousand", "hundred", "dozen", "to", "than", "less", "more", "odd",
    "even", "no", "none", "not", "only", "all", "real", "integer", "integers", "sin", "cos",
    "tan", "cot", "sec", "csc", "sqrt", "log", "ln", "exp", "pi", "infinity", "arcsin",
    "arccos", "arctan", "from", "by",
})  # fmt: skip
"""Words after a number that are no unit."""


def normalise(text: str) -> str:
    r"""Give the text without what is cosmetic; "" when nothing is left.

    Args:
        text: an answer as written, without `\boxed{}` around it. Above `LONGEST` characters only
            its white space is normalised.
    """
    if len(text) > LONGEST:
        return " ".join(text.split())
    for _ in range(_MOST_ROUNDS):
        # What one round takes off may lay bare what the next one takes off.
        before, text = text, _normalised_once(text)
        if text == before:
            break
    return text


def means_something(text: str) -> bool:
    r"""Whether a normalised text is an answer: it holds a letter or digit, or is `\{\}`."""
    return _MEANS_SOMETHING.search(text) is not None or text == r"\{\}"


def _normalised_once(text: str) -> str:
    text = text.strip().translate(_SIGNS)
    if (wrapped := _MARKDOWN.match(text)) is not None:
        text = wrapped[2].strip()
    text = _THOUSANDS_SIGN.sub("", text)
    if "\\" in text or "$" in text or "~" in text:
        text = _plain_commands(text)
    text = _PERCENT.sub("", text)
    text = text.strip(" \n\t").rstrip(".,;: \n\t").replace("**", "^")
    text = _MERIDIEM.sub(lambda match: f" {match[1].lower()}m", text)
    text = _BASE.sub(r"_{\1}", text)
    if not any(bracket in text for bracket in "([") and r"\{" not in text:
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    text = _without_unit(text)
    text = _MIXED.sub(r"\1\\frac{\2}{\3}", text)
    return _tidy(text)


def _plain_commands(text: str) -> str:
    """Drop what only sets type, and give each sign one name."""
    text = _ROW_SPACE.sub(r"\\\\", text)
    text = _CURRENCY.sub("", text)
    text = _DELIMITERS.sub(" ", text)
    text = _NO_DELIMITER.sub("", text)
    text = _SPACES.sub(" ", text)
    text = _DROPPED_COMMAND.sub(" ", text)
    text = _SYNONYM.sub(_synonym, text)
    text = _DEGREES.sub(r"\\degree " if _ANGLE_FUNCTION.search(text) else "", text)
    while (unit := _FONT_UNIT.search(text)) is not None and _is_unit(unit["unit"], marked=True):
        text = text[: unit.end("head")]
    for _ in range(2):
        text = _FONT.sub(r" \1 ", text)
    return text


def _synonym(match: re.Match[str]) -> str:
    name = _SYNONYMS[match[1]]
    return f"\\{name} " if name.isalpha() and name not in ("or", "and") else f" {name} "


def _without_unit(text: str) -> str:
    """Drop words after a number at the end, such as `cm`, `square units`, `dollars`."""
    words = _WORDS_AT_END.search(text)
    if words is not None and _is_unit(words["words"], marked=False):
        return text[: words.start()]
    return text


def _is_unit(words: str, *, marked: bool) -> bool:
    """Whether words after a number are a unit.

    Args:
        words: letters, spaces and points.
        marked: they were set as text, so that a single letter is a unit too.
    """
    if _MERIDIEM_WORD.match(words):
        return False
    names = [name for name in re.split(r"[ ./\s^-]+", words) if name]
    if any(name.lower() in MEANINGFUL_WORDS for name in names):
        return False
    if marked or not names:
        return True
    first = names[0]
    if first in SHORT_UNITS:
        return True
    return len(first) >= 3 and not consecutive(first)


def consecutive(letters: str) -> bool:
    """Whether letters follow each other in the alphabet, as in the products `abc` and `xyz`."""
    return all(ord(after) - ord(before) == 1 for before, after in pairwise(letters))


def _tidy(text: str) -> str:
    r"""Give one spelling to `^{2}`, `\frac12` and `\sqrt2`; spaces only where they separate."""
    if "\\" in text or "^" in text or "_" in text:
        text = _ONE_CHARACTER.sub(r"\1\2", text)
        text = _FRACTION_FIRST.sub(r"\\frac{\1}", text)
        text = _FRACTION_SECOND.sub(r"\1{\2}", text)
        text = _ROOT.sub(r"\\sqrt{\1}", text)
    text = _WHITE.sub(" ", text).strip()
    if " " in text:
        text = _COMMAND_SPACE.sub(r"\1", text)
        text = _NEEDLESS_SPACE.sub("", text)
    return text
