"""Why mux was wrong where it was, on the draws that there are.

Every wrong problem is of exactly one kind, the first that fits:

    no_answer               no model has a readable draw
    all_confidently_wrong   every model is wrong, and all that speak agree with themselves k times
                            of k (k >= 2): nothing in the votes could tell
    all_wrong               every model is wrong, some of them unsure
    tie_break               a model that is right has the winner's confidence, and a worse rank
    contradicted            a model is right, and the winner more confident than all such
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int32]

KINDS = ("no_answer", "all_confidently_wrong", "all_wrong", "tie_break", "contradicted")


class Alternatives(Struct, frozen=True, kw_only=True):
    """What simpler choices among the same candidates would have given, on some problems."""

    majority: float
    """Expected correct answers of the candidates' plain majority: one vote for each model, the best
    ranked model speaks for a class, and equally large classes are equally likely."""
    random_model: float
    """Expected correct answers of a model chosen at random; one that is silent is wrong."""


class Failed(Struct, frozen=True, kw_only=True):
    """The wrong problems of one kind."""

    kind: str
    """One of `KINDS`."""
    count: int
    share: float
    """Of all scored problems."""
    share_of_wrong: float | None
    """Of the wrong ones; None where there are none."""
    problems: tuple[str, ...]
    """Their ids, in the table's order."""
    alternatives: Alternatives


class Failures(Struct, frozen=True, kw_only=True):
    """Mux's wrong problems with the first n draws of each model."""

    k: int
    problems: int
    """Scored problems."""
    wrong: int
    kinds: tuple[Failed, ...]
    """All of `KINDS`, in that order."""
    on_wrong: Alternatives
    """On all the wrong problems."""
    on_all: Alternatives
    """On all scored problems; mux has `problems - wrong`."""


def failures(table: VoteTable, subset: Sequence[int], n: int) -> Failures:
    """Sort the problems that mux gets wrong with a subset of the models.

    Args:
        table: scored problems only, complete.
        subset: positions of the models, best record first.
        n: draws of each model, at least 1 and at most what the models have.
    """
    import numpy as np

    found = table.candidates([n] * len(table.models))
    members = list(subset)
    klass, count, right = found.klass[members], found.count[members], found.correct[members]
    problems = np.arange(len(table.problems))
    # argmax gives the first of equal ones, which is the best ranked.
    winner = count.argmax(axis=0)
    top, silent = count.max(axis=0), count.max(axis=0) == 0
    wrong = ~right[winner, problems]
    none_right = ~right.any(axis=0)
    certain = ((count == n) | (count == 0)).all(axis=0) & (n >= 2)
    level = (right & (count == top)).any(axis=0)
    masks = dict(
        zip(
            KINDS,
            (
                silent,
                none_right & ~silent & certain,
                none_right & ~silent & ~certain,
                wrong & ~none_right & level,
                wrong & ~none_right & ~level,
            ),
            strict=True,
        )
    )
    majority = np.array([_majority(klass[:, q], right[:, q]) for q in problems.tolist()])
    chance = right.mean(axis=0)
    total = int(wrong.sum())

    def alternatives(mask: "Bools") -> Alternatives:
        return Alternatives(
            majority=float(majority[mask].sum()), random_model=float(chance[mask].sum())
        )

    return Failures(
        k=n,
        problems=len(problems),
        wrong=total,
        kinds=tuple(
            Failed(
                kind=kind,
                count=int(mask.sum()),
                share=int(mask.sum()) / len(problems),
                share_of_wrong=int(mask.sum()) / total if total else None,
                problems=tuple(table.problems[q] for q in np.flatnonzero(mask).tolist()),
                alternatives=alternatives(mask),
            )
            for kind, mask in masks.items()
        ),
        on_wrong=alternatives(wrong),
        on_all=alternatives(wrong | ~wrong),
    )


def _majority(klass: "Ints", right: "Bools") -> float:
    """Give the chance that the largest class of candidates is right, as its best model has it."""
    votes: dict[int, int] = {}
    verdict: dict[int, bool] = {}
    for name, correct in zip(klass.tolist(), right.tolist(), strict=True):
        if name >= 0:
            votes[name] = votes.get(name, 0) + 1
            verdict.setdefault(name, correct)
    largest = [name for name, many in votes.items() if many == max(votes.values())]
    return sum(verdict[name] for name in largest) / len(largest) if largest else 0.0
