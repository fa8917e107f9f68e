"""Which draws a reply is made of: the winner's, and those of the runners-up."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from msgspec import Struct

from slm_mux.answers.text import TextKind
from slm_mux.types import ClassCount, Completion, Decision, Sample, Vote
from slm_mux.voting import rank


class Pick(Struct, frozen=True, kw_only=True):
    """One choice of a reply."""

    completion: Completion
    answer: str | None = None
    """What was read from it, as written; None where nothing was (one model asked alone)."""
    model: str | None = None


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
    drawn = tuple(samples)
    winner = decision.completion or _lowest(drawn, decision.model, decision.canonical, decision)
    if winner is None:
        # The draw itself is not at hand: its text is.
        winner = Completion(text=decision.answer if decision.text is None else decision.text)
    found = [Pick(completion=winner, answer=decision.answer, model=decision.model)]
    for other in runners_up(decision) if n > 1 else ():
        completion = _lowest(drawn, other.model, other.canonical, decision)
        if completion is not None:
            found.append(Pick(completion=completion, answer=other.answer, model=other.model))
    return tuple(found[:n])


def runners_up(decision: Decision) -> tuple[RunnerUp, ...]:
    """List the other models' candidates that differ from the answer and from each other.

    They are in the order in which they would have won: by confidence, validation accuracy and
    place in the pool.
    """
    votes = decision.votes
    ranked = [votes[index] for index in rank(votes)]
    others = [
        (vote, vote.counts[0]) for vote in ranked if vote.counts and vote.model != decision.model
    ]
    # Stable, so equal confidences stay by record.
    others.sort(key=lambda other: _share(*other), reverse=True)
    found: dict[str, RunnerUp] = {}
    for vote, candidate in others:
        if candidate.canonical != decision.canonical and candidate.canonical not in found:
            found[candidate.canonical] = RunnerUp(
                model=vote.model,
                answer=candidate.answer,
                canonical=candidate.canonical,
                confidence=vote.confidence,
            )
    return tuple(found.values())


def _share(vote: Vote, candidate: ClassCount) -> Fraction:
    return Fraction(candidate.count, vote.k)


def _lowest(
    samples: Sequence[Sample], model: str, canonical: str, decision: Decision
) -> Completion | None:
    """Find a model's lowest draw of a class."""
    own = [sample for sample in samples if sample.model == model]
    for sample in sorted(own, key=lambda sample: sample.draw):
        if sample.completion is not None and _key(sample, decision) == canonical:
            return sample.completion
    return None


def _key(sample: Sample, decision: Decision) -> str | None:
    """The class of a draw, also where its completion was read again as a text."""
    if sample.answer is not None:
        return sample.answer.key
    if sample.completion is None or decision.kind != "text":
        return None
    again = TextKind(cut_off_too=True).read(sample.completion.text)
    return None if again is None else again.key
