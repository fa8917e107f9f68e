"""Cues, and whether they are followed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.dissecting.following import CUES, Confidences, cues_of, following
from slm_mux.dissecting.moves import moves_of
from slm_mux.dissecting.turns import Held
from tests.dissecting.making import debate, debates


def sure(**thirds: int) -> Confidences:
    """How many of three draws are in each model's largest class."""
    return {("q", name): Fraction(count, 3) for name, count in thirds.items()}


@pytest.mark.parametrize(
    ("first", "confidences", "cues"),
    [
        pytest.param("cAbb", sure(y=1, z=2, u=3), ("b", "b", "b"), id="all the same"),
        pytest.param("cAAb", sure(y=3, z=1, u=2), ("a", "b", "a"), id="the last is apart"),
        pytest.param("cAbb", sure(y=3, z=1, u=1), ("b", "b", "a"), id="the surest is apart"),
        pytest.param("cAbd", sure(y=3, z=1, u=1), (None, "d", "a"), id="no majority"),
        pytest.param("cAb.", sure(y=1, z=1, u=3), (None, None, None), id="the last is unreadable"),
        pytest.param("cAb!", sure(y=1, z=2), (None, "b", "b"), id="one failed and was not heard"),
        pytest.param("cAb.", sure(y=2, z=2, u=1), (None, None, None), id="equally sure"),
        pytest.param("cAAb", sure(y=2, z=2, u=1), ("a", "b", "a"), id="equally sure of the same"),
        pytest.param("cAAb", sure(y=2, z=2), ("a", "b", None), id="one was never drawn twice"),
        pytest.param("c!!!", sure(y=2), (None, None, None), id="nobody to read"),
    ],
)
def test_what_the_cues_are(
    first: str, confidences: Confidences, cues: tuple[str | None, ...]
) -> None:
    """Of those that the first agent heard: the majority, the last one, the most confident one."""
    move = moves_of(debate(first, first))[0]
    assert cues_of(move, confidences) == dict(zip(CUES, cues, strict=True))


def test_how_often_cues_are_followed() -> None:
    """Only cues against an agent's own answer count; apart from each other they tell more."""
    found = [
        # The first agent follows the majority against the last one, then the last one.
        debate("cAAb", "A!!!", problem="q1"),
        debate("cAAb", "b!!!", problem="q2"),
        # It stays, then finds an answer of its own.
        debate("cAAA", "c!!!", problem="q3"),
        debate("cAAA", "d!!!", problem="q4"),
        # The cues say what it says already; it had no answer; it has none now.
        debate("AAAA", "b!!!", problem="q5"),
        debate(".AAA", "A!!!", problem="q6"),
        debate("cAAA", ".!!!", problem="q7"),
    ]
    majority, last, confident = following([moves_of(one)[0] for one in found], {})
    assert [(each.count, each.total) for each in (majority.opposed, last.opposed)] == [
        (1, 4),
        (1, 4),
    ]
    assert (majority.changes.count, majority.changes.total) == (1, 3)
    assert (majority.apart.count, majority.apart.total) == (1, 2)
    assert (last.apart.count, last.apart.total) == (1, 2)
    assert (confident.opposed.total, confident.opposed.share) == (0, None)


def test_nothing_to_follow() -> None:
    """Without moves there is a row for each cue, and its shares are of nothing."""
    assert [(row.cue, row.opposed.share, row.opposed.ci95) for row in following([], {})] == [
        (cue, None, (0.0, 1.0)) for cue in CUES
    ]


@given(debates(), st.dictionaries(st.sampled_from("xyz"), st.integers(1, 3)))
def test_the_parts_are_parts(found: list[Held], thirds: dict[str, int]) -> None:
    """Changes are among the opposed moves, those apart among the changes; order does not matter."""
    confidences = {
        (one.problem, name): Fraction(count, 3) for one in found for name, count in thirds.items()
    }
    moves = [move for one in found for move in moves_of(one)]
    rows = following(moves, confidences)
    for row in rows:
        # Who follows a cue against the own answer has changed it.
        assert row.changes.count == row.opposed.count
        assert row.apart.count <= row.changes.count
        assert row.apart.total <= row.changes.total <= row.opposed.total
    assert following(moves[::-1], confidences) == rows
