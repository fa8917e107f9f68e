"""Where a discussion's draws are kept: under the address of what was asked, in the task."""

import asyncio
from collections import defaultdict

from slm_mux.collecting.asking import settings_document
from slm_mux.discussion.base import Speaker
from slm_mux.store.rows import Series
from slm_mux.store.store import Store
from slm_mux.types import Message

_Entry = tuple[str, str, str, str]
"""Method, problem, member and digest."""


class Register:
    """Registers follow-ups in a store, many in one commit: what waits meanwhile goes into the next.

    Args:
        store: with the task.
        task: its name.
    """

    def __init__(self, store: Store, task: str) -> None:
        self._store = store
        self._task = task
        self._lock = asyncio.Lock()
        self._waiting: dict[_Entry, Series] = {}
        self._known: set[_Entry] = set()

    async def put(self, method: str, problem: str, series: Series) -> None:
        """Register a follow-up; returns when that is on the disk. Again is no change.

        Raises:
            StoreError: it could not be stored, or the task has no such problem.
        """
        entry = (method, problem, series.member, series.digest)
        if entry in self._known:
            return
        self._waiting[entry] = series
        async with self._lock:
            if entry in self._known:
                return
            # Whoever is about to come, of the discussions that begin now, comes along.
            await asyncio.sleep(0)
            batch, self._waiting = {**self._waiting, entry: series}, {}
            # In a thread: a commit waits for the disk, and other draws go on.
            await asyncio.to_thread(self._put, batch)
            self._known |= batch.keys()

    def _put(self, batch: dict[_Entry, Series]) -> None:
        by_method: dict[str, list[tuple[str, Series]]] = defaultdict(list)
        for (method, problem, _, _), series in batch.items():
            by_method[method].append((problem, series))
        with self._store.transaction():
            for method, asked in by_method.items():
                self._store.put_discussed(self._task, method, asked)


class StoreFiling:
    """A `slm_mux.discussion.room.Filing` of one problem's discussion, for a `StoreKeeper`.

    Args:
        problem: its id in the task.
        method: the discussion's.
        seed: what the draws' own seeds derive from.
        register: where follow-ups become known; None where nothing is drawn.
    """

    def __init__(
        self, *, problem: str, method: str, seed: int, register: Register | None = None
    ) -> None:
        self._problem = problem
        self._method = method
        self._seed = seed
        self._register = register

    async def address(self, speaker: Speaker, messages: tuple[Message, ...]) -> str:
        """See `Filing.address`.

        Raises:
            StoreError: the store cannot be written.
        """
        series = Series(
            member=speaker.name,
            identity=speaker.identity,
            messages=messages,
            settings=settings_document(speaker.generation, speaker.style),
            seed=self._seed,
        )
        if self._register is not None:
            await self._register.put(self._method, self._problem, series)
        return series.digest
