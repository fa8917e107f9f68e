"""What holds for every answer kind, and the factory."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers import make_kind
from slm_mux.answers.auto import detect_kind
from slm_mux.answers.base import AnswerKind
from slm_mux.errors import InvalidRequestError
from slm_mux.types import KindName
from slm_mux.voting import vote

KINDS: list[AnswerKind] = [
    make_kind("number"),
    make_kind("choice", choices={"A": "Paris", "B": "7", "İ": "x(", "no": ""}),
    make_kind("label", labels=["spam", "not spam", "C++"]),
    make_kind("json"),
    make_kind("text"),
]
NAMED = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
PIECES = [
    "\\boxed{", "}", "\\frac{1}{2}", "1,234", "7", "-3.5", "$", "**", "####", "The answer is",
    "Answer:", ".", "A", "B", "(B)", "option", "i", "ſpam", "İ", "not spam", "C++", '{"a":', "[",
    "]", "```", "json", "<think>", "</think>", "½", "1e99", "%", "dozen", "two thirds",
    "is correct", "\\", "10^", "⁵",
]  # fmt: skip
TEXTS = st.one_of(
    st.text(alphabet=st.characters()),
    st.lists(st.sampled_from([*PIECES, "\n", " ", "\x00", "\ud800"])).map("".join),
    st.lists(st.sampled_from([*PIECES, "\n"])).map(" ".join),
)
LONG = 20_000
ADVERSARIAL = [
    "1", "9,999", "1 ", "1/", "1-", "1.", "(", "((", "[", "{", '"', '\\"', "\\", "\\boxed{",
    "\\text{", "\\frac{", "$", "*", "**", "# ", "#### ", "#### 1\n", "\n", " ", "\t", "`", "```\n",
    "answer ", "answer is ", "answer:\n", "the answer is A or ", "A ", "A) ", "A) x\n", "(A) ",
    "A is ", "not ", "spam ", "one ", "one hundred and ", "minus ", "<think>", "</think>", "½",
    "É", "ﷺ", "\ud800", "\x00", "=", "e", "1e", "10^", "{}", '{"a":', "[]",
]  # fmt: skip


@NAMED
@given(text=TEXTS, cut_off=st.booleans())
def test_reading_never_raises(kind: AnswerKind, text: str, cut_off: bool) -> None:
    """Any text is read or unreadable, lone surrogates and NUL included."""
    answer = kind.read(text, cut_off=cut_off)
    assert answer is None or (bool(answer.key) and bool(answer.text))


@NAMED
@given(text=TEXTS)
def test_a_key_is_its_own_key(kind: AnswerKind, text: str) -> None:
    """The key of what was read reads as itself, so keys form classes."""
    answer = kind.read(text)
    for key in (kind.canonical(text), None if answer is None else answer.key):
        assert key is None or kind.canonical(key) == key


@NAMED
@given(text=TEXTS)
def test_reasoning_that_never_ends_says_nothing(kind: AnswerKind, text: str) -> None:
    """What is in an open think tag is not read."""
    assert kind.read(f"<think>{text.replace('think', '')}") is None


@NAMED
@pytest.mark.parametrize("unit", ADVERSARIAL, ids=repr)
def test_long_hostile_texts_are_read(kind: AnswerKind, unit: str) -> None:
    """Repetition of anything neither raises nor stalls: no pattern here backtracks over it."""
    text = unit * (LONG // len(unit))
    kind.read(text)
    kind.canonical(text)


@pytest.mark.parametrize("unit", [*ADVERSARIAL, "how ", "what is ", "find ", "1 how "], ids=repr)
def test_long_hostile_questions_have_a_kind(unit: str) -> None:
    """The kind of a question is found without backtracking over it."""
    assert detect_kind(unit * (LONG // len(unit)))[0] in {
        "number",
        "choice",
        "math",
        "json",
        "text",
    }


def test_unreadable_answers_form_no_class() -> None:
    """Two completions without an answer do not agree with each other."""
    number = make_kind("number")
    nothing = vote("m", [number.read("no idea"), number.read("who knows")])
    assert (nothing.counts, nothing.unreadable) == ((), 2)


@pytest.mark.parametrize("name", ["number", "choice", "label", "json", "text"])
def test_the_factory_makes_each_kind_by_name(name: KindName) -> None:
    """A kind carries the name it was asked for by, and reads without blocking."""
    kind = make_kind(
        name,
        choices={"A": "Paris"} if name == "choice" else None,
        labels=["spam"] if name == "label" else (),
    )
    kind.close()
    assert (kind.name, kind.may_block) == (name, False)


def test_the_factory_refuses_what_does_not_fit() -> None:
    """Missing or misplaced choices and labels, and unknown names, are errors."""
    calls: list[dict[str, Any]] = [
        {"name": "choice"},
        {"name": "label"},
        {"name": "number", "choices": {"A": "x"}},
        {"name": "choice", "choices": {"A": "x"}, "labels": ["x"]},
        {"name": "poem"},
    ]
    for arguments in calls:
        with pytest.raises(InvalidRequestError):
            make_kind(**arguments)
