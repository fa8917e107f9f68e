"""Draws, retries, cancellation and stopping, over scripted models."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from slm_mux.errors import (
    AuthenticationError,
    InvalidRequestError,
    NoAnswerError,
    RateLimitError,
    RequestRefusedError,
    ServerFaultError,
)
from slm_mux.models.base import Generation, Limits, Request
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.sampling.events import AnswerSettled, Event, RequestRetried, SampleDrawn
from slm_mux.sampling.outcome import decision_of
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.reading import LONGEST_READ_IN_THE_LOOP
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.tally import Tally
from slm_mux.types import Answer, Completion, Stopping, Usage
from tests.kinds import AsWritten

QUICK = RetryPolicy(first_wait=0.0, attempts=4)


def plan(model: ScriptedModel, k: int, record: float | None = None) -> Plan:
    return Plan(
        model=model,
        messages=({"role": "user", "content": "?"},),
        generation=Generation(temperature=0.5),
        seeds=tuple(range(100, 100 + k)),
        validation_accuracy=record,
        kind=AsWritten(),
    )


async def drawn(
    *plans: Plan,
    stopping: Stopping = "none",
    kind: AsWritten | None = None,
    events: list[Event] | None = None,
) -> tuple[Tally, Usage]:
    return await Sampler(QUICK).draw(
        plans if kind is None else [replace(plan, kind=kind) for plan in plans],
        stopping=stopping,
        observe=None if events is None else events.append,
    )


def answers(tally: Tally, model: str) -> list[str | None]:
    return [s.answer.text if s.answer else None for s in tally.samples_of(model)]


async def test_every_draw_has_its_own_seed_and_its_own_request() -> None:
    """K draws are k requests with k seeds, and the answers keep their draw index."""
    model = ScriptedModel("m", lambda request: str(request.seed))
    tally, usage = await drawn(plan(model, 3))
    assert sorted(r.seed or 0 for r in model.requests) == [100, 101, 102]
    assert answers(tally, "m") == ["100", "101", "102"]
    assert (usage.samples, usage.requests, usage.cancelled) == (3, 3, 0)


async def test_all_models_draw_at_once() -> None:
    """Calls overlap across draws and models, up to each endpoint's limit."""
    a = ScriptedModel("a", ["1"], delay=0.01)
    b = ScriptedModel("b", ["1"], delay=0.01, limits=Limits(max_in_flight=2))
    await drawn(plan(a, 5), plan(b, 5))
    assert (a.max_in_flight, b.max_in_flight) == (5, 2)


async def test_a_failed_draw_costs_one_vote() -> None:
    """A draw that fails for good stays in k and votes for nothing."""
    model = ScriptedModel("m", ["1", AuthenticationError("wrong key", model="m"), "1"])
    tally, _ = await drawn(plan(model, 3))
    (vote,) = tally.votes()
    assert (vote.answer, vote.k, vote.failed) == ("1", 3, 1)
    assert vote.confidence == pytest.approx(2 / 3)
    (issue,) = tally.issues()
    assert (issue.model, issue.error, issue.draws) == ("m", "AuthenticationError", 1)
    assert issue.message == "wrong key"


async def test_transient_failures_are_retried_and_counted() -> None:
    """A draw goes on after a 500 and a 429; its cost says three requests."""
    events: list[Event] = []
    replies: Sequence[Reply] = [
        ServerFaultError("500", model="m"),
        RateLimitError("429", model="m", retry_after=0.0),
        "1",
    ]
    tally, usage = await drawn(plan(ScriptedModel("m", replies), 1), events=events)
    assert answers(tally, "m") == ["1"]
    assert (usage.samples, usage.requests) == (1, 3)
    assert [e.attempt for e in events if isinstance(e, RequestRetried)] == [1, 2]


async def test_a_draw_that_never_succeeds_says_how_often_it_was_tried() -> None:
    """Retries end, and the reason names their number."""
    model = ScriptedModel("m", [RateLimitError("busy", model="m")])
    tally, usage = await drawn(plan(model, 1))
    (issue,) = tally.issues()
    assert (issue.message, issue.tries) == ("busy", 4)
    assert usage.requests == 4


async def test_a_waiting_retry_does_not_hold_a_place() -> None:
    """While one draw waits to be sent again, another uses the endpoint."""
    policy = RetryPolicy(first_wait=0.05)
    model = ScriptedModel(
        "m", [ServerFaultError("500", model="m"), "2", "1"], limits=Limits(max_in_flight=1)
    )
    tally, _ = await Sampler(policy).draw([plan(model, 2)], stopping="none")
    assert answers(tally, "m") == ["1", "2"]


async def test_unreadable_is_not_failed() -> None:
    """A completion that cannot be read is counted apart from one that did not come."""
    model = ScriptedModel("m", ["?", "1", ServerFaultError("x", model="m")])
    tally, _ = await Sampler(RetryPolicy(attempts=1)).draw([plan(model, 3)], stopping="none")
    (vote,) = tally.votes()
    assert (vote.unreadable, vote.failed, vote.confidence) == (1, 1, pytest.approx(1 / 3))


async def test_a_cut_off_completion_is_read_as_such() -> None:
    """The kind is told that the token limit ended the text."""
    model = ScriptedModel("m", [Completion(text="12", finish_reason="length"), "12"])
    tally, _ = await drawn(plan(model, 2))
    assert answers(tally, "m") == [None, "12"]


async def test_reading_that_may_block_happens_in_a_thread() -> None:
    """A slow reader gives the same answers."""
    tally, _ = await drawn(plan(ScriptedModel("m", ["1"]), 3), kind=AsWritten(may_block=True))
    assert answers(tally, "m") == ["1", "1", "1"]


class NotesThreads(AsWritten):
    """Notes of every completion how long it is, and whether it is read in the main thread."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: set[tuple[int, bool]] = set()

    def read(self, text: str, *, cut_off: bool = False) -> Answer | None:
        here = threading.current_thread() is threading.main_thread()
        self.reads.add((len(text), here))
        return super().read(text, cut_off=cut_off)


@pytest.mark.parametrize("draws_at_once", [False, True])
async def test_a_long_text_does_not_hold_up_the_loop(draws_at_once: bool) -> None:
    """Quick kinds read texts up to a length in the loop's thread, and longer ones in another."""
    kind, longest = NotesThreads(), LONGEST_READ_IN_THE_LOOP
    for length in (0, 3, longest, longest + 1, 10_000_000):
        model = ScriptedModel("m", ["x" * length], draws_at_once=draws_at_once)
        tally, _ = await drawn(plan(model, 2), kind=kind)
        assert answers(tally, "m") == ["x" * length] * 2
    assert kind.reads == {
        (0, True), (3, True), (longest, True), (longest + 1, False), (10_000_000, False),
    }  # fmt: skip


async def test_eager_stops_and_cancels_what_is_in_flight() -> None:
    """When the best-record model agrees with itself k of k times, nobody waits for the others."""
    quick = ScriptedModel("quick", ["1"])
    slow = ScriptedModel("slow", ["2"], delay=30)
    events: list[Event] = []
    tally, usage = await drawn(
        plan(quick, 3, 0.9), plan(slow, 3, 0.1), stopping="eager", events=events
    )
    decision = decision_of(tally, kind="text", usage=usage)
    assert (decision.answer, decision.stopped_early, decision.winner_settled) == ("1", True, True)
    assert (slow.cancelled, slow.in_flight) == (3, 0)
    assert (usage.requests, usage.cancelled) == (6, 3)
    assert AnswerSettled("1") in events


@pytest.mark.parametrize("may_block", [False, True])
async def test_nothing_is_sent_once_the_answer_is_settled(may_block: bool) -> None:
    """With more draws than places the workers stop too: after the settlement come samples only."""
    model = ScriptedModel("m", ["1"], limits=Limits(max_in_flight=2))
    events: list[Event] = []
    tally, usage = await drawn(
        plan(model, 9), stopping="eager", kind=AsWritten(may_block=may_block), events=events
    )
    settled = next(i for i, event in enumerate(events) if isinstance(event, AnswerSettled))
    assert all(isinstance(event, SampleDrawn) for event in events[settled + 1 :])
    assert len(model.requests) == usage.requests <= 6
    assert usage.samples + usage.cancelled == usage.requests
    assert decision_of(tally, kind="text").answer == "1"


@pytest.mark.parametrize("may_block", [False, True])
async def test_choices_that_came_together_are_all_counted(may_block: bool) -> None:
    """A reply with nine choices was paid for nine times, even where five would settle it."""
    choice = Completion(text="1", prompt_tokens=0, completion_tokens=10)
    model = ScriptedModel("m", [choice], draws_at_once=True)
    tally, usage = await drawn(
        plan(model, 9), stopping="eager", kind=AsWritten(may_block=may_block)
    )
    assert (usage.samples, usage.completion_tokens, usage.requests) == (9, 90, 1)
    assert tally.votes()[0].not_drawn == 0


async def test_frugal_asks_only_what_it_needs() -> None:
    """The other models are never asked when the first settles the question alone."""
    first, other = ScriptedModel("first", ["1"]), ScriptedModel("other", ["2"])
    tally, usage = await drawn(plan(first, 3, 0.9), plan(other, 3, 0.1), stopping="frugal")
    assert decision_of(tally, kind="text").answer == "1"
    assert (len(first.requests), len(other.requests), usage.samples) == (3, 0, 3)


async def test_several_draws_in_one_request() -> None:
    """An endpoint that draws several at once is asked once; its draws have no own seeds."""
    model = ScriptedModel("m", ["1", "2", "1"], draws_at_once=True)
    tally, usage = await drawn(plan(model, 3))
    assert [r.n for r in model.requests] == [3]
    assert answers(tally, "m") == ["1", "2", "1"]
    assert [s.seed for s in tally.samples_of("m")] == [None, None, None]
    assert (usage.samples, usage.requests) == (3, 1)


class IgnoresN(ScriptedModel):
    """Gives one choice, whatever n says, as Ollama does."""

    async def complete(self, request: Request) -> list[Completion]:
        return (await super().complete(request))[:1]


async def test_choices_that_did_not_come_are_topped_up() -> None:
    """Best of 3 stays best of 3 where the endpoint ignores n."""
    model = IgnoresN("m", lambda request: str(request.seed), draws_at_once=True)
    tally, usage = await drawn(plan(model, 3))
    assert [r.n for r in model.requests] == [3, 1, 1]
    assert answers(tally, "m") == ["100", "101", "102"]
    assert (usage.samples, usage.requests) == (3, 3)


class RefusesN(ScriptedModel):
    """Refuses n above 1, as llama.cpp does above its slots."""

    async def complete(self, request: Request) -> list[Completion]:
        if request.n > 1:
            self.requests.append(request)
            raise RequestRefusedError("n is above the slots", model=self.name)
        return await super().complete(request)


async def test_where_several_are_refused_they_are_drawn_one_by_one() -> None:
    """The refusal is remembered: the next question does not ask for several again."""
    model = RefusesN("m", lambda request: str(request.seed), draws_at_once=True)
    sampler = Sampler(QUICK)
    for _ in range(2):
        tally, _ = await sampler.draw([plan(model, 3)], stopping="none")
        assert answers(tally, "m") == ["100", "101", "102"]
    assert [r.n for r in model.requests] == [3, 1, 1, 1, 1, 1, 1]


async def test_a_failed_request_for_several_fails_all_its_draws() -> None:
    """No draw is lost when the one request for all of them fails."""
    model = ScriptedModel("m", [AuthenticationError("wrong key", model="m")], draws_at_once=True)
    tally, _ = await drawn(plan(model, 3))
    assert [issue.draws for issue in tally.issues()] == [3]


async def test_cancelling_the_question_closes_every_request() -> None:
    """Cancellation reaches all draws and is not swallowed."""
    model = ScriptedModel("m", ["1"], delay=30)
    task = asyncio.create_task(drawn(plan(model, 5)))
    while model.in_flight < 5:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (model.cancelled, model.in_flight) == (5, 0)


async def test_a_mistake_in_the_request_is_one_clear_error() -> None:
    """What the draws all raise as an invalid request comes out as that error, not as a group."""
    model = ScriptedModel("m", [InvalidRequestError("extra sets n")])
    with pytest.raises(InvalidRequestError, match="extra sets n"):
        await drawn(plan(model, 3))


async def test_one_limiter_serves_all_questions_of_an_endpoint() -> None:
    """Questions asked at once share their endpoint's limit."""
    model = ScriptedModel("m", ["1"], delay=0.001, limits=Limits(max_in_flight=2))
    sampler = Sampler(QUICK)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(sampler.draw([plan(model, 3)], stopping="none"))
    assert (model.max_in_flight, len(model.requests)) == (2, 15)


def test_usage_says_what_was_not_reported() -> None:
    """Token sums leave out completions without usage, and say how many those are."""
    model = ScriptedModel(
        "m", [Completion(text="1", prompt_tokens=10, completion_tokens=5), Completion(text="1")]
    )
    _, usage = asyncio.run(drawn(plan(model, 2)))
    assert (usage.prompt_tokens, usage.completion_tokens) == (10, 5)
    assert usage.samples_without_usage == 1


def scripted(name: str, script: list[Reply], limit: int) -> ScriptedModel:
    """A model whose draw i gets reply i, whatever the order of asking."""
    return ScriptedModel(
        name,
        lambda request: script[(request.seed or 0) - 100],
        limits=Limits(max_in_flight=limit),
    )


outcomes = st.sampled_from(["A", "B", "C", "?", None])


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_every_stopping_gives_the_answer_of_all_draws(data: st.DataObject) -> None:
    """Eager and frugal decide as `none` does, with unreadable and failed draws among them."""
    size = data.draw(st.integers(1, 3))
    scripts = [data.draw(st.lists(outcomes, min_size=1, max_size=4)) for _ in range(size)]
    limit = data.draw(st.integers(1, 4))
    may_block = data.draw(st.booleans())
    records = data.draw(st.lists(st.sampled_from([None, 0.2, 0.8]), min_size=size, max_size=size))

    def replies(script: list[str | None]) -> list[Reply]:
        return [AuthenticationError("no", model="m") if r is None else r for r in script]

    async def answer(stopping: Stopping) -> str | None:
        plans = [
            plan(scripted(f"m{index}", replies(script), limit), len(script), records[index])
            for index, script in enumerate(scripts)
        ]
        tally, usage = await drawn(*plans, stopping=stopping, kind=AsWritten(may_block=may_block))
        try:
            decision = decision_of(tally, kind="text", usage=usage)
        except NoAnswerError:
            return None
        assert decision.answer_settled
        return decision.canonical

    async def all_three() -> list[str | None]:
        return [await answer(stopping) for stopping in ("none", "eager", "frugal")]

    none, eager, frugal = asyncio.run(all_three())
    assert (eager, frugal) == (none, none)


def test_samples_are_observed_once_each() -> None:
    """The observer is told of every draw exactly once."""
    events: list[Event] = []
    asyncio.run(drawn(plan(ScriptedModel("m", ["1", "?"]), 4), events=events))
    samples = [e.sample for e in events if isinstance(e, SampleDrawn)]
    assert sorted(s.draw for s in samples) == [0, 1, 2, 3]
