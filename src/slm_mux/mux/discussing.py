"""From a question to a decision where the models read each other's answers."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.answers.base import AnswerKind
from slm_mux.answers.prompt import prompt_messages
from slm_mux.answers.text import TextKind
from slm_mux.discussion.base import Discussion, Speaker, Topic, Turn, Workflow
from slm_mux.discussion.majority import majority
from slm_mux.discussion.of_pool import workflows_of
from slm_mux.discussion.room import Room
from slm_mux.errors import NoAnswerError
from slm_mux.models.pool import Member, Pool
from slm_mux.questions import Asked, text_of
from slm_mux.readers import Readers
from slm_mux.sampling.advice import reply_warnings
from slm_mux.sampling.events import DiscussionPlanned, Observer
from slm_mux.sampling.outcome import fallen_back, looked_for, reason_of
from slm_mux.sampling.overrides import Overrides
from slm_mux.sampling.reading import read_completion
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.seeds import problem_id
from slm_mux.sampling.tally import issues_of, outcome_of
from slm_mux.steps import sums_up
from slm_mux.types import Decision, DiscussionRecord, TurnRecord, Vote
from slm_mux.voting import rank_by_record, vote

ALONE = "there is one model only: nobody reads what another one wrote"
"""The warning of a discussion without others."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A question that can be asked, and what was set for it."""

    asked: Asked
    overrides: Overrides
    seed: int
    task: str | None = None
    """Whose validation accuracies rank the models."""
    falls_back: bool = False
    """Whether texts are compared where nothing can be read."""


def workflow_for(pool: Pool, method: str) -> Workflow:
    """Make a method as a pool sets it.

    Raises:
        PoolError: the pool file sets it wrongly; with its line.
        InvalidRequestError: there is no such method, or the pool cannot do it.
    """
    (workflow,) = workflows_of(pool, [method])
    return workflow


def reader_of(asked: Asked, member: Member, readers: Readers) -> AnswerKind:
    """What reads a member's answers to a question."""
    return readers.of(
        asked.kind,
        style=member.style,
        choices=asked.choices,
        labels=asked.labels,
        tools=asked.tools,
    )


def topic_of(wanted: Wanted, pool: Pool, readers: Readers) -> Topic:
    """Put a question before a pool's members; every opening is what mux's draws are asked."""
    asked = wanted.asked
    speakers = []
    for member in pool:
        reader = reader_of(asked, member, readers)
        opening = prompt_messages(
            asked.conversation, reader, choices=asked.choices, system=member.system
        )
        speakers.append(
            Speaker(
                model=member.model,
                generation=wanted.overrides.over(member.generation),
                opening=opening,
                reader=reader,
                # Samples have an address only where they are kept.
                identity="",
                style=member.style,
                validation_accuracy=member.accuracy_on(wanted.task),
                context=getattr(member.model, "context", None),
            )
        )
    # Free text asks for no form, so what is left is the question with its choices.
    shown = prompt_messages(asked.conversation, TextKind(), choices=asked.choices)
    return Topic(
        conversation=asked.conversation,
        question=text_of(shown[-1]),
        kind=asked.kind,
        speakers=tuple(speakers),
        ranking=tuple(rank_by_record([one.validation_accuracy for one in speakers])),
        problem=problem_id(asked.conversation),
    )


async def discussed(
    workflow: Workflow,
    wanted: Wanted,
    pool: Pool,
    readers: Readers,
    *,
    sampler: Sampler,
    observe: Observer | None,
) -> Decision:
    """Have a question discussed, and say what that came to.

    Args:
        workflow: the method.
        wanted: the question.
        pool: whose members discuss it.
        readers: of answer kinds.
        sampler: sends the requests.
        observe: told of everything that happens.

    Raises:
        InvalidRequestError: a model cannot be asked this at all.
        NoAnswerError: it came to no answer; lists what happened to each model.
    """
    asked, names = wanted.asked, tuple(member.name for member in pool)
    topic = topic_of(wanted, pool, readers)
    if observe:
        calls = workflow.calls(names)
        observe(DiscussionPlanned(workflow.name, asked.kind, asked.kind_reason, names, calls))
    room = Room(topic, sampler=sampler, seed=wanted.seed, observe=observe)
    discussion = await workflow.discuss(topic, room)
    kind, reason = asked.kind, asked.kind_reason
    if discussion.answer is None and wanted.falls_back:
        texts, note = await _read_as_text(discussion, topic, pool, readers)
        if texts.answer is not None:
            discussion, kind, reason = texts, "text", fallen_back(kind, reason, note)
    answer, completion, turns = discussion.answer, discussion.completion, discussion.turns
    if answer is None or discussion.model is None:
        unread = any(turn.sample.completion is not None for turn in turns)
        raise NoAnswerError(
            _reasons(topic, turns),
            looked_for=looked_for(asked.kind, asked.kind_reason) if unread else None,
        )
    samples = [turn.sample for turn in turns]
    models = [speaker.model for speaker in topic.speakers]
    alone = [ALONE] if len(models) == 1 else []
    return Decision(
        answer=answer.text,
        canonical=answer.key,
        model=discussion.model,
        confidence=discussion.confidence,
        confidence_bounds=(discussion.confidence, discussion.confidence),
        tie_break="none",
        kind=kind,
        kind_reason=reason,
        text=None if completion is None else completion.text,
        completion=completion,
        votes=last_votes(topic, turns),
        usage=discussion.usage,
        errors=issues_of(samples),
        warnings=(*alone, *reply_warnings(models, samples)),
        method=workflow.name,
        discussion=DiscussionRecord(
            settings=workflow.settings(),
            decided_by=discussion.decided_by,
            breaches=discussion.breaches,
            turns=tuple(_recorded(turn) for turn in turns),
        ),
    )


def last_votes(topic: Topic, turns: Sequence[Turn]) -> tuple[Vote, ...]:
    """Count what each model said last to the question.

    A model's k is the number of its turns in the last step in which it was to answer the question:
    1, or as many as the agents that it plays, or its candidates. Who was only to judge has no vote.

    Args:
        topic: what is discussed.
        turns: of a discussion, in order.

    Returns:
        Votes in pool order.
    """
    votes = []
    for speaker in topic.speakers:
        own = [turn for turn in turns if turn.to_question and turn.speaker == speaker.name]
        if own:
            last = [outcome_of(turn.sample) for turn in own if turn.step == own[-1].step]
            accuracy = speaker.validation_accuracy
            votes.append(vote(speaker.name, last, validation_accuracy=accuracy))
    return tuple(votes)


def _recorded(turn: Turn) -> TurnRecord:
    text, answer = turn.text, turn.answer
    if sums_up(turn.step):
        answer = None
    ended: Literal["failed", "silent"] | None = "silent" if text is None else None
    return TurnRecord(
        step=turn.step,
        model=turn.speaker,
        answer=None if answer is None else answer.text,
        canonical=None if answer is None else answer.key,
        heard=turn.heard,
        to_question=turn.to_question,
        ended="failed" if turn.sample.failure is not None else ended,
        text=text,
    )


def _reasons(topic: Topic, turns: Sequence[Turn]) -> dict[str, str]:
    samples = {
        speaker.name: [t.sample for t in turns if t.to_question and t.speaker == speaker.name]
        for speaker in topic.speakers
    }
    return {name: reason_of(own) for name, own in samples.items() if own}


async def _read_as_text(
    discussion: Discussion, topic: Topic, pool: Pool, readers: Readers
) -> tuple[Discussion, str]:
    """Read what was said once more, as texts; nothing is drawn.

    The last step that holds a text decides by majority, ties by record. What was cut off counts
    only where there is nothing else, in any step.

    Returns:
        The discussion with an answer, if there is one, and in words what its texts are.
    """
    own = {member.name: readers.of("text", style=member.style) for member in pool}
    whole = {member.name: TextKind(cut_off_too=True) for member in pool}
    kinds: tuple[tuple[dict[str, AnswerKind], str], ...] = (
        (own, "texts are compared"),
        ({**whole}, "texts are compared, cut off or not"),
    )
    steps = list(dict.fromkeys(t.step for t in discussion.turns if t.to_question))
    for by_model, note in kinds:
        for step in reversed(steps):
            read = {
                turn.index: replace(turn, sample=replace(turn.sample, answer=answer))
                for turn in discussion.turns
                if turn.to_question
                and turn.step == step
                and (
                    answer := await read_completion(by_model[turn.speaker], turn.sample.completion)
                )
            }
            if found := majority(topic, list(read.values())):
                turns = tuple(read.get(turn.index, turn) for turn in discussion.turns)
                asked = sum(turn.to_question and turn.step == step for turn in turns)
                again = replace(
                    discussion,
                    answer=found.turn.answer,
                    model=found.turn.speaker,
                    completion=found.turn.sample.completion,
                    confidence=found.votes / asked,
                    decided_by=f"majority of the texts of {step} ({found.votes} of {asked})",
                    turns=turns,
                )
                return again, note
    return discussion, ""
