"""Free text: the whole completion, without reasoning, is the answer.

The key folds width, case and white space, and nothing else: two texts are in one class when they
say the same words with the same punctuation. A completion that was cut off is unreadable.
"""

import unicodedata

from slm_mux.answers.locate import without_reasoning
from slm_mux.types import Answer, KindName


class TextKind:
    """Answers that are compared as whole texts.

    Args:
        cut_off_too: read what was cut off as well, for someone who would rather have half a text
            than none.
    """

    name: KindName = "text"
    may_block: bool = False

    def __init__(self, *, cut_off_too: bool = False) -> None:
        self._cut_off_too = cut_off_too

    def instruction(self) -> str:
        """Ask for nothing: any text will do."""
        return ""

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the whole text; None when it is blank or was cut off."""
        if cut_off and not self._cut_off_too:
            return None
        answer = without_reasoning(text).strip()
        key = self.canonical(answer)
        return None if key is None else Answer(text=answer, key=key)

    def canonical(self, answer: str) -> str | None:
        """Fold width, case and white space; None when nothing is left."""
        # Compatibility caseless matching (The Unicode Standard, definition D146): folding case may
        # undo normalisation and the other way round, so each is done twice.
        folded = unicodedata.normalize("NFD", answer)
        for _ in range(2):
            folded = unicodedata.normalize("NFKC", folded.casefold())
        return " ".join(folded.split()) or None

    def close(self) -> None:
        """Nothing to release."""
