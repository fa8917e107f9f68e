"""What others said, as it goes into a prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.discussion.base import Turn
from slm_mux.discussion.quoting import (
    ANSWER_TOKENS,
    LEFT_OUT,
    fitted,
    quotable,
    room_left,
)
from slm_mux.discussion.sizes import THIRDS, size
from slm_mux.types import Answer, Completion, Failure, Sample
from tests.discussion.making import speaker


def turn(text: str | None, answer: str | None = None) -> Turn:
    """Make a turn with a text, or one that failed."""
    return Turn(
        index=0,
        step="round 1",
        sample=Sample(
            model="m",
            draw=0,
            completion=None if text is None else Completion(text=text),
            failure=Failure("TransientError", "down") if text is None else None,
            answer=None if answer is None else Answer(answer, answer),
        ),
    )


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        (" It is 4.\n", "It is 4."),
        ("<think>2 + 2</think>\n4", "4"),
        ("<think>2 + 2", None),
        (" \n", None),
        ("", None),
    ],
)
def test_reasoning_is_not_spoken(text: str, heard: str | None) -> None:
    """Of a completion others read what stands outside its reasoning, if anything does."""
    assert turn(text).text == heard


def test_a_failed_turn_says_nothing() -> None:
    """Without a completion there is nothing to quote."""
    assert turn(None).text is None
    assert quotable(turn(None), speaker("m", style="program")) is None


def test_a_program_is_quoted_with_its_output() -> None:
    """Of a program others read what it printed, where it printed anything."""
    words, program = speaker("m"), speaker("m", style="program")
    assert quotable(turn("def f(): ...", "6"), words) == "def f(): ..."
    assert quotable(turn("def f(): ...", "6"), program) == "def f(): ...\n\nThis program prints: 6"
    assert quotable(turn("def f(): ..."), program) == "def f(): ..."
    assert quotable(turn("<think>", "6"), program) is None


@pytest.mark.parametrize(
    ("context", "limit", "rest", "left"),
    [
        (None, 100, 10**9, None),
        (1000, 100, 0, 900 * THIRDS),
        (1000, 100, 700, 900 * THIRDS - 700),
        (1000, 100, 10**6, 0),
        # However much may be answered, half of the context is for reading.
        (1000, 900, 0, 500 * THIRDS),
        (1000, None, 0, 500 * THIRDS),
        (8192, None, 0, (8192 - ANSWER_TOKENS) * THIRDS),
        (1, 1, 0, THIRDS),
    ],
)
def test_room_left(context: int | None, limit: int | None, rest: int, left: int | None) -> None:
    """The answer and the rest of the prompt are taken off the context; it is never below 0."""
    assert room_left(speaker("m", context=context, max_tokens=limit), rest) == left


def test_the_longest_are_cut_first() -> None:
    """Short texts stay whole; the long ones end up alike, and keep their ends."""
    texts = ["short", "a" * 50 + "the answer is 1", "b" * 90 + "the answer is 2"]
    cut, was_cut = fitted(texts, size("short") + 2 * (size(LEFT_OUT) + 9 + size(texts[1][-15:])))
    assert was_cut
    assert cut == [
        "short",
        f"{LEFT_OUT}{'a' * 9}the answer is 1",
        f"{LEFT_OUT}{'b' * 9}the answer is 2",
    ]


def test_what_fits_stays() -> None:
    """Texts that just fit are left alone, and without a limit all do."""
    assert fitted(["abc", "de"], 5) == (["abc", "de"], False)
    assert fitted(["abc" * 10**6], None) == (["abc" * 10**6], False)
    assert fitted([], 0) == ([], False)


def test_no_room_at_all() -> None:
    """With no room every text is empty."""
    assert fitted(["abc", "de", ""], 0) == (["", "", ""], True)


@given(st.lists(st.text(max_size=40), max_size=6), st.integers(0, 400))
def test_cut_texts_fit(texts: list[str], room: int) -> None:
    """Together they fit, each is whole or an end, and none is cut before a longer one."""
    cut, was_cut = fitted(texts, room)
    assert sum(map(size, cut)) <= room
    assert was_cut == (cut != texts)
    assert len(cut) == len(texts)
    changed = [place for place, text in enumerate(texts) if cut[place] != text]
    for place in changed:
        kept = cut[place]
        assert kept == "" or (
            kept.startswith(LEFT_OUT) and texts[place].endswith(kept.removeprefix(LEFT_OUT))
        )
        # Nobody larger than one that was cut is left whole.
        assert all(size(texts[place]) > size(texts[n]) for n in set(range(len(texts))) - {*changed})
