"""`Mux` and `AsyncMux`: ask a pool one question, get the most self-consistent answer."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from msgspec.structs import replace

from slm_mux.answers import make_kind
from slm_mux.answers.auto import choices_in
from slm_mux.answers.base import AnswerKind
from slm_mux.answers.prompt import prompt_messages
from slm_mux.errors import InvalidRequestError
from slm_mux.models.pool import Member, Pool
from slm_mux.questions import KindRequest, check_options, checked_question, resolve_kind, text_of
from slm_mux.sampling.advice import plan_warnings, reply_warnings
from slm_mux.sampling.events import Observer, QuestionPlanned
from slm_mux.sampling.outcome import decision_of
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.types import Decision, KindName, Message, Stopping

T = TypeVar("T")


class AsyncMux:
    """A pool that answers questions: each model several times, the most self-consistent wins.

    Any number of questions may be asked at once; each endpoint's limits hold across all of them.

    Args:
        pool: the models. `async with` closes their connections and frees embedded models.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._sampler: Sampler | None = None
        self._kinds: dict[KindName, AnswerKind] = {}

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
        """Close every model and every worker. The mux may be used again."""
        for kind in self._kinds.values():
            kind.close()
        self._kinds.clear()
        for member in self.pool:
            await member.model.aclose()

    async def ask(
        self,
        question: str | Sequence[Message],
        *,
        kind: KindRequest = "auto",
        choices: Mapping[str, str] | None = None,
        labels: Sequence[str] = (),
        samples: int | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        stopping: Stopping | None = None,
        seed: int | None = None,
        task: str | None = None,
        observe: Observer | None = None,
    ) -> Decision:
        """Ask every model several times and believe the most self-consistent one.

        Args:
            question: a text, or a conversation that ends with a user's message.
            kind: the form of the answer; "auto" decides it from the question alone.
            choices: for a multiple choice, the text of each label.
            labels: for a classification, the labels.
            samples: k, draws per model, >= 1; the pool's by default.
            temperature: >= 0; each model's own by default.
            max_tokens: per draw, >= 1; each model's own by default.
            stopping: "eager", "frugal" or "none"; the pool's by default.
            seed: the pool's by default. With "none" and "frugal" the same seed gives the same
                decision wherever the endpoints give the same completions.
            task: whose validation accuracies break ties; their default by default.
            observe: told of everything that happens, as it happens.

        Raises:
            InvalidRequestError: the question or an option cannot be served as given.
            NoAnswerError: no model gave a readable answer; lists each model's reason.
        """
        conversation = checked_question(question)
        stopping = self.pool.stopping if stopping is None else stopping
        check_options(samples, temperature, max_tokens, stopping)
        last = text_of(conversation[-1])
        kind_name, kind_reason = resolve_kind(kind, last, choices, labels)
        if kind_name == "choice" and not choices:
            choices = choices_in(last)
        reader = self._kind(kind_name, choices, labels)
        plans = [
            self._plan(
                member,
                prompt_messages(conversation, reader, choices=choices, system=member.system),
                samples=samples,
                temperature=temperature,
                max_tokens=max_tokens,
                seed=self.pool.seed if seed is None else seed,
                problem=problem_id(conversation),
                task=task,
            )
            for member in self.pool
        ]
        if self._sampler is None:
            self._sampler = Sampler(RetryPolicy(total_seconds=self.pool.retry_seconds))
        if observe:
            drawers = tuple(plan.drawer for plan in plans)
            observe(QuestionPlanned(kind_name, kind_reason, drawers))
        tally, usage = await self._sampler.draw(plans, reader, stopping=stopping, observe=observe)
        return decision_of(
            tally,
            kind=kind_name,
            kind_reason=kind_reason,
            usage=usage,
            warnings=[*plan_warnings(plans), *reply_warnings(plans, tally)],
        )

    def _kind(
        self, name: KindName, choices: Mapping[str, str] | None, labels: Sequence[str]
    ) -> AnswerKind:
        if name in ("choice", "label"):
            return make_kind(name, choices=choices, labels=labels)
        if name not in self._kinds:
            self._kinds[name] = make_kind(name)
        return self._kinds[name]

    def _plan(
        self,
        member: Member,
        messages: tuple[Message, ...],
        *,
        samples: int | None,
        temperature: float | None,
        max_tokens: int | None,
        seed: int,
        problem: str,
        task: str | None,
    ) -> Plan:
        k = samples or member.samples or self.pool.samples
        generation = member.generation
        if temperature is not None:
            generation = replace(generation, temperature=temperature)
        if max_tokens is not None:
            generation = replace(generation, max_tokens=max_tokens)
        return Plan(
            model=member.model,
            messages=messages,
            generation=generation,
            seeds=tuple(draw_seed(seed, member.name, problem, draw) for draw in range(k)),
            validation_accuracy=member.accuracy_on(task),
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
        """Close every model and worker, and end the thread. The mux cannot be used again."""
        if self._loop.is_closed():
            return
        self._run(self._mux.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def ask(
        self,
        question: str | Sequence[Message],
        *,
        kind: KindRequest = "auto",
        choices: Mapping[str, str] | None = None,
        labels: Sequence[str] = (),
        samples: int | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        stopping: Stopping | None = None,
        seed: int | None = None,
        task: str | None = None,
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
                max_tokens=max_tokens,
                stopping=stopping,
                seed=seed,
                task=task,
                observe=observe,
            )
        )

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop.is_closed():
            work.close()
            raise InvalidRequestError("this Mux is closed; make a new one")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C in the waiting thread: close the requests that are still out.
            future.cancel()
            raise
