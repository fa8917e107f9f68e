"""Samples that are kept before they count, and samples that were bought before."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from slm_mux.errors import AuthenticationError, NoAnswerError, RequestRefusedError, StoreError
from slm_mux.models.base import Generation, Limits, Request
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.sampling.events import AnswerSettled, Event, RequestSent, SampleDrawn
from slm_mux.sampling.outcome import decision_of
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.tally import Tally
from slm_mux.types import Completion, Decision, Sample, Stopping, Usage
from tests.keepers import MemoryKeeper
from tests.kinds import AsWritten

QUICK = RetryPolicy(first_wait=0.0, attempts=2)
EVERY_STOPPING: list[Stopping] = ["none", "eager", "frugal"]


def plan(model: ScriptedModel, k: int, record: float | None = None) -> Plan:
    return Plan(
        model=model,
        messages=({"role": "user", "content": "?"},),
        generation=Generation(temperature=0.5),
        seeds=tuple(range(100, 100 + k)),
        validation_accuracy=record,
        kind=AsWritten(),
        address=model.name,
    )


async def drawn(
    *plans: Plan,
    keeper: MemoryKeeper,
    stopping: Stopping = "none",
    kind: AsWritten | None = None,
    events: list[Event] | None = None,
) -> tuple[Tally, Usage]:
    return await Sampler(QUICK).draw(
        plans if kind is None else [replace(plan, kind=kind) for plan in plans],
        stopping=stopping,
        observe=None if events is None else events.append,
        keeper=keeper,
    )


def by_seed(name: str, script: Sequence[Reply], **options: object) -> ScriptedModel:
    """A model whose draw i gets reply i, whatever the order of asking."""
    return ScriptedModel(
        name,
        lambda request: script[(request.seed or 0) - 100],
        **options,  # type: ignore[arg-type]
    )


def draws_sent(events: Sequence[Event]) -> list[int]:
    return [draw for event in events if isinstance(event, RequestSent) for draw in event.draws]


async def test_a_sample_is_kept_before_it_is_counted() -> None:
    """Whoever is told of a sample finds it in the keeper."""
    keeper = MemoryKeeper()
    seen: list[bool] = []

    def observe(event: Event) -> None:
        if isinstance(event, SampleDrawn):
            seen.append(event.sample.draw in keeper.kept["m"])

    model = ScriptedModel("m", ["1"])
    await Sampler(QUICK).draw([plan(model, 4)], stopping="none", observe=observe, keeper=keeper)
    assert seen == [True] * 4
    assert sorted(keeper.calls) == [[0], [1], [2], [3]]


@pytest.mark.parametrize("stopping", EVERY_STOPPING)
async def test_what_was_bought_before_is_counted_and_not_asked(stopping: Stopping) -> None:
    """Recalled draws cost no request, are read, and carry the member's name of today."""
    keeper = MemoryKeeper()
    await drawn(plan(by_seed("m", "1213"), 4), keeper=keeper)
    again = keeper.half({"m": range(4)})
    model = by_seed("m", "9999")
    events: list[Event] = []
    tally, usage = await drawn(plan(model, 4), keeper=again, stopping=stopping, events=events)
    assert (model.requests, usage.requests, again.calls) == ([], 0, [])
    assert decision_of(tally, kind="text").answer == "1"
    samples = [event.sample for event in events if isinstance(event, SampleDrawn)]
    assert {sample.model for sample in samples} == {"m"}
    assert all(sample.answer is not None for sample in samples)


@pytest.mark.parametrize("stopping", EVERY_STOPPING)
async def test_what_was_bought_can_settle_the_answer_alone(stopping: Stopping) -> None:
    """Before anybody is asked all models' samples of before are counted, not just the first's."""
    keeper = MemoryKeeper()
    sure = plan(by_seed("sure", "777"), 3, 0.9)
    await drawn(sure, keeper=keeper)
    other = ScriptedModel("other", ["1"], draws_at_once=True)
    events: list[Event] = []
    tally, _ = await drawn(
        plan(other, 3, 0.1), sure, keeper=keeper, stopping=stopping, events=events
    )
    assert len(other.requests) == (1 if stopping == "none" else 0)
    assert (AnswerSettled("7") in events) == (stopping != "none")
    assert decision_of(tally, kind="text").answer == "7"


@pytest.mark.parametrize("stopping", EVERY_STOPPING)
async def test_only_what_is_missing_is_asked(stopping: Stopping) -> None:
    """With draws 1 and 2 bought before, draws 0 and 3 are asked with their own seeds."""
    keeper = MemoryKeeper()
    await drawn(plan(by_seed("m", "abcd"), 4), keeper=keeper)
    some = keeper.half({"m": [1, 2]})
    model = by_seed("m", "abcd")
    events: list[Event] = []
    tally, _ = await drawn(plan(model, 4), keeper=some, stopping=stopping, events=events)
    asked = sorted(request.seed or 0 for request in model.requests)
    # All four differ, so the lowest index decides, and draw 0 alone can settle that.
    assert set(asked) <= {100, 103}
    assert 100 in asked
    assert sorted(draws_sent(events)) == [seed - 100 for seed in asked]
    if stopping == "none":
        assert asked == [100, 103]
        assert [s.answer.text for s in tally.samples_of("m") if s.answer] == list("abcd")


async def test_samples_beyond_k_are_left_alone() -> None:
    """A keeper that has more draws than are wanted now does not change k."""
    keeper = MemoryKeeper()
    await drawn(plan(by_seed("m", "1223"), 4), keeper=keeper)
    tally, usage = await drawn(plan(by_seed("m", "1223"), 2), keeper=keeper)
    assert [sample.draw for sample in tally.samples_of("m")] == [0, 1]
    assert usage.requests == 0


async def test_a_failed_draw_is_kept_with_its_reason() -> None:
    """A failure is kept as a sample is, and recalled as a failure: it is not tried again."""
    keeper = MemoryKeeper()
    await drawn(
        plan(by_seed("m", ["1", AuthenticationError("no key", model="m")]), 2), keeper=keeper
    )
    failure = keeper.kept["m"][1].failure
    assert failure is not None
    assert (failure.error, failure.message, failure.tries) == ("AuthenticationError", "no key", 1)
    model = by_seed("m", "11")
    tally, _ = await drawn(plan(model, 2), keeper=keeper)
    assert (model.requests, tally.votes()[0].failed) == ([], 1)


async def test_an_unreadable_completion_is_kept() -> None:
    """What cannot be read was paid for."""
    keeper = MemoryKeeper()
    await drawn(plan(by_seed("m", "?"), 1), keeper=keeper)
    assert keeper.kept["m"][0].completion == Completion(
        text="?", finish_reason="stop", served_model="m"
    )


class Mute(ScriptedModel):
    """A model that breaks its promise: it gives no completion, and no error."""

    async def complete(self, request: Request) -> list[Completion]:
        await super().complete(request)
        return []


@pytest.mark.parametrize("at_once", [False, True])
async def test_no_completion_is_a_failure(at_once: bool) -> None:
    """A sample has a completion or a failure, never neither."""
    keeper = MemoryKeeper()
    await drawn(plan(Mute("m", ["1"], draws_at_once=at_once), 2), keeper=keeper)
    failures = [sample.failure for sample in keeper.kept["m"].values()]
    assert [failure.error for failure in failures if failure] == ["BadReplyError"] * 2


async def test_completions_of_one_reply_are_kept_together() -> None:
    """What one request brought is kept in one call; later only what is missing is asked."""
    keeper = MemoryKeeper()
    model = ScriptedModel("m", ["1", "2", "1"], draws_at_once=True)
    await drawn(plan(model, 3), keeper=keeper)
    assert keeper.calls == [[0, 1, 2]]
    assert [sample.seed for sample in keeper.kept["m"].values()] == [None] * 3
    await drawn(plan(model, 5), keeper=keeper)
    assert keeper.calls == [[0, 1, 2], [3, 4]]
    assert [(request.n, request.seed) for request in model.requests] == [(3, 100), (2, 103)]


class RefusesN(ScriptedModel):
    """Refuses n above 1."""

    async def complete(self, request: Request) -> list[Completion]:
        if request.n > 1:
            raise RequestRefusedError("one at a time", model=self.name)
        return await super().complete(request)


async def test_a_refused_request_for_several_is_not_kept_as_a_failure() -> None:
    """The draws are asked one by one then, and each is kept once."""
    keeper = MemoryKeeper()
    await drawn(plan(RefusesN("m", ["1"], draws_at_once=True), 3), keeper=keeper)
    assert sorted(keeper.calls) == [[0], [1], [2]]
    assert all(sample.completion for sample in keeper.kept["m"].values())


@pytest.mark.parametrize("may_block", [False, True])
async def test_settling_loses_nothing_that_came_in(may_block: bool) -> None:
    """Every request that was sent ended in a kept sample, or is counted as cancelled."""
    keeper = MemoryKeeper()
    quick = ScriptedModel("quick", ["1"])
    slow = ScriptedModel("slow", ["2"], delay=30)
    also = ScriptedModel("also", ["3"], draws_at_once=True)
    tally, usage = await drawn(
        plan(quick, 3, 0.9),
        plan(slow, 3, 0.2),
        plan(also, 3, 0.1),
        keeper=keeper,
        stopping="eager",
        kind=AsWritten(may_block=may_block),
    )
    assert (slow.cancelled, usage.cancelled) == (3, 3)
    assert keeper.total == usage.samples == len(list(tally))
    assert len(keeper.kept["also"]) == 3


async def test_a_store_that_refuses_ends_the_question() -> None:
    """One clear error; requests still out are closed; what was kept before stays kept."""
    keeper = MemoryKeeper(full_after=2)
    model = ScriptedModel("m", ["1"], limits=Limits(max_in_flight=1))
    slow = ScriptedModel("slow", ["1"], delay=30)
    with pytest.raises(StoreError, match="full"):
        await drawn(plan(model, 9), plan(slow, 2), keeper=keeper)
    assert sorted(keeper.kept["m"]) == [0, 1]
    assert len(model.requests) <= 4
    assert (slow.cancelled, slow.in_flight) == (2, 0)


async def test_a_store_that_cannot_be_read_ends_the_question() -> None:
    """Nothing is bought that may be there already."""

    class Damaged(MemoryKeeper):
        async def recall(self, plan: Plan, *, texts: bool) -> dict[int, object]:  # type: ignore[override]
            raise StoreError("damaged")

    model = ScriptedModel("m", ["1"])
    with pytest.raises(StoreError, match="damaged"):
        await drawn(plan(model, 1), keeper=Damaged())
    assert model.requests == []


async def test_cancelling_while_keeping_is_passed_on() -> None:
    """Cancellation reaches a draw that waits for the disk, and is not swallowed."""
    waiting = asyncio.Event()

    class Slow(MemoryKeeper):
        async def keep(self, plan: Plan, samples: object) -> int:
            waiting.set()
            await asyncio.sleep(30)
            return 0

    task = asyncio.create_task(drawn(plan(ScriptedModel("m", ["1"]), 2), keeper=Slow()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


outcomes = st.sampled_from(["A", "B", "C", "?", None])


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_resuming_changes_nothing(data: st.DataObject) -> None:
    """Whatever part was bought before, the decision stands and no sample is asked for twice."""
    size = data.draw(st.integers(1, 3))
    scripts = [data.draw(st.lists(outcomes, min_size=1, max_size=4)) for _ in range(size)]
    limit = data.draw(st.integers(1, 4))
    may_block = data.draw(st.booleans())
    records = data.draw(st.lists(st.sampled_from([None, 0.2, 0.8]), min_size=size, max_size=size))
    bought = {
        f"m{index}": data.draw(st.sets(st.integers(0, len(script) - 1)))
        for index, script in enumerate(scripts)
    }

    async def decided(
        keeper: MemoryKeeper, stopping: Stopping = "none"
    ) -> tuple[Decision | None, dict[str, list[int]]]:
        models = [
            by_seed(
                f"m{index}",
                [AuthenticationError("no", model="m") if r is None else r for r in script],
                limits=Limits(max_in_flight=limit),
            )
            for index, script in enumerate(scripts)
        ]
        plans = [
            plan(model, len(script), record)
            for model, script, record in zip(models, scripts, records, strict=True)
        ]
        tally, _ = await drawn(
            *plans, keeper=keeper, stopping=stopping, kind=AsWritten(may_block=may_block)
        )
        asked = {
            model.name: sorted((request.seed or 0) - 100 for request in model.requests)
            for model in models
        }
        try:
            return decision_of(tally, kind="text", usage=Usage()), asked
        except NoAnswerError:
            return None, asked

    async def compare() -> None:
        whole = MemoryKeeper()
        decision, _ = await decided(whole)
        half = whole.half({name: sorted(draws) for name, draws in bought.items()})
        resumed, asked = await decided(half)
        assert resumed == decision
        assert asked == {
            f"m{index}": [d for d in range(len(script)) if d not in bought[f"m{index}"]]
            for index, script in enumerate(scripts)
        }
        assert half.total == whole.total
        early: list[Stopping] = ["eager", "frugal"]
        for stopping in early:
            some = whole.half({name: sorted(draws) for name, draws in bought.items()})
            stopped, asked = await decided(some, stopping)
            assert (stopped and stopped.canonical) == (decision and decision.canonical)
            for name, draws in asked.items():
                assert len(set(draws)) == len(draws)
                assert not bought[name] & set(draws)

    asyncio.run(compare())


async def test_a_reply_that_has_arrived_is_kept_by_an_eager_stop() -> None:
    """A completion that is in when another one settles the answer is kept and counted."""
    loop = asyncio.get_running_loop()

    class Held(ScriptedModel):
        async def complete(self, request: Request) -> list[Completion]:
            return [await arrived[self.name]]

    names = ["first", "second", "third"]
    arrived: dict[str, asyncio.Future[Completion]] = {name: loop.create_future() for name in names}

    class Settling(MemoryKeeper):
        async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
            new = await super().keep(plan, samples)
            if plan.model.name == "first":
                arrived["second"].set_result(Completion(text="7"))
            return new

    keeper = Settling()
    plans = [
        plan(Held(name, ["7"]), 1, record)
        for name, record in zip(names, (0.9, 0.1, 0.1), strict=True)
    ]
    loop.call_soon(arrived["first"].set_result, Completion(text="7"))
    async with asyncio.timeout(30):
        _, usage = await drawn(*plans, keeper=keeper, stopping="eager")
    assert [name for name in names if keeper.kept[name]] == ["first", "second"]
    assert usage.cancelled == 1
