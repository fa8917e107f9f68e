"""Saved discussions, read again."""

from typing import Any

import pytest

from slm_mux.dissecting.turns import held_in, majority
from slm_mux.errors import StoreError
from tests.dissecting.making import debate, said, saved


def test_what_was_saved_is_read_again() -> None:
    """Turns, answer and verdict come back; problems that are not scored are left out."""
    one, other = debate("Ab", "bb", problem="q1"), debate("..", problem="q2")
    document = {"q1": saved(one), "q2": saved(other), "q3": saved(one, correct=None)}
    found = held_in(document, ["q3"])
    assert [(held.problem, held.turns, held.correct) for held in found] == [
        ("q1", one.turns, False),
        ("q2", other.turns, False),
    ]
    assert (found[0].answer_key, found[0].decided_by, found[0].confidence) == ("b", "a vote", 0.5)


def test_no_answer_is_a_wrong_one() -> None:
    """A scored problem without an answer is wrong, whether the run says false or nothing."""
    one = debate("..")
    for correct in (False, None):
        assert [held.correct for held in held_in({"q": saved(one, correct=correct)})] == [False]


@pytest.mark.parametrize(
    "problems",
    [
        [],
        {"q": {}},
        {"q": {"correct": True}},
        {"q": saved(debate("A"), turns=[{"step": "round 1"}])},
        {"q": saved(debate("A"), answer_key=3)},
        {"q": None},
    ],
)
def test_what_no_evaluation_writes(problems: Any) -> None:
    """It is refused in one sentence."""
    with pytest.raises(StoreError, match=r"the run's discussions cannot be read: "):
        held_in(problems)


def test_nobody_hears_what_is_yet_to_be_said() -> None:
    """A turn that heard itself or a later one is refused."""
    one = saved(debate("AA", "AA"))
    one["turns"][1]["heard"] = [1]
    with pytest.raises(StoreError, match="on q, turn 1 heard a turn that had not been said"):
        held_in({"q": one})


@pytest.mark.parametrize(
    ("signs", "ranking", "speaks"),
    [
        ("Abb", "xyz", 1),
        ("Abc", "xyz", 0),
        ("Abc", "zyx", 2),
        ("Abba", "xyzu", 0),
        (".b!", "xyz", 1),
        ("Ab", "", 0),
    ],
)
def test_the_majority_of_turns(signs: str, ranking: str, speaks: int) -> None:
    """The largest class; of equal ones that of the better record, then of the first turn."""
    turns = [said(sign, name) for sign, name in zip(signs, "xyzu", strict=False)]
    assert majority(turns, ranking) is turns[speaks]


def test_no_majority() -> None:
    """Where nothing can be read nobody speaks for anything."""
    assert majority([said("."), said("!")], "x") is None
    assert majority([], "x") is None
