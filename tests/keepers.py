"""A keeper in memory that can refuse, for tests of what is kept when."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from slm_mux.errors import StoreError
from slm_mux.sampling.plan import Plan
from slm_mux.types import Sample


class MemoryKeeper:
    """Keeps samples by (model, messages), as a store would by the series they stand for.

    Args:
        full_after: samples that fit; the next raises StoreError.
    """

    def __init__(self, *, full_after: int | None = None) -> None:
        self.kept: dict[str, dict[int, Sample]] = defaultdict(dict)
        """By address, then by draw index."""
        self.calls: list[list[int]] = []
        """The draws of each call of `keep`, in order."""
        self._full_after = full_after

    async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
        return dict(self.kept[plan.address])

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        self.calls.append([sample.draw for sample in samples])
        await asyncio.sleep(0)
        if self._full_after is not None and self.total + len(samples) > self._full_after:
            raise StoreError("the disk is full")
        for sample in samples:
            assert sample.answer is None
            assert sample.draw not in self.kept[plan.address]
            self.kept[plan.address][sample.draw] = sample
        return len(samples)

    @property
    def total(self) -> int:
        """Samples kept."""
        return sum(map(len, self.kept.values()))

    def half(self, draws: Mapping[str, Sequence[int]]) -> "MemoryKeeper":
        """Another keeper with these draws alone, under some other model's name."""
        some = MemoryKeeper()
        for address, wanted in draws.items():
            some.kept[address] = {
                draw: replace(self.kept[address][draw], model="of before") for draw in wanted
            }
        return some
