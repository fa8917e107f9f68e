"""`Mux`: `AsyncMux` for code that does not use asyncio."""

import asyncio
import threading
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, Self, TypeVar

from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Pool
from slm_mux.mux.asynchronous import AsyncMux
from slm_mux.mux.methods import DEFAULT_METHOD
from slm_mux.questions import KindRequest
from slm_mux.sampling.events import Observer
from slm_mux.types import Decision, Message, Stopping

T = TypeVar("T")


class Mux:
    """`AsyncMux` for code that does not use asyncio; the same names, without await.

    Its event loop runs in a thread of its own, so it also works where a loop is already running
    (a notebook), and several threads may ask at once.

    Args:
        pool: the models. `with` closes their connections and frees embedded models.
    """

    def __init__(self, pool: Pool) -> None:
        self._mux = AsyncMux(pool)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mux", daemon=True)
        self._thread.start()
        # Without a reference to this object, so that one that is dropped is closed too.
        self._end = weakref.finalize(self, _end, self._mux, self._loop, self._thread)

    @property
    def pool(self) -> Pool:
        """The models."""
        return self._mux.pool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every model and worker, and end the thread. The mux cannot be used again.

        A question that another thread is asking ends in InvalidRequestError.
        """
        self._end()

    def ask(
        self,
        question: str | Sequence[Message],
        *,
        method: str = DEFAULT_METHOD,
        kind: KindRequest = "auto",
        choices: Mapping[str, str] | None = None,
        labels: Sequence[str] = (),
        samples: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
        stopping: Stopping | None = None,
        seed: int | None = None,
        task: str | None = None,
        fall_back_to_text: bool = False,
        observe: Observer | None = None,
    ) -> Decision:
        """Ask the pool; see `AsyncMux.ask`. `observe` is called in its thread."""
        return self._run(
            self._mux.ask(
                question,
                method=method,
                kind=kind,
                choices=choices,
                labels=labels,
                samples=samples,
                temperature=temperature,
                top_p=top_p,
                max_tokens=max_tokens,
                stop=stop,
                extra=extra,
                stopping=stopping,
                seed=seed,
                task=task,
                fall_back_to_text=fall_back_to_text,
                observe=observe,
            )
        )

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        problem = None
        if not self._end.alive:
            problem = "this Mux is closed; make a new one"
        elif not self._thread.is_alive():
            problem = "this Mux was made before a fork; make one in each process"
        elif threading.current_thread() is self._thread:
            problem = "an observer cannot ask the Mux that it observes"
        if problem is not None:
            work.close()
            raise InvalidRequestError(problem)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise InvalidRequestError("this Mux was closed while it was asking") from None
        except BaseException:
            # Ctrl-C in the waiting thread: close the requests that are still out.
            future.cancel()
            raise


def _end(mux: AsyncMux, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Cancel what is being asked, close the models, end the thread."""
    if not thread.is_alive():
        # A child of the process that made it: thread and connections are the parent's.
        return
    if threading.current_thread() is thread:
        # Collected by chance in its own thread, which cannot wait for itself.
        loop.stop()
        return
    try:
        asyncio.run_coroutine_threadsafe(_shut_down(mux), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _shut_down(mux: AsyncMux) -> None:
    asking = asyncio.all_tasks() - {asyncio.current_task()}
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await mux.aclose()
