"""Speakers, topics and rooms of scripted models, for tests of discussions.

a = speaker("a", ["I say 4"], record=0.7)
b = speaker("b", lambda request: "5" if "4" in prompt(request) else "6")
discussion = await discussed(Debate(), a, b)
assert asked(b) == [...]
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from slm_mux.answers.base import AnswerKind
from slm_mux.discussion.base import Discussion, Speaker, Topic, Workflow
from slm_mux.discussion.room import Room
from slm_mux.errors import RequestRefusedError
from slm_mux.models.base import Generation, Request
from slm_mux.models.catalogue import catalogued
from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.types import Answer, KindName, Message, Style
from slm_mux.voting import rank_by_record

QUESTION = "How much is it?"
REQUEST = "End with the answer."
"""What `LastWord` asks for."""
Replies = Sequence[Reply] | Callable[[Request], Reply]


class LastWord:
    """Reads the last word of a completion; "?" cannot be read, nor can what was cut off."""

    name: KindName = "number"
    may_block: bool = False

    def instruction(self) -> str:
        return REQUEST

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        words = text.split()
        return None if cut_off or not words or words[-1] == "?" else Answer(words[-1], words[-1])

    def canonical(self, answer: str) -> str | None:
        return answer.strip() or None

    def close(self) -> None:
        pass


def speaker(
    name: str,
    replies: Replies = ("4",),
    *,
    record: float | None = None,
    context: int | None = None,
    max_tokens: int | None = None,
    style: Style = "words",
    system: str | None = None,
    reader: AnswerKind | None = None,
    delay: float = 0.0,
    question: str = QUESTION,
) -> Speaker:
    """Make a member of the pool that says what it is told to say."""
    reader = LastWord() if reader is None else reader
    opening: list[Message] = [
        {"role": "user", "content": f"{question}\n\n{reader.instruction()}".strip()}
    ]
    if system is not None:
        opening.insert(0, {"role": "system", "content": system})
    return Speaker(
        model=ScriptedModel(name, replies, delay=delay),
        generation=Generation(max_tokens=max_tokens),
        opening=tuple(opening),
        reader=reader,
        identity=f"scripted:{name}",
        style=style,
        validation_accuracy=record,
        context=context,
    )


@asynccontextmanager
async def real_speaker(
    gguf: Path, *, question: str = "What is 3 + 4?", max_tokens: int = 24, slots: int = 2
) -> AsyncIterator[Speaker]:
    """Make a speaker of the smallest real model, which is ended afterwards."""
    sha256 = catalogued("smollm2-135m").sha256
    engine = EmbeddedEngine(gguf, sha256=sha256, slots=slots, context=1024)
    model = EmbeddedModel("tiny", engine=engine)
    one = speaker("tiny", question=question, max_tokens=max_tokens, context=1024)
    try:
        yield replace(one, model=model, identity=engine.identity)
    finally:
        await model.aclose()


def failing(request: Request) -> Reply:
    """Answer as a model that is down: give it to `speaker` as its replies."""
    raise RequestRefusedError("it is down", model="down")


def topic(*speakers: Speaker, question: str = QUESTION, kind: KindName = "number") -> Topic:
    """Put a question before speakers, who are given in pool order."""
    return Topic(
        conversation=({"role": "user", "content": question},),
        question=question,
        kind=kind,
        speakers=speakers,
        ranking=tuple(rank_by_record([one.validation_accuracy for one in speakers])),
        problem="problem",
    )


def room(subject: Topic, *, seed: int = 0) -> Room:
    """Make a room where nothing is kept and a request is sent once."""
    return Room(subject, sampler=Sampler(RetryPolicy(attempts=1)), seed=seed)


async def discussed(workflow: Workflow, *speakers: Speaker) -> Discussion:
    """Have speakers, given in pool order, discuss the question; none are asked beyond `calls`."""
    names = [one.name for one in speakers]
    workflow.check(names)
    subject = topic(*speakers)
    discussion = await workflow.discuss(subject, room(subject))
    assert len(discussion.turns) <= workflow.calls(names)
    assert [turn.index for turn in discussion.turns] == list(range(len(discussion.turns)))
    return discussion


def requests(one: Speaker) -> list[Request]:
    """Everything that a speaker was asked, in order."""
    assert isinstance(one.model, ScriptedModel)
    return one.model.requests


def prompt(request: Request) -> str:
    """The last message of a request."""
    return str(request.messages[-1]["content"])


def asked(one: Speaker) -> list[str]:
    """The last message of everything that a speaker was asked, in order."""
    return [prompt(request) for request in requests(one)]


def said(discussion: Discussion) -> list[tuple[str, str, str | None, tuple[int, ...]]]:
    """Of every turn its step, who said it, what was read, and which turns were quoted to it."""
    return [
        (turn.step, turn.speaker, turn.answer.key if turn.answer else None, turn.heard)
        for turn in discussion.turns
    ]


def outcome(discussion: Discussion) -> tuple[str | None, float, str]:
    """Give answer, confidence and what decided."""
    answer = discussion.answer
    return (answer.text if answer else None, discussion.confidence, discussion.decided_by)


def timeless(discussion: Discussion) -> Discussion:
    """Leave out what time has a part in."""
    return replace(
        discussion,
        turns=tuple(replace(t, sample=replace(t.sample, seconds=0.0)) for t in discussion.turns),
        usage=replace(discussion.usage, seconds=0.0),
    )
