"""A keeper that counts what goes through it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from slm_mux.collecting.counts import Counts
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.plan import Plan
from slm_mux.types import Sample


class CountingKeeper:
    """Counts samples that are on disk.

    Args:
        keeper: where samples go.
        counts: takes in each sample that is on disk.
        on_sample: told of it then.
    """

    def __init__(
        self, keeper: Keeper, counts: Counts, on_sample: Callable[[Sample], None] = lambda _: None
    ) -> None:
        self._keeper = keeper
        self._counts = counts
        self._on_sample = on_sample
        self._cut_off: list[tuple[Plan, Sequence[Sample]]] = []

    async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
        """See `Keeper.recall`."""
        return await self._keeper.recall(plan, texts=texts)

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        """See `Keeper.keep`."""
        try:
            new = await self._keeper.keep(plan, samples)
        except asyncio.CancelledError:
            self._cut_off.append((plan, samples))
            raise
        self._count(plan, samples, new)
        return new

    async def count_the_rest(self) -> None:
        """Count the samples whose keeping was cancelled: they are in the store all the same.

        Raises:
            ExceptionGroup: some could not be kept.
        """
        cut_off, self._cut_off = self._cut_off, []
        async with asyncio.TaskGroup() as group:
            for plan, samples in cut_off:
                group.create_task(self._keep_again(plan, samples))

    async def _keep_again(self, plan: Plan, samples: Sequence[Sample]) -> None:
        # This only waits for what was begun, unless it had not: no sample is kept twice.
        await self._keeper.keep(plan, samples)
        self._count(plan, samples, len(samples))

    def _count(self, plan: Plan, samples: Sequence[Sample], new: int) -> None:
        for number, sample in enumerate(samples):
            # Samples that come together all have completions, or none has: any may be the new ones.
            self._counts.take(sample, plan.address, new=number < new)
            self._on_sample(sample)
