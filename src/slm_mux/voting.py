"""Answers become votes, votes become a decision (arXiv 2510.05077, Algorithm 1).

A model's confidence in its candidate is count / k, where k is the number of draws it was given:
unreadable and failed draws stay in the denominator and vote for nothing. Confidences are compared
as fractions. Ties have written rules, so the same votes always give the same decision:

- inside a model: the class that appears at the lowest draw index;
- between models: the higher validation accuracy, then the earlier place in the pool.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from slm_mux.errors import InvalidRequestError, NoAnswerError
from slm_mux.types import Answer, ClassCount, Decision, Missing, TieBreak, Vote


def vote(
    model: str,
    answers: Sequence[Answer | str | Missing | None],
    *,
    validation_accuracy: float | None = None,
) -> Vote:
    """Count one model's k draws, given in draw order.

    Args:
        model: the model's name.
        answers: length k >= 1. A plain string is compared as given, but a blank one is no answer
            and counts as unreadable, as does None; `Missing` is a draw that failed or was not
            made.
        validation_accuracy: the model's record, in [0, 1]; None when there is none.

    Raises:
        InvalidRequestError: no draws at all, something that is no answer, or an accuracy outside
            [0, 1] or NaN.
    """
    if isinstance(answers, str | bytes) or not isinstance(answers, Sequence):
        raise InvalidRequestError(f"{model}: the answers of a vote are a list, in draw order")
    if not answers:
        raise InvalidRequestError(f"{model}: a vote needs at least one draw (k >= 1)")
    _check_accuracy(model, validation_accuracy)
    first: dict[str, tuple[str, int]] = {}
    counts: dict[str, int] = {}
    unreadable = failed = not_drawn = 0
    for index, drawn in enumerate(answers):
        if drawn is None:
            unreadable += 1
        elif drawn is Missing.FAILED:
            failed += 1
        elif drawn is Missing.NOT_DRAWN:
            not_drawn += 1
        else:
            if isinstance(drawn, str):
                if not drawn.strip():
                    unreadable += 1
                    continue
                text = key = drawn
            elif isinstance(drawn, Answer):
                text, key = drawn.text, drawn.key
            else:
                raise InvalidRequestError(
                    f"{model}: draw {index} is {drawn!r}; an answer is a text, an Answer, None, or "
                    "Missing"
                )
            if key in counts:
                counts[key] += 1
            else:
                counts[key] = 1
                first[key] = (text, index)
    # Sorting is stable and first draws are in order, so equal counts stay by lowest draw.
    ordered = sorted(counts, key=counts.__getitem__, reverse=True)
    return Vote(
        model=model,
        k=len(answers),
        counts=tuple(
            ClassCount(
                answer=first[key][0],
                canonical=key,
                count=counts[key],
                first_draw=first[key][1],
            )
            for key in ordered
        ),
        unreadable=unreadable,
        failed=failed,
        not_drawn=not_drawn,
        validation_accuracy=validation_accuracy,
    )


def decide(votes: Iterable[Vote]) -> Decision:
    """Believe the model that agrees with itself most (arXiv 2510.05077, Algorithm 1).

    Args:
        votes: one per model, in pool order; the models' k may differ.

    Returns:
        The decision by the draws that are in. While draws are missing, `answer_settled` and
        `winner_settled` are False; `slm_mux.stopping` can tell more.

    Raises:
        InvalidRequestError: two votes of one model, or something that is no vote.
        NoAnswerError: no model has a candidate, or there is no vote.
    """
    votes = tuple(votes)
    if not all(isinstance(v, Vote) for v in votes):
        raise InvalidRequestError("a decision is made of votes; `vote` makes one of answers")
    names = [v.model for v in votes]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidRequestError(f"two votes of the model {twice!r}: give each model one vote")
    order = [index for index in rank(votes) if votes[index].candidate is not None]
    if not order:
        raise NoAnswerError({v.model: _why_silent(v) for v in votes})
    winner = votes[order[0]]
    for index in order:
        if _lead(votes[index], winner) > 0:
            winner = votes[index]
    leaders = [votes[index] for index in order if _lead(votes[index], winner) == 0]
    candidate = winner.counts[0]
    return Decision(
        answer=candidate.answer,
        canonical=candidate.canonical,
        model=winner.model,
        confidence=winner.confidence,
        confidence_bounds=(winner.confidence, (candidate.count + winner.not_drawn) / winner.k),
        tie_break=_tie_break(leaders),
        stopped_early=any(v.not_drawn for v in votes),
        answer_settled=not any(v.not_drawn for v in votes),
        winner_settled=not any(v.not_drawn for v in votes),
        votes=votes,
    )


def rank(votes: Sequence[Vote]) -> list[int]:
    """Positions of the votes, best record first: validation accuracy, then pool order.

    A model without a validation accuracy ranks after every model that has one.
    """
    return rank_by_record([v.validation_accuracy for v in votes])


def rank_by_record(accuracies: Sequence[float | None]) -> list[int]:
    """Positions in the pool, best record first; equal and missing records by position."""

    def record(position: int) -> tuple[bool, float]:
        accuracy = accuracies[position]
        return (accuracy is None, -(accuracy or 0.0))

    return sorted(range(len(accuracies)), key=record)


def _lead(one: Vote, other: Vote) -> int:
    """The sign of the difference of two confidences, as exact fractions."""
    return one.counts[0].count * other.k - other.counts[0].count * one.k


def _tie_break(leaders: Sequence[Vote]) -> TieBreak:
    """Name the rule that chose the answer among the leaders, given best record first."""
    if len({v.counts[0].canonical for v in leaders}) == 1:
        return "none"
    best = [v for v in leaders if v.validation_accuracy == leaders[0].validation_accuracy]
    same_answer = len({v.counts[0].canonical for v in best}) == 1
    return "validation_accuracy" if same_answer else "pool_order"


def _check_accuracy(model: str, accuracy: Any) -> None:
    if accuracy is not None and not (isinstance(accuracy, int | float) and 0 <= accuracy <= 1):
        raise InvalidRequestError(
            f"{model}: the validation accuracy is {accuracy!r}, but must be a number in [0, 1]"
        )


def _why_silent(silent: Vote) -> str:
    parts = [
        f"{count} {word}"
        for count, word in (
            (silent.unreadable, "unreadable"),
            (silent.failed, "failed"),
            (silent.not_drawn, "not drawn"),
        )
        if count
    ]
    return f"{', '.join(parts)} of {silent.k} draws"
