"""The best subsets of a size, with a proof: branch and bound on bit sets.

A node is a chosen set S and the models that may still join it. With r models to come, the value
of S and any r of them together is at most

    value(S) + sum over the r of (cover(m) - cost(m) / r)

where cover(m) counts the problems that m alone would newly cover, at their most favourable worth,
and cost(m) the covered problems that m alone would newly contradict. Covers only shrink when others
join. A contradiction costs once however many models cause it, and each problem is caused by at most
r of them, so that at least the r-th part of the summed costs is due. With r = 1 it is the value
itself. Everything is kept times r, in whole numbers.
"""

import time
from bisect import insort
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.selection.objective import Records, Subset


class Limits(Struct, frozen=True, kw_only=True):
    """When to stop without a proof."""

    nodes: int = 2_000_000
    """Sets that are looked into; the same on every machine."""
    seconds: float | None = None
    """Of time; where it ends depends on the machine."""


class Proof(Struct, frozen=True, kw_only=True):
    """The best subsets of one size, and how sure that is."""

    subsets: tuple[Subset, ...]
    """Best first; equal ones in pool order."""
    proven: bool
    """Whether no other subset is better, or equal and earlier."""
    bound: int
    """No subset of this size has a higher value than this (see `Records.value`)."""
    nodes: int


def best_of_size(
    records: Records,
    size: int,
    *,
    keep: int = 1,
    starts: Iterable[Sequence[int]] = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Proof:
    """Find the subsets of a size with the highest objective.

    Equal subsets are ordered by the pool's order. Of subsets that differ only in models with
    identical records, the first one in pool order stands for all.

    Args:
        records: of the pool.
        size: models in a subset, 1 .. the pool's.
        keep: how many subsets are wanted, >= 1.
        starts: subsets to begin with; good ones make the search shorter, and never change a proven
            result.
        limits: when to give up the proof.

    Raises:
        InvalidRequestError: the size or `keep` is out of range.
    """
    if not 1 <= size <= records.models:
        raise InvalidRequestError(
            f"subsets of {size} models are wanted from a pool of {records.models}"
        )
    if keep < 1:
        raise InvalidRequestError(f"keep is {keep}, but must be at least 1")
    search = _Search(records, size, keep, limits)
    for start in starts:
        search.offer(records.value(start), tuple(sorted(start)))
    return search.run()


class _Search:
    def __init__(self, records: Records, size: int, keep: int, limits: Limits) -> None:
        self._records = records
        self._size = size
        self._keep = keep
        self._nodes_left = limits.nodes
        self._nodes = limits.nodes
        self._until = None if limits.seconds is None else time.monotonic() + limits.seconds
        self._best: list[tuple[int, Subset]] = []
        """(-value, subset), best first."""
        self._record_of: dict[int, int] = {}
        """The first model with the same record."""
        candidates = []
        for group in records.identical():
            # More of one record than a subset has places cannot all be in it.
            candidates += group[:size]
            self._record_of.update(dict.fromkeys(group, group[0]))
        self._candidates = sorted(candidates)

    def run(self) -> Proof:
        unexplored = self._look_into((), 0, 0, 0, self._candidates, self._size)
        best = -self._best[0][0] if self._best else None
        if unexplored is not None:
            # No subset covers more than all models do together.
            everything = reduce(or_, self._records.right)
            unexplored = min(unexplored, self._records.gain * everything.bit_count())
        bounds = [bound for bound in (best, unexplored) if bound is not None]
        return Proof(
            subsets=tuple(subset for _, subset in self._best),
            proven=unexplored is None,
            bound=max(bounds),
            nodes=self._nodes - self._nodes_left,
        )

    def offer(self, value: int, subset: Subset) -> None:
        """Take in a subset, when it is among the best so far."""
        subset = self._first_alike(subset)
        item = (-value, subset)
        if item not in self._best:
            insort(self._best, item)
            del self._best[self._keep :]

    def _first_alike(self, subset: Subset) -> Subset:
        """Put for each model the first one with its record that is not taken."""
        taken: dict[int, int] = {}
        for m in subset:
            first = self._record_of[m]
            taken[first] = taken.get(first, 0) + 1
        alike: dict[int, list[int]] = {}
        for m in self._candidates:
            alike.setdefault(self._record_of[m], []).append(m)
        return tuple(sorted(m for first, n in taken.items() for m in alike[first][:n]))

    def _worst_kept(self) -> int | None:
        return -self._best[-1][0] if len(self._best) == self._keep else None

    def _look_into(
        self, chosen: Subset, right: int, wrong: int, value: int, candidates: list[int], r: int
    ) -> int | None:
        """Search what `chosen` and r of the candidates can be.

        Returns:
            The highest value that what was not searched might have; None: all was searched.
        """
        self._nodes_left -= 1
        if r == 1:
            self._complete(chosen, right, wrong, value, candidates)
            return None
        joining = self._by_gain(right, wrong, candidates, r)
        gains = [gain for gain, _ in joining]
        tried: set[int] = set()
        window = sum(gains[:r])
        for i in range(len(joining) - r + 1):
            if i:
                window += gains[i + r - 1] - gains[i - 1]
            bound = value * r + window
            worst = self._worst_kept()
            if worst is not None and bound < worst * r:
                break
            m = -joining[i][1]
            if self._record_of[m] in tried:
                continue
            tried.add(self._record_of[m])
            if self._at_limit():
                return bound // r
            end = len(joining)
            if worst is not None:
                # Behind this place nobody can join m and still reach the worst that is kept.
                need = worst * r - value * r - gains[i] - sum(gains[i + 1 : i + r - 1])
                end = i + r - 1
                while end < len(joining) and gains[end] >= need:
                    end += 1
            both_right, both_wrong = right | self._records.right[m], wrong | self._records.wrong[m]
            unexplored = self._look_into(
                (*chosen, m),
                both_right,
                both_wrong,
                self._records.gain * both_right.bit_count()
                - self._records.loss * (both_right & both_wrong).bit_count(),
                [-name for _, name in joining[i + 1 : end]],
                r - 1,
            )
            if unexplored is not None:
                # What is left of this branch, and the branches behind it.
                last = i + r == len(joining)
                behind = bound if last else bound - gains[i] + gains[i + r]
                return max(min(unexplored, bound // r), behind // r)
        return None

    def _by_gain(
        self, right: int, wrong: int, candidates: list[int], r: int
    ) -> list[tuple[int, int]]:
        """Order the candidates by r * cover - cost; gives (that, -model), highest first."""
        records = self._records
        rights, wrongs, gain, loss = records.right, records.wrong, records.gain, records.loss
        fresh, covered = ~(right | wrong), right & ~wrong
        # A problem that is contradicted as soon as it is covered may be worth less than nothing,
        # but not more often than once.
        late, worth = wrong & ~right, max(0, gain - loss)
        return sorted(
            (
                (
                    r
                    * (
                        gain * (rights[m] & fresh).bit_count()
                        + worth * (rights[m] & late).bit_count()
                    )
                    - loss * (wrongs[m] & covered).bit_count(),
                    -m,
                )
                for m in candidates
            ),
            reverse=True,
        )

    def _complete(
        self, chosen: Subset, right: int, wrong: int, value: int, candidates: list[int]
    ) -> None:
        """Try every candidate as the last one."""
        records = self._records
        rights, wrongs, gain, loss = records.right, records.wrong, records.gain, records.loss
        fresh, covered, late = ~(right | wrong), right & ~wrong, wrong & ~right
        worst = self._worst_kept()
        for m in candidates:
            total = (
                value
                + gain * (rights[m] & fresh).bit_count()
                + (gain - loss) * (rights[m] & late).bit_count()
                - loss * (wrongs[m] & covered).bit_count()
            )
            if worst is None or total >= worst:
                self.offer(total, tuple(sorted((*chosen, m))))
                worst = self._worst_kept()

    def _at_limit(self) -> bool:
        return self._nodes_left <= 0 or (
            self._until is not None and time.monotonic() >= self._until
        )
