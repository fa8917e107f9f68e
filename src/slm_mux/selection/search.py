"""Which models belong together: the best subset of every size by the paper's objective."""

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.selection.exact import Limits, best_of_size
from slm_mux.selection.heuristic import exchange, greedy
from slm_mux.selection.objective import Quality, Records, Subset

RUNNERS_UP = 5


class Best(Struct, frozen=True, kw_only=True):
    """The best subset of one size."""

    models: Subset
    quality: Quality
    proven: bool
    """Whether no subset of the size is better, or equal and earlier in pool order."""
    bound: float
    """No subset of the size has a higher objective; the objective itself where it is proven."""
    greedy: Subset
    """What adding one model at a time comes to, for comparison."""
    greedy_objective: float

    @property
    def gap(self) -> float:
        """How much better a subset might be that was not found; 0 where it is proven."""
        return self.bound - self.quality.objective


class Found(Struct, frozen=True, kw_only=True):
    """The outcome of a search."""

    by_size: tuple[Best, ...]
    """For 1, 2, ... models."""
    best: Subset
    """Of all sizes; of equal ones the smallest, then the first in pool order."""
    runners_up: tuple[tuple[Subset, Quality], ...]
    """The next best of all sizes, best first."""
    runners_up_proven: bool
    """Whether nothing better than them was missed."""
    identical: tuple[tuple[int, ...], ...]
    """Groups of two and more models with the same record; the first stands for all."""
    nodes: int
    """Sets that were looked into."""


def search(
    records: Records,
    *,
    max_models: int = 5,
    runners_up: int = RUNNERS_UP,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Found:
    """Find the best subset of each size from 1 on, and the best of all (arXiv 2510.05077, stage 2).

    Args:
        records: of the pool.
        max_models: the largest size, >= 1; no more than the pool has.
        runners_up: how many of the next best are wanted, >= 0.
        limits: when to give up a proof, for each size.

    Raises:
        InvalidRequestError: a number is out of range.
    """
    if max_models < 1:
        raise InvalidRequestError(f"max_models is {max_models}, but must be at least 1")
    if runners_up < 0:
        raise InvalidRequestError(f"runners_up is {runners_up}, but must be at least 0")
    largest = min(max_models, records.models)
    steps = greedy(records.models, largest, records.value)
    by_size, ranked, nodes = [], [], 0
    for size, step in enumerate(steps, 1):
        start = exchange(records.models, step, records.value)
        proof = best_of_size(
            records, size, keep=1 + runners_up, starts=[step, start], limits=limits
        )
        nodes += proof.nodes
        ranked += [(-records.value(subset), size, subset) for subset in proof.subsets]
        by_size.append(
            Best(
                models=proof.subsets[0],
                quality=records.quality(proof.subsets[0]),
                proven=proof.proven,
                bound=records.as_objective(proof.bound),
                greedy=step,
                greedy_objective=records.as_objective(records.value(step)),
            )
        )
    ranked.sort()
    return Found(
        by_size=tuple(by_size),
        best=ranked[0][2],
        runners_up=tuple(
            (subset, records.quality(subset)) for _, _, subset in ranked[1 : 1 + runners_up]
        ),
        runners_up_proven=all(best.proven for best in by_size),
        identical=tuple(tuple(group) for group in records.identical() if len(group) > 1),
        nodes=nodes,
    )
