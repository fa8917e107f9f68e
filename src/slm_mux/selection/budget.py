"""What accuracy costs: every subset with every number of draws, and which of them are worth it.

The cost of (subset, k) is the mean over all problems of the prompt and completion tokens of the
first k draws of its models; a draw that brought no completion costs nothing. The accuracy is that
of Algorithm 1 with those first k draws, on the scored problems: one outcome, not the expectation
over which k draws there are.
"""

import math
from math import comb
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.selection.criteria import EVALUATIONS, Accuracy, best_by
from slm_mux.selection.deciding import Standings, all_subsets, as_subsets, check_table
from slm_mux.selection.objective import Subset
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Subsets = NDArray[np.intp]


class Option(Struct, frozen=True, kw_only=True):
    """A subset with a number of draws of each of its models."""

    models: Subset
    k: int
    tokens: float
    """Mean per problem, >= 0."""
    accuracy: float


class Budget(Struct, frozen=True, kw_only=True):
    """Which accuracy is to be had for how many tokens."""

    frontier: tuple[Option, ...]
    """The options that none beats: cheapest first, each more accurate than the one before. Of
    options with the same cost and accuracy the one with fewer models, then with smaller k, then the
    first in pool order."""
    proven: bool
    """Whether every subset and k was tried."""
    tried: int
    """Options that were."""

    def best_within(self, tokens: float) -> Option:
        """Give the most accurate option that costs no more; of equal ones the cheapest.

        Args:
            tokens: per problem, >= 0.

        Raises:
            InvalidRequestError: not a number of tokens, or everything costs more.
        """
        if not tokens >= 0:
            raise InvalidRequestError(f"the budget is {tokens!r} tokens, but must be at least 0")
        affordable = [option for option in self.frontier if option.tokens <= tokens]
        if not affordable:
            raise InvalidRequestError(
                f"no subset costs {tokens:g} tokens per problem or less: the cheapest takes "
                f"{self.frontier[0].tokens:g}"
            )
        return affordable[-1]


def budget(
    table: VoteTable,
    *,
    max_models: int = 5,
    max_k: int | None = None,
    evaluations: int = EVALUATIONS,
) -> Budget:
    """Find the frontier of accuracy against tokens.

    Sizes are tried one and all, from the smallest on, as long as there are no more than
    `evaluations` options so far. Of larger sizes only the subset that `best_by` grows by accuracy
    is tried for each k, and the frontier is not proven.

    Args:
        table: its validation accuracies break ties of Algorithm 1.
        max_models: the largest size, >= 1; no more than the pool has.
        max_k: the most draws of each model, >= 1; by default as many as every model has.
        evaluations: how many options may be tried one and all, >= 0.

    Raises:
        InvalidRequestError: no models, no scored problems, a number out of range, draws that were
            not made, or whose tokens are unknown.
    """
    most = min(table.k, default=0) if max_k is None else max_k
    check_table(table, max_k)
    if max_models < 1:
        raise InvalidRequestError(f"max_models is {max_models}, but must be at least 1")
    if evaluations < 0:
        raise InvalidRequestError(f"evaluations is {evaluations}, but must be at least 0")
    spent = _spent(table, most)
    standings = [Standings.of(table, k) for k in range(1, most + 1)]
    largest = min(max_models, len(table.models))
    tried, best, whole = 0, _Frontier(), 0
    for size in range(1, largest + 1):
        count = most * comb(len(table.models), size)
        if tried + count > evaluations:
            break
        subsets = all_subsets(len(table.models), size)
        for k in range(1, most + 1):
            best.offer(subsets, k, spent[:, k - 1], standings[k - 1])
        tried, whole = tried + count, size
    if whole < largest:
        for k in range(1, most + 1):
            grown = best_by(
                Accuracy(standings=standings[k - 1]),
                max_models=largest,
                evaluations=min(evaluations, _smaller(len(table.models), whole)),
            )
            for picked in grown.by_size[whole:]:
                best.offer(as_subsets([picked.models]), k, spent[:, k - 1], standings[k - 1])
                tried += 1
    problems = len(table.problems)
    return Budget(
        frontier=tuple(
            Option(models=subset, k=k, tokens=tokens / problems, accuracy=accuracy)
            for tokens, accuracy, _, k, subset in best.options()
        ),
        proven=whole == largest,
        tried=tried,
    )


_Found = tuple[float, float, int, int, Subset]
"""Tokens of all problems, accuracy, models, k, subset."""


class _Frontier:
    """The options that none beats, of those offered so far."""

    def __init__(self) -> None:
        self._kept: list[_Found] = []

    def offer(self, subsets: "Subsets", k: int, spent: "Floats", standings: Standings) -> None:
        """Take in subsets of one size, in pool order."""
        import numpy as np

        tokens = spent[subsets].sum(axis=1)
        accuracies = standings.accuracies(subsets)
        # Stable, so that equal ones stay in pool order.
        order = np.lexsort((-accuracies, tokens))
        highest = np.maximum.accumulate(accuracies[order])
        better = np.concatenate([[True], highest[1:] > highest[:-1]])
        for place in order[better].tolist():
            subset = tuple(subsets[place].tolist())
            found = (float(tokens[place]), float(accuracies[place]), len(subset), k, subset)
            self._kept.append(found)

    def options(self) -> list[_Found]:
        """Give those that none beats, cheapest first."""
        self._kept.sort(key=lambda one: (one[0], -one[1], *one[2:]))
        beaten_by = -math.inf
        options = []
        for one in self._kept:
            if one[1] > beaten_by:
                options.append(one)
                beaten_by = one[1]
        return options


def _smaller(models: int, size: int) -> int:
    """How many subsets have at most so many models."""
    return sum(comb(models, n) for n in range(1, size + 1))


def _spent(table: VoteTable, most: int) -> "Floats":
    """Add up the tokens of the first k draws over all problems: (models, k)."""
    import numpy as np

    tokens = table.tokens()[:, :, :most]
    unknown = np.isnan(tokens).any(axis=(1, 2))
    if unknown.any():
        m = int(unknown.argmax())
        count = int(np.isnan(tokens[m]).sum())
        raise InvalidRequestError(
            f"{table.models[m]}: the tokens of {count} of its draws are unknown, so what it costs "
            "is not known: leave it out, or use draws of an endpoint that reports usage"
        )
    spent: Floats = tokens.sum(axis=1).cumsum(axis=1)
    return spent
