"""Methods in which one model reads proposals and writes or picks the answer: what became of it.

The *proposals* are the answers that could be chosen from: of a mixture of agents the turns that the
aggregator heard (its last layer, where it heard none), of universal self-consistency all
candidates. Every wrong answer is of exactly one kind, the first that fits:

    no_answer     nothing could be read
    never_right   nobody ever proposed a right answer
    lost_earlier  a right answer of an earlier layer is not among the proposals
    outvoted      the model that was to decide gave nothing readable, or was not asked, and the
                  proposals' vote was wrong
    overruled     a right answer was proposed, and another proposal chosen
    invented      a right answer was proposed, and one given that nobody had proposed
"""

from collections.abc import Sequence

from msgspec import Struct

from slm_mux.dissecting.moves import rounds_in
from slm_mux.dissecting.shares import Kind, Paired, Share, kinds_of, paired, share_of
from slm_mux.dissecting.turns import Held, Said, majority
from slm_mux.steps import AGGREGATE, CANDIDATE, CHOICE, LAYER

KINDS = ("no_answer", "never_right", "lost_earlier", "outvoted", "overruled", "invented")


class Weighing(Struct, frozen=True, kw_only=True):
    """What the deciding model did with the proposals."""

    problems: int
    wrong: int
    kinds: tuple[Kind, ...]
    """All of `KINDS`, in that order."""
    kept: Share
    """Of the problems with a right proposal, those that were answered rightly."""
    found: Share
    """Of the problems without one, those that were answered rightly."""
    decided: Share
    """Of all problems, those on which the model's own word decided."""
    invented: Share
    """Of these, those on which nobody had proposed the answer."""
    invented_right: int
    majority: Share
    """Right answers of the proposals' plain majority; ties go to the better record."""
    against_majority: Paired
    """The method, and that majority."""


def weighing_of(discussions: Sequence[Held], ranking: Sequence[str]) -> Weighing:
    """Count what became of the proposals.

    Args:
        discussions: of one method.
        ranking: names of the models, best record first.
    """
    all_proposals = [proposals_of(held) for held in discussions]
    both = list(zip(discussions, all_proposals, strict=True))
    with_right = [held for held, proposals in both if _any_right(proposals)]
    without = [held for held, proposals in both if not _any_right(proposals)]
    decided = [(held, proposals) for held, proposals in both if decided_itself(held)]
    invented = [held for held, proposals in decided if not _proposed(held, proposals)]
    votes = [majority(proposals, ranking) for proposals in all_proposals]
    right = [vote is not None and vote.right for vote in votes]
    failed = [(held, proposals) for held, proposals in both if not held.correct]
    return Weighing(
        problems=len(discussions),
        wrong=len(failed),
        kinds=kinds_of(KINDS, ((held.problem, kind_of(held)) for held, _ in failed)),
        kept=share_of(sum(held.correct for held in with_right), len(with_right)),
        found=share_of(sum(held.correct for held in without), len(without)),
        decided=share_of(len(decided), len(discussions)),
        invented=share_of(len(invented), len(decided)),
        invented_right=sum(held.correct for held in invented),
        majority=share_of(sum(right), len(right)),
        against_majority=paired(
            (held.correct, vote) for held, vote in zip(discussions, right, strict=True)
        ),
    )


def kind_of(held: Held) -> str:
    """Say why a wrong answer came out; one of `KINDS`."""
    proposals = proposals_of(held)
    if held.answer_key is None:
        return "no_answer"
    if not _any_right(proposals):
        layers = rounds_in(held, LAYER)
        earlier = any(turn.right for row in layers for turn in row)
        return "lost_earlier" if earlier else "never_right"
    if not decided_itself(held):
        return "outvoted"
    return "overruled" if _proposed(held, proposals) else "invented"


def proposals_of(held: Held) -> tuple[Said, ...]:
    """The turns that the answer could be chosen from, readable or not."""
    for turn in held.turns:
        if turn.step == AGGREGATE and turn.heard:
            return tuple(held.turns[index] for index in turn.heard)
    layers = rounds_in(held, LAYER)
    if layers:
        return layers[-1]
    return tuple(turn for turn in held.turns if turn.step == CANDIDATE)


def decided_itself(held: Held) -> bool:
    """Whether the word of the model that was to decide could be read."""
    return any(turn.key is not None for turn in held.turns if turn.step in (AGGREGATE, CHOICE))


def _any_right(proposals: Sequence[Said]) -> bool:
    return any(turn.right for turn in proposals)


def _proposed(held: Held, proposals: Sequence[Said]) -> bool:
    return held.answer_key in {turn.key for turn in proposals}
