"""Labels: one of a given set of words, such as the classes of a classification.

Case and punctuation are folded. Of labels inside labels the longer counts ("not spam" is never
"spam"); a label that is only negated ("it is not spam" with the labels spam and ham) names nothing,
since the rest of the set need not be one label. `slm_mux.answers.named` says which piece of the
completion decides. The key is the label as given.
"""

from collections.abc import Iterable, Sequence

from slm_mux.answers.locate import Located
from slm_mux.answers.named import LONGEST_PIECE, Labels, Names, fold, plain, read_named
from slm_mux.errors import InvalidRequestError
from slm_mux.types import Answer, KindName


class LabelKind:
    """Answers that are one of the given labels.

    Raises:
        InvalidRequestError: no labels, a blank one, or two that differ only in case and spaces.
    """

    name: KindName = "label"
    may_block: bool = False

    def __init__(self, labels: Sequence[str]) -> None:
        check_labels(labels)
        self.labels = tuple(labels)
        self._names = Names({label: label for label in labels})

    def instruction(self) -> str:
        """Ask for a last line that holds one label."""
        return (
            'Think it through briefly. Then finish with one line that starts with "Answer:" and '
            f"names exactly one of these labels: {', '.join(self.labels)}."
        )

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the label that the completion settles on."""
        return read_named(text, self, cut_off=cut_off)

    def canonical(self, answer: str) -> str | None:
        """Give the label as given; None when the text is not one of the labels."""
        if answer in self.labels:
            return answer
        return self._names.exact(plain(answer)) if len(answer) <= LONGEST_PIECE else None

    def close(self) -> None:
        """Nothing to release."""

    def in_marked(self, piece: str) -> Labels:
        """Read what stands in a box or after a marker."""
        piece = plain(piece)
        label = self._names.exact(piece)
        return {label} if label is not None else self._names.mentioned(piece)

    def in_line(self, line: str, text: str) -> Labels:  # noqa: ARG002 - the other kind needs it
        """Read a line that may hold a label and nothing else."""
        label = self._names.exact(plain(line))
        return set() if label is None else {label}

    def in_prose(self, piece: str, text: str) -> Labels:  # noqa: ARG002 - the other kind needs it
        """Read a piece of running text."""
        return self._names.mentioned(piece)

    def statements(self, text: str) -> Iterable[Located]:  # noqa: ARG002 - there are none
        """Labels have no markers of their own."""
        return ()


def check_labels(labels: Iterable[str]) -> None:
    """Refuse labels that could not be told apart.

    Raises:
        InvalidRequestError: no labels, a blank one, or two that differ only in case and spaces.
    """
    seen: dict[str, str] = {}
    for label in labels:
        folded = fold(label, punctuation=True)
        if not folded:
            raise InvalidRequestError(f"the label {label!r} is blank: give each label a name")
        if folded in seen:
            raise InvalidRequestError(
                f"the labels {seen[folded]!r} and {label!r} differ only in case or spaces"
            )
        seen[folded] = label
    if not seen:
        raise InvalidRequestError("there is nothing to choose from: give at least one label")
