"""Universal self-consistency (Chen et al. 2023, arXiv 2311.17311): a model picks the answer.

    1. Models answer on their own: the candidates.
    2. One model, the judge, reads the question and all candidates, numbered.
    3. It names the one that agrees best with what most of them say.
    4. That candidate is the answer.

It follows the paper in that candidates are compared by a model and not by their keys, so that it
serves free text, and in that the judge reads all of them in one prompt and answers once. It departs
in these: the candidates come from all members of the pool, where the paper draws them from the one
model that also judges (name that one in `generators` and `judge` for the paper's own); a candidate
without a readable answer is left out of the list; where all texts are the same the judge is not
asked; and where it does not choose, a vote does.

The candidates stand in the list in the order in which they were asked for: draw 0 of each
generator, best record first, then draw 1 of each, and so on.

What follows from a breach:

- failed, silent, unreadable: a candidate is left out; a judge that fails or says nothing leaves the
  choice to the vote;
- unclear_choice: so does a judge that names no candidate, two, or a number that there is not;
- cut: the candidates are too long for the judge's context; the longest lose their beginnings.

The vote: the answer that most candidates have, of several such the one whose first candidate has
the better record, then the lower draw; and of that class, the candidate that comes first by the
same rule.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.discussion.base import Discussion, Say, Speaker, Topic, Turn
from slm_mux.discussion.breaches import CUT, UNCLEAR_CHOICE
from slm_mux.discussion.candidates import Candidate, ask_for_candidates, candidate_count
from slm_mux.discussion.checking import check_at_least, check_members, check_once
from slm_mux.discussion.judging import judged_by, judging
from slm_mux.discussion.picking import NOUN, PickKind
from slm_mux.discussion.prompts import joined
from slm_mux.discussion.quoting import fitted, room_left
from slm_mux.discussion.room import Room
from slm_mux.discussion.sizes import size_of
from slm_mux.steps import CHOICE
from slm_mux.types import Message
from slm_mux.wording import counted

INTRODUCTION = "{question}\n\nHere are {count} responses to this."
"""Puts the question before the responses. None is said to be right: the judge is to compare."""
RESPONSE = "[{noun} {number}]\n{text}\n[End of {noun} {number}]"
"""Sets one response apart from the next, by a mark that programs and formulas do not hold."""
REQUEST = (
    "Which response agrees best with what most of the responses say? Do not answer the question "
    "again: compare the responses in one or two sentences."
)
"""Asks for consistency and not for truth, since judging truth is what small models are bad at."""


class UniversalSelfConsistency(Struct, frozen=True, kw_only=True):
    """A model picks the most consistent of the candidates; see the module."""

    candidates: int | None = None
    """How many, >= 1; None: one of each generator."""
    generators: list[str] | None = None
    """Members that give candidates; None: all."""
    judge: str | None = None
    """The member that picks; None: the one with the best record."""

    @property
    def name(self) -> str:
        """The method's name."""
        return "universal_self_consistency"

    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def check(self, names: Sequence[str]) -> None:
        """See whether a pool can do it.

        Raises:
            InvalidRequestError: fewer than 1 candidate, a member that is not there, or one
                named twice.
        """
        check_at_least(self.name, "candidates", self.candidates, 1)
        if self.generators is not None:
            check_members(self.name, "generators", self.generators, names)
            check_once(self.name, "generators", self.generators)
        if self.judge is not None:
            check_members(self.name, "judge", [self.judge], names)

    def calls(self, names: Sequence[str]) -> int:
        """The candidates, and the judge where there is something to choose."""
        count = candidate_count(self.candidates, self.generators, names)
        return count + 1 if count > 1 else 1

    async def discuss(self, topic: Topic, room: Room) -> Discussion:
        """Have one question answered, and an answer picked."""
        candidates = await ask_for_candidates(
            topic, room, candidates=self.candidates, generators=self.generators
        )
        listed = candidates.readable
        if not listed:
            return room.ended(self.name, decided_by="no readable candidate", turn=None)
        if len({one.text for one in listed}) == 1:
            chosen, decided_by = candidates.voted(), "all readable candidates are the same"
            if len(listed) == 1:
                decided_by = "the only readable candidate"
        else:
            judge = topic.ranked[0] if self.judge is None else topic.speaker(self.judge)
            turn = await _ask(judge, topic, room, listed)
            if turn.answer is not None:
                number = int(turn.answer.key)
                chosen, decided_by = listed[number - 1], f"choice of {judge.name} ({number})"
            else:
                chosen = candidates.voted()
                of = f"{candidates.votes(chosen)} of {counted(candidates.asked, 'candidate')}"
                decided_by = f"vote ({of}): {_why_not(turn, room)}"
        return room.ended(
            self.name,
            decided_by=decided_by,
            turn=chosen.turn,
            confidence=candidates.share(chosen),
        )


async def _ask(judge: Speaker, topic: Topic, room: Room, listed: Sequence[Candidate]) -> Turn:
    """Have the judge read all candidates and name one."""
    reader = PickKind(len(listed))
    texts = [one.text for one in listed]
    rest = size_of(_messages(judge, topic, [""] * len(texts), reader))
    shown, cut = fitted(texts, room_left(judge, rest))
    if cut:
        room.breaches[CUT] += 1
    say = Say(
        speaker=judging(judge),
        step=CHOICE,
        messages=_messages(judge, topic, shown, reader),
        heard=tuple(one.turn.index for one in listed),
        reader=reader,
    )
    (turn,) = await room.hear([say])
    return turn


def _messages(
    judge: Speaker, topic: Topic, texts: Sequence[str], reader: PickKind
) -> tuple[Message, ...]:
    introduction = INTRODUCTION.format(question=topic.question, count=len(texts))
    responses = (
        RESPONSE.format(noun=NOUN, number=number, text=text)
        for number, text in enumerate(texts, start=1)
    )
    parts = [introduction, *responses, f"{REQUEST} {reader.instruction()}"]
    return judged_by(judge, joined(*parts))


def _why_not(turn: Turn, room: Room) -> str:
    """Say why there is no choice, and count it where the judge spoke."""
    if turn.sample.failure is not None:
        return f"{turn.speaker} failed"
    if turn.text is None:
        return f"{turn.speaker} said nothing"
    room.breaches[UNCLEAR_CHOICE] += 1
    return f"{turn.speaker} chose none of them"
