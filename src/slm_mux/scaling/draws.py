"""What a model's vote comes to when it has k of its n draws: the distribution over the choices.

A model that was drawn n times says more about k draws than its first k do: every choice of k of the
n draws (kept in their order) is as good a record of k draws as any other. All of them are counted
where n is at most 9, or where there are no more than `TRIALS`; a seeded sample of them beyond that.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.scaling.scored import distinct, first_alike

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TRIALS = 2_000
"""Choices of draws that are tried where there are more: one problem's probability is then within
about 0.02 of the true one (two standard errors), the mean over problems much closer."""
_ALWAYS_EXACT = 9
_PRODUCTS = 250_000
"""Multiplications at a time: OpenBLAS stays on one processor up to 262,144, and spreading products
of this shape over several costs many times what it gains."""


class Distribution(Struct, frozen=True, kw_only=True, eq=False):
    """What candidates are, over all choices of draws. M models, P problems, S sizes, n draws."""

    count: "Floats"
    """(M, P, S, n + 1): probability that the candidate has that count; at 0 there is none."""
    right: "Floats"
    """(M, P, S, n + 1): probability that it has that count and is correct, <= `count`."""
    sizes: tuple[int, ...]
    """The k of each of the S."""
    choices: tuple[int, ...]
    """Per size, how many choices of draws were looked at."""
    exact: tuple[bool, ...]
    """Per size, whether those are all there are."""

    @property
    def accuracy(self) -> "Floats":
        """(M, P, S): expected correctness of the candidate, that is self-consistency."""
        total: Floats = self.right.sum(axis=3)
        return total.clip(0.0, 1.0)


def choose(n: int, k: int, *, seed: int, trials: int = TRIALS) -> tuple["Bools", bool]:
    """List choices of k out of n draws.

    Args:
        n: draws there are.
        k: draws to choose, 1 .. n.
        seed: of the sample, >= 0.
        trials: how many to take where there are more, >= 1, and n is above 9.

    Returns:
        (choices, n), which draws are chosen; and whether these are all choices.

    Raises:
        InvalidRequestError: k is out of range, or trials below 1.
    """
    import numpy as np

    if not 1 <= k <= n:
        raise InvalidRequestError(f"k is {k}, but must be in 1 .. {n}, the draws that there are")
    if trials < 1:
        raise InvalidRequestError(f"{trials} trials are none: give at least 1")
    exact = n <= _ALWAYS_EXACT or math.comb(n, k) <= trials
    if exact:
        places = np.array(list(combinations(range(n), k)), dtype=np.int64)
    else:
        order = np.random.default_rng([seed, n, k]).random((trials, n)).argsort(axis=1)
        places = order[:, :k]
    chosen = np.zeros((len(places), n), dtype=np.bool_)
    np.put_along_axis(chosen, places, True, axis=1)
    return chosen, exact


def distribution(
    klass: "NDArray[np.int32]",
    correct: "Bools",
    sizes: Sequence[int] | None = None,
    *,
    seed: int = 0,
    trials: int = TRIALS,
) -> Distribution:
    """Work out every model's candidate on every problem over the choices of draws.

    The candidate is the largest class among the chosen draws (ties: the class with the lowest of
    them), and its correctness the verdict on its lowest chosen draw, as `VoteTable.candidates` has
    it. The choices are the same for all models and problems.

    Args:
        klass: (M, P, n); negative where there is no answer.
        correct: (M, P, n).
        sizes: the k that are wanted, each in 1 .. n; all by default.
        seed: of the sample of choices, >= 0; without effect where all are counted.
        trials: see `choose`.

    Raises:
        InvalidRequestError: a size is out of range.
    """
    import numpy as np

    models, problems, n = klass.shape
    wanted = tuple(range(1, n + 1)) if sizes is None else tuple(sizes)
    labels = first_alike(klass.reshape(-1, n).astype(np.int64))
    verdicts = correct.reshape(-1, n) & (labels >= 0)
    # Models and problems with the same pattern of draws have the same distribution.
    places, sort = distinct(np.concatenate([labels, verdicts], axis=1))
    labels, verdicts = labels[places], verdicts[places]
    count = np.zeros((len(places), len(wanted), n + 1))
    right = np.zeros_like(count)
    looked, exact = [], []
    for s, k in enumerate(wanted):
        chosen, all_of_them = choose(n, k, seed=seed, trials=trials)
        looked.append(len(chosen))
        exact.append(all_of_them)
        step = max(1, _PRODUCTS // chosen.size)
        for start in range(0, len(places), step):
            part = slice(start, start + step)
            size, is_right = _candidates(labels[part], verdicts[part], chosen)
            cells = len(size) * (n + 1)
            place = (np.arange(len(size)) * (n + 1))[:, None] + size
            often = np.bincount((2 * place + is_right).ravel(), minlength=2 * cells)
            wrong, hits = often.reshape(-1, n + 1, 2).transpose(2, 0, 1)
            count[part, s] = (wrong + hits) / len(chosen)
            right[part, s] = hits / len(chosen)
    shape = (models, problems, len(wanted), n + 1)
    return Distribution(
        count=count[sort].reshape(shape),
        right=right[sort].reshape(shape),
        sizes=wanted,
        choices=tuple(looked),
        exact=tuple(exact),
    )


def _candidates(labels: "Ints", verdicts: "Bools", chosen: "Bools") -> tuple["Ints", "Bools"]:
    """Find the candidate of every row with every choice: its count, and whether it is correct."""
    import numpy as np

    n = labels.shape[1]
    # count * n + (n - 1 - draw): the greatest is the largest class, of equals the earliest.
    # Whole numbers below 2 ** 24, which single precision holds exactly (and multiplies fast).
    best = np.zeros((len(labels), len(chosen)), dtype=np.float32)
    for d in range(n):
        same = ((labels == labels[:, d : d + 1]) & (labels[:, d : d + 1] >= 0)) * np.float32(n)
        size = same @ (chosen & chosen[:, d : d + 1]).T.astype(np.float32)
        np.maximum(best, size + np.float32(n - 1 - d), out=best)
    whole = best.astype(np.int64)
    count = whole // n
    right = np.take_along_axis(verdicts, n - 1 - whole % n, axis=1) & (count > 0)
    return count, right
