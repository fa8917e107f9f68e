"""Keeps what the sampler draws in a store, and gives back what was drawn before."""

import datetime
from collections.abc import Mapping, Sequence

from slm_mux.sampling.plan import Plan
from slm_mux.store.rows import Draw
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.types import Completion, Failure, Sample

_UNREAD = Completion(text="")
_FAILED = Failure("", "")


class StoreKeeper:
    """A `slm_mux.sampling.keeping.Keeper` over a store.

    The series of its plans must be registered in the store first.

    Args:
        store: for reading.
        writer: of the same file; None where nothing is drawn.
        retry_failed: whether draws that failed before are drawn again.
    """

    def __init__(
        self, store: Store, writer: StoreWriter | None, *, retry_failed: bool = False
    ) -> None:
        self._store = store
        self._writer = writer
        self._retry_failed = retry_failed
        self._handed_over: set[tuple[str, int]] = set()
        """Completions given to the writer, by address, that nobody heard of since."""

    async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
        """The plan's samples that need not be drawn again, by draw index.

        Without texts they are quick to find, and one that is damaged is in nobody's way.

        Raises:
            StoreError: a text that is wanted is damaged.
        """
        if not texts:
            return self._recall_outcomes(plan)
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
            if not (self._retry_failed and stored.status == "failed")
        }

    def _recall_outcomes(self, plan: Plan) -> Mapping[int, Sample]:
        drawn = self._store.drawn([plan.address])[plan.address]
        name = plan.model.name
        return {
            draw: Sample(model=name, draw=draw, completion=_UNREAD)
            if status == "completed"
            else Sample(model=name, draw=draw, failure=_FAILED)
            for draw, status in drawn.items()
            if not (self._retry_failed and status == "failed")
        }

    async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
        """Put samples into the store; returns, when they are on disk, how many are new."""
        if self._writer is None:
            raise AssertionError("samples came in where nothing is drawn")
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        completed = {(plan.address, one.draw) for one in samples if one.completion is not None}
        self._handed_over |= completed
        new = await self._writer.keep(
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
        self._handed_over -= completed
        return new

    def unwritten(self) -> int:
        """Count the completions that came in and are not in the store yet."""
        stored = self._store.drawn({series for series, _ in self._handed_over})
        self._handed_over = {
            (series, draw)
            for series, draw in self._handed_over
            if stored[series].get(draw) != "completed"
        }
        return len(self._handed_over)
