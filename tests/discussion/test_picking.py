"""Which response a judge's completion names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.discussion.picking import PickKind


def read(text: str, *, count: int = 3, cut_off: bool = False) -> str | None:
    found = PickKind(count).read(text, cut_off=cut_off)
    return None if found is None else found.key


@pytest.mark.parametrize(
    "text",
    [
        "Answer: Response 2",
        "Most of them say 5.\n\n**Answer: Response 2**",
        "**Answer:** response #2.",
        "Answer: 2",
        "2",
        "Answer: Response [2]",
        "Answer: Response 2 (5 apples)",
        "Response 2 is the most consistent.",
        "Responses 1, 2 and 3 are close, so I pick Response 2.",
        "Response (1) is like Response 3.\nAnswer: Response 2",
        "<think>Answer: 1</think>Answer: Response 2",
        r"\boxed{2}",
    ],
)
def test_a_response_is_named(text: str) -> None:
    """The number is read where the completion settles on it."""
    assert read(text) == "2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "All of them are good.",
        "Answer: 18",
        "Answer: 2.5",
        "Answer: Response 4",
        "Answer: Response 0",
        "5 - 3 = 2",
        "Responses 1 and 3 say 5.",
        "Answer: Response 1 or 3",
        "Response 1 says 2 apples, and so does Response 3.",
        "Step 1: compare them. Step 2: pick one.",
    ],
)
def test_no_response_is_named(text: str) -> None:
    """A number that occurs, one that is not there, and two numbers name no response."""
    assert read(text) is None


def test_a_pick_that_was_cut_off() -> None:
    """The last digit of a completion that was cut off may be half a number."""
    assert read("Answer: Response 1", count=12, cut_off=True) is None
    assert read("Answer: Response 1\nIt says", count=12, cut_off=True) == "1"


@given(st.integers(1, 40), st.integers(0, 60))
def test_the_form_asked_for_is_read(count: int, number: int) -> None:
    """The line that is asked for names each response, and none that is not there."""
    expected = str(number) if 1 <= number <= count else None
    assert read(f"They differ.\nAnswer: Response {number}", count=count) == expected
    assert PickKind(count).canonical(f"Response {number}") == expected


@given(st.text(), st.integers(1, 9))
def test_any_text_is_read(text: str, count: int) -> None:
    """Reading never fails, and what it gives is one of the numbers."""
    found = read(text, count=count)
    assert found is None or 1 <= int(found) <= count
