"""Candidates: answers that models give on their own, of which a method then picks one."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from slm_mux.discussion.base import Say, Topic, Turn
from slm_mux.discussion.breaches import UNREADABLE
from slm_mux.discussion.quoting import quotable
from slm_mux.discussion.room import Room
from slm_mux.steps import CANDIDATE
from slm_mux.types import Answer


class Candidate(Struct, frozen=True, kw_only=True):
    """A readable answer that can be picked."""

    turn: Turn
    answer: Answer
    text: str
    """What others read of it; never blank."""
    record: tuple[int, int]
    """The place of its model's record among all speakers, from 0 for the best, and its draw: of two
    candidates the one with the smaller comes first."""


class Candidates(Struct, frozen=True):
    """The candidates of one question, in the order in which they were asked for."""

    readable: tuple[Candidate, ...]
    asked: int
    """How many were asked for, >= 1; those that failed or cannot be read are in it."""

    def votes(self, candidate: Candidate) -> int:
        """How many candidates have its answer, itself included."""
        return self._classes()[candidate.answer.key]

    def share(self, candidate: Candidate) -> float:
        """The share of all that were asked for that have its answer, in (0, 1]."""
        return self.votes(candidate) / self.asked

    def voted(self, among: Sequence[Candidate] | None = None) -> Candidate:
        """The candidate that a vote picks.

        It has the answer that most candidates have; of several such it is the first by its model's
        record, then by draw.

        Args:
            among: those that can be picked, at least one; None: all that are readable. All vote.
        """
        classes = self._classes()
        return min(
            self.readable if among is None else among,
            key=lambda one: (-classes[one.answer.key], one.record),
        )

    def _classes(self) -> Counter[str]:
        return Counter(one.answer.key for one in self.readable)


def candidate_count(
    candidates: int | None, generators: Sequence[str] | None, names: Sequence[str]
) -> int:
    """How many candidates there are: as many as generators where no number is set."""
    if candidates is not None:
        return candidates
    return len(names if generators is None else generators)


async def ask_for_candidates(
    topic: Topic, room: Room, *, candidates: int | None, generators: Sequence[str] | None
) -> Candidates:
    """Ask for all candidates at once.

    They are openings, so that mux's draws serve: draw 0 of each generator, best record first, then
    draw 1 of each, until there are enough. One that cannot be read is counted among the breaches.

    Args:
        topic: what is asked.
        room: where.
        candidates: how many, >= 1; None: one of each generator.
        generators: names of those that give them; None: all speakers.
    """
    names = [speaker.name for speaker in topic.speakers]
    chosen = [one for one in topic.ranked if generators is None or one.name in generators]
    count = candidate_count(candidates, generators, names)
    says = [Say(speaker=chosen[place % len(chosen)], step=CANDIDATE) for place in range(count)]
    turns = await room.hear(says)
    ranks = {speaker.name: rank for rank, speaker in enumerate(topic.ranked)}
    readable = []
    for say, turn in zip(says, turns, strict=True):
        text = quotable(turn, say.speaker)
        if turn.answer is not None and text is not None:
            record = (ranks[turn.speaker], turn.sample.draw)
            readable.append(Candidate(turn=turn, answer=turn.answer, text=text, record=record))
        elif turn.text is not None:
            room.breaches[UNREADABLE] += 1
    return Candidates(tuple(readable), asked=count)
