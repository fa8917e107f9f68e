"""Answers that name one of a few things: where a completion names them, and which one counts.

Which piece of a completion decides, in this order; the last of its sort each time:

1. the last complete box that names anything;
2. the last marker ("the answer is …", "B is correct") that names anything;
3. the last line, then the first, when it holds a name and nothing else;
4. the last line, then the whole text, when it names exactly one thing.

A deciding piece that names two different things makes the completion unreadable. A completion that
was cut off is read by 1 and 2 where they are complete, and by its first line when that is whole.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Set
from typing import Protocol

from slm_mux.answers.locate import MOST_TRIED, Located, boxed, last_line, marked, without_reasoning
from slm_mux.types import Answer

Labels = Set[str]
"""What a piece names: nothing (empty), one thing, or several (which is unreadable)."""


class PieceReader(Protocol):
    """How one answer kind reads a short piece of a completion."""

    def in_marked(self, piece: str) -> Labels:
        """Read what stands in a box or after a marker."""
        ...

    def in_line(self, line: str, text: str) -> Labels:
        """Read a line of `text` that may hold a name and nothing else."""
        ...

    def in_prose(self, piece: str, text: str) -> Labels:
        """Read a piece of running text out of `text`."""
        ...

    def statements(self, text: str) -> Iterable[Located]:
        """Further markers of this kind's own, by position."""
        ...


def read_named(text: str, reader: PieceReader, *, cut_off: bool) -> Answer | None:
    """Read the one thing that a completion names; see the module for the rule."""
    text = without_reasoning(text)
    for box in reversed(boxed(text)[-MOST_TRIED:]):
        if not box.complete or len(box.text) > LONGEST_PIECE:
            continue
        if labels := reader.in_marked(box.text):
            return _one(labels)
    markers = sorted([*marked(text), *reader.statements(text)], key=lambda mark: mark.start)
    for mark in reversed(markers[-MOST_TRIED:]):
        if mark.complete or not cut_off:
            # A sentence may seem to end inside a name: "St. Louis".
            labels = reader.in_marked(mark.text)
            if not labels and (not cut_off or text.find("\n", mark.end) >= 0):
                labels = reader.in_marked(mark.line)
            if labels:
                return _one(labels)
    stripped = text.strip()
    first, newline, _ = stripped.partition("\n")
    last = last_line(stripped)
    lines = [first] if cut_off and newline else [] if cut_off else [last, first]
    for line in lines:
        if len(line) > LONGEST_PIECE:
            continue
        if labels := reader.in_line(line.strip(), stripped):
            return _one(labels)
    if cut_off:
        return None
    for piece in (last, stripped):
        labels = reader.in_prose(piece, stripped)
        if len(labels) == 1:
            return _one(labels)
    return None


def _one(labels: Labels) -> Answer | None:
    """The one label, as given: a caller compares with it; how it was written is in the text."""
    if len(labels) != 1:
        return None
    (label,) = labels
    return Answer(text=label, key=label)


_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|boxed|fbox)\s?\{([^{}]{0,400})\}"
)
LONGEST_PIECE = 1000
"""Characters; a longer box or line holds no name alone."""
_MARKUP = re.compile(r"\\(?:left|right)\b|\\[()\[\],;:! ]|\*\*|[$`]")


def plain(piece: str) -> str:
    """Remove LaTeX's text wrappers and markup of emphasis."""
    for _ in range(3):
        piece = _WRAPPER.sub(r" \1 ", piece)
    return " ".join(_MARKUP.sub(" ", piece).split()).strip("*_ ")


def fold(text: str, *, punctuation: bool = False) -> str:
    """Fold case, width and white space; without `punctuation`, every sign becomes a space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not punctuation:
        folded = re.sub(r"[^\w]|_", " ", folded.replace("'", "").replace("’", ""))
    return " ".join(folded.split())


_NEGATED = re.compile(
    r"(?:\b(?:not|never|no|nor|neither|non|isnt|arent|wasnt|isn't|rather than|instead of|than)\s"
    r"(?:(?:a|an|the|be|is|as|really|simply)\s){0,2})$"
)


class Names:
    """Names to be found in text, each standing for a label; case and punctuation are folded.

    Where folding punctuation would make two names equal, or a name empty ("C", "C++"), it is kept.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        """Take the label by written name."""
        folded = {fold(name) for name in names}
        self._punctuation = len(folded) < len(names) or "" in folded
        self._labels = {fold(name, punctuation=self._punctuation): names[name] for name in names}
        self._labels.pop("", None)
        ordered = sorted(self._labels, key=len, reverse=True)
        alternatives = "|".join(re.escape(name) for name in ordered)
        self._pattern = (
            re.compile(rf"(?<!\w)(?<!\d[.,])(?:{alternatives})(?!\w|[.,]\d)") if ordered else None
        )

    def exact(self, piece: str) -> str | None:
        """Give the label of a piece that is a name and nothing else."""
        folded = self._fold(piece)
        if self._punctuation and folded not in self._labels:
            folded = folded.strip(".,;:!?\"'()[] ")
        label = self._labels.get(folded)
        return self._labels.get(folded.removeprefix("the ")) if label is None else label

    def mentioned(self, piece: str) -> frozenset[str]:
        """Give the labels whose names occur, whole and not negated ("not spam").

        Of overlapping names the longer counts: "not spam" is not "spam".
        """
        if self._pattern is None:
            return frozenset()
        folded = self._fold(piece)
        return frozenset(
            self._labels[match[0]]
            for match in self._pattern.finditer(folded)
            if not _NEGATED.search(folded, max(0, match.start() - 40), match.start())
        )

    def _fold(self, piece: str) -> str:
        return fold(piece, punctuation=self._punctuation)
