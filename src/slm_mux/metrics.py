"""Accuracies, their intervals, and what models have in common. Pure functions of arrays.

Shares of nothing are NaN, intervals for nothing are (0, 1): no problem says nothing. Arrays of
correctness are bool, with a last axis over problems; the other axes are named where they occur.
numpy is imported by the functions that need it, so that importing this module is free.
"""

import math
from collections.abc import Iterator, Sized
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Interval = tuple[float, float]

RESAMPLES = 10_000
"""Bootstrap resamples unless told otherwise: the ends of an interval for 500 problems then move by
about 0.1 percentage points from seed to seed."""
PERCENTILES_95 = (0.025, 0.975)
"""The ends of a 95 % percentile interval."""
_Z = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""
_AT_ONCE = 1 << 21
"""Draws of problems that are held at once; 16 MiB."""


class Difference(Struct, frozen=True, kw_only=True):
    """How much better one method did than another on the same problems."""

    difference: float
    """Mean over problems, first minus second, in [-1, 1]; NaN without problems."""
    ci95: Interval | None
    """None for fewer than two problems, of which resampling says nothing."""
    resamples: int


class McNemar(Struct, frozen=True, kw_only=True):
    """The problems that exactly one of two methods got right."""

    only_first: int
    only_second: int
    p: float
    """Two-sided, exact, in (0, 1]."""


def share(count: float, total: int) -> float:
    """Give count / total; NaN when the total is 0."""
    return count / total if total else math.nan


def wilson(correct: int, total: int) -> Interval:
    """Give the 95 % score interval of a share (Wilson 1927); (0, 1) when the total is 0.

    Raises:
        InvalidRequestError: not 0 <= correct <= total.
    """
    if not 0 <= correct <= total:
        raise InvalidRequestError(f"{correct} of {total} is no share")
    if total == 0:
        return (0.0, 1.0)
    at, spread = correct / total, _Z * _Z / total
    centre = (at + spread / 2) / (1 + spread)
    half = math.sqrt(at * (1 - at) * spread + spread * spread / 4) / (1 + spread)
    # At the ends the formula gives 0 and 1 exactly, but floating point does not.
    low = 0.0 if correct == 0 else max(0.0, centre - half)
    high = 1.0 if correct == total else min(1.0, centre + half)
    return (low, high)


def difference_interval(
    first: float, first_ci95: Interval, second: float, second_ci95: Interval
) -> Interval:
    """Give the 95 % interval of first - second by the intervals of two independent figures.

    Each end lies as far from the difference as the root of the sum of the squares of the two
    distances that move it there. With Wilson's intervals of two shares this is method 10 of
    Newcombe 1998 (Statistics in Medicine 17, 873-890), without continuity correction; with any
    others the method of variance estimates recovery (MOVER).

    Args:
        first: a figure.
        first_ci95: its interval. A figure outside of its interval counts as the end next to it
            where distances are measured, so that the difference stays inside.
        second: the figure that is taken away, of other samples.
        second_ci95: its interval; (second, second) where it is exact, which shifts the first's.
    """
    difference = first - second
    below = math.hypot(max(0.0, first - first_ci95[0]), max(0.0, second_ci95[1] - second))
    above = math.hypot(max(0.0, first_ci95[1] - first), max(0.0, second - second_ci95[0]))
    return (difference - below, difference + above)


def failure_bounds(correct: "Bools", failed: "Bools") -> Interval:
    """Give the accuracy if all problems with failed draws were wrong, and if all were right.

    Args:
        correct: per problem, as decided.
        failed: per problem, whether a draw failed.

    Returns:
        (0, 1) without problems.
    """
    total = len(correct)
    if total == 0:
        return (0.0, 1.0)
    certain = int((correct & ~failed).sum())
    return (certain / total, (certain + int(failed.sum())) / total)


def mcnemar(first: "Bools", second: "Bools") -> McNemar:
    """Test whether two methods are equally often right on the same problems, exactly.

    The p is that of the two-sided binomial test of the discordant problems at 1/2, computed in
    whole numbers; 1 when there are none.

    Raises:
        InvalidRequestError: the methods were not tried on the same number of problems.
    """
    _check_lengths(first, second)
    more, fewer = int((first & ~second).sum()), int((second & ~first).sum())
    discordant, tail, term = more + fewer, 0, 1
    for j in range(min(more, fewer) + 1):
        tail += term
        term = term * (discordant - j) // (j + 1)
    # Both tails are equal at 1/2; where they overlap they hold everything.
    p = 1.0 if 2 * tail >= 1 << discordant else 2 * tail / (1 << discordant)
    return McNemar(only_first=more, only_second=fewer, p=max(p, math.ulp(0.0)))


def paired_difference(
    first: "Floats | Bools",
    second: "Floats | Bools",
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Difference:
    """Compare two methods on the same problems by a paired bootstrap over problems.

    Args:
        first: score per problem, in [0, 1] (a bool, or a mean over draws).
        second: likewise, the same problems in the same order.
        seed: of the resampling, >= 0.
        resamples: >= 1.

    Returns:
        The interval between the 2.5 % and 97.5 % percentiles of the resampled means.

    Raises:
        InvalidRequestError: different lengths, a NaN, or no resamples.
    """
    import numpy as np

    _check_lengths(first, second)
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    mean = float(differences.mean()) if len(differences) else math.nan
    interval = bootstrap_mean(differences, seed=seed, resamples=resamples)
    return Difference(difference=mean, ci95=interval, resamples=resamples)


def bootstrap_mean(
    scores: "Floats | Bools", *, seed: int, resamples: int = RESAMPLES
) -> Interval | None:
    """Give the 95 % percentile interval of a mean over problems; None for fewer than two.

    Raises:
        InvalidRequestError: a NaN, or no resamples.
    """
    import numpy as np

    scores = np.asarray(scores, dtype=np.float64)
    if resamples < 1:
        raise InvalidRequestError(f"{resamples} resamples are none: give at least 1")
    if np.isnan(scores).any():
        raise InvalidRequestError("a score is NaN: leave unscored problems out")
    total = len(scores)
    if total < 2:
        return None
    values, counts = np.unique(scores, return_counts=True)
    # Resampling problems only changes how often each value occurs; there are few values.
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    return percentile_interval(drawn @ values / total)


def percentile_interval(figures: "Floats") -> Interval:
    """Give the 2.5 % and 97.5 % percentiles of some figures, at least one."""
    import numpy as np

    low, high = np.quantile(figures, PERCENTILES_95)
    return (float(low), float(high))


def resampled(problems: int, *, seed: int, resamples: int) -> Iterator["Ints"]:
    """Draw as many problems as there are, with replacement, again and again.

    Args:
        problems: how many there are, >= 1.
        seed: >= 0.
        resamples: how many, >= 1; the same however many are held at once.

    Yields:
        (some resamples, problems): how often each problem occurs in each resample.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // problems)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        places = rng.integers(problems, size=(rows, problems))
        places += np.arange(rows)[:, None] * problems
        counts = np.bincount(places.ravel(), minlength=rows * problems)
        yield counts.reshape(rows, problems)


def union_accuracy(correct: "Bools") -> float:
    """Give UnionAcc: the share of problems that some model answers correctly (paper, stage 2).

    Args:
        correct: (models, problems), of each model's candidate.

    Returns:
        0 for no models; NaN without problems.
    """
    return share(int(correct.any(axis=0).sum()), correct.shape[1])


def contradiction(correct: "Bools", consistently_wrong: "Bools") -> float:
    """Give Contradiction: some model is consistently wrong while another is correct.

    Args:
        correct: (models, problems), of each model's candidate.
        consistently_wrong: (models, problems); see `VoteTable.consistently_wrong`. All False where
            models have one draw each.

    Returns:
        The share of all problems, in [0, 1]; NaN without problems.
    """
    both = correct.any(axis=0) & consistently_wrong.any(axis=0)
    return share(int(both.sum()), correct.shape[1])


def objective(correct: "Bools", consistently_wrong: "Bools", *, weight: float = 1.0) -> float:
    """Give O = UnionAcc - weight * Contradiction; the paper's experiments have weight 1.

    Raises:
        InvalidRequestError: the weight is negative or not finite.
    """
    if not (math.isfinite(weight) and weight >= 0):
        raise InvalidRequestError(f"lambda is {weight!r}, but must be a finite number >= 0")
    return union_accuracy(correct) - weight * contradiction(correct, consistently_wrong)


def oracle_accuracy(correct: "Bools") -> float:
    """Give the share of problems on which any draw of any model is correct.

    Args:
        correct: (models, problems, draws), per draw.
    """
    return share(int(correct.any(axis=(0, 2)).sum()), correct.shape[1])


def error_correlation(correct: "Bools") -> "Floats":
    """Give the pairwise correlation of models' errors (phi).

    Args:
        correct: (models, problems).

    Returns:
        (models, models), in [-1, 1]; NaN in the rows and columns of a model that is always right
        or always wrong, and everywhere without problems.
    """
    import numpy as np

    models, problems = correct.shape
    if problems == 0:
        return np.full((models, models), np.nan)
    right = correct.astype(np.int64)
    once, total = right.sum(axis=1), problems
    both = right @ right.T
    # In whole numbers up to the root, so that a model's correlation with itself is exactly 1.
    covariance = total * both - np.outer(once, once)
    spread = once * (total - once)
    product = np.outer(spread, spread).astype(np.float64)
    phi = np.full((models, models), np.nan)
    np.divide(covariance, np.sqrt(product), out=phi, where=product > 0)
    return phi


def _check_lengths(first: Sized, second: Sized) -> None:
    if len(first) != len(second):
        raise InvalidRequestError(
            f"{len(first)} and {len(second)} problems: a paired comparison needs the same ones"
        )
