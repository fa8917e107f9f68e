"""Methods in which models read each other's answers: their words and their one protocol.

A *speaker* is a member of the pool, a *turn* one thing that it said, a *discussion* everything that
was said about one question and what it came to. A method is a `Workflow`: it decides who is asked
what; `slm_mux.discussion.room` asks.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from slm_mux.answers.base import AnswerKind
from slm_mux.answers.locate import without_reasoning
from slm_mux.models.base import Generation, Model
from slm_mux.types import Answer, Completion, KindName, Message, Sample, Style, Usage

if TYPE_CHECKING:
    from slm_mux.discussion.room import Room


class Speaker(Struct, frozen=True, kw_only=True):
    """A member of the pool as it is asked one question."""

    model: Model
    generation: Generation
    opening: tuple[Message, ...]
    """What it is asked before it has read anybody: exactly the prompt of mux's draws, so that those
    draws serve here too."""
    reader: AnswerKind
    """Reads its answers to the question."""
    identity: str
    """What serves it; part of each sample's address."""
    style: Style = "words"
    validation_accuracy: float | None = None
    context: int | None = None
    """Tokens of prompt and completion together, >= 1; None where it is not known."""

    @property
    def name(self) -> str:
        """The model's name in the pool."""
        return self.model.name


class Topic(Struct, frozen=True, kw_only=True):
    """The question, and who may speak about it."""

    conversation: tuple[Message, ...]
    """As the user wrote it; ends with a user's message."""
    question: str
    """The text of its last message, with the choices written out."""
    kind: KindName
    speakers: tuple[Speaker, ...]
    """In pool order, at least one."""
    ranking: tuple[int, ...]
    """Positions of the speakers, best record first."""
    problem: str
    """The question's name, from which the seeds of the opening draws derive."""

    @property
    def ranked(self) -> tuple[Speaker, ...]:
        """The speakers, best record first."""
        return tuple(self.speakers[place] for place in self.ranking)

    def speaker(self, name: str) -> Speaker:
        """The speaker of that name; `Workflow.check` has seen to it that there is one."""
        return next(speaker for speaker in self.speakers if speaker.name == name)


class Say(Struct, frozen=True, kw_only=True):
    """One thing that a speaker is asked to say."""

    speaker: Speaker
    step: str
    """The part of the method that it belongs to, for instance "round 1" or "aggregate"."""
    messages: tuple[Message, ...] | None = None
    """None: the speaker's opening."""
    heard: tuple[int, ...] = ()
    """Indices of the turns whose texts are in the messages."""
    reader: AnswerKind | None = None
    """Reads what is said; None: the speaker's own reader of the question's kind."""


class Turn(Struct, frozen=True, kw_only=True):
    """One thing that was said, however it ended."""

    index: int
    """Its place in the discussion, from 0."""
    step: str
    sample: Sample
    """`sample.draw` counts the draws of this very prompt. Its answer is what the turn's reader
    read."""
    address: str = ""
    """Of the prompt's draws, where they are kept: a store's series digest."""
    heard: tuple[int, ...] = ()
    to_question: bool = True
    """Whether it was to answer the question; a verdict, a choice and a summary were not."""

    @property
    def speaker(self) -> str:
        """Who said it."""
        return self.sample.model

    @property
    def answer(self) -> Answer | None:
        """What was read; None where there is nothing to read."""
        return self.sample.answer

    @property
    def text(self) -> str | None:
        """What was said, reasoning left out; of calls of tools the calls, not the text beside them.

        None where the draw failed or brought nothing.
        """
        completion = self.sample.completion
        if completion is None:
            return None
        if completion.tool_calls and self.answer is not None:
            return self.answer.text
        return without_reasoning(completion.text).strip() or None


class Discussion(Struct, frozen=True, kw_only=True):
    """What a method made of one question."""

    method: str
    answer: Answer | None
    """None: it came to no answer."""
    model: str | None
    """Who gave the answer."""
    completion: Completion | None
    """That the answer was read from."""
    confidence: float
    """A share in [0, 1] that each method defines; 0 without an answer."""
    decided_by: str
    """What decided, in a few words for people."""
    turns: tuple[Turn, ...]
    """In the order in which they were asked for."""
    breaches: dict[str, int]
    """How often the format was broken or something had to be cut, by name; see
    `slm_mux.discussion.breaches`."""
    usage: Usage


class Workflow(Protocol):
    """A method in which models read each other. An instance is immutable: its settings."""

    @property
    def name(self) -> str:
        """The method's name."""
        ...

    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON values; two workflows that are equal ask the same."""
        ...

    def check(self, names: Sequence[str]) -> None:
        """See whether a pool can do it, before anything is asked.

        Args:
            names: of the pool's members, in order.

        Raises:
            InvalidRequestError: it needs more models, or names one that is not there.
        """
        ...

    def calls(self, names: Sequence[str]) -> int:
        """How many draws one question takes at most."""
        ...

    async def discuss(self, topic: Topic, room: "Room") -> Discussion:
        """Have one question discussed.

        A turn that fails or cannot be read has a stated consequence; it never ends the discussion
        by an error.

        Raises:
            InvalidRequestError: a model cannot be asked this at all.
        """
        ...
