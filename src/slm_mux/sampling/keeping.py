"""What keeps samples, so that each is bought once."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from slm_mux.sampling.plan import Plan
from slm_mux.types import Sample


class Keeper(Protocol):
    """Knows the samples that were bought before, and takes in new ones.

    A sample that is kept has no answer: answers are read from completions, and can be read again.
    """

    async def recall(self, plan: Plan) -> Mapping[int, Sample]:
        """The plan's samples that need not be drawn again, by draw index."""
        ...

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> None:
        """Take in samples of a plan; returns when they are on disk.

        A cancelled call may have kept them or not; it never keeps one twice.
        """
        ...
