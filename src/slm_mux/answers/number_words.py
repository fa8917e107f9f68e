"""Numbers spelt out in English: "seventy-two", "one hundred and five", "a dozen", "two thirds".

A run of number words that is not one number ("two three", "nineteen ninety") has no value.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

from msgspec import Struct

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_SMALL = {word: value for value, word in enumerate(_UNITS.split())}
_TIMES_TEN = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * value for value, word in enumerate(_TIMES_TEN.split(), start=2)}
SCALES = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
}
_PARTS = {
    "half": 2,
    "halves": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}
_PARTS |= {f"{word}s": value for word, value in _PARTS.items() if not word.startswith("hal")}

_WORD = "|".join(sorted([*_SMALL, *_TENS, *SCALES, *_PARTS], key=len, reverse=True))
_RUN = re.compile(
    rf"\b(?:(?:minus|negative)\s)?(?:an?\s(?={_WORD}))?(?:{_WORD})\b"
    rf"(?:(?:[ -]|,\s|\sand\s)(?:an?\s(?={_WORD}))?(?:{_WORD})\b){{0,30}}",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"[\s,-]+")


class SpeltNumber(Struct, frozen=True):
    """A run of number words in a text, at `start` .. `end`."""

    value: Fraction | None
    """None when the words make no number."""
    start: int
    end: int
    text: str


def spelt_numbers(text: str) -> Iterator[SpeltNumber]:
    """Find the runs of number words, by position."""
    for match in _RUN.finditer(text):
        yield SpeltNumber(_value(match[0]), match.start(), match.end(), match[0])


def _value(text: str) -> Fraction | None:
    words = [word for word in _SPLIT.split(text.lower()) if word]
    sign = 1
    if words[0] in ("minus", "negative"):
        sign = -1
        words = words[1:]
    part = Fraction(0)
    if words[-1] in _PARTS:
        if len(words) == 1 and words[0] != "half":
            return None  # "the third" counts, it does not divide
        size = Fraction(1, _PARTS[words.pop()])
        count = _last_count(words)
        if count is None:
            return None
        part = count * size
        if not words:
            return sign * part
        if words.pop() != "and" or not words:
            return None
    whole = _whole(words)
    return None if whole is None else sign * (whole + part)


def _last_count(words: list[str]) -> int | None:
    """Take the count of a fraction's parts ("two" of "two thirds") off the end of the words."""
    if not words or words[-1] == "and":
        return 1
    word = words.pop()
    return 1 if word in ("a", "an") else (_SMALL.get(word) or None)


def _whole(words: list[str]) -> Fraction | None:
    """Read a whole number; each word must be smaller than what came before it."""
    total = group = 0
    # What the next word must stay below: a unit follows tens, tens follow a hundred.
    room = 10**15
    scale_room = 10**15
    after_and = False
    for position, word in enumerate(words):
        if word == "and":
            if group == 0 and total == 0:
                return None
            after_and = True
            continue
        after_and = False
        if word in ("a", "an"):
            if group or position + 1 == len(words):
                return None
            group, room = 1, 0
        elif word in _SMALL or word in _TENS:
            value = _SMALL.get(word, _TENS.get(word, 0))
            if value >= room or (value == 0 and len(words) > 1):
                return None
            group += value
            room = 10 if word in _TENS else 0
        elif word == "hundred":
            if not 0 < group < 100:
                return None
            group *= 100
            room = 100
        elif word in SCALES:
            scale = SCALES[word]
            if (group == 0 and len(words) > 1) or scale >= scale_room:
                return None
            total += (group or 1) * scale
            group, room, scale_room = 0, 10**15, scale
        else:
            return None
    return None if after_and else Fraction(total + group)
