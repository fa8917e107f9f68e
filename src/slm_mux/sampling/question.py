"""One question's draws: workers that ask, read and count, until the answer is settled."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from slm_mux.answers.base import AnswerKind
from slm_mux.errors import ModelError, RequestRefusedError
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
        self._stop_when_settled = False
        self._settled = False
        self._sending: set[asyncio.Task[Any]] = set()
        """Tasks that wait for a reply: those can be cancelled without losing one."""
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
        self._stop_when_settled = stop_when_settled
        async with asyncio.TaskGroup() as group:
            for plan, draws in wave:
                if len(draws) > 1 and self._draws_at_once(plan):
                    group.create_task(self._draw_several(plan, draws, group))
                else:
                    self._draw_singly(plan, draws, group)

    def _draws_at_once(self, plan: Plan) -> bool:
        return plan.model.draws_at_once and plan.model.name not in self._one_draw_only

    def _draw_singly(self, plan: Plan, draws: Sequence[int], group: asyncio.TaskGroup) -> None:
        """Start as many workers as the endpoint takes requests; they share the draws."""
        to_draw = iter(draws)

        async def work() -> None:
            for draw in to_draw:
                if self._settled:
                    return
                sent = await self._send(plan, (draw,), on_wait=another)
                if sent.error is not None:
                    self._count(plan, draw, sent, seed=plan.seeds[draw])
                    continue
                completion = sent.completions[0]
                # Most kinds read in microseconds; a thread would cost more than that.
                if self._kind.may_block:
                    answer = await asyncio.to_thread(self._read, completion)
                else:
                    answer = self._read(completion)
                self._count(
                    plan, draw, sent, completion=completion, answer=answer, seed=plan.seeds[draw]
                )

        def another() -> None:
            # A worker that waits before it tries again must not keep the others' draws waiting.
            group.create_task(work())

        for _ in range(min(len(draws), plan.model.limits.max_in_flight)):
            another()

    async def _draw_several(
        self, plan: Plan, draws: tuple[int, ...], group: asyncio.TaskGroup
    ) -> None:
        """Ask for several draws at once; ask for those that did not come one by one."""
        sent = await self._send(plan, draws)
        if sent.error is not None and not isinstance(sent.error, RequestRefusedError):
            for draw in draws:
                self._count(plan, draw, sent)
            return
        if sent.error is not None:
            self._one_draw_only.add(plan.model.name)
        self._draw_singly(plan, draws[len(sent.completions) :], group)
        for draw, completion in zip(draws, sent.completions, strict=False):
            answer = await asyncio.to_thread(self._read, completion)
            self._count(plan, draw, sent, completion=completion, answer=answer)

    def _send(
        self, plan: Plan, draws: tuple[int, ...], *, on_wait: Callable[[], None] | None = None
    ) -> Coroutine[Any, Any, Sent]:
        request = Request(
            messages=plan.messages,
            generation=plan.generation,
            seed=plan.seeds[draws[0]],
            n=len(draws),
        )
        return self._sender.send(
            plan.model,
            request,
            draws=draws,
            cost=self._cost,
            observe=self._observe,
            sending=self._sending,
            on_wait=on_wait,
        )

    def _read(self, completion: Completion) -> Answer | None:
        return self._kind.read(completion.text, cut_off=completion.cut_off)

    def _count(
        self,
        plan: Plan,
        draw: int,
        sent: Sent,
        *,
        completion: Completion | None = None,
        answer: Answer | None = None,
        seed: int | None = None,
    ) -> None:
        """Count one draw; where that settles the answer, stop what is being sent.

        Completions that came are read and counted all the same: they were paid for.
        """
        sample = Sample(
            model=plan.model.name,
            draw=draw,
            seed=seed,
            completion=completion,
            answer=answer,
            failure=None if sent.error is None else _failure(sent.error),
            seconds=sent.seconds,
        )
        self.tally.record(sample)
        if self._observe:
            self._observe(SampleDrawn(sample))
        if self._settled or not self._stop_when_settled:
            return
        settlement = self.tally.settlement()
        if settlement.settled:
            self._settled = True
            if self._observe and settlement.answer is not None:
                self._observe(AnswerSettled(settlement.answer))
            for task in self._sending:
                task.cancel()


def _failure(error: ModelError) -> Failure:
    return Failure(type(error).__name__, str(error), error.tries)
