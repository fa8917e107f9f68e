"""What a verifier's completion says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.discussion.aspects import ASPECTS, ASPECTS_EACH, aspects_of
from slm_mux.discussion.verdicts import VerdictKind
from slm_mux.steps import APPROVED, REJECTED
from slm_mux.types import KindName

KINDS: tuple[KindName, ...] = (
    "number",
    "choice",
    "math",
    "label",
    "json",
    "text",
    "code",
    "tool_call",
)


def read(text: str, *, cut_off: bool = False) -> str | None:
    found = VerdictKind().read(text, cut_off=cut_off)
    return None if found is None else found.key


@pytest.mark.parametrize(
    "text",
    [
        "Answer: correct",
        "I find nothing.\n\n**Answer: Correct.**",
        "Every step follows.\nAnswer: yes",
        "Yes, every step follows from the question.",
        "There are no mistakes.\nVerdict: correct",
        "The calculation is correct. Therefore she gets \\boxed{7} dollars.",
        "There is nothing wrong with it.",
        "Answer: nothing is wrong",
        "Answer: no mistakes",
        "First I thought it is wrong.\nAnswer: correct",
        "<think>Answer: wrong</think>Answer: correct",
    ],
)
def test_an_approval(text: str) -> None:
    """The word asked for, or another for the same, approves."""
    assert read(text) == APPROVED


@pytest.mark.parametrize(
    "text",
    [
        "Answer: wrong",
        "Final verdict: **No**",
        "No. Step 2 forgets the hens.",
        "The solution isn’t correct.",
        "It is not correct.",
        "Step 2 is incorrect, so the rest is, too.",
        "Answer: no, the sum is wrong",
        "It may seem correct.\nAnswer: wrong",
    ],
)
def test_a_rejection(text: str) -> None:
    """The word asked for, or another for the same, rejects."""
    assert read(text) == REJECTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "18",
        "Answer: 18",
        "Answer: correct or wrong",
        "Step 1 is correct. Step 2 is wrong.",
        "There are no hens on this farm.",
        "The triangle has a right angle.",
        "Я не знаю.",
    ],
)
def test_neither(text: str) -> None:
    """A text that decides nothing, or both, is no verdict."""
    assert read(text) is None


def test_a_verdict_that_was_cut_off() -> None:
    """Of a completion that was cut off only a verdict with something after it is read."""
    assert read("Answer: wrong\nThe third step is", cut_off=True) == REJECTED
    assert read("All is fine.\nAnswer: corr", cut_off=True) is None
    assert read("All is correct so far", cut_off=True) is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Reading never fails, and what it gives is one of two words that read as themselves."""
    found = read(text)
    assert found in (APPROVED, REJECTED, None)
    assert found is None or VerdictKind().canonical(found) == found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_as_many_aspects(kind: KindName) -> None:
    """A question costs the same whatever it asks for, and all its aspects are there."""
    names = aspects_of(kind)
    assert len(set(names)) == ASPECTS_EACH
    assert set(names) <= ASPECTS.keys()


def test_aspects_suit_the_kind() -> None:
    """Mathematics, choices and programs have their own, the rest share the general ones."""
    assert aspects_of("number") == aspects_of("math")
    own = {aspects_of(kind) for kind in ("math", "choice", "code")}
    assert len(own) == 3
    assert {aspects_of(kind) for kind in KINDS} - own == {aspects_of("text")}
