"""Keeps what the sampler draws in a store, and gives back what was drawn before."""

import datetime
from collections.abc import Mapping, Sequence

from slm_mux.sampling.plan import Plan
from slm_mux.store.rows import Draw
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.types import Sample


class StoreKeeper:
    """A `slm_mux.sampling.keeping.Keeper` over a store.

    The series of its plans must be registered in the store first.

    Args:
        store: for reading.
        writer: of the same file.
        retry_failed: whether draws that failed before are drawn again.
    """

    def __init__(self, store: Store, writer: StoreWriter, *, retry_failed: bool = False) -> None:
        self._store = store
        self._writer = writer
        self._retry_failed = retry_failed

    async def recall(self, plan: Plan) -> Mapping[int, Sample]:
        """The plan's samples that need not be drawn again, by draw index."""
        return {
            stored.draw: Sample(
                model=plan.model.name,
                draw=stored.draw,
                seed=stored.seed,
                completion=stored.completion,
                failure=stored.failure,
                seconds=stored.seconds,
            )
            for stored in self._store.draws_of(plan.address)
            if stored.draw < len(plan.seeds)
            and not (self._retry_failed and stored.status == "failed")
        }

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> None:
        """Put samples into the store; returns when they are on disk."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        await self._writer.keep(
            [
                Draw(
                    series=plan.address,
                    draw=sample.draw,
                    seed=sample.seed,
                    completion=sample.completion,
                    failure=sample.failure,
                    seconds=sample.seconds,
                    collected_at=now,
                )
                for sample in samples
            ]
        )
