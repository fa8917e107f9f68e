"""Agent Forest over the choices of draws: one pooled vote of several models with k draws each.

The pool is ordered by draw, then by rank, and of equally large classes the first in it wins, as
`slm_mux.methods.AgentForest` has it. Which class wins depends on all counts together, so outcomes
are enumerated: every combination of the models' choices where there are at most `COMBINATIONS`;
otherwise, problem by problem, of their different outcomes, a model's choices with the same counts,
places and verdicts being one; and where these are too many as well, seeded trials stand for them.
"""

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.scaling.draws import TRIALS, choose
from slm_mux.scaling.scored import distinct, first_alike

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Small = NDArray[np.int16] | NDArray[np.int32]

COMBINATIONS = 2_000
"""Of outcomes that are enumerated on one problem; beyond that as many trials. One problem's
probability is then within about 0.02 of the true one (two standard errors), the mean over problems
much closer."""
_CELLS = 4_000_000
_MERGED = 9
"""Outcomes of more draws do not fit a 64-bit code; they are not merged."""


class Pooled(Struct, frozen=True, kw_only=True, eq=False):
    """Agent Forest on P problems, for k = 1 .. n."""

    accuracy: "Floats"
    """(P, n): probability that the pooled vote is correct."""
    by_trial: tuple[int, ...]
    """Per k, on how many problems it is an estimate by trials."""


def agent_forest(
    klass: "NDArray[np.int32]",
    correct: "Bools",
    subset: Sequence[int],
    *,
    seed: int = 0,
    combinations: int = COMBINATIONS,
    trials: int = TRIALS,
) -> Pooled:
    """Work out Agent Forest's accuracy with k draws of each model, for k = 1 .. n.

    Args:
        klass: (M, P, n); negative where there is no answer.
        correct: (M, P, n).
        subset: positions of the models, best record first.
        seed: of the trials, >= 0.
        combinations: enumerate up to so many on a problem, >= 1; try so many where there are more.
        trials: see `slm_mux.scaling.draws.choose`.
    """
    import numpy as np

    members, n = list(subset), klass.shape[2]
    width = len(members) * n
    joint = first_alike(klass[members].transpose(1, 0, 2).reshape(-1, width).astype(np.int64))
    verdicts = correct[members].transpose(1, 0, 2).reshape(-1, width) & (joint >= 0)
    places, sort = distinct(np.concatenate([joint, verdicts], axis=1))
    # Classes become columns, in the order in which they appear.
    joint, verdicts = joint[places], verdicts[places]
    starts = joint == np.arange(width)
    columns = np.where(joint < 0, -1, np.take_along_axis(starts.cumsum(axis=1), joint, axis=1) - 1)
    classes = max(1, int(starts.sum(axis=1).max(initial=0)))
    often = np.bincount(sort, minlength=len(places))
    accuracy, by_trial = np.zeros((len(places), n)), []
    for k in range(1, n + 1):
        chosen, exact = choose(n, k, seed=seed, trials=trials)
        picks, all_of_them = _picks(len(chosen), len(members), combinations, seed=[seed, k])
        tried = np.ones(len(places), dtype=np.bool_)
        step = max(1, _CELLS // (max(len(chosen) * len(members), picks.shape[1]) * classes))
        for start in range(0, len(places), step):
            part = slice(start, start + step)
            pools = _Pools(columns[part], verdicts[part], chosen, len(members), classes)
            found, one_by_one = np.zeros(len(columns[part])), np.zeros(0, dtype=np.int64)
            if not all_of_them and n <= _MERGED:
                found, one_by_one = pools.merged(combinations)
            others = np.setdiff1d(np.arange(len(found)), one_by_one)
            found[others] = pools.picked(picks, others)
            accuracy[part, k - 1] = found
            tried[start + one_by_one] = False
        by_trial.append(0 if all_of_them and exact else int(often[tried].sum()))
    return Pooled(accuracy=accuracy[sort], by_trial=tuple(by_trial))


def _picks(choices: int, models: int, combinations: int, *, seed: list[int]) -> tuple["Ints", bool]:
    """List every combination of the models' choices, or a sample: (models, combinations)."""
    import numpy as np

    if choices**models <= combinations:
        return np.indices((choices,) * models).reshape(models, -1), True
    return np.random.default_rng(seed).integers(choices, size=(models, combinations)), False


class _Votes(Struct, frozen=True, eq=False):
    """Outcomes of some models' draws on one problem. R outcomes, C classes."""

    count: "Small"
    """(C, R)."""
    first: "Small"
    """(C, R): 2 * place + (1 where the draw there is wrong); the place is draw * models + rank."""
    weight: "Floats"
    """(R,): probabilities."""


class _Pools:
    """Problems with what every choice of draws puts into their pools. m models, C classes.

    Args:
        columns: (problems, m * n): the class of each draw, the models in rank order; -1 for none.
        verdicts: likewise.
        chosen: (R, n): the choices of k draws.
        models: m.
        classes: C.
    """

    def __init__(
        self, columns: "Ints", verdicts: "Bools", chosen: "Bools", models: int, classes: int
    ) -> None:
        import numpy as np

        n, self._k, self._models = chosen.shape[1], int(chosen[0].sum()), models
        self._nothing = 2 * self._k * models
        # The largest number in use is that of a class with all the draws.
        size = np.int16 if self._k * models * (self._nothing + 1) < 2**14 else np.int32
        own, right = columns.reshape(-1, n), verdicts.reshape(-1, n)
        rows, rank = np.arange(len(own)), 2 * (np.arange(len(own)) % models)
        self.count = np.zeros((len(own), classes, len(chosen)), dtype=size)
        self.first = np.full_like(self.count, self._nothing)
        place = 2 * models * (chosen.cumsum(axis=1) - 1)
        for d in reversed(range(n)):
            there = rows[own[:, d] >= 0]
            column = own[there, d]
            self.count[there, column] += chosen[:, d]
            code = place[:, d] + (rank + ~right[:, d])[there, None]
            self.first[there, column] = np.where(chosen[:, d], code, self.first[there, column])

    def picked(self, picks: "Ints", problems: "Ints") -> "Floats":
        """Give the share of picked combinations in which the pool is right, by problem.

        Args:
            picks: (m, combinations): a choice of each model.
            problems: the ones that are wanted.
        """
        import numpy as np

        rows = problems * self._models
        count = self.count[rows].take(picks[0], axis=2)
        first = self.first[rows].take(picks[0], axis=2)
        for i in range(1, self._models):
            count += self.count[rows + i].take(picks[i], axis=2)
            np.minimum(first, self.first[rows + i].take(picks[i], axis=2), out=first)
        share: Floats = self._right(count, first).mean(axis=1)
        return share

    def merged(self, combinations: int) -> tuple["Floats", "Ints"]:
        """Enumerate the different outcomes, where there are few.

        Returns:
            Per problem the probability that the pool is right (0 where it was not enumerated), and
            the problems that were.
        """
        import numpy as np

        codes = self._codes()
        order = codes.argsort(axis=1)
        ordered = np.take_along_axis(codes, order, axis=1)
        new = np.ones(codes.shape, dtype=np.bool_)
        new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        total = new.sum(axis=1, dtype=np.float64).reshape(-1, self._models).prod(axis=1)
        few = np.flatnonzero(total <= combinations)
        found = np.zeros(len(total))
        for q in few.tolist():
            votes = []
            for row in range(q * self._models, (q + 1) * self._models):
                starts = new[row].nonzero()[0]
                often = np.diff(starts, append=len(order[row]))
                places = order[row, starts]
                votes.append(
                    _Votes(
                        self.count[row].take(places, axis=1),
                        self.first[row].take(places, axis=1),
                        often / len(order[row]),
                    )
                )
            pool = reduce(_every_pair, votes)
            right = self._right(pool.count, pool.first)
            found[q] = min(float(pool.weight[right].sum()), 1.0)
        return found, few

    def _right(self, count: "Small", first: "Small") -> "Bools":
        """Say which pools are right; the last axis but one is over classes."""
        # Largest class, then first place: both in one number.
        base = self._nothing + 1
        best = (count * base + (self._nothing - first)).max(axis=-2)
        right: Bools = (best >= base) & ((self._nothing - best % base) % 2 == 0)
        return right

    def _codes(self) -> "Ints":
        """Write each outcome of a model as one number, different for different outcomes: (rows, R).

        For one class, draw + count <= k, so (draw, count, verdict) take at most k (k + 1) values,
        and 91 with "not there" for k = 9. At most nine classes of 91 values each fit 63 bits.
        """
        import numpy as np

        code = np.zeros((len(self.count), self.count.shape[2]), dtype=np.int64)
        for c in range(self.count.shape[1]):
            count = self.count[:, c].astype(np.int64)
            draw, wrong = self.first[:, c] // (2 * self._models), self.first[:, c] % 2
            end = draw + count
            value = np.where(count > 0, 1 + end * (end - 1) + 2 * draw + wrong, 0)
            # A class that the model never drew takes no room.
            room = np.where((count > 0).any(axis=1), self._k * (self._k + 1) + 1, 1)
            code = code * room[:, None] + value
        return code


def _every_pair(one: _Votes, other: _Votes) -> _Votes:
    """Pool each outcome of one with each of the other: they are independent."""
    import numpy as np

    shape = (len(one.count), len(one.weight) * len(other.weight))
    return _Votes(
        count=(one.count[:, :, None] + other.count[:, None]).reshape(shape),
        first=np.minimum(one.first[:, :, None], other.first[:, None]).reshape(shape),
        weight=(one.weight[:, None] * other.weight).reshape(-1),
    )
