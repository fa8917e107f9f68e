"""A keeper that counts what goes through it."""

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

    async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
        """See `Keeper.recall`."""
        return await self._keeper.recall(plan, texts=texts)

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        """See `Keeper.keep`."""
        new = await self._keeper.keep(plan, samples)
        for number, sample in enumerate(samples):
            # Samples that come together all have completions, or none has: any may be the new ones.
            self._counts.take(sample, plan.address, new=number < new)
            self._on_sample(sample)
        return new
