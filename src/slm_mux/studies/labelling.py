"""Labels of failed debates by a model: it reads each, and names the cause of the failure.

The labels are the kinds that are computed (`slm_mux.dissecting.debates`), so that the two can be
set side by side. A label is a draw like every other: kept in the store under the method "explain",
and never bought twice.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from slm_mux.answers.label import LabelKind
from slm_mux.collecting.asking import Settings
from slm_mux.collecting.holding import Held as Answered
from slm_mux.collecting.holding import Subject
from slm_mux.collecting.topics import TopicMaker
from slm_mux.discussion.base import Discussion, Say, Speaker, Topic
from slm_mux.discussion.judging import judged_by, judging
from slm_mux.discussion.quoting import fitted, room_left
from slm_mux.discussion.room import Room
from slm_mux.discussion.sizes import size_of
from slm_mux.dissecting.debates import KINDS, kind_of
from slm_mux.dissecting.labels import agreement
from slm_mux.dissecting.moves import agents_in
from slm_mux.dissecting.turns import Held
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.sampling.seeds import problem_id
from slm_mux.steps import ROUND
from slm_mux.store.store import Store
from slm_mux.studies.discussed_texts import texts_of
from slm_mux.types import Message, Problem

METHOD = "explain"
"""Under which labels are kept in the store."""
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "no answer": "no_answer",
        "never right": "never_right",
        "capitulation": "capitulation",
        "outvoted": "outvoted",
        "drifted": "drifted",
        "unreadable": "unreadable",
    }
)
"""The computed kind by the words that a model is to write."""
INTRODUCTION = (
    "{question}\n\nThe right answer is: {target}\n\nSeveral agents debated this in rounds. From "
    "the second round on, each read what the others had written and answered again. In the end "
    "they came to: {answer}. That is wrong. This is what they wrote:"
)
"""Says what is known: the labeller is to find the cause, not the answer."""
SPOKEN = "[Agent {agent}, round {round}]\n{text}"
"""Sets one turn apart from the next."""
REQUEST = (
    "Why did the debate fail? Choose the first of these that fits:\n"
    "no answer: nobody gave any answer\n"
    "never right: nobody ever had the right answer\n"
    "capitulation: an agent had the right answer and gave it up for a wrong one that it had read\n"
    "outvoted: an agent had the right answer to the end, but more agents had a wrong one\n"
    "drifted: an agent had the right answer and left it for a wrong one that nobody had given\n"
    "unreadable: an agent had the right answer, and later wrote none that can be read"
)
"""Gives the kinds in the order in which they are computed."""


class Labelling(Struct, frozen=True):
    """Asks whoever speaks about a topic for one label; a `slm_mux.discussion.base.Workflow`."""

    @property
    def name(self) -> str:
        """Under which its draws are kept."""
        return METHOD

    def settings(self) -> dict[str, Any]:
        """It has none."""
        return {}

    def check(self, names: Sequence[str]) -> None:
        """Any pool will do."""

    def calls(self, names: Sequence[str]) -> int:  # noqa: ARG002 - of a kind
        """One label."""
        return 1

    async def discuss(self, topic: Topic, room: Room) -> Discussion:
        """Ask for the label; one that is unclear is no answer."""
        (turn,) = await room.hear([Say(speaker=topic.speakers[0], step="label")])
        named = turn if turn.answer is not None else None
        return room.ended(METHOD, decided_by="the labeller's word", turn=named)


class Shown(Subject, frozen=True, kw_only=True):
    """A failed debate as the labeller is asked about it."""

    cut: bool
    """Whether texts lost their beginnings, so that the debate fits the labeller's context."""


def labelling_subjects(
    store: Store,
    task: str,
    failed: Sequence[Held],
    pool: Pool,
    labeller: str,
    readers: Readers,
) -> list[Shown]:
    """Write what a labeller is asked about failed debates.

    Args:
        store: with the task's problems and the debates' texts.
        task: its name.
        failed: debates that came to a wrong answer.
        pool: with the labeller.
        labeller: its name.
        readers: of answer kinds.

    Raises:
        StoreError: a text is not there, or damaged.
    """
    member = next(member for member in pool if member.name == labeller)
    maker = TopicMaker(
        [member], seed=pool.seed, settings=Settings(), readers=readers, accuracies=[None]
    )
    problems = {problem.id: problem for problem in store.problems(task)}
    subjects = []
    for held in failed:
        if (problem := problems.get(held.problem)) is not None:
            topic = maker.of(problem)
            (speaker,) = topic.speakers
            messages, cut = _messages(
                speaker, topic.question, problem, held, texts_of(store, held.turns)
            )
            asked = replace(
                judging(speaker), opening=messages, reader=LabelKind(tuple(LABELS)), style="words"
            )
            subjects.append(
                Shown(
                    problem=held.problem,
                    cut=cut,
                    topic=replace(topic, speakers=(asked,), problem=problem_id(messages)),
                )
            )
    return subjects


def labels_document(
    failed: Sequence[Held], subjects: Sequence[Shown], answered: Answered, labeller: str
) -> dict[str, Any]:
    """Set labels beside computed kinds.

    Args:
        failed: the debates.
        subjects: what the labeller was asked.
        answered: what it said, one for each subject; none where it was given up.
        labeller: its name.

    Returns:
        Plain JSON values; docs/explaining.md explains every key.
    """
    labelled: dict[str, str | None] = {}
    if answered.reason is None:
        for subject, one in zip(subjects, answered.discussions, strict=True):
            labelled[subject.problem] = None if one.answer is None else LABELS[one.answer.key]
    cut = {subject.problem for subject in subjects if subject.cut}
    computed = {held.problem: kind_of(held) for held in failed}
    plain: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(agreement(KINDS, computed, labelled))
    )
    return {
        "labeller": labeller,
        "reason": answered.reason,
        "cut": len(cut),
        **plain,
        "by_problem": [
            {"problem": name, "kind": kind, "label": labelled.get(name), "cut": name in cut}
            for name, kind in computed.items()
        ],
    }


def _messages(
    speaker: Speaker, question: str, problem: Problem, held: Held, texts: Sequence[str | None]
) -> tuple[tuple[Message, ...], bool]:
    """Write the debate as the labeller reads it; also whether texts lost their beginnings."""
    spoken = [
        (agent, number, text)
        for agent, number, index in agents_in(held, ROUND)
        if (text := texts[index])
    ]

    def written(quotes: Sequence[str]) -> tuple[Message, ...]:
        introduction = INTRODUCTION.format(
            question=question, target=problem.target, answer=held.answer_key or "no answer"
        )
        turns = (
            SPOKEN.format(agent=agent + 1, round=number, text=text)
            for (agent, number, _), text in zip(spoken, quotes, strict=True)
        )
        request = f"{REQUEST}\n\n{LabelKind(tuple(LABELS)).instruction()}"
        return judged_by(speaker, "\n\n".join([introduction, *turns, request]))

    rest = size_of(written([""] * len(spoken)))
    shown, cut = fitted([text for *_, text in spoken], room_left(speaker, rest))
    return written(shown), cut
