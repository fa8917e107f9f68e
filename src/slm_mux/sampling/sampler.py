"""Draws the samples of a question: the only owner of concurrency, retries and cancellation."""

import asyncio
import random
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.answers.base import AnswerKind
from slm_mux.errors import ModelError, RequestRefusedError, SlmMuxError
from slm_mux.models.base import Generation, Model, Request
from slm_mux.sampling.events import (
    AnswerSettled,
    Observer,
    RequestRetried,
    RequestSent,
    SampleDrawn,
)
from slm_mux.sampling.limits import Limiter
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.tally import Drawer, Tally
from slm_mux.stopping import next_wave
from slm_mux.types import Completion, Failure, Message, Sample, Stopping, Usage


class Plan(Struct, frozen=True, kw_only=True):
    """What one model is to draw on one question."""

    model: Model
    messages: tuple[Message, ...]
    generation: Generation
    seeds: tuple[int, ...]
    """One per draw, so its length is k >= 1."""
    validation_accuracy: float | None = None

    @property
    def drawer(self) -> Drawer:
        """What voting needs to know of it."""
        return Drawer(self.model.name, len(self.seeds), self.validation_accuracy)


class Sampler:
    """Draws from models, each endpoint within its own limits.

    One sampler serves any number of questions at once; its limiters hold across all of them. It
    belongs to one event loop.

    Args:
        retries: when a failed request is sent again.
    """

    def __init__(self, retries: RetryPolicy | None = None) -> None:
        self.retries = retries or RetryPolicy()
        self._limiters: dict[str, Limiter] = {}
        self._one_draw_only: set[str] = set()
        self._jitter = random.Random()  # noqa: S311 - spreads waits; decides nothing

    async def draw(
        self,
        plans: Sequence[Plan],
        kind: AnswerKind,
        *,
        stopping: Stopping,
        observe: Observer | None = None,
    ) -> tuple[Tally, Usage]:
        """Draw until the answer is settled, or, with `stopping="none"`, until all draws are in.

        Every planned draw ends as an answer, as unreadable or as failed, or is not drawn because
        it could no longer change the answer.

        Args:
            plans: one per model, in pool order.
            kind: reads the completions.
            stopping: eager starts all draws at once and cancels; frugal draws in waves.
            observe: told of everything that happens.
        """
        question = _Question(self, plans, kind, observe)
        try:
            if stopping == "frugal":
                await question.draw_in_waves()
            else:
                await question.draw_everything(stop_when_settled=stopping == "eager")
        except* SlmMuxError as errors:
            raise _first(errors) from None
        return question.tally, question.usage()

    def limiter(self, model: Model) -> Limiter:
        """The limiter of the model's endpoint."""
        limiter = self._limiters.get(model.endpoint)
        if limiter is None:
            limiter = self._limiters[model.endpoint] = Limiter(model.limits)
        return limiter

    def draws_at_once(self, model: Model) -> bool:
        """Whether to ask the model for several draws in one request."""
        return model.draws_at_once and model.name not in self._one_draw_only

    def ask_for_one_draw_only(self, model: Model) -> None:
        """Remember that the endpoint refuses requests for several draws."""
        self._one_draw_only.add(model.name)

    @property
    def jitter(self) -> random.Random:
        """Where the random part of a wait comes from."""
        return self._jitter


class _Question:
    """One question's draws. Requests run in tasks; their samples come back through one queue."""

    def __init__(
        self,
        sampler: Sampler,
        plans: Sequence[Plan],
        kind: AnswerKind,
        observe: Observer | None,
    ) -> None:
        self._sampler = sampler
        self._plans = plans
        self._kind = kind
        self._observe = observe
        self._arrived: asyncio.Queue[Sample] = asyncio.Queue()
        self._requests = 0
        self._cancelled = 0
        self._clock = asyncio.get_running_loop().time
        self._started = self._clock()
        self.tally = Tally([plan.drawer for plan in plans])

    def usage(self) -> Usage:
        return self.tally.usage(
            requests=self._requests,
            cancelled=self._cancelled,
            seconds=self._clock() - self._started,
        )

    async def draw_everything(self, *, stop_when_settled: bool) -> None:
        wave = [(plan, tuple(range(len(plan.seeds)))) for plan in self._plans]
        await self._draw_wave(wave, stop_when_settled=stop_when_settled)

    async def draw_in_waves(self) -> None:
        while (wave := next_wave(self.tally.progress)) is not None:
            plan = self._plans[self.tally.drawer_at(wave.model)]
            await self._draw_wave([(plan, wave.draws)], stop_when_settled=True)

    async def _draw_wave(
        self, wave: Sequence[tuple[Plan, Sequence[int]]], *, stop_when_settled: bool
    ) -> None:
        expected = sum(len(draws) for _, draws in wave)
        async with asyncio.TaskGroup() as group:
            tasks = []
            for plan, draws in wave:
                if len(draws) > 1 and self._sampler.draws_at_once(plan.model):
                    tasks.append(group.create_task(self._draw_several(plan, draws)))
                else:
                    tasks += [group.create_task(self._draw_one(plan, draw)) for draw in draws]
            for _ in range(expected):
                await self._take_in(await self._arrived.get())
                if stop_when_settled and (settled := self.tally.settlement()).settled:
                    if self._observe and settled.answer is not None:
                        self._observe(AnswerSettled(settled.answer))
                    break
            for task in tasks:
                task.cancel()
        # A draw that came in while the rest were being cancelled was paid for: it counts.
        while not self._arrived.empty():
            await self._take_in(self._arrived.get_nowait())

    async def _take_in(self, sample: Sample) -> None:
        completion = sample.completion
        if completion is not None:
            read = self._kind.read
            if self._kind.may_block:
                answer = await asyncio.to_thread(read, completion.text, cut_off=completion.cut_off)
            else:
                answer = read(completion.text, cut_off=completion.cut_off)
            if answer is not None:
                sample = replace(sample, answer=answer)
        self.tally.record(sample)
        if self._observe:
            self._observe(SampleDrawn(sample))

    async def _draw_one(self, plan: Plan, draw: int) -> None:
        started = self._clock()
        completion: Completion | None = None
        failure: Failure | None = None
        try:
            (completion, *_) = await self._request(plan, (draw,))
        except ModelError as error:
            failure = Failure(type(error).__name__, str(error))
        self._arrived.put_nowait(
            Sample(
                model=plan.model.name,
                draw=draw,
                seed=plan.seeds[draw],
                completion=completion,
                failure=failure,
                seconds=self._clock() - started,
            )
        )

    async def _draw_several(self, plan: Plan, draws: Sequence[int]) -> None:
        """Ask for several draws at once; ask for those that did not come one by one."""
        started = self._clock()
        came: list[Completion] = []
        try:
            came = await self._request(plan, tuple(draws))
        except RequestRefusedError:
            self._sampler.ask_for_one_draw_only(plan.model)
        except ModelError as error:
            failure = Failure(type(error).__name__, str(error))
            for draw in draws:
                self._arrived.put_nowait(
                    Sample(
                        model=plan.model.name,
                        draw=draw,
                        failure=failure,
                        seconds=self._clock() - started,
                    )
                )
            return
        for draw, completion in zip(draws, came, strict=False):
            self._arrived.put_nowait(
                Sample(
                    model=plan.model.name,
                    draw=draw,
                    completion=completion,
                    seconds=self._clock() - started,
                )
            )
        missing = draws[len(came) :]
        if missing:
            async with asyncio.TaskGroup() as group:
                for draw in missing:
                    group.create_task(self._draw_one(plan, draw))

    async def _request(self, plan: Plan, draws: tuple[int, ...]) -> list[Completion]:
        """Send one request, again where that may help, each time within the endpoint's limits."""
        model, sampler = plan.model, self._sampler
        limiter = sampler.limiter(model)
        request = Request(
            messages=plan.messages,
            generation=plan.generation,
            seed=plan.seeds[draws[0]],
            n=len(draws),
        )
        attempt = 0
        first_sent = 0.0
        while True:
            await limiter.acquire(model.name)
            try:
                attempt += 1
                self._requests += 1
                if attempt == 1:
                    first_sent = self._clock()
                if self._observe:
                    self._observe(RequestSent(model.name, draws))
                return await model.complete(request)
            except asyncio.CancelledError:
                self._cancelled += 1
                raise
            except ModelError as error:
                failed = error
            finally:
                limiter.release()
            wait = sampler.retries.wait_before_next(
                failed,
                attempt=attempt,
                elapsed=self._clock() - first_sent,
                jitter=sampler.jitter,
            )
            if wait is None:
                failed.tries = attempt
                raise failed
            if getattr(failed, "retry_after", None) is not None:
                limiter.hold(wait)
            if self._observe:
                self._observe(RequestRetried(model.name, attempt, wait, str(failed)))
            await asyncio.sleep(wait)


def _first(errors: BaseExceptionGroup[SlmMuxError]) -> SlmMuxError:
    """The first error of a group: the tasks all met the same mistake in what was asked."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
