"""The questions on which mux does worst, with every model's texts; and whose answers it gave.

Texts are bounded, so that a document is: see `TextLimits`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from slm_mux.errors import NoAnswerError
from slm_mux.evaluation.chosen import Chosen
from slm_mux.store.store import Store
from slm_mux.table import FAILED, VoteTable
from slm_mux.types import Decision, Problem, Vote
from slm_mux.voting import decide

LENGTHS = (4000, 2000, 1000, 500, 200)
"""Characters that each completion may have."""


class TextLimits(Struct, frozen=True, kw_only=True):
    """How much text is taken over, in characters.

    A completion that is longer than each may be keeps its beginning and its end, where answers
    stand: 3 and 7 tenths of that. What each may have is the largest of `LENGTHS` with which all
    are within `together`; where not even the least does, the last questions go without texts.
    """

    together: int = 800_000
    """All completions."""
    question: int = 6000
    answer: int = 300


class Cut(Struct, frozen=True):
    """A text that may have been cut."""

    text: str
    characters: int
    """Before."""


class Decided(Struct, frozen=True, kw_only=True):
    """What mux makes of one problem."""

    place: int
    """In the table."""
    decision: Decision | None
    """None: no model has a readable answer."""
    votes: tuple[Vote, ...]
    """In pool order."""
    correct: bool | None
    """None: not scored."""

    @property
    def confidence(self) -> float:
        """The winner's; 0 without a decision."""
        return 0.0 if self.decision is None else self.decision.confidence


def decide_all(table: VoteTable, k: int) -> list[Decided]:
    """Decide every problem by the first k draws of each model.

    Args:
        table: has these draws; its validation accuracies rank the models.
        k: >= 1.
    """
    draws = (k,) * len(table.models)
    found = []
    for place in range(len(table.problems)):
        votes = tuple(table.votes(place, draws))
        try:
            decision = decide(votes)
            winner = table.models.index(decision.model)
        except NoAnswerError:
            # No vote has an answer, so the verdict on any is that on all.
            decision, winner = None, 0
        correct = _verdict(table, winner, place, votes[winner])
        found.append(Decided(place=place, decision=decision, votes=votes, correct=correct))
    return found


def attribution(table: VoteTable, decided: Sequence[Decided], k: int) -> list[dict[str, Any]]:
    """Count for each model the answers that were chosen, and the right ones among them."""
    alone = table.accuracies((k,) * len(table.models))
    by_model: dict[str, list[bool | None]] = {model: [] for model in table.models}
    for one in decided:
        if one.decision is not None:
            by_model[one.decision.model].append(one.correct)
    return [
        {
            "model": model,
            "chosen": len(verdicts),
            "right": verdicts.count(True),
            "unscored": verdicts.count(None),
            "accuracy": accuracy,
        }
        for (model, verdicts), accuracy in zip(by_model.items(), alone, strict=True)
    ]


def worst_first(decided: Sequence[Decided]) -> list[Decided]:
    """Order problems: wrong, the surest first; not scored, then right, the least sure first.

    Equal ones keep the table's order. Left out are those that are not wrong and on which the
    winner agrees with itself in every draw: there is nothing to see in them.
    """

    def key(one: Decided) -> tuple[int, float]:
        if one.correct is False:
            return 0, -one.confidence
        return (1 if one.correct is None else 2), one.confidence

    shown = (one for one in decided if one.correct is False or one.confidence < 1)
    return sorted(shown, key=key)


def worst_questions(
    store: Store,
    table: VoteTable,
    chosen: Chosen,
    decided: Sequence[Decided],
    *,
    k: int,
    limits: TextLimits,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Describe problems with every model's answers and texts.

    Args:
        store: with the texts.
        table: of these problems.
        chosen: its samples.
        decided: the problems to describe, in order.
        k: draws of each model.
        limits: of the texts.

    Returns:
        The problems, and what was done to the texts: {"limit", "cut", "questions_without"}.

    Raises:
        StoreError: a text is damaged.
    """
    ids = {
        (row.problem, row.member, row.draw): row.sample_id for row in chosen.rows if row.draw < k
    }
    texts: dict[int, str] = {}
    by_question: list[list[int]] = []
    for one in decided:
        name = table.problems[one.place]
        drawn = (ids.get((name, model, draw)) for model in table.models for draw in range(k))
        mine = store.texts([sample for sample in drawn if sample is not None])
        texts |= mine
        by_question.append([len(text) for text in mine.values()])
    with_texts, limit = _fitting(by_question, limits.together)
    problems = {problem.id: problem for problem in chosen.problems}
    found, cut = [], 0
    for number, one in enumerate(decided):
        problem = problems[table.problems[one.place]]
        row, shortened = _described(
            table, one, problem, ids, texts if number < with_texts else None, limits, limit
        )
        found.append(row)
        cut += shortened
    return found, {"limit": limit, "cut": cut, "questions_without": len(decided) - with_texts}


def _fitting(lengths: Sequence[Sequence[int]], together: int) -> tuple[int, int]:
    """Choose how many questions have texts, and how many characters each text may have."""
    for limit in LENGTHS:
        spent = [sum(min(length, limit) for length in each) for each in lengths]
        if sum(spent) <= together:
            return len(lengths), limit
    fitting = 0
    while fitting < len(spent) and sum(spent[: fitting + 1]) <= together:
        fitting += 1
    return fitting, LENGTHS[-1]


def _described(
    table: VoteTable,
    one: Decided,
    problem: Problem,
    ids: Mapping[tuple[str, str, int], int],
    texts: Mapping[int, str] | None,
    limits: TextLimits,
    limit: int,
) -> tuple[dict[str, Any], int]:
    """Describe one problem; the number is that of the texts that were cut."""
    decision = one.decision
    question = shortened(problem.question, limits.question)
    models, cut = [], 0
    for m, vote in enumerate(one.votes):
        draws = []
        for draw in range(vote.k):
            klass = int(table.klass[m, one.place, draw])
            answer = None if klass < 0 else table.answers[one.place][klass].text
            text = None
            if texts is not None and klass != FAILED:
                text = texts.get(ids.get((problem.id, vote.model, draw), -1))
            kept = None if text is None else shortened(text, limit)
            cut += kept is not None and kept.characters > len(kept.text)
            draws.append(
                {
                    "draw": draw,
                    "status": "answered"
                    if klass >= 0
                    else "failed"
                    if klass == FAILED
                    else "unreadable",
                    "answer": _answer(answer, limits),
                    "text": None if kept is None else kept.text,
                    "characters": None if kept is None else kept.characters,
                }
            )
        models.append(
            {
                "model": vote.model,
                "candidate": _answer(vote.answer, limits),
                "confidence": vote.confidence,
                "correct": _verdict(table, m, one.place, vote),
                "answers": [
                    {
                        "answer": _answer(count.answer, limits),
                        "count": count.count,
                        "correct": bool(table.correct[m, one.place, count.first_draw])
                        if table.scored[one.place]
                        else None,
                    }
                    for count in vote.counts
                ],
                "unreadable": vote.unreadable,
                "failed": vote.failed,
                "draws": draws,
            }
        )
    return {
        "problem": problem.id,
        "question": question.text,
        "question_characters": question.characters,
        "choices": {
            label: shortened(text, limits.question).text for label, text in problem.choices.items()
        },
        "target": None
        if problem.target is None
        else shortened(problem.target, limits.question).text,
        "correct": one.correct,
        "answer": None if decision is None else _answer(decision.answer, limits),
        "model": None if decision is None else decision.model,
        "confidence": one.confidence,
        "tie_break": None if decision is None else decision.tie_break,
        "models": models,
    }, cut


def shortened(text: str, limit: int) -> Cut:
    """Leave out the middle of a text that is longer than the limit, and say so in its place."""
    if len(text) <= limit:
        return Cut(text, len(text))
    head = 3 * limit // 10
    left_out = len(text) - limit
    said = f"\n[… {left_out:,} characters left out …]\n"
    return Cut(text[:head] + said + text[len(text) - (limit - head) :], len(text))


def _answer(answer: str | None, limits: TextLimits) -> str | None:
    return None if answer is None else shortened(answer, limits.answer).text


def _verdict(table: VoteTable, m: int, place: int, vote: Vote) -> bool | None:
    if not table.scored[place]:
        return None
    return bool(vote.counts) and bool(table.correct[m, place, vote.counts[0].first_draw])
