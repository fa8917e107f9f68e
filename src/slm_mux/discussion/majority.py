"""Which answer most turns name, with a written rule for ties."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from slm_mux.discussion.base import Topic, Turn


class Majority(Struct, frozen=True, kw_only=True):
    """The largest class among some turns."""

    turn: Turn
    """Of the class, the one of the speaker with the best record; of several, the first."""
    votes: int
    """Turns in the class, >= 1."""
    tied: bool
    """Whether another class has as many, so that the record decided."""


def majority(topic: Topic, turns: Sequence[Turn]) -> Majority | None:
    """Count the answers of turns, one vote each; what cannot be read votes for nothing.

    Equal classes: the one with the turn that comes first in (its speaker's record, its place
    among the turns).

    Returns:
        None where no turn holds an answer.
    """
    rank = {speaker.name: place for place, speaker in enumerate(topic.ranked)}
    counts = Counter(turn.answer.key for turn in turns if turn.answer is not None)
    if not counts:
        return None
    most = max(counts.values())
    leaders = [
        turn for turn in turns if turn.answer is not None and counts[turn.answer.key] == most
    ]
    return Majority(
        # `min` keeps the first of equals.
        turn=min(leaders, key=lambda turn: rank[turn.speaker]),
        votes=most,
        tied=sum(count == most for count in counts.values()) > 1,
    )
