"""Good subsets without a proof: greedy, then exchanges, for any figure of a subset.

Both are deterministic: of equal subsets the first in pool order is taken.
"""

from collections.abc import Callable, Sequence

from slm_mux.selection.objective import Subset

Value = Callable[[Sequence[int]], float]
"""What a subset is worth; higher is better."""


def greedy(models: int, size: int, value: Value) -> list[Subset]:
    """Add the model that helps most, one at a time.

    Args:
        models: in the pool.
        size: of the largest subset, 1 .. models.
        value: of a subset, higher is better.

    Returns:
        One subset of each size from 1 to `size`.
    """
    chosen: list[int] = []
    found = []
    for _ in range(size):
        others = [m for m in range(models) if m not in chosen]
        # max keeps the first of equal ones.
        chosen.append(max(others, key=lambda m: value((*chosen, m))))
        found.append(tuple(sorted(chosen)))
    return found


def exchange(models: int, start: Subset, value: Value) -> Subset:
    """Swap one model at a time for the best other one, until no swap helps.

    Args:
        models: in the pool.
        start: any subset.
        value: of a subset, higher is better.

    Returns:
        A subset of the same size, at least as good.
    """
    best, worth = start, value(start)
    while True:
        swaps = [
            tuple(sorted((*best[:i], *best[i + 1 :], m)))
            for i in range(len(best))
            for m in range(models)
            if m not in best
        ]
        found = [(value(swap), swap) for swap in swaps]
        better = [(total, swap) for total, swap in found if worth < total]
        if not better:
            return best
        worth = max(total for total, _ in better)
        best = min(swap for total, swap in better if not total < worth)
