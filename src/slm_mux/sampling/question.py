"""One question's draws: workers that ask, read and count, until the answer is settled."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence

from slm_mux.answers.base import AnswerKind
from slm_mux.errors import RequestRefusedError
from slm_mux.models.base import Request
from slm_mux.sampling.events import AnswerSettled, Observer, SampleDrawn
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.sending import Cost, Sender, Sent
from slm_mux.sampling.tally import Tally
from slm_mux.stopping import next_wave
from slm_mux.types import Answer, Completion, Failure, Sample, Usage


class QuestionDraws:
    """Draws one question's samples.

    Args:
        sender: sends the requests.
        one_draw_only: names of models whose endpoint refuses requests for several draws; kept up
            to date here.
        plans: one per model, in pool order.
        kind: reads the completions.
        observe: told of everything that happens.
    """

    def __init__(
        self,
        sender: Sender,
        one_draw_only: set[str],
        plans: Sequence[Plan],
        kind: AnswerKind,
        observe: Observer | None,
    ) -> None:
        self._sender = sender
        self._one_draw_only = one_draw_only
        self._plans = plans
        self._kind = kind
        self._observe = observe
        self._cost = Cost()
        self._clock = asyncio.get_running_loop().time
        self._started = self._clock()
        self.tally = Tally([plan.drawer for plan in plans])

    def usage(self) -> Usage:
        """What it has cost so far."""
        return self.tally.usage(
            requests=self._cost.requests,
            cancelled=self._cost.cancelled,
            seconds=self._clock() - self._started,
        )

    async def draw_everything(self, *, stop_when_settled: bool) -> None:
        """Start all draws at once."""
        wave = [(plan, tuple(range(len(plan.seeds)))) for plan in self._plans]
        await self._draw_wave(wave, stop_when_settled=stop_when_settled)

    async def draw_in_waves(self) -> None:
        """Draw what the frugal rule says, wave by wave, until the answer is settled."""
        while (wave := next_wave(self.tally.progress)) is not None:
            plan = self._plans[self.tally.drawer_at(wave.model)]
            await self._draw_wave([(plan, wave.draws)], stop_when_settled=True)

    async def _draw_wave(
        self, wave: Sequence[tuple[Plan, tuple[int, ...]]], *, stop_when_settled: bool
    ) -> None:
        async with asyncio.TaskGroup() as group:
            workers = _Workers(group, stop_when_settled=stop_when_settled)
            for plan, draws in wave:
                if len(draws) > 1 and self._draws_at_once(plan):
                    workers.start(self._draw_several(plan, draws, workers))
                else:
                    self._draw_singly(plan, draws, workers)
        # A completion that was being read when the rest were cancelled was paid for: it counts.
        for plan, draw, completion, sent, seed in workers.unread:
            self._count(plan, draw, completion, await self._read(completion), sent, seed)

    def _draws_at_once(self, plan: Plan) -> bool:
        return plan.model.draws_at_once and plan.model.name not in self._one_draw_only

    def _draw_singly(self, plan: Plan, draws: Sequence[int], workers: "_Workers") -> None:
        """Start as many workers as the endpoint takes requests; they share the draws."""
        to_draw = iter(draws)

        def another() -> None:
            # A worker that waits before it tries again must not keep the others' draws waiting.
            workers.start(self._work(plan, to_draw, workers, another))

        for _ in range(min(len(draws), plan.model.limits.max_in_flight)):
            another()

    async def _work(
        self,
        plan: Plan,
        to_draw: Iterator[int],
        workers: "_Workers",
        another: Callable[[], None],
    ) -> None:
        for draw in to_draw:
            sent = await self._send(plan, (draw,), on_wait=another)
            completion = sent.completions[0] if sent.completions else None
            await self._take_in(plan, draw, completion, sent, plan.seeds[draw], workers)

    async def _draw_several(self, plan: Plan, draws: tuple[int, ...], workers: "_Workers") -> None:
        """Ask for several draws at once; ask for those that did not come one by one."""
        sent = await self._send(plan, draws)
        if sent.error is not None and not isinstance(sent.error, RequestRefusedError):
            for draw in draws:
                await self._take_in(plan, draw, None, sent, None, workers)
            return
        if sent.error is not None:
            self._one_draw_only.add(plan.model.name)
        self._draw_singly(plan, draws[len(sent.completions) :], workers)
        for draw, completion in zip(draws, sent.completions, strict=False):
            await self._take_in(plan, draw, completion, sent, None, workers)

    async def _send(
        self, plan: Plan, draws: tuple[int, ...], *, on_wait: Callable[[], None] | None = None
    ) -> Sent:
        request = Request(
            messages=plan.messages,
            generation=plan.generation,
            seed=plan.seeds[draws[0]],
            n=len(draws),
        )
        return await self._sender.send(
            plan.model,
            request,
            draws=draws,
            cost=self._cost,
            observe=self._observe,
            on_wait=on_wait,
        )

    async def _take_in(
        self,
        plan: Plan,
        draw: int,
        completion: Completion | None,
        sent: Sent,
        seed: int | None,
        workers: "_Workers",
    ) -> None:
        """Read one draw and count it; stop the others when that settles the answer."""
        answer = None
        if completion is not None:
            try:
                answer = await self._read(completion)
            except asyncio.CancelledError:
                workers.unread.append((plan, draw, completion, sent, seed))
                raise
        self._count(plan, draw, completion, answer, sent, seed)
        if workers.stop_when_settled and (settlement := self.tally.settlement()).settled:
            if self._observe and settlement.answer is not None and not workers.cancelled:
                self._observe(AnswerSettled(settlement.answer))
            workers.cancel()

    async def _read(self, completion: Completion) -> Answer | None:
        if self._kind.may_block:
            return await asyncio.to_thread(
                self._kind.read, completion.text, cut_off=completion.cut_off
            )
        return self._kind.read(completion.text, cut_off=completion.cut_off)

    def _count(
        self,
        plan: Plan,
        draw: int,
        completion: Completion | None,
        answer: Answer | None,
        sent: Sent,
        seed: int | None,
    ) -> None:
        error = sent.error
        sample = Sample(
            model=plan.model.name,
            draw=draw,
            seed=seed,
            completion=completion,
            answer=answer,
            failure=None if error is None else Failure(type(error).__name__, str(error)),
            seconds=sent.seconds,
        )
        self.tally.record(sample)
        if self._observe:
            self._observe(SampleDrawn(sample))


class _Workers:
    """The tasks of one wave."""

    def __init__(self, group: asyncio.TaskGroup, *, stop_when_settled: bool) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()
        self.stop_when_settled = stop_when_settled
        self.cancelled = False
        self.unread: list[tuple[Plan, int, Completion, Sent, int | None]] = []
        """Completions whose reading was cancelled."""

    def start(self, work: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        self.cancelled = True
        for task in self._tasks:
            task.cancel()
