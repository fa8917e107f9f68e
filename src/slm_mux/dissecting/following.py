"""Whether changes of answers followed the majority, the last speaker, or the most confident.

Each of them is a *cue*: the class that it names among what an agent heard, or None.

    majority         the one largest class among the heard; None where several are as large
    last             the class of the turn that was heard last; None where it cannot be read
    most_confident   the class of the heard model that agrees with itself most in the draws that the
                     store has of it; None where that is not known of some heard model, or several
                     are as confident and do not say the same

A cue can be followed only where it names another class than the agent's own: it is *opposed*. An
agent with nobody to read has no cues.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct

from slm_mux.dissecting.moves import Heard, Move
from slm_mux.dissecting.shares import Share, share_of

CUES = ("majority", "last", "most_confident")

Confidences = Mapping[tuple[str, str], Fraction]
"""By (problem, model): the share of its draws in its largest class; only where it was drawn twice
or more."""


class Followed(Struct, frozen=True, kw_only=True):
    """How often a cue was followed."""

    cue: str
    """One of `CUES`."""
    opposed: Share
    """Of the moves with an answer before and now at which the cue is opposed: those that followed
    it."""
    changes: Share
    """Of these, only those where the answer changed."""
    apart: Share
    """Of these changes, only those where another opposed cue names another class."""


def cues_of(move: Move, confidences: Confidences) -> dict[str, str | None]:
    """Give the class that each cue names; None where it names none."""
    return {
        "majority": _majority(move.heard),
        "last": move.heard[-1].turn.key if move.heard else None,
        "most_confident": _most_confident(move.problem, move.heard, confidences),
    }


def following(moves: Iterable[Move], confidences: Confidences) -> tuple[Followed, ...]:
    """Count how often each cue was followed.

    Args:
        moves: of any number of discussions.
        confidences: of models on problems.

    Returns:
        One row for each of `CUES`.
    """
    seen: list[tuple[Move, dict[str, str]]] = []
    for move in moves:
        if move.before is not None and move.after.key is not None:
            own = move.before.key
            cues = cues_of(move, confidences)
            seen.append((move, {cue: key for cue, key in cues.items() if key not in (None, own)}))
    return tuple(_followed(cue, seen) for cue in CUES)


def _followed(cue: str, seen: Sequence[tuple[Move, Mapping[str, str]]]) -> Followed:
    def share(which: Callable[[Move, Mapping[str, str]], bool]) -> Share:
        chosen = [(move, opposed) for move, opposed in seen if cue in opposed]
        chosen = [(move, opposed) for move, opposed in chosen if which(move, opposed)]
        followed = sum(move.after.key == opposed[cue] for move, opposed in chosen)
        return share_of(followed, len(chosen))

    return Followed(
        cue=cue,
        opposed=share(lambda _move, _opposed: True),
        changes=share(lambda move, _opposed: move.change == "changed"),
        apart=share(
            lambda move, opposed: move.change == "changed" and len(set(opposed.values())) > 1
        ),
    )


def _majority(heard: Sequence[Heard]) -> str | None:
    counts = Counter(one.turn.key for one in heard if one.turn.key is not None)
    largest = counts.most_common(2)
    if not largest or (len(largest) == 2 and largest[0][1] == largest[1][1]):
        return None
    return largest[0][0]


def _most_confident(problem: str, heard: Sequence[Heard], confidences: Confidences) -> str | None:
    known = [confidences.get((problem, one.turn.speaker)) for one in heard]
    most = max((each for each in known if each is not None), default=None)
    if most is None or None in known:
        return None
    keys = {one.turn.key for one, each in zip(heard, known, strict=True) if each == most}
    return keys.pop() if len(keys) == 1 else None
