"""One question's draws: workers that ask, read and count, until the answer is settled."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec.structs import replace

from slm_mux.errors import BadReplyError, ModelError, RequestRefusedError
from slm_mux.models.base import Request
from slm_mux.sampling.events import AnswerSettled, Observer, SampleDrawn
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.reading import longest_here, read_completion
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
        observe: told of everything that happens.
        keeper: what was bought before comes from it, and what is bought goes to it before it is
            counted.
    """

    def __init__(
        self,
        sender: Sender,
        one_draw_only: set[str],
        plans: Sequence[Plan],
        observe: Observer | None,
        keeper: Keeper | None = None,
    ) -> None:
        self._sender = sender
        self._one_draw_only = one_draw_only
        self._plans = plans
        self._observe = observe
        self._keeper = keeper
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
        self._stop_when_settled = stop_when_settled
        await self._count_bought()
        await self._draw_wave([(plan, self._missing(plan)) for plan in self._plans])

    async def draw_in_waves(self) -> None:
        """Draw what the frugal rule says, wave by wave, until the answer is settled."""
        self._stop_when_settled = True
        await self._count_bought()
        while (wave := next_wave(self.tally.progress)) is not None:
            plan = self._plans[self.tally.drawer_at(wave.model)]
            await self._draw_wave([(plan, wave.draws)])

    async def _draw_wave(self, wave: Sequence[tuple[Plan, tuple[int, ...]]]) -> None:
        async with asyncio.TaskGroup() as group:
            for plan, draws in wave:
                if len(draws) > 1 and self._draws_at_once(plan):
                    group.create_task(self._draw_several(plan, draws, group))
                else:
                    self._draw_singly(plan, draws, group)

    async def _count_bought(self) -> None:
        """Count what was bought before, of all models, before anything is asked.

        Where that settles the answer, the rest need not even be read.
        """
        if self._keeper is None:
            return
        for plan in self._plans:
            bought = await self._keeper.recall(plan, texts=plan.kind is not None)
            for draw in sorted(bought):
                if self._settled:
                    return
                if draw < len(plan.seeds):
                    answer = await read_completion(plan.kind, bought[draw].completion)
                    self._record(replace(bought[draw], model=plan.model.name, answer=answer))

    def _missing(self, plan: Plan) -> tuple[int, ...]:
        """The draws that are not counted; none where no further one is wanted."""
        if self._settled:
            return ()
        drawn = {sample.draw for sample in self.tally.samples_of(plan.model.name)}
        return tuple(draw for draw in range(len(plan.seeds)) if draw not in drawn)

    def _draws_at_once(self, plan: Plan) -> bool:
        return plan.model.draws_at_once and plan.model.name not in self._one_draw_only

    def _draw_singly(self, plan: Plan, draws: Sequence[int], group: asyncio.TaskGroup) -> None:
        """Start as many workers as the endpoint takes requests; they share the draws."""
        to_draw = iter(draws)

        # What every draw needs is looked up once: the rest of the loop costs as much as that.
        kind, seeds, keeper = plan.kind, plan.seeds, self._keeper
        longest = longest_here(kind)

        async def work() -> None:
            for draw in to_draw:
                if self._settled:
                    return
                sent = await self._send(plan, (draw,), on_wait=another)
                completion = sent.completions[0] if sent.completions else None
                if keeper is not None:
                    await keeper.keep(plan, [_sample(plan, draw, sent, completion, seeds[draw])])
                if completion is None or kind is None:
                    answer = None
                elif len(completion.text) <= longest and not completion.tool_calls:
                    answer = kind.read(completion.text, cut_off=completion.cut_off)
                else:
                    answer = await read_completion(kind, completion)
                self._record(_sample(plan, draw, sent, completion, seeds[draw], answer))

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
            await self._take_in(plan, draws, sent)
            return
        if sent.error is not None:
            self._one_draw_only.add(plan.model.name)
        came = len(sent.completions)
        self._draw_singly(plan, draws[came:], group)
        if came:
            await self._take_in(plan, draws[:came], sent)

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

    async def _take_in(self, plan: Plan, draws: Sequence[int], sent: Sent) -> None:
        """Keep, read and count what a request for several draws brought, or why it failed.

        Completions that came after the answer was settled are kept and counted all the same: they
        were paid for.
        """
        completions: Sequence[Completion | None] = sent.completions or [None] * len(draws)
        came = list(zip(draws, completions, strict=True))
        if self._keeper is not None:
            await self._keeper.keep(plan, [_sample(plan, draw, sent, got) for draw, got in came])
        for draw, got in came:
            answer = await read_completion(plan.kind, got)
            self._record(_sample(plan, draw, sent, got, answer=answer))

    def _record(self, sample: Sample) -> None:
        """Count one draw; where that settles the answer, stop what is being sent."""
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
            self._cost.stopped = True
            # Tasks whose reply has arrived are woken first: it was paid for, and is kept.
            asyncio.get_running_loop().call_soon(self._stop_sending)

    def _stop_sending(self) -> None:
        for task in self._sending:
            task.cancel()


def _sample(
    plan: Plan,
    draw: int,
    sent: Sent,
    completion: Completion | None,
    seed: int | None = None,
    answer: Answer | None = None,
) -> Sample:
    return Sample(
        model=plan.model.name,
        draw=draw,
        seed=seed,
        completion=completion,
        answer=answer,
        failure=None if completion is not None else _failure(plan, sent.error),
        seconds=sent.seconds,
    )


def _failure(plan: Plan, error: ModelError | None) -> Failure:
    if error is None:
        return Failure(BadReplyError.__name__, f"{plan.model.name}: it gave no completion")
    return Failure(type(error).__name__, str(error), error.tries)
