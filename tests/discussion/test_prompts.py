"""The pieces of prompts, the vote, and the checks of settings that the methods share."""

import pytest

from slm_mux.discussion.base import Turn
from slm_mux.discussion.checking import check_at_least, check_members
from slm_mux.discussion.majority import majority
from slm_mux.discussion.prompts import assistant, before_request, numbered, user
from slm_mux.errors import InvalidRequestError
from slm_mux.types import Answer, Completion, Message, Sample
from tests.discussion.making import speaker, topic

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def test_messages() -> None:
    """Paragraphs that are empty leave no gap, and replies are numbered from 1."""
    assert user("a", "", "b") == {"role": "user", "content": "a\n\nb"}
    assert assistant("c") == {"role": "assistant", "content": "c"}
    assert numbered(["x", "y\nz"]) == "Reply 1:\nx\n\nReply 2:\ny\nz"


@pytest.mark.parametrize(
    ("content", "instruction", "expected"),
    [
        ("How much?\n\nBe short.", "Be short.", "How much?\n\nNOTES\n\nBe short."),
        ("How much?", "", "How much?\n\nNOTES"),
        ("How much?", "Be short.", "How much?\n\nNOTES\n\nBe short."),
        (
            [IMAGE, {"type": "text", "text": "A) x\n\nBe short."}],
            "Be short.",
            [IMAGE, {"type": "text", "text": "A) x\n\nNOTES\n\nBe short."}],
        ),
        (
            [{"type": "text", "text": "How much?"}, IMAGE],
            "",
            [{"type": "text", "text": "How much?"}, IMAGE, {"type": "text", "text": "NOTES"}],
        ),
    ],
)
def test_notes_stand_between_question_and_request(
    content: object, instruction: str, expected: object
) -> None:
    """What is to be read comes below the question and above the request for the form."""
    system: Message = {"role": "system", "content": "Hi."}
    opening = (system, {"role": "user", "content": content})
    changed = before_request(opening, "NOTES", instruction)
    assert changed == (system, {"role": "user", "content": expected})
    assert opening[1]["content"] is content


def turns(*spoken: tuple[str, str | None]) -> list[Turn]:
    """Make one turn each of a speaker and its answer."""
    return [
        Turn(
            index=index,
            step="s",
            sample=Sample(
                model=name,
                draw=0,
                completion=Completion(text="..."),
                answer=None if answer is None else Answer(answer, answer),
            ),
        )
        for index, (name, answer) in enumerate(spoken)
    ]


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ([("a", "1"), ("b", "2"), ("c", "2")], (2, 2, False)),
        ([("a", "1"), ("b", "2"), ("c", "3")], (2, 1, True)),
        ([("a", "1"), ("b", "2"), ("c", None)], (0, 1, True)),
        ([("b", "1"), ("b", "2")], (0, 1, True)),
        ([("b", "1"), ("a", "1")], (1, 2, False)),
        ([("a", "1"), ("b", "2"), ("c", "2"), ("b", "1")], (2, 2, True)),
    ],
)
def test_majority(spoken: list[tuple[str, str | None]], expected: tuple[int, int, bool]) -> None:
    """Most turns win; then the best record; then the first."""
    subject = topic(speaker("a", record=0.5), speaker("b", record=0.1), speaker("c", record=0.9))
    found = majority(subject, turns(*spoken))
    assert found is not None
    assert (found.turn.index, found.votes, found.tied) == expected


def test_no_majority() -> None:
    """Without a readable answer there is none."""
    assert majority(topic(speaker("a")), turns(("a", None))) is None


def test_numbers_are_checked() -> None:
    """The lowest value and None pass, what is below is refused."""
    check_at_least("m", "n", 2, 2)
    check_at_least("m", "n", None, 2)
    with pytest.raises(InvalidRequestError, match="m: n is 1, but must be at least 2"):
        check_at_least("m", "n", 1, 2)


def test_members_are_checked() -> None:
    """Names of the pool pass, twice or not; others are refused."""
    check_members("m", "n", ["a", "a"], ["a", "b"])
    with pytest.raises(InvalidRequestError, match="m: n: 'c' is not in the pool; it has a, b"):
        check_members("m", "n", ["a", "c"], ["a", "b"])
