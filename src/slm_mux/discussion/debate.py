"""Debate: every agent answers, reads the others, answers again (Du et al. 2023, arXiv 2305.14325).

    round 1      every agent answers the question alone
    round 2 ...  every agent has its own words and the others' replies before it, and answers again
    in between   whose context cannot hold the others' replies summarises them first
    the end      the answer that most agents give in the last round

It follows the paper in the rounds, in keeping an agent's own conversation, in summaries and in the
majority. It departs from it in these: the prompts are our own; agents are the members of a pool,
where the paper mostly has one model play them all; every agent summarises for itself, and only
where it must; of a conversation that does not fit only the agent's last words are kept. An agent
that has nobody to read is asked to check its own answer.

What follows from a breach:

- failed, silent: the agent is out of that round: nobody reads it in the next one, where it is asked
  again with its last words, or, if it never said anything, with the question and the replies.
- unreadable: it votes for nothing, but the others read it.
- summarised: the summary stands in place of the replies.
- unsummarised, cut: where no summary came, or it or the replies to be summarised are too long,
  beginnings are left out.
- forgotten: of its own conversation the agent has its last words alone.

Agents are numbered by pool order, then draw. Ties in the vote: the class of the agent that comes
first in (record, number). Where nobody answers readably in the last round, the last round with a
readable answer decides.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from slm_mux.answers.text import TextKind
from slm_mux.discussion.base import Discussion, Say, Speaker, Topic, Turn
from slm_mux.discussion.breaches import CUT, FORGOTTEN, SUMMARISED, UNREADABLE, UNSUMMARISED
from slm_mux.discussion.checking import check_at_least
from slm_mux.discussion.judging import judging
from slm_mux.discussion.majority import majority
from slm_mux.discussion.prompts import assistant, before_request, joined, numbered, user
from slm_mux.discussion.quoting import fitted, quotable, room_left
from slm_mux.discussion.room import Room
from slm_mux.discussion.sizes import size, size_of
from slm_mux.steps import ROUND, SUMMARY, sums_up
from slm_mux.types import Message

OTHERS = "Others were asked the same. This is what they wrote:"
"""Stands above the others' numbered replies."""
OTHERS_IN_SHORT = "Others were asked the same. This sums up what they wrote:"
"""Stands above a summary of them."""
ADVICE = "Take it as advice: it may be right or wrong."
"""Stands below what others wrote: neither to be obeyed nor passed over."""
AGAIN = "Now give your own answer to the question once more."
"""Asks an agent that has answered before for another answer."""
CHECK = "Go through your answer once more and correct it if it is wrong."
"""Asks an agent that has nobody to read."""
SUMMARISE = (
    "Sum up the replies below in a few sentences. Keep the final answer of each, and its main "
    "reason."
)
"""Asks an agent to shorten what it could not read otherwise; the numbered replies follow."""


class Debate(Struct, frozen=True, kw_only=True):
    """Rounds of reading the others and answering again; the majority of the last round.

    Args:
        agents: how many take part, >= 1. None: one for each member. More than members: members are
            taken again in rank order, each further agent of a member being its next draw. Fewer:
            the members with the best records. One agent alone checks its own answer.
        rounds: 1 or more; the first is the answers given alone, so 2 means one reading.
    """

    agents: int | None = None
    rounds: int = 2

    @property
    def name(self) -> str:
        """The method's name."""
        return "debate"

    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON values."""
        settings: dict[str, Any] = msgspec.to_builtins(self)
        return settings

    def check(self, names: Sequence[str]) -> None:  # noqa: ARG002 (any pool will do)
        """See whether it can be held; any pool will do.

        Raises:
            InvalidRequestError: a number of agents or rounds below 1.
        """
        check_at_least(self.name, "agents", self.agents, 1)
        check_at_least(self.name, "rounds", self.rounds, 1)

    def calls(self, names: Sequence[str]) -> int:
        """One per agent and round, and, where every context is too short, a summary before each."""
        agents = len(names) if self.agents is None else self.agents
        return agents * (2 * self.rounds - 1)

    async def discuss(self, topic: Topic, room: Room) -> Discussion:
        """Have one question debated; see the module for the rules."""
        agents = [_Agent(speaker) for speaker in self._speakers(topic)]
        rounds = [await _round(agents, room, 1, ())]
        for number in range(2, self.rounds + 1):
            rounds.append(await _round(agents, room, number, rounds[-1]))
        for number in range(self.rounds, 0, -1):
            found = majority(topic, rounds[number - 1])
            if found is not None:
                decided_by = (
                    f"majority of round {number} ({found.votes} of {len(agents)} agents"
                    f"{', tie broken by record' if found.tied else ''})"
                )
                if number < self.rounds:
                    decided_by += ", since no later answer can be read"
                return room.ended(
                    self.name,
                    decided_by=decided_by,
                    turn=found.turn,
                    confidence=found.votes / len(agents),
                )
        return room.ended(self.name, decided_by="no answer can be read in any round", turn=None)

    def _speakers(self, topic: Topic) -> list[Speaker]:
        """Who plays the agents, in pool order; who plays several comes several times in a row."""
        members = len(topic.speakers)
        each, more = divmod(members if self.agents is None else self.agents, members)
        again = topic.ranking[:more]
        return [
            speaker
            for place, speaker in enumerate(topic.speakers)
            for _ in range(each + (place in again))
        ]


def rounds_of(discussion: Discussion) -> list[list[Turn | None]]:
    """Sort the turns of a debate by agent and round.

    Returns:
        One row per agent, in the agents' order, of one turn per round; None where the agent said
        nothing. What an agent read is in `Turn.heard`: turns of the round before, or its own
        summary, whose `heard` are those.
    """
    steps: dict[str, list[Turn | None]] = {}
    for turn in discussion.turns:
        if not sums_up(turn.step):
            steps.setdefault(turn.step, []).append(None if turn.text is None else turn)
    return [list(row) for row in zip(*steps.values(), strict=True)]


class _Agent:
    """One who takes part, and what it remembers."""

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.conversation: tuple[Message, ...] = ()
        """All that it was asked and said, as far as it said anything."""
        self.said: str | None = None
        """Its last words."""

    def has_room_for(self, messages: Sequence[Message] | None) -> bool:
        """Whether it can read this and answer; None is its opening."""
        limit = room_left(self.speaker, rest=0)
        return limit is None or size_of(messages or self.speaker.opening) <= limit

    def heard(self, asked: Sequence[Message] | None, answer: Turn) -> None:
        """Remember what it said, if it said anything."""
        if answer.text is not None:
            self.conversation = (*(asked or self.speaker.opening), assistant(answer.text))
            self.said = answer.text


class _Reading(Struct, frozen=True, kw_only=True):
    """What an agent reads of the others in one round."""

    texts: tuple[str, ...] = ()
    """None of them empty."""
    turns: tuple[int, ...] = ()
    """Indices of the turns that they come from, each in its place."""
    summary: bool = False
    """Whether it is the agent's summary; then there is one text, or none."""

    def notes(self) -> str:
        """The texts as they stand in a prompt."""
        if not self.texts:
            return ""
        if self.summary:
            return joined(OTHERS_IN_SHORT, self.texts[0], ADVICE)
        return joined(OTHERS, numbered(self.texts), ADVICE)

    def cut(self, texts: Sequence[str]) -> "_Reading":
        """The same with these texts, one for each; what is left empty is not read."""
        kept = [place for place, text in enumerate(texts) if text]
        return replace(
            self,
            texts=tuple(texts[place] for place in kept),
            turns=tuple(self.turns[place] for place in kept),
        )


async def _round(
    agents: Sequence[_Agent], room: Room, number: int, before: Sequence[Turn]
) -> list[Turn]:
    """Have every agent answer after it has read the others' turns of the round before."""
    step = f"{ROUND} {number}"
    readings = [_others(agents, before, place) for place in range(len(agents))]
    await _summarise(agents, readings, room, step)
    says = [
        _say(agent, reading, room, step) for agent, reading in zip(agents, readings, strict=True)
    ]
    turns = await room.hear(says)
    for agent, say, turn in zip(agents, says, turns, strict=True):
        agent.heard(say.messages, turn)
        if turn.text is not None and turn.answer is None:
            room.breaches[UNREADABLE] += 1
    return turns


def _others(agents: Sequence[_Agent], before: Sequence[Turn], place: int) -> _Reading:
    """What the agent at a place can read of the others."""
    found = [
        (text, turn.index)
        for other, turn in enumerate(before)
        if other != place and (text := quotable(turn, agents[other].speaker)) is not None
    ]
    return _Reading(
        texts=tuple(text for text, _ in found), turns=tuple(index for _, index in found)
    )


async def _summarise(
    agents: Sequence[_Agent], readings: list[_Reading], room: Room, step: str
) -> None:
    """Put summaries in place of what does not fit, where there is something to sum up."""
    places = [
        place
        for place, (agent, reading) in enumerate(zip(agents, readings, strict=True))
        if reading.texts and not agent.has_room_for(_asked(agent, reading, agent.said))
    ]
    says = [_summing_up(agents[place].speaker, readings[place], room, step) for place in places]
    for place, turn in zip(places, await room.hear(says), strict=True):
        room.breaches[UNSUMMARISED if turn.text is None else SUMMARISED] += 1
        if turn.text is not None:
            readings[place] = _Reading(texts=(turn.text,), turns=(turn.index,), summary=True)


def _summing_up(speaker: Speaker, reading: _Reading, room: Room, step: str) -> Say:
    before = [message for message in speaker.opening if message["role"] == "system"]
    rest = size_of([*before, user(SUMMARISE, numbered([""] * len(reading.texts)))])
    texts, was_cut = fitted(reading.texts, room_left(speaker, rest))
    if was_cut:
        room.breaches[CUT] += 1
        reading = reading.cut(texts)
    return Say(
        speaker=judging(speaker),
        step=step + SUMMARY,
        messages=(*before, user(SUMMARISE, numbered(reading.texts))),
        heard=reading.turns,
        # No program is run for it, whatever the question's kind.
        reader=TextKind(cut_off_too=True),
    )


def _say(agent: _Agent, reading: _Reading, room: Room, step: str) -> Say:
    """Ask for an answer: with the whole conversation, else the last words, else both sides cut."""
    asked = _asked(agent, reading, agent.said, whole=True)
    if not agent.has_room_for(asked):
        whole, asked = asked, _asked(agent, reading, agent.said)
        if asked != whole:
            room.breaches[FORGOTTEN] += 1
    if not agent.has_room_for(asked):
        pieces = [agent.said or "", *reading.texts]
        rest = size_of(asked or agent.speaker.opening) - sum(map(size, pieces))
        (said, *texts), was_cut = fitted(pieces, room_left(agent.speaker, rest))
        if was_cut:
            room.breaches[CUT] += 1
            reading = reading.cut(texts)
            asked = _asked(agent, reading, said or None)
    return Say(speaker=agent.speaker, step=step, messages=asked, heard=reading.turns)


def _asked(
    agent: _Agent, reading: _Reading, said: str | None, *, whole: bool = False
) -> tuple[Message, ...] | None:
    """What an agent is asked after a reading.

    Args:
        agent: who is asked.
        reading: what it reads of the others.
        said: its last words as it reads them; None where there are none.
        whole: whether it reads in their place all that it was asked and said before.

    Returns:
        None: its opening.
    """
    notes, request = reading.notes(), agent.speaker.reader.instruction()
    if said is None:
        return before_request(agent.speaker.opening, notes, request) if notes else None
    own = agent.conversation if whole else (*agent.speaker.opening, assistant(said))
    return (*own, user(notes, AGAIN if notes else CHECK, request))
