"""What keeps samples, so that each is bought once."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from slm_mux.sampling.plan import Plan
from slm_mux.types import Sample


class Keeper(Protocol):
    """Knows the samples that were bought before, and takes in new ones.

    A sample that is kept has no answer: answers are read from completions, and can be read again.
    """

    async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
        """The plan's samples that need not be drawn again, by draw index; others are passed over.

        Args:
            plan: what is to be drawn.
            texts: whether the completions will be read; without, any may come as an empty text.
        """
        ...

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        """Take in samples of a plan; returns, when they are on disk, how many are new.

        A sample is new when there was none at its index, or a failed one and this is completed.

        A cancelled call may have kept them or not; it never keeps one twice.
        """
        ...
