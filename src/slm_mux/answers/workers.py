"""Worker processes for work that must not stall or exhaust this process.

A pebble pool of spawned processes, started on the first call. Each has a limit on its memory, and a
call that runs past the wall limit has its worker killed and replaced. The wall limit is a backstop:
callers bound the size of what they ask for, and the hits are counted.
"""

import contextlib
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, ParamSpec, TypeVar

from msgspec import Struct

from slm_mux.provisional import mark_provisional

P = ParamSpec("P")
T = TypeVar("T")

WALL_LIMIT = 20.0
"""Seconds that one call may take."""
MEMORY_LIMIT = 2**30
"""Bytes of address space that one worker may take."""


class WorkerStatistics(Struct, frozen=True, kw_only=True):
    """What became of the calls."""

    calls: int = 0
    """Ended, however they did; without those that `close` ended."""
    wall_limit_hits: int = 0
    failures: int = 0
    """Calls that ran out of memory, raised, or whose worker died."""


class NoResultError(Exception):
    """The call hit a limit or failed; the workers go on."""


class ClosedError(NoResultError):
    """`close` was called while the call was under way; the same call may succeed later."""


class Workers:
    """A few worker processes, shared between threads.

    Args:
        warm_up: run in each worker as it starts; a function that can be imported by name.
        processes: >= 1.
        wall_limit: seconds a call may take, > 0.
        memory_limit: bytes a worker may take, where the system can limit it.
    """

    def __init__(
        self,
        warm_up: Callable[[], object] | None = None,
        *,
        processes: int = 2,
        wall_limit: float = WALL_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        self._warm_up = warm_up
        self._processes = processes
        self._wall_limit = wall_limit
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        self._pool: Any = None
        self._in_flight: set[Any] = set()
        self._statistics = WorkerStatistics()

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an importable function in a worker and wait for its result.

        What the wall limit ended is marked as provisional.

        Raises:
            NoResultError: it hit a limit, raised, or its worker died.
            ClosedError: `close` was called meanwhile.
        """
        pool, future = self._scheduled(function, args, kwargs)
        try:
            result: T = future.result()
        except FutureTimeoutError as error:
            self._count(wall_limit_hits=1)
            mark_provisional()
            raise NoResultError(f"no result within {self._wall_limit:g} s") from error
        except (Exception, CancelledError) as error:
            if pool is not self._pool:
                raise ClosedError("the workers were closed") from error
            self._count(failures=1)
            raise NoResultError(f"{type(error).__name__}: {error}") from error
        finally:
            with self._lock:
                self._in_flight.discard(future)
        self._count()
        return result

    def statistics(self) -> WorkerStatistics:
        """Give the counts since this object was made."""
        with self._lock:
            return self._statistics

    def close(self) -> None:
        """End the worker processes and wait for them; a later call starts new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
            abandoned, self._in_flight = self._in_flight, set()
        if pool is not None:
            pool.stop()
            # Stopping a pool leaves those who wait for its running tasks waiting.
            for future in abandoned:
                future.cancel()
            pool.join()

    def _scheduled(
        self, function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> tuple[Any, Any]:
        """Hand a call to the pool: gives the pool and the future."""
        # Only a process that needs workers pays for the import.
        from pebble import ProcessPool

        # Under the lock, so that `close` either comes first or sees the future.
        with self._lock:
            if self._pool is None or not self._pool.active:
                self._pool = ProcessPool(
                    max_workers=self._processes,
                    context=_Context(),
                    initializer=_start,
                    initargs=(self._memory_limit, self._warm_up),
                )
            future = self._pool.schedule(
                function, args=args, kwargs=kwargs, timeout=self._wall_limit
            )
            self._in_flight.add(future)
            return self._pool, future

    def _count(self, *, wall_limit_hits: int = 0, failures: int = 0) -> None:
        with self._lock:
            before = self._statistics
            self._statistics = WorkerStatistics(
                calls=before.calls + 1,
                wall_limit_hits=before.wall_limit_hits + wall_limit_hits,
                failures=before.failures + failures,
            )


def _start(memory_limit: int, warm_up: Callable[[], object] | None) -> None:
    """Prepare a worker: leave Ctrl-C to the parent, limit memory, import."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        import resource

        # Not every system can limit address space (macOS refuses).
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if warm_up is not None:
        # What fails here fails again in the calls, which report it; here it would end the pool.
        with contextlib.suppress(Exception):
            warm_up()


class _Process(SpawnProcess):
    """A spawned process that does not run the user's main module again.

    Spawning imports `__main__` in the child. A script without `if __name__ == "__main__"` would
    run a second time there, with every request to a model that it makes.
    """

    def start(self) -> None:
        with _START, _main_hidden(), _interrupt_blocked():
            super().start()


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Block SIGINT here, so that the child inherits that and Ctrl-C cannot meet it importing."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    Process = _Process


_START = threading.Lock()


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
