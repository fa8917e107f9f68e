"""What a judge says when it picks one of numbered responses: how to ask for it, how to read it."""

import re

from slm_mux.answers.choice import ChoiceKind
from slm_mux.types import Answer, KindName

NOUN = "Response"
"""What the numbered things are called. Not "Answer": that word marks where an answer stands."""

_CALLED = re.compile(
    r"\b(?:responses?|candidates?|solutions?|answers?)[ ]{0,2}(?:number|no\.?|#)?[ ]{0,2}"
    r"(?P<numbers>[\[(*\"']{0,4}\d{1,9}(?:(?:[ ]?,[ ]?\d{1,9}){0,50},?[ ](?:and|or|&)[ ]\d{1,9})?)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")


class PickKind:
    """Answers that are the number of one of several responses.

    It is read as the label of a multiple choice is: the last marker that names a number counts,
    then the last line, then numbers that are called a response. A number that merely occurs, such
    as the result of a sum, is no pick, nor is one that no response has. The key is the number.

    Args:
        count: how many responses there are, >= 1.
    """

    name: KindName = "choice"
    may_block: bool = False

    def __init__(self, count: int) -> None:
        self._count = count
        self._numbers = ChoiceKind({str(number): "" for number in range(1, count + 1)})

    def instruction(self) -> str:
        """Ask for a last line that names one response."""
        return (
            f'Finish with one line that says "Answer: {NOUN}" and the number of that response, '
            f"from 1 to {self._count}."
        )

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the number that the completion settles on."""
        return self._numbers.read(_as_options(text), cut_off=cut_off)

    def canonical(self, answer: str) -> str | None:
        """Give the number; None when the text names none of the responses."""
        return self._numbers.canonical(_as_options(answer))

    def close(self) -> None:
        """Nothing to release."""


def _as_options(text: str) -> str:
    """Call the responses options, which is what the reader of choices knows; each of a list."""
    return _CALLED.sub(lambda found: _NUMBER.sub(r"option \g<0>", found["numbers"]), text)
