"""Discussions as outcomes: what each came to, whether that is right, and who said what when.

Texts stay in the store. What the document keeps is enough to see who changed an answer after
reading whom.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from slm_mux.methods.base import Discussed, Outcome
from slm_mux.readers import Readers
from slm_mux.steps import sums_up
from slm_mux.tasks.scoring import Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slm_mux.collecting.holding import Held, Subject
    from slm_mux.discussion.base import Discussion, Turn
    from slm_mux.evaluation.evaluate import Prepared
    from slm_mux.models.pool import Pool
    from slm_mux.store.store import Store


class Judged(Struct, frozen=True, kw_only=True):
    """The methods' outcomes, and what the document says of each discussion."""

    methods: tuple[Discussed, ...] = ()
    documents: dict[str, dict[str, Any]] = {}
    """By method: "settings", "breaches" and, by the problem's id, "problems"."""
    provisional: int = 0
    """Distinct answers whose verdict met a limit by wall time, and that count as wrong."""


def subjects_of(prepared: "Prepared", pool: "Pool", readers: Readers) -> "list[Subject]":
    """Make the topics of the evaluated problems, in their order.

    Args:
        prepared: says which problems, and what ranks the members.
        pool: whose members speak.
        readers: of answer kinds.
    """
    from slm_mux.collecting.asking import Settings
    from slm_mux.collecting.holding import Subject
    from slm_mux.collecting.topics import TopicMaker

    accuracies = {record.model: record.accuracy for record in prepared.records}
    maker = TopicMaker(
        pool.members,
        seed=prepared.asked.seed_of_all,
        settings=Settings(),
        readers=readers,
        accuracies=[accuracies.get(member.name) for member in pool],
    )
    return [Subject(problem=one.id, topic=maker.of(one)) for one in prepared.problems]


def judge(
    prepared: "Prepared", held: "Sequence[Held]", *, store: "Store", scorer: Scorer
) -> Judged:
    """Score what discussions came to; verdicts that took work are kept in the store.

    Args:
        prepared: says which problems they were about, in order.
        held: what became of each method.
        store: where verdicts are.
        scorer: of answers.

    Raises:
        SandboxError: programs must be run, and cannot be run safely here.
    """
    if not held:
        return Judged()
    known = store.verdicts(scorer.fingerprint)
    before, hits = set(known), scorer.statistics().limit_hits
    methods, documents = [], {}
    for one in held:
        name = one.workflow.name
        breaches: Counter[str] = Counter()
        outcomes, problems = [], {}
        for problem, discussion in zip(
            prepared.problems if one.reason is None else (), one.discussions, strict=True
        ):
            breaches.update(discussion.breaches)
            turns = [turn for turn in discussion.turns if turn.to_question and turn.answer]
            answers = [discussion.answer, *(turn.answer for turn in turns)]
            right, *each = scorer.score_many(problem, answers, known=known)
            verdicts = {turn.index: verdict for turn, verdict in zip(turns, each, strict=True)}
            outcomes.append(_outcome(discussion, right))
            problems[problem.id] = _document(discussion, right, verdicts)
        methods.append(
            Discussed(
                name=name,
                outcomes=tuple(outcomes),
                breaches=dict(sorted(breaches.items())),
                reason=one.reason,
            )
        )
        documents[name] = {
            "settings": one.workflow.settings(),
            "breaches": dict(sorted(breaches.items())),
            "problems": problems,
        }
    new = {key: known[key] for key in known.keys() - before}
    if new:
        prepared.work.notebook.put_verdicts(scorer.fingerprint, new)
    return Judged(
        methods=tuple(methods),
        documents=documents,
        provisional=scorer.statistics().limit_hits - hits,
    )


def _outcome(discussion: "Discussion", right: bool | None) -> Outcome:
    turns = discussion.turns
    completions = [one for turn in turns if (one := turn.sample.completion) is not None]
    spent = [
        one.prompt_tokens + one.completion_tokens
        for one in completions
        if one.prompt_tokens is not None and one.completion_tokens is not None
    ]
    return Outcome(
        answer=None if discussion.answer is None else discussion.answer.text,
        canonical=None if discussion.answer is None else discussion.answer.key,
        correct=right,
        model=discussion.model,
        samples=len(turns),
        tokens=float(sum(spent)) if len(spent) == len(completions) else None,
        unreadable=sum(
            turn.sample.completion is not None and turn.answer is None for turn in turns
        ),
        failed=sum(turn.sample.failure is not None for turn in turns),
    )


def _document(
    discussion: "Discussion", right: bool | None, verdicts: dict[int, bool | None]
) -> dict[str, Any]:
    return {
        "turns": [
            {
                "step": turn.step,
                "speaker": turn.speaker,
                "key": _key(turn),
                "correct": verdicts.get(turn.index),
                "heard": list(turn.heard),
                "ended": _ended(turn),
                "series": turn.address,
                "draw": turn.sample.draw,
            }
            for turn in discussion.turns
        ],
        "decided_by": discussion.decided_by,
        "confidence": discussion.confidence,
        "answer_key": None if discussion.answer is None else discussion.answer.key,
        "correct": right,
    }


def _key(turn: "Turn") -> str | None:
    # What was read in a summary is its text.
    return None if turn.answer is None or sums_up(turn.step) else turn.answer.key


def _ended(turn: "Turn") -> str | None:
    if turn.sample.failure is not None:
        return "failed"
    return "silent" if turn.text is None else None
