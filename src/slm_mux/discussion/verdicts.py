"""What a verifier says of one aspect of a solution: how to ask for it, how to read it.

The words are "correct" and "wrong". A yes would be two things beside a request to look for
mistakes; and of "approve" and "reject" a 0.5B model said the one that the prompt named last, of
right solutions and of wrong ones.
"""

import re
from collections.abc import Iterable

from slm_mux.answers.locate import Located
from slm_mux.answers.named import Labels, Names, plain, read_named
from slm_mux.steps import APPROVED, REJECTED
from slm_mux.types import Answer, KindName

_IN_PROSE = {
    APPROVED: (
        *("correct", "valid", "nothing wrong", "nothing is wrong", "not wrong", "not incorrect"),
        *("no mistake", "no mistakes", "no error", "no errors"),
    ),
    REJECTED: (
        *("wrong", "incorrect", "invalid", "not correct", "not right", "not valid", "not true"),
        *("isn't correct", "isn't right", "isn't valid", "isn't true"),
    ),
}
"""What models say in place of the two words where they do not keep to the form."""
_MARKED = {
    APPROVED: ("yes", "right", "true", "approve", "approved"),
    REJECTED: ("no", "false", "reject", "rejected"),
}
"""What says so only where a verdict is due: elsewhere it may be a right angle, or no coins."""
_VERDICT = re.compile(r"\bverdict\b", re.IGNORECASE)
_LEADING = re.compile(r"[\s\"'“‘(\[]*(yes|no)(?:[\"'”’)\]]*[.,;:!]|\s*[-–—]|\s*$)", re.IGNORECASE)


class VerdictKind:
    """Answers that are "correct" or "wrong".

    They are read as labels are, the last marker first; see `slm_mux.answers.named`. Yes, no and
    their like stand for them, also where a line starts with one. The keys are the two words.
    """

    name: KindName = "label"
    may_block: bool = False

    def __init__(self) -> None:
        self._marked = Names(_labels(_MARKED) | _labels(_IN_PROSE))
        self._prose = Names(_labels(_IN_PROSE))

    def instruction(self) -> str:
        """Ask for a last line with one of the two words."""
        return f'Then finish with one line that says "Answer: {APPROVED}" or "Answer: {REJECTED}".'

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the verdict that the completion settles on."""
        # The markers that are looked for say "answer".
        return read_named(_VERDICT.sub("answer", text), self, cut_off=cut_off)

    def canonical(self, answer: str) -> str | None:
        """Give one of the two words; None when the text is neither."""
        return self._marked.exact(plain(answer))

    def close(self) -> None:
        """Nothing to release."""

    def in_marked(self, piece: str) -> Labels:
        """Read what stands in a box or after a marker."""
        piece = plain(piece)
        label = self._marked.exact(piece)
        return {label} if label is not None else _leading(piece) or self._prose.mentioned(piece)

    def in_line(self, line: str, text: str) -> Labels:  # noqa: ARG002 - other kinds need it
        """Read a line that may hold a verdict and nothing else."""
        line = plain(line)
        label = self._marked.exact(line)
        return {label} if label is not None else _leading(line)

    def in_prose(self, piece: str, text: str) -> Labels:  # noqa: ARG002 - other kinds need it
        """Read a piece of running text."""
        return self._prose.mentioned(piece)

    def statements(self, text: str) -> Iterable[Located]:  # noqa: ARG002 - there are none
        """Verdicts have no markers of their own."""
        return ()


def _leading(piece: str) -> Labels:
    found = _LEADING.match(piece)
    if found is None:
        return set()
    return {APPROVED if found[1].lower() == "yes" else REJECTED}


def _labels(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: label for label, several in words.items() for word in several}
