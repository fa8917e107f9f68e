"""Does confidence mean anything: how often a model is right that agrees with itself c of k times.

Over all choices of k draws, so weights are expected numbers of problems. A problem on which nothing
can be read has no confidence; it is counted, and left out of the figures.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.scaling.deciding import Winners
from slm_mux.scaling.draws import Distribution

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Level(Struct, frozen=True, kw_only=True):
    """One value that a confidence can have."""

    confidence: float
    """c / k, in (0, 1]."""
    problems: float
    """Expected number of problems with this confidence, > 0."""
    accuracy: float
    """Expected correctness on them, in [0, 1]."""


class Reliability(Struct, frozen=True, kw_only=True):
    """Confidence against correctness at one k."""

    k: int
    levels: tuple[Level, ...]
    """Those that occur, lowest first."""
    with_candidate: float
    """Expected number of problems with an answer."""
    without_candidate: float
    """Expected number without."""
    expected_calibration_error: float | None
    """Mean distance of a level's accuracy from its confidence, weighted by problems, in [0, 1];
    None without an answer anywhere."""
    correlation: float | None
    """Pearson, between confidence and correctness of single problems, in [-1, 1]; None where one
    of the two is constant."""


def model_reliability(found: Distribution, model: int) -> tuple[Reliability, ...]:
    """Describe one model's confidence for each k of `found`."""
    return _reliability(found.sizes, found.count[model], found.right[model])


def mux_reliability(found: Distribution, won: Winners) -> tuple[Reliability, ...]:
    """Describe the winner's confidence for each k of `found`."""
    count, right = won.count.sum(axis=0), won.right.sum(axis=0)
    count[..., 0] = (1.0 - count.sum(axis=2)).clip(0.0, 1.0)
    return _reliability(found.sizes, count, right)


def _reliability(
    sizes: tuple[int, ...], count: "Floats", right: "Floats"
) -> tuple[Reliability, ...]:
    """Sum over problems: both are (P, S, n + 1)."""
    problems, correct = count.sum(axis=0), right.sum(axis=0)
    return tuple(
        _at(k, problems[s, : k + 1].tolist(), correct[s, : k + 1].tolist())
        for s, k in enumerate(sizes)
    )


def _at(k: int, problems: list[float], correct: list[float]) -> Reliability:
    """Describe one k from the expected problems and correct problems of each count."""
    occurring = [c for c in range(1, k + 1) if problems[c] > _NOTHING]
    levels = tuple(
        Level(confidence=c / k, problems=problems[c], accuracy=correct[c] / problems[c])
        for c in occurring
    )
    total = sum(level.problems for level in levels)
    error = None
    if levels:
        error = (
            sum(level.problems * abs(level.accuracy - level.confidence) for level in levels) / total
        )
    return Reliability(
        k=k,
        levels=levels,
        with_candidate=total,
        without_candidate=problems[0],
        expected_calibration_error=error,
        correlation=_pearson(levels, total),
    )


_NOTHING = 1e-9
"""Problems that are only the rounding of sums."""


def _pearson(levels: tuple[Level, ...], total: float) -> float | None:
    if len(levels) < 2:
        return None
    confidence = sum(one.problems * one.confidence for one in levels) / total
    accuracy = sum(one.problems * one.accuracy for one in levels) / total
    if not _NOTHING < accuracy < 1 - _NOTHING:
        return None
    spread = sum(one.problems * (one.confidence - confidence) ** 2 for one in levels) / total
    together = (
        sum(
            one.problems * (one.confidence - confidence) * (one.accuracy - accuracy)
            for one in levels
        )
        / total
    )
    # Correctness is 0 or 1, so its variance is that of its mean.
    pearson: float = together / (spread * accuracy * (1 - accuracy)) ** 0.5
    return max(-1.0, min(1.0, pearson))
