"""The talk: a discussion step by step, each turn with what was said and who had been read."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from slm_mux.mux.changes import Change, changes_in
from slm_mux.sampling.events import TurnAsked, TurnTaken
from slm_mux.server.page.board import LONGEST_ANSWER, note_of, said_in
from slm_mux.server.page.marks import Mark, Marks
from slm_mux.server.page.texts import on_one_line
from slm_mux.server.wire.reply import draw_document
from slm_mux.steps import sums_up
from slm_mux.types import TurnRecord
from slm_mux.wording import listed

State = Literal["asked", "read", "unreadable", "failed", "silent", "said"]


class Spoken(Struct, kw_only=True):
    """One turn, as it is shown."""

    id: str
    """Of its element."""
    step: str
    model: str
    heard: tuple[int, ...]
    to_question: bool
    state: State = "asked"
    mark: Mark | None = None
    """Of its answer to the question."""
    answer: str | None = None
    text: str | None = None
    note: str = ""
    """What it cost, or why it failed."""


class Step(Struct, kw_only=True):
    """The turns of one step."""

    id: str
    after: str
    """The id of the step that may follow."""
    name: str
    turns: list[Spoken]

    @property
    def title(self) -> str:
        """Its heading."""
        return self.name[:1].upper() + self.name[1:]


class Talk:
    """All steps, kept up to date as turns come in.

    Args:
        calls: how many turns there are at most; None where all are known.
    """

    def __init__(self, calls: int | None = None) -> None:
        self.marks = Marks()
        self.steps: list[Step] = []
        self.calls = calls
        self.note = ""
        """Why somebody waits, where one does."""
        self._turns: dict[int, Spoken] = {}

    @property
    def taken(self) -> int:
        """Turns that are in, however they ended."""
        return sum(turn.state != "asked" for turn in self._turns.values())

    def asked(self, event: TurnAsked) -> Step | None:
        """Take in a turn that is asked for; gives its step where that is new."""
        found = next((step for step in self.steps if step.name == event.step), None)
        step = found or Step(
            id=f"step-{len(self.steps)}",
            after=f"step-{len(self.steps) + 1}",
            name=event.step,
            turns=[],
        )
        if found is None:
            self.steps.append(step)
        turn = Spoken(
            id=f"turn-{event.index}",
            step=event.step,
            model=event.model,
            heard=event.heard,
            to_question=event.to_question,
        )
        self._turns[event.index] = turn
        step.turns.append(turn)
        return step if found is None else None

    def took(self, event: TurnTaken) -> Spoken:
        """Take in a turn that is in."""
        document = draw_document(event.sample)
        text = said_in(document)
        ended: str | None = None
        if document["error"] is not None:
            ended = "failed"
        elif not (text or "").strip():
            ended = "silent"
        return self.told(event.index, document, ended=ended)

    def sources(self, turn: Spoken) -> list[str]:
        """The models whose words a turn had read, each once."""
        return list(dict.fromkeys(self._turns[index].model for index in turn.heard))

    def told(self, index: int, document: Mapping[str, Any], *, ended: str | None) -> Spoken:
        """Take in how a turn ended.

        Args:
            index: the turn's.
            document: its draw, as `wire.reply.draw_document` writes it.
            ended: "failed" or "silent" where there is no text.
        """
        turn = self._turns[index]
        self.note = ""
        turn.text, turn.note = said_in(document), note_of(document)
        key, written = document["canonical"], document["answer"]
        if ended is not None:
            turn.state = "failed" if ended == "failed" else "silent"
        elif sums_up(turn.step):
            turn.state, turn.answer = "said", "summed up"
        elif key is None or written is None:
            turn.state = "unreadable"
        else:
            turn.state = "read" if turn.to_question else "said"
            turn.answer = on_one_line(written, LONGEST_ANSWER)
            turn.mark = self.marks.of(key) if turn.to_question else None
        return turn


def talk_of(mux: Mapping[str, Any]) -> Talk | None:
    """Make the talk of a question that is decided; None where the models did not read each other.

    Args:
        mux: the reply's `mux` object, with every draw.
    """
    discussion = mux.get("discussion")
    if discussion is None:
        return None
    talk = Talk()
    # The answer has the first mark.
    talk.marks.of(mux["canonical"])
    for index, (turn, draw) in enumerate(zip(discussion["turns"], mux["draws"], strict=True)):
        heard, to_question = tuple(turn["heard"]), turn["to_question"]
        talk.asked(TurnAsked(index, turn["step"], turn["model"], heard, to_question))
        read = {"canonical": turn["canonical"], "answer": turn["answer"]}
        talk.told(index, {**draw, **read}, ended=turn["ended"])
    return talk


def changes_of(mux: Mapping[str, Any]) -> list[str]:
    """Say who changed an answer, and after whom; nothing where nobody answers twice."""
    changes = changes_in(msgspec.convert(mux["discussion"]["turns"], list[TurnRecord]))
    if changes is None:
        return []
    return [_sentence(change) for change in changes] or ["Nobody changed an answer."]


def _sentence(change: Change) -> str:
    before, after = (
        "no answer" if answer is None else on_one_line(answer, 60)
        for answer in (change.before, change.after)
    )
    said = f"{change.model} went from {before} to {after} in {change.step}"
    if change.after is None or not change.heard:
        return f"{said}."
    if not change.said_by:
        return f"{said}; nobody it read had said so."
    return f"{said}, as {listed(change.said_by)} had said."
