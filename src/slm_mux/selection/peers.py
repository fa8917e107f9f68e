"""A chosen subset among random ones whose models are about as good by themselves."""

from collections.abc import Iterable, Sequence
from math import comb
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.metrics import Interval, percentile_interval
from slm_mux.selection.deciding import Standings, all_subsets, as_subsets, check_subset
from slm_mux.selection.objective import Subset
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Subsets = NDArray[np.intp]

PEERS = 100
DRAWN = 2_000

_TRIALS = 1_000
_STEEPEST = 4.0
"""The most that a model's weight may grow with one standard deviation of accuracy, as a power of e:
a steeper tilt would draw the same few models again and again."""
_FLATTER = 0.8
"""What is left of the tilt when the same subsets come up again; with none left, all do in time."""


class Peers(Struct, frozen=True, kw_only=True):
    """A subset among random ones of the same size, of models about as good by themselves."""

    models: Subset
    accuracy: float
    mean_single: float
    """Mean accuracy of its models, each by itself."""
    peers: int
    """Random subsets it is compared with."""
    peers_accuracy: float
    """Their mean accuracy."""
    peers_range: Interval
    """The 2.5 % and 97.5 % percentiles of their accuracies."""
    peers_mean_single: tuple[float, float]
    """The lowest and the highest mean accuracy of the models of one of them."""
    at_least_as_good: float
    """Share of them whose accuracy is the subset's or higher, in [0, 1]."""
    of_all: bool
    """Whether every other subset of the size was there to be a peer."""


def against_peers(
    table: VoteTable,
    subset: Iterable[int],
    *,
    singles: Sequence[float] | None = None,
    peers: int = PEERS,
    drawn: int = DRAWN,
    k: int | None = None,
    seed: int = 0,
) -> Peers:
    """Compare a subset with random ones whose models are about as good by themselves.

    What it is better by is then due to how its models fit together. The peers: `drawn` different
    subsets of the same size (all others, where there are no more), and of those the `peers` whose
    mean single-model accuracy is nearest; of equally near ones those drawn first. A model is drawn
    with a weight of exp(tilt * its accuracy), without replacement; the tilt is such that the mean
    of the drawn is the subset's, and smaller where that brings up too few different subsets. Even
    odds would give a strong subset of a large pool no peers.

    Args:
        table: usually of problems that were held out.
        subset: positions of models.
        singles: accuracy of each model by itself; by default that of its candidates in the table.
        peers: how many random subsets, >= 1; fewer where there are fewer.
        drawn: how many to pick them from, at least `peers`; fewer where there are fewer.
        k: the first k draws of each model; by default all of them.
        seed: of the drawing, >= 0.

    Raises:
        InvalidRequestError: no such subset, no other one of its size, a number out of range, no
            scored problems, or draws that were not made.
    """
    import numpy as np

    models = check_subset(table, subset)
    if not 1 <= peers <= drawn:
        raise InvalidRequestError(f"{peers} peers of {drawn} drawn: give at least 1, of as many")
    standings = Standings.of(table, k)
    if singles is None:
        alone = standings.accuracies(all_subsets(standings.models, 1))
    else:
        alone = np.asarray(singles, dtype=np.float64)
        if alone.shape != (standings.models,) or np.isnan(alone).any():
            raise InvalidRequestError(
                f"`singles` has one accuracy for each of the {standings.models} models"
            )
    total = comb(standings.models, len(models)) - 1
    if not total:
        raise InvalidRequestError(
            f"all {len(models)} models of the pool are in the subset: there is no other one of its "
            "size"
        )
    others = _others(alone, models, min(drawn, total), seed)
    means = alone[others].mean(axis=1)
    own = float(alone[list(models)].mean())
    # Rounded, so that means of the same accuracies in another order are equally near.
    near = np.round(np.abs(means - own), 12).argsort(kind="stable")[:peers]
    accuracies = standings.accuracies(others[near])
    accuracy = float(standings.accuracies(as_subsets([models]))[0])
    return Peers(
        models=models,
        accuracy=accuracy,
        mean_single=own,
        peers=len(near),
        peers_accuracy=float(accuracies.mean()),
        peers_range=percentile_interval(accuracies),
        peers_mean_single=(float(means[near].min()), float(means[near].max())),
        at_least_as_good=float((accuracies >= accuracy).mean()),
        of_all=total <= drawn,
    )


def _others(alone: "Floats", subset: Subset, count: int, seed: int) -> "Subsets":
    """Draw `count` different subsets of the same size; where there are no more, all in pool order.

    Args:
        alone: accuracy of each model by itself.
        subset: is not among them.
        count: how many, >= 1, and no more than there are.
        seed: of the drawing.
    """
    import numpy as np

    models, size = len(alone), len(subset)
    if count == comb(models, size) - 1:
        every = all_subsets(models, size)
        others: Subsets = every[(every != np.asarray(subset)).any(axis=1)]
        return others
    rng = np.random.default_rng(seed)
    tilt = _tilt(alone, float(alone[list(subset)].mean()), size, rng)
    found: dict[Subset, None] = {}
    while len(found) < count:
        rows = _drawn(tilt * alone + rng.gumbel(size=(count, models)), size)
        rows.sort(axis=1)
        found.update(dict.fromkeys(map(tuple, rows.tolist())))
        found.pop(subset, None)
        tilt *= _FLATTER
    return as_subsets(list(found)[:count])


def _tilt(alone: "Floats", wanted: float, size: int, rng: "np.random.Generator") -> float:
    """Find the tilt with which drawn models have the wanted mean accuracy, by bisection."""
    spread = float(alone.std())
    if spread == 0:
        return 0.0
    noise = rng.gumbel(size=(_TRIALS, len(alone)))
    low, high = -_STEEPEST / spread, _STEEPEST / spread
    for _ in range(30):
        tilt = (low + high) / 2
        if float(alone[_drawn(tilt * alone + noise, size)].mean()) < wanted:
            low = tilt
        else:
            high = tilt
    return (low + high) / 2


def _drawn(scores: "Floats", size: int) -> "Subsets":
    """Take the highest of each row: with Gumbel noise, a draw without replacement by weight."""
    return scores.argpartition(-size, axis=1)[:, -size:]
