r"""Numbers: read exactly, compared as exact fractions.

Which number of a completion is the answer, in this order; the last of its sort each time:

1. the last complete `\boxed{…}` that holds one number;
2. the last marker that holds one number: a line `#### number`, "the answer is …", "Answer: …";
3. the last number of the text, unless it numbers a step or stands in a block of code; numbers that
   are spelt out count where there are no digits.

A completion that was cut off is read by 1 and 2 only, and only where the answer is complete. A box
or marker holds *one number* when nothing but words, units, currency and signs of text surround it:
"x = 7", "about 12 apples", "\$1,234.50", "\text{Total: } 12"; not "3x + 5", "(3, 4)", "5-7".

The key is the number as a fraction in lowest terms, "72" or "-3/4". Units, currency and the percent
sign are left out and never converted: 20 % and 20 are one class, 0.2 is another, since questions
that ask for a percentage are answered with and without the sign. A number of more than 400 digits
is unreadable.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

from slm_mux.answers.locate import (
    LONGEST_MARKED,
    MOST_TRIED,
    Located,
    boxed,
    marked_from_end,
    without_reasoning,
)
from slm_mux.answers.number_words import spelt_numbers
from slm_mux.answers.numerals import ONE_LETTER_UNITS, digits_alone, numerals
from slm_mux.types import Answer, KindName


class NumberKind:
    """Answers that are one number."""

    name: KindName = "number"
    may_block: bool = False

    def instruction(self) -> str:
        """Ask for steps and a last line that holds the number alone."""
        return (
            "Think step by step. On the last line, write only the final number, without a unit, "
            r"inside \boxed{}."
        )

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the answer out of a completion; see the module for the rule."""
        text = without_reasoning(text)
        if (answer := _digits_in_the_last_box(text)) is not None:
            return answer
        boxes = [box for box in boxed(text) if box.complete]
        for box in reversed(boxes[-MOST_TRIED:]):
            if (value := _one_number(box.text)) is not None:
                return _answer(box.text, value)
        marks = (mark for mark in marked_from_end(text) if mark.complete or not cut_off)
        for mark in islice(marks, MOST_TRIED):
            piece = mark.line if mark.marker == "hash" else mark.text
            if not _numbers_a_step(text, mark):
                value = _one_number(piece, bare=mark.marker == "hash")
                if value is None and mark.marker == "phrase":
                    value = _first_clause(piece)
                if value is not None:
                    return _answer(piece, value)
        return None if cut_off else _last_number(text)

    def canonical(self, answer: str) -> str | None:
        """Give the number in lowest terms; None when the text is not one number."""
        value = _one_number(answer)
        return None if value is None else str(value)

    def close(self) -> None:
        """Nothing to release."""


def _digits_in_the_last_box(text: str) -> Answer | None:
    """Rule 1 for the commonest case: the last box of all holds digits and nothing else."""
    start = text.rfind("box")
    match = _BOXED_DIGITS.match(text, start - 1) if start > 0 else None
    return Answer(text=match[1], key=str(int(match[1]))) if match else None


def _answer(text: str, value: Fraction) -> Answer:
    """Show what stands after the last equals sign: of "12 - 5 = 7 pens", "7 pens"."""
    return Answer(text=text.rpartition("=")[2].strip() or text, key=str(value))


_BOXED_DIGITS = re.compile(r"\\boxed\{([0-9]{1,15})\}")
_WRAPPED = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|boxed|fbox|operatorname)\s?"
    r"\{([^{}]{0,400})\}"
)
_SIGNS_OF_TEXT = re.compile(
    r"\\(?:left|right|displaystyle|quad|qquad)\b|\\[()\[\];: ]|\\[,!](?!\d{3})|\*\*|[`~]"
)
_POWER_OF_UNIT = re.compile(r"(?<=[A-Za-z])\s?(?:\^\s?\{?-?\d\}?|[²³])")
_DEGREES = re.compile(r"\^?\s?\{?\\circ\}?|°")
_UNIT_PER_UNIT = re.compile(r"(?<=[A-Za-z.])\s?/\s?(?=[A-Za-z])")
_EQUALS = re.compile(r"=|≈|\\approx\b|\\simeq\b")
_NEXT_EQUATION = re.compile(r"[,;]\s*[A-Za-z\\]|\band\b")
_OPERATOR = re.compile(r"[\d+*/^<>±×÷·≤≥≠√π|\\{}=_]|\s[-–−]\s*$|^\s*[-–−]\s")
_LONE_LETTER = re.compile(r"(?<![^\W_])[A-Za-z](?![^\W_])(?!['’.]\w)")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w")
_LOOSE_WORDS = frozenset({"one", "half"})
_STEP = re.compile(r"\s*[.):]\s*\S")


def _one_number(piece: str, *, bare: bool = False) -> Fraction | None:
    """Read a short text that holds one number and no other mathematics.

    Args:
        piece: the text; longer than a marker's content can be is refused.
        bare: the number must come first, and must not number what follows ("2. Add them").
    """
    if len(piece) > LONGEST_MARKED:
        return None
    if (value := digits_alone(piece)) is not None:
        return value
    if "\\" in piece:
        for _ in range(3):
            piece, wrappers = _WRAPPED.subn(r" \1 ", piece)
            if not wrappers:
                break
    piece = _SIGNS_OF_TEXT.sub(" ", piece).replace(r"\$", "$")
    piece = _DEGREES.sub(" ", _POWER_OF_UNIT.sub("", piece)).strip()
    *before_equals, piece = _EQUALS.split(piece)
    if any(_NEXT_EQUATION.search(part) for part in before_equals[1:]):
        return None
    piece = piece.strip()
    if piece[:2] in ("- ", "− ", "– "):
        piece = piece[0] + piece[2:].lstrip()
    found = list(numerals(piece))
    if not found:
        return _one_spelt(piece, bare=bare)
    values = {number.value for number in found}
    value = values.pop()
    if values or value is None:
        return None
    if bare and (_WORD.search(piece, 0, found[0].start) or _STEP.match(piece, found[0].end)):
        return None
    rest: list[str] = []
    position = 0
    for number in found:
        rest.append(piece[position : number.start])
        position = number.end
    rest.append(piece[position:])
    return None if _is_mathematics("".join(rest)) else value


_CLAUSE_END = re.compile(
    r",?\s\(|,\s(?=[a-z])(?!or\b|and\b)|\s(?:because|since|which|as|so|out of|of|for|after)\b"
)


def _first_clause(piece: str) -> Fraction | None:
    """Read "12 because 3 times 4", "12 (see step 3)", "12 out of 20": 12 comes first and alone."""
    end = _CLAUSE_END.search(piece, 0, LONGEST_MARKED)
    if end is None or not _DIGIT.search(piece, 0, end.start()):
        return None
    return _one_number(piece[: end.start()], bare=True)


def _is_mathematics(rest: str) -> bool:
    """Whether what surrounds a number computes with it: operators, variables."""
    rest = _UNIT_PER_UNIT.sub(" ", rest)
    if _OPERATOR.search(rest):
        return True
    letters = _LONE_LETTER.findall(rest)
    return any(letter not in ONE_LETTER_UNITS and letter not in "aAI" for letter in letters)


def _one_spelt(piece: str, *, bare: bool) -> Fraction | None:
    """Read a piece without digits whose only number is spelt out."""
    found = list(spelt_numbers(piece))
    if len(found) != 1:
        return None
    first = not _WORD.search(piece, 0, found[0].start)
    # "The larger one", "half of them": such words count only where they come first.
    if not first and (bare or found[0].text.lower() in _LOOSE_WORDS):
        return None
    return found[0].value


_FENCE = re.compile(r"^[ \t]*```[ \t]*(\w*)[^\n]*$", re.MULTILINE)
_NUMBERED = re.compile(
    r"^[ \t#*_>-]{0,12}(?:(?:step|part|case|question|problem)[ ])?\d{1,3}[.):](?=[\s*])(?=.*\w)"
    r"|\b(?:step|equation|part|case|question|problem)s?[ ]\(?\d{1,3}\b",
    re.MULTILINE | re.IGNORECASE,
)


_TAIL = 10_000
"""Characters at the end of a text in which its last number is looked for."""
_SEAM = re.compile(r"(?<!\d)[.,:;=?!)]\s")
"""Where a text can be cut: nothing that `numerals` or `_NUMBERED` finds runs over a seam. The end
that is cut off begins with the sign, so that it does not pass for the start of a line."""
_FIRST_ENDING = 60
"""Characters; most last numbers stand in the last sentence."""


def _last_number(text: str) -> Answer | None:
    """Read the last number that neither numbers a step nor stands in code."""
    prose = _without_code(text).rstrip()
    if len(prose) > _TAIL:
        # From the first white space on, so that no number is cut.
        prose = "".join(re.findall(r"\s.*", prose[-_TAIL:], re.DOTALL))
    for ending in _endings(prose):
        last = None
        for number in numerals(_NUMBERED.sub(" ", ending)):
            if number.value is not None:
                last = number
        if last is not None and last.value is not None:
            return _answer(last.text, last.value)
    prose = _NUMBERED.sub(" ", prose)
    spelt = None
    for word in spelt_numbers(prose):
        if word.value is not None and word.text.lower() not in _LOOSE_WORDS:
            spelt = word
    if spelt is not None and spelt.value is not None:
        return _answer(spelt.text, spelt.value)
    value = _one_number(text)
    return None if value is None else _answer(text.strip(), value)


def _endings(prose: str) -> Iterator[str]:
    """Give longer and longer ends of a text, each from a seam on; the last is the whole text.

    What is found in an end is found in the whole text there, so most often a short one will do.
    """
    length = _FIRST_ENDING
    while length < len(prose):
        if seam := _SEAM.search(prose, len(prose) - length):
            yield prose[seam.start() :]
        length *= 4
    yield prose


def _without_code(text: str) -> str:
    """Remove fenced blocks of code; a block marked as output is kept."""
    if "```" not in text:
        return text
    kept: list[str] = []
    position = 0
    skipping: bool | None = None
    for fence in _FENCE.finditer(text):
        if skipping is None:
            kept.append(text[position : fence.start()])
            skipping = fence[1].lower() not in ("", "output", "text", "plaintext")
        else:
            if not skipping:
                kept.append(text[position : fence.start()])
            skipping = None
        position = fence.end()
    if not skipping:
        kept.append(text[position:])
    return "\n".join(kept)


_LIST_ITEM = re.compile(r"[*_]{0,2}\d{1,2}[.)]\s+\S")


def _numbers_a_step(text: str, mark: Located) -> bool:
    """Whether the content opens a numbered list below the marker's line: "Answer:⏎1. First …"."""
    below = text[max(0, mark.start - 8) : mark.start].rstrip(" \t*").endswith("\n")
    return below and bool(_LIST_ITEM.match(mark.line))
