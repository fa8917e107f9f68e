r"""Which kind of answer a log's task asks for, and the target in that kind's form.

A log of somebody else's tool says neither; its task's name and its targets give it away.
"""

import re
from collections.abc import Iterable, Mapping
from string import ascii_uppercase
from typing import Any

from slm_mux.answers.locate import boxed
from slm_mux.types import ProblemKind

_NUMBER_NAMES = re.compile(r"gsm|svamp|asdiv|multiarith|arithmetic")
_MATH_NAMES = re.compile(r"math(?!qa)|minerva|aime|amc\d|olympiad")
_NUMBER = re.compile(r"[-+−]?[$€£]?\d[\d,]*(?:\.\d+)?%?")
_LETTER = re.compile(r"\(?([A-Z])\)?\.?")
_LABELLED = re.compile(r"\s*[(\[]?([A-Z])[)\].:]+\s*(.*)", re.DOTALL)
_GSM_MARK = "####"


def guess_kind(name: str, targets: Iterable[str]) -> tuple[ProblemKind, str]:
    """A kind for answers without choices, and the reason in words.

    Args:
        name: the task's name in the log.
        targets: its reference answers as the log has them.
    """
    folded = name.casefold()
    if _NUMBER_NAMES.search(folded):
        return "number", f"the task is called {name!r}"
    if _MATH_NAMES.search(folded):
        return "math", f"the task is called {name!r}"
    plain = [target.strip() for target in targets if target.strip()]
    if plain and all(_GSM_MARK in target or _NUMBER.fullmatch(target) for target in plain):
        return "number", "all targets are numbers"
    if plain and all(_LETTER.fullmatch(target) for target in plain):
        return "choice", "all targets are single letters"
    if any("\\" in target or "$" in target for target in plain):
        return "math", "targets hold LaTeX"
    return "text", "nothing says more"


def target_for(kind: ProblemKind, target: str | None, choices: Mapping[str, str]) -> str | None:
    r"""The part of a log's target that is the answer: after `####`, in the last `\boxed{}`.

    For a choice: the label, also where the log gives "(B)" or the choice's text. None when blank.
    """
    if target is None or not target.strip():
        return None
    target = target.strip()
    if kind == "number" and _GSM_MARK in target:
        return target.rpartition(_GSM_MARK)[2].strip() or None
    if kind in ("number", "math"):
        boxes = [box for box in boxed(target) if box.complete]
        return boxes[-1].text if boxes else target
    if kind == "choice" and target not in choices:
        letter = _LETTER.fullmatch(target)
        if letter and letter[1] in choices:
            return letter[1]
        labels = [label for label, text in choices.items() if text.strip() == target]
        return labels[0] if len(labels) == 1 else target
    return target


def letters(texts: Iterable[str]) -> dict[str, str]:
    """Choices by label: "B) tea" and "(B) tea" keep their letters, others get A, B, C and so on."""
    given = [str(text) for text in texts]
    found = [_LABELLED.fullmatch(text) for text in given]
    named = [match[1] for match in found if match]
    if named == list(ascii_uppercase[: len(given)]):
        return {match[1]: match[2].strip() for match in found if match}
    if given == list(ascii_uppercase[: len(given)]):
        return dict.fromkeys(given, "")
    return {_label(index): text.strip() for index, text in enumerate(given)}


def bare_letters(targets: Iterable[str]) -> dict[str, str]:
    """Choices whose texts the log does not keep: A to the last letter among the targets, or D."""
    found = [_LETTER.fullmatch(target.strip()) for target in targets]
    last = max([match[1] for match in found if match] + ["D"])
    return dict.fromkeys(ascii_uppercase[: ascii_uppercase.index(last) + 1], "")


def choices_in(record: Mapping[str, Any]) -> dict[str, str]:
    """The choices of a data set's record in one of its usual forms; empty when there are none."""
    found = record.get("choices", record.get("options"))
    if isinstance(found, dict):
        texts, labels = found.get("text"), found.get("label")
        if isinstance(texts, list) and isinstance(labels, list) and len(texts) == len(labels):
            return {str(label): str(text) for label, text in zip(labels, texts, strict=True)}
        if found and all(isinstance(text, str) for text in found.values()):
            return {str(label): str(text) for label, text in found.items()}
    if isinstance(found, list) and found and all(isinstance(text, str) for text in found):
        return letters(found)
    four = [record.get(f"choice{number}") for number in range(1, 5)]
    if all(isinstance(text, str) for text in four):
        return letters(str(text) for text in four)
    return {}


def _label(index: int) -> str:
    """A to Z, then 27, 28 and so on."""
    return ascii_uppercase[index] if index < len(ascii_uppercase) else str(index + 1)
