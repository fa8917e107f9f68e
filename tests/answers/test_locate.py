"""Reasoning removed, boxes and markers found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers import locate
from slm_mux.answers.locate import boxed, last_line, marked, without_reasoning

ANY_TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("\\{}$*#<>/think boxedanswer is:.\n"), st.characters())
)

BOXED_TEXT = st.lists(
    st.sampled_from([r"\boxed{", r"\\fbox {", "{", "}", "\\", r"\}", "7", " ", "\n"]), max_size=20
).map("".join)
MARKED_PIECES = (
    "answer|The answer is |anſwer: |ANSWER|fİnal |final result|solution = |correct |option |is "
    "|best choice: |to |for the |(in km) |####|#|**|* |: |:|=|12|. |.|B|\n| |\t|é"
)
MARKED_TEXT = st.lists(st.sampled_from(MARKED_PIECES.split("|")), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<think>7</think>9", "9"),
        ("7</think>9", "9"),
        ("9<think>7", "9"),
        ("<THINK>7</THINK>9", "9"),
        ("<think>1</think>\n8\n<think>2</think>\n9", "8 9"),
        ("<think>1<think>2</think>9", "9"),
        ("no tags", "no tags"),
        ("1</think>2</think>3", "3"),
        ("<think>", ""),
    ],
)
def test_reasoning_is_removed(text: str, kept: str) -> None:
    """What stands in think tags goes, also where one of the two tags is missing."""
    assert " ".join(without_reasoning(text).split()) == kept


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"\boxed{7}", [("7", True)]),
        (r"\boxed{\frac{1}{2}}", [(r"\frac{1}{2}", True)]),
        (r"\boxed {7} and \fbox{8}", [("7", True), ("8", True)]),
        (r"\\boxed{7}", [("7", True)]),
        (r"\boxed{\{1, 2\}}", [(r"\{1, 2\}", True)]),
        (r"\boxed{x = \boxed{7}}", [("7", True)]),
        (r"\boxed{1} then \boxed{2", [("1", True), ("2", False)]),
        (r"\boxed{}", []),
        (r"boxed{7}", []),
        ("{ \\boxed{ 7 } ", [("7", True)]),
    ],
)
def test_boxes_are_found(text: str, found: list[tuple[str, bool]]) -> None:
    """Boxes are read with balanced braces, and one that does not close is not complete."""
    assert [(box.text, box.complete) for box in boxed(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The answer is 12.", [("12", False)]),
        ("The answer is 12. So", [("12", True)]),
        ("The answer is 12.5", [("12.5", False)]),
        ("the answer is 12\n", [("12", True)]),
        ("**Answer:** 12", [("12", False)]),
        ("The final answer is **12**", [("**12**", True)]),
        ("The final answer is: $12$", [("$12$", True)]),
        ("**Final Answer**\n\n$$\n12\n$$\n", [("12", True)]),
        ("Answer:\n\n**B**", [("**B**", True)]),
        ("#### 12", [("12", False)]),
        ("#### 12\n", [("12", True)]),
        ("The answer to the question is 12\n", [("12", True)]),
        ("The correct option is (B)", [("(B)", False)]),
        ("##### 12\n", []),
        ("To answer this we add 3 and 4.", []),
        ("Anſwer: 1\nFINAL RESULT: 2\nfınal result: 3\n", [("1", True), ("2", True), ("3", True)]),
        ("The answer to that answer: 12\n", [("12", True)]),
        ("#### The answer is 12\n", [("The answer is 12", True), ("12", True)]),
    ],
)
def test_markers_are_found(text: str, found: list[tuple[str, bool]]) -> None:
    """A marker's content ends with its sentence or line; only what follows makes it complete."""
    assert [(mark.text, mark.complete) for mark in marked(text)] == found


def test_a_sentence_that_ends_in_a_name_keeps_its_line() -> None:
    """A full stop inside a name cuts the text but not the line."""
    [mark] = marked("Answer: St. Louis")
    assert (mark.text, mark.line) == ("St", "St. Louis")


def test_the_last_line_skips_blank_ones() -> None:
    """Blank lines at the end are passed over, and a blank text has no last line."""
    assert (last_line("a\n b \n \n"), last_line(" \n")) == ("b", "")


@given(ANY_TEXT)
def test_spans_point_at_the_text(text: str) -> None:
    """Every piece is the source between its start and end, stripped and not blank."""
    for piece in [*boxed(text), *marked(text)]:
        assert text[piece.start : piece.end] == piece.text == piece.text.strip() != ""


@given(ANY_TEXT)
def test_removing_reasoning_twice_changes_nothing(text: str) -> None:
    """Without new tags forming at a seam, a second removal finds nothing."""
    once = without_reasoning(text)
    assert without_reasoning(once) == once


@given(MARKED_TEXT)
def test_looking_for_fixed_strings_first_loses_no_marker(text: str) -> None:
    """The pattern tried at every character finds the same markers."""
    everywhere = [locate._after_marker(text, match) for match in locate._MARKERS.finditer(text)]
    assert marked(text) == [mark for mark in everywhere if mark is not None]


def test_folding_keeps_positions_and_agrees_with_re() -> None:
    """Over all of Unicode: one character for one, and what `re` takes for a letter becomes it."""
    every = "".join(map(chr, range(0x110000)))
    folded = locate._folded(every)
    assert len(folded) == len(every)
    letters = "".join(sorted(set("".join(locate._ANCHORS))))
    for match in re.finditer(f"[{re.escape(letters)}]", every, re.IGNORECASE):
        assert folded[match.start()] in letters


@given(st.text(alphabet="{} \n", max_size=8), BOXED_TEXT)
def test_braces_before_the_first_box_change_nothing(before: str, text: str) -> None:
    """The same boxes are found, moved by what was put before them."""
    assert [(box.text, box.start, box.complete) for box in boxed(before + text)] == [
        (box.text, box.start + len(before), box.complete) for box in boxed(text)
    ]
