"""Mixture of agents: layers of proposers, one aggregator (Wang et al. 2024, arXiv 2406.04692).

    layer 1      every proposer answers the question alone
    layer 2 ...  every proposer reads all replies of the layer before and answers
    aggregate    one model reads all replies of the last layer and writes the answer
    the end      what is read in the aggregator's reply

It follows the paper in that all replies of a layer, a model's own among them, are read by all of
the next, and in that the aggregator is asked just as proposers are. It departs from it in these:
the prompts are our own; the replies stand in the user's message below the question, where small
models heed them, not in a system prompt; `layers` counts layers of proposers, so the paper's three
layers are 2 here, and its MoA-Lite is 1.

What follows from a breach:

- failed, silent: nobody reads that reply. Where a whole layer says nothing, the replies of the
  layer before it are read once more; where there are none, proposers and aggregator are asked the
  question alone.
- unreadable: a proposer's reply is read by the others all the same.
- cut: the beginnings of the longest replies are left out, so that all fit the reader's context.
- The aggregator fails, is silent or unreadable: the majority of the last layer that holds a
  readable answer decides; ties: the class with the proposer that comes first in (record, number).

Proposers are numbered as they were named, or by pool order. The confidence is the share of the
proposers of the last layer, or of the layer whose majority decided, that gave the final answer.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.discussion.base import Discussion, Say, Speaker, Topic, Turn
from slm_mux.discussion.breaches import CUT, UNREADABLE
from slm_mux.discussion.checking import check_at_least, check_members
from slm_mux.discussion.majority import majority
from slm_mux.discussion.prompts import before_request, joined, numbered
from slm_mux.discussion.quoting import fitted, quotable, room_left
from slm_mux.discussion.room import Room
from slm_mux.discussion.sizes import size_of
from slm_mux.steps import AGGREGATE, LAYER
from slm_mux.types import Answer, Message

REPLIES = "Here are replies to this that were written before:"
"""Stands above the numbered replies of the layer before."""
MERGE = (
    "Some of them may be wrong. Weigh them against each other and write one reply of your own that "
    "is better than all of them."
)
"""Stands below the replies: not the commonest of them is wanted, but what is right in them."""


class MixtureOfAgents(Struct, frozen=True, kw_only=True):
    """Proposers that read the layer before, and an aggregator that writes the answer.

    Args:
        layers: of proposers, >= 1; the aggregator comes on top.
        proposers: members by name; one that is named twice drafts twice. None: all.
        aggregator: a member by name. None: the one with the best record.
    """

    layers: int = 2
    proposers: list[str] | None = None
    aggregator: str | None = None

    @property
    def name(self) -> str:
        """The method's name."""
        return "mixture_of_agents"

    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON values."""
        settings: dict[str, Any] = msgspec.to_builtins(self)
        return settings

    def check(self, names: Sequence[str]) -> None:
        """See whether a pool can do it.

        Raises:
            InvalidRequestError: no layer, no proposer, or a member that is not there.
        """
        check_at_least(self.name, "layers", self.layers, 1)
        if self.proposers is not None:
            check_members(self.name, "proposers", self.proposers, names)
        if self.aggregator is not None:
            check_members(self.name, "aggregator", [self.aggregator], names)

    def calls(self, names: Sequence[str]) -> int:
        """One per proposer and layer, and the aggregator's."""
        proposers = len(names) if self.proposers is None else len(self.proposers)
        return self.layers * proposers + 1

    async def discuss(self, topic: Topic, room: Room) -> Discussion:
        """Have one question answered; see the module for the rules."""
        proposers = (
            topic.speakers
            if self.proposers is None
            else tuple(topic.speaker(name) for name in self.proposers)
        )
        aggregator = topic.ranked[0] if self.aggregator is None else topic.speaker(self.aggregator)
        layers: list[list[Turn]] = []
        read: list[Turn] = []
        for number in range(1, self.layers + 1):
            says = [_say(one, f"{LAYER} {number}", read, topic, room) for one in proposers]
            layers.append(await _heard(says, room))
            read = [turn for turn in layers[-1] if turn.text is not None] or read
        [final] = await _heard([_say(aggregator, AGGREGATE, read, topic, room)], room)
        if final.answer is not None:
            return room.ended(
                self.name,
                decided_by=f"{final.speaker} as aggregator"
                + ("" if read else ", alone: no proposer said anything"),
                turn=final,
                confidence=_share(layers[-1], final.answer),
            )
        return self._by_majority(layers, final, topic, room)

    def _by_majority(
        self, layers: Sequence[Sequence[Turn]], final: Turn, topic: Topic, room: Room
    ) -> Discussion:
        """Decide without an answer of the aggregator."""
        why = f"{final.speaker} as aggregator {_what_went_wrong(final)}"
        for number in range(len(layers), 0, -1):
            layer = layers[number - 1]
            if (found := majority(topic, layer)) is not None:
                tie = ", tie broken by record" if found.tied else ""
                return room.ended(
                    self.name,
                    decided_by=f"majority of layer {number} ({found.votes} of {len(layer)} "
                    f"proposers{tie}), since {why}",
                    turn=found.turn,
                    confidence=found.votes / len(layer),
                )
        return room.ended(
            self.name, decided_by=f"no answer can be read in any layer, and {why}", turn=None
        )


async def _heard(says: Sequence[Say], room: Room) -> list[Turn]:
    """Ask for answers, and count those that cannot be read."""
    turns = await room.hear(says)
    for turn in turns:
        if turn.text is not None and turn.answer is None:
            room.breaches[UNREADABLE] += 1
    return turns


def _say(speaker: Speaker, step: str, read: Sequence[Turn], topic: Topic, room: Room) -> Say:
    """Ask for an answer with replies to read; with none, the opening is asked."""
    quotes = [
        (text, turn.index)
        for turn in read
        if (text := quotable(turn, topic.speaker(turn.speaker))) is not None
    ]
    rest = size_of(_asked(speaker, [""] * len(quotes)))
    texts, was_cut = fitted([text for text, _ in quotes], room_left(speaker, rest))
    if was_cut:
        room.breaches[CUT] += 1
    kept = [(text, index) for text, (_, index) in zip(texts, quotes, strict=True) if text]
    if not kept:
        return Say(speaker=speaker, step=step)
    return Say(
        speaker=speaker,
        step=step,
        messages=_asked(speaker, [text for text, _ in kept]),
        heard=tuple(index for _, index in kept),
    )


def _asked(speaker: Speaker, texts: Sequence[str]) -> tuple[Message, ...]:
    notes = joined(REPLIES, numbered(texts), MERGE)
    return before_request(speaker.opening, notes, speaker.reader.instruction())


def _share(layer: Sequence[Turn], answer: Answer) -> float:
    """The share of a layer's turns that hold an answer of the same class."""
    return sum(turn.answer is not None and turn.answer.key == answer.key for turn in layer) / len(
        layer
    )


def _what_went_wrong(turn: Turn) -> str:
    if turn.sample.failure is not None:
        return "failed"
    return "said nothing" if turn.text is None else "gave no readable answer"
