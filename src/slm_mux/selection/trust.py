"""How far the outcome of a search depends on which validation problems there happened to be.

Bootstrap over problems: each resample draws as many problems as there are, with replacement, and
the subset with the highest objective on it wins. Searching every resample anew would be costly, so
only contenders can win: the best subsets of all sizes on the problems as they are. A subset that is
not among them would win some resamples too, so the shares are upper bounds.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.metrics import Difference, Interval, percentile_interval, resampled
from slm_mux.selection.exact import Limits
from slm_mux.selection.objective import Records, Subset, unpacked
from slm_mux.selection.search import search
from slm_mux.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONTENDERS = 50
RESAMPLES = 1_000
"""The share of a subset is then off by 1.6 percentage points at most (one standard error)."""

NODES = 200_000
"""Sets that are looked into for the contenders of one size; the search itself may do more."""


class Contender(Struct, frozen=True, kw_only=True):
    """A subset that might have been chosen."""

    models: Subset
    objective: float
    """On the problems as they are."""
    share: float
    """Of the resamples it wins, in [0, 1]; of equal subsets the one with fewer models wins, then
    the first in pool order."""


class Stability(Struct, frozen=True, kw_only=True):
    """How sure it is that the best subset is the best."""

    contenders: tuple[Contender, ...]
    """Best first by the objective; equal ones with fewer models first, then in pool order."""
    contenders_proven: bool
    """Whether no better subset was missed among the contenders."""
    ci95: Interval | None
    """Of the first one's objective: the 2.5 % and 97.5 % percentiles of the resamples; None for
    fewer than two problems, of which resampling says nothing. It is of that subset, and does not
    know that it was chosen for being the best: new problems tend to give less."""
    lead: Difference
    """The first one's objective minus the second one's, on the same problems."""
    too_close: bool
    """Whether the problems cannot tell the first two apart: the lead's interval holds 0."""
    verdict: str
    """That in one sentence, for people."""


def stability(
    records: Records,
    *,
    max_models: int = 5,
    contenders: int = CONTENDERS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    limits: Limits = Limits(nodes=NODES),  # noqa: B008 - frozen
) -> Stability:
    """Resample the problems, and see how often each of the best subsets wins.

    Args:
        records: of the pool, on the validation problems.
        max_models: the largest size, >= 1; no more than the pool has.
        contenders: how many subsets can win, >= 2; fewer where there are fewer.
        resamples: >= 1.
        seed: of the resampling, >= 0.
        limits: of the search for the contenders, for each size.

    Raises:
        InvalidRequestError: a number is out of range, or there is only one subset.
    """
    import numpy as np

    if contenders < 2:
        raise InvalidRequestError(
            f"contenders is {contenders}, but must be at least 2: one alone wins every resample"
        )
    if resamples < 1:
        raise InvalidRequestError(f"resamples is {resamples}, but must be at least 1")
    found = search(records, max_models=max_models, runners_up=contenders - 1, limits=limits)
    ranked = [found.best, *(subset for subset, _ in found.runners_up)]
    if len(ranked) < 2:
        raise InvalidRequestError(
            f"a pool of {records.models} with at most {max_models} in a subset has one subset to "
            "choose (models with identical records count once): there is nothing to compare it with"
        )
    covered, contradicted = _columns(records, ranked)
    first_rule = sorted(range(len(ranked)), key=lambda c: (len(ranked[c]), ranked[c]))
    wins = np.zeros(len(ranked), dtype=np.int64)
    drawn: list[Floats] = []
    for often in resampled(records.problems, seed=seed, resamples=resamples):
        weights = often.astype(np.float64)
        right = (weights @ covered).astype(np.int64)
        wrong = (weights @ contradicted).astype(np.int64)
        # Python's whole numbers: exact whatever the penalty's decimals, so that ties are ties.
        values = records.gain * right.astype(object) - records.loss * wrong.astype(object)
        winners = np.asarray(first_rule)[values[:, first_rule].argmax(axis=1).astype(np.intp)]
        wins += np.bincount(winners, minlength=len(ranked))
        pair = np.stack([values[:, 0], values[:, 0] - values[:, 1]], axis=1)
        drawn.append((pair / (records.gain * records.problems)).astype(np.float64))
    both = np.concatenate(drawn)
    objectives = [records.as_objective(records.value(subset)) for subset in ranked]
    enough = records.problems > 1
    interval = percentile_interval(both[:, 1]) if enough else None
    lead = Difference(
        difference=records.as_objective(records.value(ranked[0]) - records.value(ranked[1])),
        ci95=interval,
        resamples=resamples,
    )
    return Stability(
        contenders=tuple(
            Contender(models=subset, objective=objective, share=int(won) / resamples)
            for subset, objective, won in zip(ranked, objectives, wins, strict=True)
        ),
        contenders_proven=found.runners_up_proven,
        ci95=percentile_interval(both[:, 0]) if enough else None,
        lead=lead,
        too_close=_too_close(lead),
        verdict=_verdict(records.problems, lead, int(wins[0]) / resamples),
    )


def _columns(records: Records, subsets: Sequence[Subset]) -> tuple["Floats", "Floats"]:
    """Give what each subset covers, and where it is contradicted: (problems, subsets), 0 or 1."""
    import numpy as np

    covered = np.zeros((records.problems, len(subsets)))
    contradicted = np.zeros_like(covered)
    for column, subset in enumerate(subsets):
        union = records.union(subset)
        covered[:, column], contradicted[:, column] = (unpacked(b, records.problems) for b in union)
    return covered, contradicted


def _too_close(lead: Difference) -> bool:
    return lead.ci95 is None or lead.ci95[0] <= 0


def _verdict(problems: int, lead: Difference, share: float) -> str:
    one = counted(problems, "problem")
    if lead.ci95 is None:
        return f"{one} cannot tell subsets apart: there is nothing to resample."
    low, high = lead.ci95
    figures = (
        f"the objective of the best is {lead.difference:.3f} above that of the second, 95 % "
        f"interval {low:.3f} to {high:.3f}, and it wins {100 * share:.0f} % of "
        f"{lead.resamples:,} resamples"
    )
    if _too_close(lead):
        return f"{one} cannot tell the best two subsets apart: {figures}."
    return f"{one} tell the best two subsets apart: {figures}."
