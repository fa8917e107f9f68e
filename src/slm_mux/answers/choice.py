r"""Multiple choice: one of a few labelled texts, {"A": "Paris", "B": "Rome"}.

A completion may give the label or the text. `slm_mux.answers.named` says which piece of it decides;
here is how a piece is read:

- in a box or after a marker: the label in any case (`\boxed{b}`, "Answer: (B)", "option B"), a
  piece that starts with the label ("B: Rome", "B because …"), the text, or the same number as one
  text's; two labels ("A or B") make it unreadable;
- on a line of its own: the label, or the label with its text;
- in running text: only labels set apart as labels ("(B)", "**B**", "option B"), else the texts.
  "A" at the start of "A good way" is a word, never the label.

The key is the label as given.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from slm_mux.answers.label import check_labels
from slm_mux.answers.locate import Located
from slm_mux.answers.named import LONGEST_PIECE, Labels, Names, fold, plain, read_named
from slm_mux.answers.number import NumberKind
from slm_mux.types import Answer, KindName

_REFUSED = re.compile(
    r"[)\]*\"']{0,4}\s(?:is\s|was\s|does\s|can)?"
    r"(?:not|n't|isn['’]t|wrong|incorrect|false|can['’]t|doesn['’]t)\b"
)


class ChoiceKind:
    """Answers that are one of the given choices.

    Args:
        choices: the text by label; a text may be empty.

    Raises:
        InvalidRequestError: no choices, a blank label, or two that differ only in case and spaces.
    """

    name: KindName = "choice"
    may_block: bool = False

    def __init__(self, choices: Mapping[str, str]) -> None:
        check_labels(choices)
        self.choices = dict(choices)
        self._labels = {fold(label, punctuation=True): label for label in choices}
        # "no" is too common a word; yes without no would be read one-sidedly.
        words = all(len(label) > 2 for label in choices)
        self._words = Names({label: label for label in choices} if words else {})
        texts: dict[str, str] = {}
        folded = [fold(text) for text in choices.values()]
        for (label, text), once in zip(choices.items(), folded, strict=True):
            if text.strip() and folded.count(once) == 1:
                texts[text] = label
        self._texts = Names(texts)
        self._numbers = _only_once(
            (NumberKind().canonical(text), label) for label, text in choices.items()
        )
        label = "|".join(re.escape(name) for name in sorted(choices, key=len, reverse=True))
        self._alone = re.compile(
            rf"[\s\"'“‘(\[{{<]*(?:(?:the|option|choice|answer|letter)\s+){{0,2}}[\"'“‘(\[{{<]*"
            rf"(?P<label>{label})[\s\"'”’)\]}}>.:,;!]*",
            re.IGNORECASE,
        )
        self._leading = re.compile(
            rf"[\"'“‘(\[{{<]{{0,4}}(?:(?:option|choice|letter)\s+[(\[{{<]{{0,4}})?(?P<label>{label})"
            rf"(?:[\"'”’)\]}}>.:,;]+(?:\s|$)|\s*[-–—=:]+\s|\s+(?:because|since|as|is)\b)\s*",
            re.IGNORECASE,
        )
        self._second = re.compile(
            rf"[)\].]*\s*(?:,\s*)?(?:and|or|&|/|,|;)\s*[(\[]?(?P<label>{label})(?!\w)",
            re.IGNORECASE,
        )
        self._set_apart = re.compile(
            rf"[(\[](?P<round>{label})[)\]]|\*\*[(\[]?(?P<bold>{label})[).\]:]{{0,4}}\*\*"
            rf"|\b(?:[Oo]ption|[Cc]hoice)\s+[(\[*\"']{{0,4}}(?P<option>{label})(?!\w)"
        )
        self._settled_on = re.compile(
            r"\b(?i:choose|chose|pick|picked|select|selected|go with|so|therefore|thus|hence|is|be)"
            r",?\s(?i:option\s|choice\s|answer\s|letter\s)?"
            rf"[(\[*\"']{{0,4}}(?P<label>{label})[)\]*\"']{{0,4}}[.!]?[ \t]{{0,4}}$",
            re.MULTILINE,
        )
        self._is_correct = re.compile(
            rf"(?<![\w'’-])[(\[*\"']{{0,4}}(?P<label>{label})"
            r"(?:[)\]*\"'.:]{1,5}(?:\s[^\n.,;:]{1,60}?)??)?"
            r"\s(?:is|must be|would be)\s(?:also\s)?(?:the\s)?(?:most\s|best\s)?"
            r"(?:correct|right|best|accurate|appropriate)\b"
        )

    def instruction(self) -> str:
        """Ask for steps and a last line that holds the label and its text.

        Writing the text beside the label made a 0.5B model right in 20 of 40 draws instead of 16
        (ten easy questions, temperature 0.3): it chooses a meaning, not a letter.
        """
        what = "letter" if all(len(label) == 1 for label in self.choices) else "label"
        named = f"the {what} and the text of your choice"
        if not all(self.choices.values()):
            named = f"the {what} of your choice, one of {', '.join(self.choices)}"
        return (
            'Think step by step. Then finish with one line that says "Answer:", followed by '
            f"{named}."
        )

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        """Read the choice that the completion settles on."""
        return read_named(text, self, cut_off=cut_off)

    def canonical(self, answer: str) -> str | None:
        """Give the label as given, from a label or a choice's text; None for anything else."""
        if answer in self.choices:
            return answer
        labels = self._exactly(plain(answer)) if len(answer) <= LONGEST_PIECE else set()
        return next(iter(labels)) if len(labels) == 1 else None

    def close(self) -> None:
        """Nothing to release."""

    def in_marked(self, piece: str) -> Labels:
        """Read what stands in a box or after a marker."""
        piece = plain(piece)
        if labels := self._exactly(piece):
            return labels
        if leading := self._leading.match(piece):
            return self._with_second(leading, piece)
        return (
            self._texts.mentioned(piece)
            or self._several(piece)
            or self._words.mentioned(piece)
            or self._by_number(piece)
        )

    def in_line(self, line: str, text: str) -> Labels:
        """Read a line that holds a label, a text, or both, and nothing else."""
        line = plain(line)
        if labels := self._exactly(line):
            return labels
        leading = self._leading.match(line)
        if leading is None or self._lists_choices(text):
            return set()
        label = self._label(leading["label"])
        if label is None:
            return set()
        rest = fold(line[leading.end() :])
        own_text = fold(self.choices[label])
        follows = rest == own_text or rest.startswith(f"{own_text} ")
        spelt = len(label) > 1 and not label.isdigit()
        because = re.search(r"\s(?:because|since)\s*$", leading[0])
        return {label} if follows or spelt or because else set()

    def in_prose(self, piece: str, text: str) -> Labels:
        """Read a piece of running text: labels set apart as labels, else the texts."""
        if "\n" not in piece and self._leading.match(piece) and self._lists_choices(text):
            return set()
        labels = self._known(
            match[match.lastgroup or 0]
            for match in self._set_apart.finditer(piece)
            if not _REFUSED.match(piece, match.end(), match.end() + 40)
        )
        return labels or self._texts.mentioned(piece) or self._words.mentioned(piece)

    def statements(self, text: str) -> Iterator[Located]:
        """Find "B is correct", "option B is the best answer", and lines that end "I choose B."."""
        for pattern in (self._is_correct, self._settled_on):
            for match in pattern.finditer(text):
                label = match["label"]
                start, end = match.span("label")
                yield Located(label, start, end, match.end() < len(text), "phrase", label)

    def _label(self, written: str) -> str | None:
        return self._labels.get(fold(written, punctuation=True))

    def _known(self, written: Iterable[str]) -> set[str]:
        return {label for text in written if (label := self._label(text)) is not None}

    def _exactly(self, piece: str) -> Labels:
        """Read a piece that is a label or a text, and no more."""
        if alone := self._alone.fullmatch(piece):
            return self._known([alone["label"]])
        text = self._texts.exact(piece)
        return set() if text is None else {text}

    def _with_second(self, leading: re.Match[str], piece: str) -> Labels:
        second = self._second.match(piece, leading.end("label"))
        return self._known([leading["label"], *([second["label"]] if second else [])])

    def _several(self, piece: str) -> Labels:
        """Read labels as given in a marked piece: "both A and B", "clearly B"."""
        found: set[str] = set()
        for match in re.finditer(r"(?<![\w'’-])[^\W_]+(?![\w'’-])", piece):
            label = match[0]
            if label not in self.choices or label.isdigit() or len(label) > 2:
                continue
            before, after = piece[: match.start()], piece[match.end() :]
            if re.search(r"\b(?:not|nor|neither)\s+[(\[]?$", before[-12:]):
                continue
            is_word = label in ("A", "I", "a", "i") and re.match(r"\s+\w", after)
            if is_word and not re.match(r"\s+(?:and|or|is|because|since)\b", after):
                continue
            found.add(label)
        return found

    def _by_number(self, piece: str) -> Labels:
        """Read a piece whose number is that of exactly one choice's text."""
        key = NumberKind().canonical(piece)
        label = None if key is None else self._numbers.get(key)
        return set() if label is None else {label}

    def _lists_choices(self, text: str) -> bool:
        """Whether lines of the text start with two different labels, as a list of choices does."""
        labels: set[str] = set()
        for line in text.splitlines():
            if leading := self._leading.match(plain(line[:80])):
                labels |= self._known([leading["label"]])
        return len(labels) > 1


def _only_once(pairs: Iterator[tuple[str | None, str]]) -> dict[str, str]:
    """Map keys to labels, leaving out the keys that several labels share."""
    labels: dict[str, list[str]] = {}
    for key, label in pairs:
        if key is not None:
            labels.setdefault(key, []).append(label)
    return {key: named[0] for key, named in labels.items() if len(named) == 1}
