"""One question's draws: requests in tasks, and reading, counting and stopping in one place."""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from slm_mux.answers.base import AnswerKind
from slm_mux.errors import RequestRefusedError
from slm_mux.models.base import Request
from slm_mux.sampling.events import AnswerSettled, Observer, SampleDrawn
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.sending import Cost, Sender, Sent
from slm_mux.sampling.tally import Tally
from slm_mux.stopping import next_wave
from slm_mux.types import Completion, Failure, Sample, Usage


class QuestionDraws:
    """Draws one question's samples. Their completions come back through one queue.

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
        self._arrived: asyncio.Queue[Sample] = asyncio.Queue()
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
        expected = sum(len(draws) for _, draws in wave)
        async with asyncio.TaskGroup() as group:
            tasks = []
            for plan, draws in wave:
                if len(draws) > 1 and self._draws_at_once(plan):
                    tasks.append(group.create_task(self._draw_several(plan, draws)))
                else:
                    tasks += [group.create_task(self._draw_one(plan, draw)) for draw in draws]
            for _ in range(expected):
                await self._take_in(await self._arrived.get())
                if stop_when_settled and (settlement := self.tally.settlement()).settled:
                    if self._observe and settlement.answer is not None:
                        self._observe(AnswerSettled(settlement.answer))
                    break
            for task in tasks:
                task.cancel()
        # A draw that came in while the rest were being cancelled was paid for: it counts.
        while not self._arrived.empty():
            await self._take_in(self._arrived.get_nowait())

    async def _take_in(self, sample: Sample) -> None:
        completion = sample.completion
        if completion is not None:
            read, cut_off = self._kind.read, completion.cut_off
            if self._kind.may_block:
                answer = await asyncio.to_thread(read, completion.text, cut_off=cut_off)
            else:
                answer = read(completion.text, cut_off=cut_off)
            if answer is not None:
                sample = replace(sample, answer=answer)
        self.tally.record(sample)
        if self._observe:
            self._observe(SampleDrawn(sample))

    def _draws_at_once(self, plan: Plan) -> bool:
        return plan.model.draws_at_once and plan.model.name not in self._one_draw_only

    async def _draw_one(self, plan: Plan, draw: int) -> None:
        sent = await self._send(plan, (draw,))
        completion = sent.completions[0] if sent.completions else None
        self._arrive(plan, draw, sent, completion, seed=plan.seeds[draw])

    async def _draw_several(self, plan: Plan, draws: tuple[int, ...]) -> None:
        """Ask for several draws at once; ask for those that did not come one by one."""
        sent = await self._send(plan, draws)
        if isinstance(sent.error, RequestRefusedError):
            self._one_draw_only.add(plan.model.name)
        elif sent.error is not None:
            for draw in draws:
                self._arrive(plan, draw, sent, None)
            return
        for draw, completion in zip(draws, sent.completions, strict=False):
            self._arrive(plan, draw, sent, completion)
        async with asyncio.TaskGroup() as group:
            for draw in draws[len(sent.completions) :]:
                group.create_task(self._draw_one(plan, draw))

    async def _send(self, plan: Plan, draws: tuple[int, ...]) -> Sent:
        request = Request(
            messages=plan.messages,
            generation=plan.generation,
            seed=plan.seeds[draws[0]],
            n=len(draws),
        )
        return await self._sender.send(
            plan.model, request, draws=draws, cost=self._cost, observe=self._observe
        )

    def _arrive(
        self,
        plan: Plan,
        draw: int,
        sent: Sent,
        completion: Completion | None,
        *,
        seed: int | None = None,
    ) -> None:
        error = sent.error
        sample = Sample(
            model=plan.model.name,
            draw=draw,
            seed=seed,
            completion=completion,
            failure=None if error is None else Failure(type(error).__name__, str(error)),
            seconds=sent.seconds,
        )
        self._arrived.put_nowait(sample)
