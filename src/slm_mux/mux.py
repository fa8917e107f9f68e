"""`Mux` and `AsyncMux`: ask a pool one question, get the most self-consistent answer."""

import asyncio
import threading
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, Self, TypeVar

from slm_mux.answers.base import AnswerKind
from slm_mux.answers.prompt import prompt_messages
from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Member, Pool
from slm_mux.questions import Asked, KindRequest, check_options, understand
from slm_mux.readers import WITHOUT_STYLE, Readers
from slm_mux.sampling.advice import plan_warnings, reply_warnings
from slm_mux.sampling.events import Observer, QuestionPlanned
from slm_mux.sampling.outcome import decision_of, fallen_back
from slm_mux.sampling.overrides import Overrides
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.reading import read_as_text
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.types import Decision, Message, Stopping

T = TypeVar("T")


class AsyncMux:
    """A pool that answers questions: each model several times, the most self-consistent wins.

    Any number of questions may be asked at once; each endpoint's limits hold across all of them.

    Args:
        pool: the models. `async with` closes their connections and frees embedded models.
        sampler: draws for it, in one event loop only, where several share one; it then retries as
            that one does. One of its own, in each event loop, by default.
    """

    def __init__(self, pool: Pool, *, sampler: Sampler | None = None) -> None:
        if not isinstance(pool, Pool):
            raise InvalidRequestError(
                "a mux is made of a Pool: Pool.load(path), or Pool.of(model, model)"
            )
        self.pool = pool
        self._shared = sampler
        self._sampler: Sampler | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers = Readers()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every model and every worker. The mux may be used again.

        Raises:
            ExceptionGroup: some of them could not be closed; the others are.
        """
        self._sampler = None
        closing = [asyncio.to_thread(self._readers.close)]
        closing += [member.model.aclose() for member in self.pool]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if errors:
            raise ExceptionGroup("closing failed", errors)

    async def ask(
        self,
        question: str | Sequence[Message],
        *,
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
        """Ask every model several times and believe the most self-consistent one.

        Args:
            question: a text, or a conversation that ends with a user's message or, with tools, with
                the result of one.
            kind: the form of the answer; "auto" decides it from the question alone. "tool_call"
                compares calls of the tools that `extra` gives.
            choices: for a multiple choice, the text of each label.
            labels: for a classification, the labels.
            samples: k, draws per model, >= 1; the pool's by default.
            temperature: 0 to 10; each model's own by default.
            top_p: above 0, at most 1; each model's own by default.
            max_tokens: per draw, >= 1; each model's own by default.
            stop: texts that end a draw, beside each model's own.
            extra: further fields of every request's body, `tools` or `response_format` for
                instance; each comes before a model's own of that name. Not model, messages, n,
                seed and stream, nor what is an option here.
            stopping: "eager", "frugal" or "none"; the pool's by default.
            seed: the pool's by default. With "none" and "frugal" the same seed gives the same
                decision wherever the endpoints give the same completions.
            task: whose validation accuracies break ties; their default by default.
            fall_back_to_text: where "auto" chose a kind in which no completion can be read, compare
                the completions as texts; `kind_reason` says so. Those that were cut off are
                compared only where no other can be.
            observe: told of everything that happens, as it happens.

        Raises:
            InvalidRequestError: the question or an option cannot be served as given.
            NoAnswerError: no model gave a readable answer; lists each model's reason.
            SandboxError: a model is asked for programs, and none can be run safely here.
        """
        check_options(
            samples=samples,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            stop=stop,
            extra=extra,
            stopping=stopping,
            seed=seed,
        )
        asked = understand(question, kind=kind, choices=choices, labels=labels, extra=extra)
        if asked.kind not in WITHOUT_STYLE and any(m.style == "program" for m in self.pool):
            # Before anything is paid for that could not be read.
            await asyncio.to_thread(_check_sandbox)
        overrides = Overrides(
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            stop=tuple(stop or ()),
            extra=dict(extra or {}),
        )
        problem = problem_id(asked.conversation)
        plans = [
            self._plan(
                member,
                asked,
                overrides,
                samples=samples,
                seed=self.pool.seed if seed is None else seed,
                problem=problem,
                task=task,
            )
            for member in self.pool
        ]
        if observe:
            drawers = tuple(plan.drawer for plan in plans)
            observe(QuestionPlanned(asked.kind, asked.kind_reason, drawers))
        tally, usage = await self._sampler_here().draw(
            plans, stopping=stopping or self.pool.stopping, observe=observe
        )
        warnings = [*plan_warnings(plans), *reply_warnings(plans, tally)]
        name, reason = asked.kind, asked.kind_reason
        if fall_back_to_text and reason is not None and not tally.has_answer:
            readers = {m.name: self._readers.of("text", style=m.style) for m in self.pool}
            texts, note = await read_as_text(tally, readers)
            if texts.has_answer:
                tally, name, reason = texts, "text", fallen_back(name, reason, note)
        return decision_of(tally, kind=name, kind_reason=reason, usage=usage, warnings=warnings)

    def _sampler_here(self) -> Sampler:
        """The sampler of the running event loop: limiters wait in one loop only."""
        if self._shared is not None:
            return self._shared
        loop = asyncio.get_running_loop()
        if self._sampler is None or self._loop is not loop:
            self._loop = loop
            self._sampler = Sampler(RetryPolicy(total_seconds=self.pool.retry_seconds))
        return self._sampler

    def _plan(
        self,
        member: Member,
        asked: Asked,
        overrides: Overrides,
        *,
        samples: int | None,
        seed: int,
        problem: str,
        task: str | None,
    ) -> Plan:
        reader = self._reader(asked, member)
        own = self.pool.samples if member.samples is None else member.samples
        k = own if samples is None else samples
        return Plan(
            model=member.model,
            messages=prompt_messages(
                asked.conversation, reader, choices=asked.choices, system=member.system
            ),
            generation=overrides.over(member.generation),
            seeds=tuple(draw_seed(seed, member.name, problem, draw) for draw in range(k)),
            validation_accuracy=member.accuracy_on(task),
            kind=reader,
        )

    def _reader(self, asked: Asked, member: Member) -> AnswerKind:
        return self._readers.of(
            asked.kind,
            style=member.style,
            choices=asked.choices,
            labels=asked.labels,
            tools=asked.tools,
        )


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
        """Ask every model several times; see `AsyncMux.ask`. `observe` is called in its thread."""
        return self._run(
            self._mux.ask(
                question,
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


def _check_sandbox() -> None:
    from slm_mux.sandbox import shared_sandbox

    shared_sandbox().check()


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
