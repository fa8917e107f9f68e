"""Multi-agent verification: what verifiers say of right and of wrong candidates.

A verdict that failed, said nothing, or said neither "correct" nor "wrong" is no approval. Every
wrong answer is of exactly one kind, the first that fits:

    no_answer    no candidate could be read
    never_right  no candidate is right
    rejected     a wrong candidate has more approvals than every right one
    tied         a right candidate has as many approvals, and lost the tie
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from slm_mux.dissecting.shares import Kind, Paired, Share, kinds_of, paired, share_of
from slm_mux.dissecting.turns import Held, Said, majority
from slm_mux.steps import APPROVED, CANDIDATE, VERIFY

KINDS = ("no_answer", "never_right", "rejected", "tied")


class Approvals(Struct, frozen=True, kw_only=True):
    """How often candidates were approved."""

    of: str | None
    """The verifier or the aspect; None: all verdicts."""
    right: Share
    """Verdicts on right candidates that approve."""
    wrong: Share
    """Verdicts on wrong candidates that approve."""
    unclear: int
    """Verdicts that say neither "correct" nor "wrong"."""


class Verifying(Struct, frozen=True, kw_only=True):
    """What became of the candidates."""

    problems: int
    wrong: int
    kinds: tuple[Kind, ...]
    """All of `KINDS`, in that order."""
    kept: Share
    """Of the problems with a right candidate, those that were answered rightly."""
    approvals: Approvals
    """Verdicts on one problem are not independent, so the intervals are rather too short."""
    by_verifier: tuple[Approvals, ...]
    by_aspect: tuple[Approvals, ...]
    majority: Share
    """Right answers of the candidates' plain majority; ties go to the better record."""
    against_majority: Paired
    """The method, and that majority."""


def verifying_of(discussions: Sequence[Held], ranking: Sequence[str]) -> Verifying:
    """Count what became of the candidates.

    Args:
        discussions: of one method.
        ranking: names of the models, best record first.
    """
    candidates = [candidates_of(held) for held in discussions]
    with_right = [
        held
        for held, given in zip(discussions, candidates, strict=True)
        if any(turn.right for turn in given)
    ]
    verdicts = [pair for held in discussions for pair in _verdicts(held)]
    failed = [held for held in discussions if not held.correct]
    votes = [majority(given, ranking) for given in candidates]
    right = [vote is not None and vote.right for vote in votes]
    return Verifying(
        problems=len(discussions),
        wrong=len(failed),
        kinds=kinds_of(KINDS, ((held.problem, kind_of(held)) for held in failed)),
        kept=share_of(sum(held.correct for held in with_right), len(with_right)),
        approvals=_approvals(None, verdicts),
        by_verifier=tuple(
            _approvals(name, [pair for pair in verdicts if pair[0].speaker == name])
            for name in sorted({verdict.speaker for verdict, _ in verdicts})
        ),
        by_aspect=tuple(
            _approvals(aspect, [pair for pair in verdicts if _aspect(pair[0]) == aspect])
            for aspect in sorted({_aspect(verdict) for verdict, _ in verdicts})
        ),
        majority=share_of(sum(right), len(right)),
        against_majority=paired(
            (held.correct, vote) for held, vote in zip(discussions, right, strict=True)
        ),
    )


def kind_of(held: Held) -> str:
    """Say why a wrong answer came out; one of `KINDS`."""
    if held.answer_key is None:
        return "no_answer"
    approvals = approvals_of(held)
    of_right = [count for index, count in approvals.items() if held.turns[index].right]
    if not of_right:
        return "never_right"
    return "tied" if max(of_right) == max(approvals.values()) else "rejected"


def candidates_of(held: Held) -> tuple[Said, ...]:
    """All candidates, readable or not."""
    return tuple(turn for turn in held.turns if turn.step == CANDIDATE)


def approvals_of(held: Held) -> dict[int, int]:
    """Count the approvals of each candidate that can be read, by the index of its turn."""
    counts = {
        index: 0
        for index, turn in enumerate(held.turns)
        if turn.step == CANDIDATE and turn.key is not None
    }
    for turn in held.turns:
        if turn.step.startswith(VERIFY) and turn.key == APPROVED:
            # Candidates with the same text share their verdicts.
            for index in counts.keys() & set(turn.heard):
                counts[index] += 1
    return counts


def _verdicts(held: Held) -> Iterable[tuple[Said, bool]]:
    """The verdicts, each with whether what it is on is right."""
    for turn in held.turns:
        if turn.step.startswith(VERIFY) and turn.heard:
            yield turn, held.turns[turn.heard[0]].right


def _aspect(verdict: Said) -> str:
    return verdict.step.removeprefix(VERIFY)


def _approvals(of: str | None, verdicts: Sequence[tuple[Said, bool]]) -> Approvals:
    def share(*, right: bool) -> Share:
        about = [verdict.key == APPROVED for verdict, on_right in verdicts if on_right is right]
        return share_of(sum(about), len(about))

    return Approvals(
        of=of,
        right=share(right=True),
        wrong=share(right=False),
        unclear=sum(verdict.key is None for verdict, _ in verdicts),
    )
