"""Which draws a reply is made of: the winner's, and those of the runners-up."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from slm_mux.types import ClassCount, Completion, Decision, Sample, Vote
from slm_mux.voting import rank


class Pick(Struct, frozen=True, kw_only=True):
    """One choice of a reply."""

    completion: Completion
    answer: str | None = None
    """What was read from it, as written; None where nothing was (one model asked alone)."""


class RunnerUp(Struct, frozen=True, kw_only=True):
    """An answer that was not chosen, by the most confident model whose candidate it is."""

    model: str
    answer: str
    canonical: str
    confidence: float


def picks(decision: Decision, samples: Iterable[Sample], *, n: int = 1) -> tuple[Pick, ...]:
    """Choose the draws of a reply: the decision's own, then the runners-up's.

    Args:
        decision: what the draws came to.
        samples: the draws that are in, in any order, as an observer is told of them.
        n: how many choices are asked for, >= 1.

    Returns:
        1 .. n picks, of different answers and different models. Each is its model's lowest draw of
        its answer.
    """
    drawn = {(sample.model, sample.draw): sample.completion for sample in samples}
    winner = decision.completion or drawn.get((decision.model, _first_draw(decision)))
    if winner is None:
        # The draw itself is not at hand: its text is.
        winner = Completion(text=decision.answer if decision.text is None else decision.text)
    found = [Pick(completion=winner, answer=decision.answer)]
    for vote, candidate in _others(decision) if n > 1 else ():
        completion = drawn.get((vote.model, candidate.first_draw))
        if completion is not None:
            found.append(Pick(completion=completion, answer=candidate.answer))
    return tuple(found[:n])


def runners_up(decision: Decision) -> tuple[RunnerUp, ...]:
    """List the other models' candidates that differ from the answer and from each other.

    They are in the order in which they would have won: by confidence, validation accuracy and
    place in the pool.
    """
    return tuple(
        RunnerUp(
            model=vote.model,
            answer=candidate.answer,
            canonical=candidate.canonical,
            confidence=vote.confidence,
        )
        for vote, candidate in _others(decision)
    )


def _first_draw(decision: Decision) -> int:
    """The lowest draw of the winner's answer."""
    own = next(vote for vote in decision.votes if vote.model == decision.model)
    return next(c.first_draw for c in own.counts if c.canonical == decision.canonical)


def _others(decision: Decision) -> Sequence[tuple[Vote, ClassCount]]:
    """The runners-up, with the votes that they come from."""
    ranked = [decision.votes[index] for index in rank(decision.votes)]
    # Stable, so equal confidences stay by record.
    ranked.sort(key=lambda vote: vote.confidence, reverse=True)
    found: dict[str, tuple[Vote, ClassCount]] = {}
    for vote in ranked:
        candidate = vote.candidate
        if candidate is not None and vote.model != decision.model:
            found.setdefault(candidate.canonical, (vote, candidate))
    found.pop(decision.canonical, None)
    return tuple(found.values())
