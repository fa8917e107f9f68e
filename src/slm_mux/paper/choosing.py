"""Which models are chosen on the searched problems: the best subset of each size, the two pairs."""

from collections.abc import Mapping

from slm_mux.paper.figures import PAIRS
from slm_mux.paper.tables import Sampled
from slm_mux.selection import records_of, search

LARGEST = 5
"""Models in a subset, as in the paper."""


def best_by_size(searched: Sampled) -> dict[int, tuple[str, ...]]:
    """The best subset of 1 .. 5 models by the paper's objective (lambda 1)."""
    found = search(records_of(searched.table), max_models=LARGEST, runners_up=0)
    names = searched.table.models
    return {len(best.models): tuple(names[m] for m in best.models) for best in found.by_size}


def groups(searched: Sampled, benchmark: str | None) -> Mapping[int, tuple[str, ...]]:
    """The two best pairs by the objective, as the paper's groups 1 and 2.

    A pair that is one of the paper's, by the names of its models, is put in that one's place.

    Args:
        searched: at least two models.
        benchmark: the paper's name of the task; None where it has none.

    Returns:
        By number; a pool of two models has group 1 alone.
    """
    names = searched.table.models
    # Single models may be among the best, so that many more than the two have to be looked at.
    found = search(records_of(searched.table), max_models=2, runners_up=len(names) + 1)
    best = [found.best, *(subset for subset, _ in found.runners_up)]
    pairs = [tuple(names[m] for m in subset) for subset in best if len(subset) == 2][:2]
    if benchmark is not None:
        first, second = (set(pair) for pair in PAIRS[benchmark])
        if set(pairs[0]) == second or (len(pairs) > 1 and set(pairs[1]) == first):
            pairs.reverse()
            if len(pairs) == 1:
                return {2: pairs[0]}
    return dict(enumerate(pairs, 1))


def members_of(subsets: Mapping[int, tuple[str, ...]]) -> list[str]:
    """Everybody who is in some subset."""
    return list(dict.fromkeys(name for subset in subsets.values() for name in subset))
