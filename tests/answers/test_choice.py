"""Multiple choice and labels: the one thing a completion names."""

import pytest

from slm_mux.answers.choice import ChoiceKind
from slm_mux.answers.label import LabelKind
from slm_mux.errors import InvalidRequestError

CITIES = ChoiceKind({"A": "Paris", "B": "London", "C": "St. Louis", "D": "Berlin"})
COUNTS = ChoiceKind({"1": "4", "2": "5", "3": "72 km", "4": "8"})
YES_NO = ChoiceKind({"yes": "", "no": ""})
VITAMINS = ChoiceKind({"A": "Vitamin C", "B": "vitamin B", "C": "iron", "D": "Both A and B"})
YORK = ChoiceKind({"A": "New York", "B": "New York City"})
SPAM_NOT = LabelKind(["spam", "not spam"])
SPAM_HAM = LabelKind(["spam", "ham"])
LANGUAGES = LabelKind(["C", "C++", "Objective-C"])

CASES = [
    # kind, completion, key, key when cut off
    (CITIES, "A", "A", None),
    (CITIES, "A.", "A", None),
    (CITIES, "b", "B", None),
    (CITIES, "(B)", "B", None),
    (CITIES, "B)", "B", None),
    (CITIES, "**B**", "B", None),
    (CITIES, "Option B", "B", None),
    (CITIES, "B: London", "B", None),
    (CITIES, "B. London", "B", None),
    (CITIES, "B\n\nBecause it rains there", "B", "B"),
    (CITIES, "The answer is b", "B", None),
    (CITIES, "The answer is B.", "B", None),
    (CITIES, "The answer is B. It rains", "B", "B"),
    (CITIES, "The correct option is **B) London**.", "B", "B"),
    (CITIES, r"\boxed{B}", "B", "B"),
    (CITIES, r"\boxed{b}", "B", "B"),
    (CITIES, r"\boxed{\text{B}}", "B", "B"),
    (CITIES, r"\boxed{B", None, None),
    (CITIES, r"\boxed{London}", "B", "B"),
    (CITIES, "Therefore, the correct choice is\n\n(B)\n", "B", "B"),
    (CITIES, "I think the answer is C: St. Louis\n", "C", "C"),
    (CITIES, "The answer is St. Louis.", "C", None),
    (CITIES, "Paris", "A", None),
    (CITIES, "So the capital is Paris.", "A", None),
    (CITIES, "The answer is Paris, not London.", "A", None),
    (CITIES, "It is not Paris but London", "B", None),
    (CITIES, "A good way to start", None, None),
    (CITIES, "The answer is A good way to start", None, None),
    (CITIES, "A good way is to look. The answer is D", "D", None),
    (CITIES, "The answer is A because B is wrong.", "A", None),
    (CITIES, "The answer is A or B", None, None),
    (CITIES, "Answer: A, B", None, None),
    (CITIES, "Both A and B", None, None),
    (CITIES, "The answer is not A", None, None),
    (CITIES, "A is wrong. B is correct.", "B", "B"),
    (CITIES, "(A) is wrong, (B) fits", "B", None),
    (CITIES, "Option A is not right. It is Berlin", "D", None),
    (CITIES, "A) Paris\nB) London\nC) St. Louis", None, None),
    (CITIES, "Answer: A\nNo, wait.\nAnswer: D\n", "D", "D"),
    (CITIES, "<think>The answer is A.</think>B", "B", None),
    (CITIES, "I would go with B.", "B", None),
    (CITIES, "It rains there.\nTherefore, B\nDone", "B", "B"),
    (CITIES, "So it must be option C.", "C", None),
    (CITIES, "Take plenty of vitamin C.", None, None),
    (CITIES, r"\boxed{\textbf{(B)}\ London}", "B", "B"),
    (CITIES, "The answer is A, which is Paris", "A", None),
    (CITIES, "None of them", None, None),
    (CITIES, "", None, None),
    (COUNTS, "The answer is 72", "3", None),
    (COUNTS, "Answer: 2", "2", None),
    (COUNTS, r"\boxed{5}", "2", "2"),
    (COUNTS, "2) 5", "2", None),
    (COUNTS, "1. First, compute 3 + 5 = 8.\nSo 8", "4", None),
    (YES_NO, "Yes, it is.", "yes", None),
    (YES_NO, "NO", "no", None),
    (YES_NO, "There is no doubt", None, None),
    (YES_NO, "There is no way around it. The answer is yes", "yes", None),
    (VITAMINS, "The answer is vitamin C", "A", None),
    (VITAMINS, "Answer: vitamin B", "B", None),
    (VITAMINS, "Answer: both A and B", "D", None),
    (VITAMINS, "So it is (C)", "C", None),
    (YORK, "It is New York City", "B", None),
    (YORK, "It is New York", "A", None),
    (SPAM_NOT, "not spam", "not spam", None),
    (SPAM_NOT, "It is not spam.", "not spam", None),
    (SPAM_NOT, "Answer: Not-Spam", "not spam", None),
    (SPAM_NOT, "SPAM!", "spam", None),
    (SPAM_NOT, "spam or not spam", None, None),
    (SPAM_HAM, "It is not spam", None, None),
    (SPAM_HAM, "It is spam, not ham.", "spam", None),
    (SPAM_HAM, "It looks like spam. Answer: **HAM**", "ham", "ham"),
    (SPAM_HAM, "Answer: spam or ham", None, None),
    (SPAM_HAM, "spammer", None, None),
    (LANGUAGES, "C++", "C++", None),
    (LANGUAGES, "Answer: C.", "C", None),
    (LANGUAGES, "Answer: C++.", "C++", None),
    (LANGUAGES, "It is objective-c", "Objective-C", None),
]


@pytest.mark.parametrize(("kind", "text", "whole", "cut"), CASES)
def test_the_named_thing_is_found_by_rule(
    kind: ChoiceKind | LabelKind, text: str, whole: str | None, cut: str | None
) -> None:
    """A label or a choice's text counts where it answers; two at once, or an article, do not."""
    answers = [kind.read(text), kind.read(text, cut_off=True)]
    assert [answer and answer.key for answer in answers] == [whole, cut]


@pytest.mark.parametrize("kind", [CITIES, COUNTS, YES_NO, VITAMINS, YORK])
def test_a_choice_key_is_its_own_key(kind: ChoiceKind) -> None:
    """The key is the label as given, and reads as itself."""
    assert [kind.canonical(label) for label in kind.choices] == list(kind.choices)


@pytest.mark.parametrize("kind", [SPAM_NOT, SPAM_HAM, LANGUAGES])
def test_a_label_key_is_its_own_key(kind: LabelKind) -> None:
    """The key is the label as given, and reads as itself."""
    assert [kind.canonical(label) for label in kind.labels] == list(kind.labels)


def test_cosmetic_variants_of_a_choice_share_its_key() -> None:
    """Brackets, boxes, case and the choice's text stand for one label."""
    variants = ["B", "b", "(B)", "b.", "**B**", r"\text{B}", "option B", "London", "LONDON."]
    assert {CITIES.canonical(text) for text in variants} == {"B"}


@pytest.mark.parametrize("choices", [{}, {" ": "x"}, {"a": "x", "A": "y"}])
def test_choices_that_cannot_be_told_apart_are_refused(choices: dict[str, str]) -> None:
    """No choices, a blank label, and labels equal but for case are errors."""
    with pytest.raises(InvalidRequestError):
        ChoiceKind(choices)


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        (YORK, "The answer is New York City.\nDone", "B"),
        (CITIES, "Answer: St. Louis\nDone", "C"),
        (CITIES, r"Look: \boxed{\text{B}} it is", "B"),
        (SPAM_NOT, "Answer: not spam.\nDone", "not spam"),
        (LANGUAGES, "Answer: C++. It is fast", "C++"),
        (CITIES, "C\n\nBecause of A", "C"),
    ],
)
def test_no_beginning_of_a_completion_gives_another_answer(
    kind: ChoiceKind | LabelKind, text: str, key: str
) -> None:
    """Cut off anywhere, a completion is unreadable until its answer is whole."""
    answers = {kind.read(text[:end], cut_off=True) for end in range(len(text) + 1)}
    assert {answer and answer.key for answer in answers} == {None, key}


def test_the_instruction_says_what_to_answer_with() -> None:
    """A model is asked for label and text, or told the labels where they have no text."""
    assert "the letter and the text of your choice" in CITIES.instruction()
    assert "A, B" in ChoiceKind({"A": "", "B": ""}).instruction()
    assert "label" in ChoiceKind({"yes": "it is", "no": "it is not"}).instruction()
    assert "spam, ham" in SPAM_HAM.instruction()
