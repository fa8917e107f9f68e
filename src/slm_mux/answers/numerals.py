r"""Numbers written in digits, found in running text and read exactly.

One numeral is any of 72, 1,234.50, 1 234, 1{,}234, .5, 3/4, 1 1/2, ½, \frac{3}{4}, 1e3,
1.2 × 10^3, 5 million, 20 %, -$12.50. Values are exact fractions. What only looks like a number is
found too, with no value, so that no part of it is taken for one: dates, times, versions, ranges,
lists without spaces, powers, ordinals, 3x.
"""

import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction

from msgspec import Struct

from slm_mux.answers.number_words import SCALES

MOST_DIGITS = 400
"""Decimal digits of a numerator or a denominator; what is longer has no value."""
_TOO_LARGE: int = 10**MOST_DIGITS

_PARTS = {
    sign: Fraction(unicodedata.numeric(sign)).limit_denominator(10) for sign in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"
}
_VULGAR = "".join(_PARTS)
_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_MINUS = "-−﹣－–‐‑"
_SCALE_WORDS = "|".join(SCALES)

_NUMERAL = re.compile(
    rf"""
    # what it may start with: fails at once where nothing starts
    (?=[{_MINUS}+\d.\\$€£¥₹{_VULGAR}mnu])
    # not inside a name, a power, an index or a root
    (?<![A-Za-z0-9_^√π])(?<![_^]\{{)(?<!sqrt\{{)(?<![A-Za-z][-–])(?<!\d\.)
    (?:(?<![\d)\]}}%])(?<![\d)\]}}%]\s)(?P<sign>[{_MINUS}]|(?:minus|negative)\s|\+))?
    (?:(?P<currency>(?:US)?\\?\$\s?|[€£¥₹]\s?)(?P<inner>[{_MINUS}])?)?
    (?:
      (?:(?P<whole>\d++)\s?)?\\[dt]?frac\s?
        (?:\{{\s?(?P<sub>[{_MINUS}])?(?P<top>\d++(?:\.\d++)?)\s?\}}\s?
           \{{\s?(?P<bottom>\d++(?:\.\d++)?)\s?\}}
          |(?P<top1>\d)(?P<bottom1>\d)(?!\d))
      | (?:(?P<vwhole>\d++)\s?)?(?P<vulgar>[{_VULGAR}])
      | (?P<mwhole>\d++)[ ](?P<mtop>\d++)\s?[/⁄]\s?(?P<mbottom>\d++)(?!\.\d)
      | 10\s?(?:(?:\^|\*\*)\s?\{{?\s?(?P<ten>[{_MINUS}+]?\d++)\s?\}}?|(?P<tens>[⁺⁻]?[⁰¹²³⁴-⁹]++))
      | (?P<digits>
          [1-9]\d{{0,2}}(?P<sep>,|\{{,\}}|\\,|\\!|[\x20\xa0\u2009\u202f'’_])\d{{3}}
            (?:(?P=sep)\d{{3}})*+(?!\d)
          | \d++
          | (?=\.\d)(?<!\d)
        )
        (?P<decimals>\.\d++)?
        (?:
          [eE](?P<exponent>[{_MINUS}+]?\d++)
          | \s?(?:[×xX*·⋅]|\\times|\\cdot)\s?10\s?(?:
              (?:\^|\*\*)\s?\{{?\s?(?P<power>[{_MINUS}+]?\d++)\s?\}}?
              | (?P<super>[⁺⁻]?[⁰¹²³⁴-⁹]++))
          | \s?[/⁄]\s?(?P<over>\d++(?:\.\d++)?)
        )?
    )
    (?:[ -](?P<scale>{_SCALE_WORDS})s?\b|(?P<letter>(?-i:k|K|M|B|\s?bn))\b)?
    (?P<half>[ ]and[ ](?:a|one)[ ]half\b)?
    (?P<percent>\s?\\?%)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "bn": 10**9}
_JOINED = re.compile(r"[-–:/.,^]|\^\{|\*\*")
_AFTER = re.compile(r"([^\W\d_]+)|\s?\\(?:pi|sqrt)\b|\s?[π√]|\s?(?:\^|[⁰¹²³⁴-⁹])|\.\d")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
ONE_LETTER_UNITS = frozenset("mgshlLJNWVAKCFtb")
"""Letters that may follow a number as its unit; any other single letter is a variable."""


class Numeral(Struct, frozen=True):
    """A number in a text."""

    value: Fraction | None
    """None when it only looks like a number, or is too large."""
    start: int
    end: int
    text: str


def numerals(text: str) -> Iterator[Numeral]:
    """Find the numbers written in digits, by position; time grows with the text's length alone."""
    held: Numeral | None = None
    for match in _NUMERAL.finditer(text):
        value = None if _spoilt(text, match.end()) else _value(match)
        found = Numeral(value, match.start(), match.end(), match[0].strip())
        if held is not None:
            if _JOINED.fullmatch(text, held.end, found.start):
                held = Numeral(None, found.start, found.end, found.text)
                continue
            yield held
        held = found
    if held is not None:
        yield held


def _spoilt(text: str, end: int) -> bool:
    """Whether what follows makes it something else: 3x, 3rd, 2π, 5²."""
    after = _AFTER.match(text, end, end + 30)
    if after is None:
        return False
    letters = str(after[1] or "")
    if len(letters) == 1:
        return letters.isascii() and letters not in ONE_LETTER_UNITS
    return not letters or letters.lower() in _ORDINALS


def digits_alone(text: str) -> Fraction | None:
    """Read digits and nothing else, the numeral met most often; None for any other text."""
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        return None
    return Fraction(int(text))


def _value(match: re.Match[str]) -> Fraction | None:
    if (value := digits_alone(match[0])) is not None:
        return value
    magnitude = _magnitude(match)
    if magnitude is None:
        return None
    if match["half"]:
        magnitude += Fraction(1, 2)
    if match["scale"]:
        magnitude *= SCALES[match["scale"].lower()]
    letter = (match["letter"] or "").strip()
    if letter in ("k", "bn") or (letter and match["currency"]):
        magnitude *= _LETTERS[letter]
    elif letter and letter not in ONE_LETTER_UNITS:
        return None
    for name in ("sign", "inner", "sub"):
        if match[name] and match[name] != "+":
            magnitude = -magnitude
    return magnitude if fits(magnitude) else None


def fits(value: Fraction) -> bool:
    """Whether the value is small enough to be written out."""
    return abs(value.numerator) < _TOO_LARGE and value.denominator < _TOO_LARGE


def _magnitude(match: re.Match[str]) -> Fraction | None:
    if len(match[0]) > 2 * MOST_DIGITS:
        return None
    if match["top"] or match["top1"]:
        top, bottom = match["top"] or match["top1"], match["bottom"] or match["bottom1"]
        return _quotient(match["whole"], Fraction(top), Fraction(bottom))
    if match["vulgar"]:
        return _PARTS[match["vulgar"]] + int(match["vwhole"] or 0)
    if match["mtop"]:
        return _quotient(match["mwhole"], Fraction(match["mtop"]), Fraction(match["mbottom"]))
    if match["ten"] or match["tens"]:
        return _times_ten(Fraction(1), match["ten"] or match["tens"])
    digits = match["digits"]
    if match["sep"]:
        digits = digits.replace(match["sep"], "")
    decimals = (match["decimals"] or ".")[1:]
    value = Fraction(int(digits + decimals), 10 ** len(decimals))
    exponent = match["exponent"] or match["power"] or match["super"]
    if exponent:
        return _times_ten(value, exponent)
    if match["over"]:
        return _quotient(None, value, Fraction(match["over"]))
    return value


def _quotient(whole: str | None, top: Fraction, bottom: Fraction) -> Fraction | None:
    """Divide; a fraction after a whole number must be smaller than one."""
    if bottom == 0 or (whole and top >= bottom):
        return None
    return int(whole or 0) + top / bottom


def _times_ten(value: Fraction, exponent: str) -> Fraction | None:
    digits = exponent.translate(_SUPER).lstrip("+")
    negative = digits[0] in _MINUS
    digits = digits[1:] if negative else digits
    if len(digits) > 4 or int(digits) > MOST_DIGITS:
        return None
    power = Fraction(10) ** int(digits)
    return value / power if negative else value * power
