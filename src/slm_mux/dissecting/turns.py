"""Discussions as a saved run has them: who said which answer, after hearing whom. No texts."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from slm_mux.errors import StoreError


class Said(Struct, frozen=True, kw_only=True):
    """One turn."""

    step: str
    """The part of the method that it belongs to, for instance "round 1"."""
    speaker: str
    """The model's name in the pool."""
    key: str | None
    """What was read; None where nothing could be."""
    correct: bool | None
    """The verdict on it, where it answers the question; None without an answer."""
    heard: tuple[int, ...] = ()
    """Indices of earlier turns."""
    ended: Literal["failed", "silent"] | None = None
    """Why there is no text; None where there is one."""
    series: str
    """With `draw`, its sample's address in the store."""
    draw: int

    @property
    def right(self) -> bool:
        """Whether it holds a right answer."""
        return self.correct is True


class Held(Struct, frozen=True, kw_only=True):
    """One question's discussion."""

    problem: str
    turns: tuple[Said, ...]
    answer_key: str | None
    """What it came to; None: no answer."""
    correct: bool
    """Whether that is right; False without an answer."""
    decided_by: str = ""
    confidence: float = 0.0


def held_in(problems: Any, unscored: Collection[str] = ()) -> tuple[Held, ...]:
    """Read the discussions of one method in a saved run.

    Args:
        problems: by problem id, as an evaluation's document has them.
        unscored: ids of problems that are left out, since nobody can be said to be right there.

    Raises:
        StoreError: it is not what an evaluation writes.
    """
    found = []
    try:
        for name, saved in problems.items():
            if name not in unscored:
                right = {"problem": name, "correct": saved["correct"] is True}
                found.append(msgspec.convert({**saved, **right}, Held))
    except (AttributeError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise StoreError(f"the run's discussions cannot be read: {error}") from None
    for held in found:
        for index, turn in enumerate(held.turns):
            if not all(0 <= other < index for other in turn.heard):
                raise StoreError(
                    f"the run's discussions cannot be read: on {held.problem}, turn {index} heard "
                    "a turn that had not been said"
                )
    return tuple(found)


def majority(turns: Sequence[Said], ranking: Sequence[str]) -> Said | None:
    """Count the answers of turns, one vote each, as the methods do.

    Equal classes: the one with the turn that comes first in (its speaker's record, its place).

    Args:
        turns: what cannot be read votes for nothing.
        ranking: names of the models, best record first.

    Returns:
        The turn that speaks for the largest class; None where no turn holds an answer.
    """
    counts = Counter(turn.key for turn in turns if turn.key is not None)
    if not counts:
        return None
    most = max(counts.values())
    rank = ranks(ranking)
    leaders = [turn for turn in turns if turn.key is not None and counts[turn.key] == most]
    # `min` keeps the first of equals.
    return min(leaders, key=lambda turn: rank.get(turn.speaker, len(rank)))


def ranks(ranking: Sequence[str]) -> Mapping[str, int]:
    """Give each model's place, from 0 for the best."""
    return {name: place for place, name in enumerate(ranking)}
