"""Collecting into a real store, from scripted models."""

import asyncio
import random
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from slm_mux.collecting.asking import Settings
from slm_mux.collecting.collector import MemberDownError, collect
from slm_mux.collecting.counts import Counts
from slm_mux.errors import (
    AuthenticationError,
    InvalidRequestError,
    RequestRefusedError,
    ServerFaultError,
    StoreError,
)
from slm_mux.models.base import Limits, Request
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.sampling.events import Event, RequestRetried
from slm_mux.sampling.keeping import Keeper
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler, first_error
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.types import Completion, Sample
from tests.collecting.making import TASK, collected, needs, pool, problems, stored
from tests.keepers import MemoryKeeper
from tests.store.making import failures


def echoing(name: str, **options: object) -> ScriptedModel:
    """A model whose text is its draw's seed."""
    return ScriptedModel(name, lambda request: f"{request.seed}", **options)  # type: ignore[arg-type]


async def test_everything_missing_is_drawn_once(tmp_path: Path) -> None:
    """Problems x models x k samples, each with its own seed, are in the store afterwards."""
    a, b = echoing("a"), echoing("b", limits=Limits(max_in_flight=1))
    outcome = await collected(tmp_path / "s.db", pool(a, b, samples=4))
    assert [(o.member, o.completed, o.failed, o.given_up) for o in outcome] == [
        ("a", 12, 0, None),
        ("b", 12, 0, None),
    ]
    draws = stored(tmp_path / "s.db")
    assert len(draws) == len({(draw.series, draw.draw) for draw in draws}) == 24
    assert len({draw.seed for draw in draws}) == 24
    assert all(draw.completion and draw.completion.text == str(draw.seed) for draw in draws)
    assert all((draw.collected_at or "").endswith("+00:00") for draw in draws)


async def test_a_second_run_draws_nothing(tmp_path: Path) -> None:
    """What is in the store is not asked for again."""
    path = tmp_path / "s.db"
    await collected(path, pool(echoing("a")))
    model = echoing("a")
    outcome = await collected(path, pool(model))
    assert (model.requests, outcome[0].completed) == ([], 0)


async def test_raising_k_buys_the_difference(tmp_path: Path) -> None:
    """With k from 2 to 5, draws 2, 3 and 4 of each problem are asked, and the first two stay."""
    path = tmp_path / "s.db"
    await collected(path, pool(echoing("a"), samples=2))
    before = stored(path)
    model = echoing("a")
    await collected(path, pool(model, samples=5))
    after = stored(path)
    assert len(model.requests) == 9
    assert [draw for draw in after if draw.draw < 2] == before
    whole = tmp_path / "whole.db"
    await collected(whole, pool(echoing("a"), samples=5))
    assert [(d.series, d.draw, d.completion) for d in after] == [
        (d.series, d.draw, d.completion) for d in stored(whole)
    ]


async def test_more_problems_buy_the_difference(tmp_path: Path) -> None:
    """A higher limit asks for the further problems alone."""
    path = tmp_path / "s.db"
    await collected(path, pool(echoing("a")), 2)
    model = echoing("a")
    await collected(path, pool(model), 3)
    assert len(model.requests) == 2


async def test_failures_are_kept_and_retried_on_request(tmp_path: Path) -> None:
    """A failed draw has its reason in the store and is drawn again only with retry_failed."""
    path = tmp_path / "s.db"
    flaky = ScriptedModel("a", ["1", RequestRefusedError("too long", model="a")])
    outcome = await collected(path, pool(flaky))
    assert (outcome[0].completed, outcome[0].failed) == (3, 3)
    assert (outcome[0].reasons, outcome[0].given_up) == ({"too long": 3}, None)
    with Store.open(path) as store:
        assert [failure.message for _, failure in failures(store, TASK)] == ["too long"] * 3
    patient = echoing("a")
    await collected(path, pool(patient))
    assert patient.requests == []
    again = echoing("a")
    outcome = await collected(path, pool(again), retry_failed=True)
    assert (len(again.requests), outcome[0].completed) == (3, 3)
    assert all(draw.completion for draw in stored(path))


async def test_a_draw_that_fails_again_stays_failed(tmp_path: Path) -> None:
    """The later reason replaces the earlier one, and completions are never touched."""
    path = tmp_path / "s.db"
    for reason in ("first", "second"):
        model = ScriptedModel("a", [ServerFaultError(reason, model="a")])
        await collected(path, pool(model, samples=1), retry_failed=True)
    assert [d.failure.message for d in stored(path) if d.failure] == ["second"] * 3


async def test_a_model_that_is_down_is_given_up(tmp_path: Path) -> None:
    """After ten failures in a row its rest stays missing; the other models are not disturbed."""
    path = tmp_path / "s.db"
    down = ScriptedModel(
        "down", [AuthenticationError("wrong key", model="down")], limits=Limits(max_in_flight=1)
    )
    outcome = await collected(path, pool(down, echoing("up")), 20)
    assert (outcome[0].completed, outcome[0].given_up) == (0, "wrong key")
    assert 10 <= outcome[0].failed < 40
    assert len(down.requests) < 40
    assert (outcome[1].completed, outcome[1].given_up) == (40, None)
    repaired = echoing("down")
    outcome = await collected(path, pool(repaired), 20)
    assert outcome[0].completed == 40 - sum(d.failure is not None for d in stored(path))


async def test_the_counts_of_a_model_that_is_given_up(tmp_path: Path) -> None:
    """Failed draws that were on their way to the disk count as well, each once."""
    path = tmp_path / "s.db"

    class InTurn:
        """Keeps one sample after another, so that the last ones are cut off."""

        def __init__(self, keeper: Keeper) -> None:
            self._keeper = keeper
            self._turn = asyncio.Lock()

        async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
            return await self._keeper.recall(plan, texts=texts)

        async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
            async with self._turn:
                return await self._keeper.keep(plan, samples)

    down = ScriptedModel(
        "down", [AuthenticationError("wrong key", model="down")], limits=Limits(max_in_flight=20)
    )
    (outcome,) = await collected(path, pool(down, samples=1), 60, around=InTurn)
    assert outcome.given_up == "wrong key"
    assert 10 < outcome.failed == len(stored(path)) < 60


async def test_a_model_that_fails_now_and_then_goes_on(tmp_path: Path) -> None:
    """Nine failures and a success, over and over, are not ten in a row."""
    nine = [ServerFaultError("busy", model="a")] * 9
    model = ScriptedModel("a", [*nine, "1"], limits=Limits(max_in_flight=1))
    outcome = await collected(tmp_path / "s.db", pool(model), 20)
    assert (outcome[0].completed, outcome[0].failed, outcome[0].given_up) == (4, 36, None)


async def test_a_problem_that_cannot_be_asked_is_not_a_model_that_is_down(tmp_path: Path) -> None:
    """Fifteen failed draws of one problem, whose prompt is too long, end nothing."""

    def reply(request: Request) -> str:
        if "1 + 1" in str(request.messages):
            raise RequestRefusedError("the prompt is too long", model="a")
        return "1"

    model = ScriptedModel("a", reply, limits=Limits(max_in_flight=1))
    outcome = await collected(tmp_path / "s.db", pool(model, samples=15), 4)
    assert (outcome[0].completed, outcome[0].failed, outcome[0].given_up) == (45, 15, None)


async def test_models_are_asked_at_once(tmp_path: Path) -> None:
    """Each model keeps its own endpoint busy up to its limit, also with one draw a problem."""
    a = ScriptedModel("a", ["1"], delay=0.01, limits=Limits(max_in_flight=4))
    b = ScriptedModel("b", ["1"], delay=0.01, limits=Limits(max_in_flight=2))
    await collected(tmp_path / "s.db", pool(a, b, samples=1), 12)
    assert (a.max_in_flight, b.max_in_flight) == (4, 2)


class TakesTurns(ScriptedModel):
    """A model as embedded ones are: those of one endpoint wait for each other."""

    def __init__(self, name: str, log: list[str], *, identity: str) -> None:
        super().__init__(name, ["1"], limits=Limits(max_in_flight=2, one_model_at_a_time=True))
        self.endpoint = "embedded"
        self.identity = identity
        self._log = log

    async def complete(self, request: Request) -> list:  # type: ignore[type-arg]
        self._log.append(self.name)
        return await super().complete(request)

    async def aclose(self) -> None:
        self._log.append(f"close {self.name}")


async def test_embedded_models_come_one_after_another(tmp_path: Path) -> None:
    """One is done and out of memory before the next begins; one file under two prompts stays."""
    log: list[str] = []
    models = [
        TakesTurns("a", log, identity="file 1"),
        TakesTurns("embedded", log, identity="file 2"),
        TakesTurns("c", log, identity="file 2"),
    ]
    apart = pool(*models, echoing("remote"))
    members = apart.members
    prompted = type(members[2])(model=models[2], system="Be brief.")
    await collected(tmp_path / "s.db", type(apart)([*members[:2], prompted, members[3]], samples=2))
    assert log == ["a"] * 6 + ["close a"] + ["embedded"] * 6 + ["c"] * 6


async def test_a_full_disk_is_one_error(tmp_path: Path) -> None:
    """SQLite runs out of pages: one StoreError; what was acknowledged is there, and sound."""
    path = tmp_path / "s.db"
    kept: list[tuple[str, int]] = []

    def limit(writer: StoreWriter) -> None:
        db = writer._connection.db
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 40}")

    class Noting:
        """Notes what the keeper has acknowledged."""

        def __init__(self, keeper: Keeper) -> None:
            self._keeper = keeper

        async def recall(self, plan: Plan, *, texts: bool) -> Mapping[int, Sample]:
            return await self._keeper.recall(plan, texts=texts)

        async def keep(self, plan: Plan, samples: Sequence[Sample]) -> int:
            new = await self._keeper.keep(plan, samples)
            kept.extend((plan.address, sample.draw) for sample in samples)
            return new

    noise = random.Random(1)
    model = ScriptedModel(
        "a", lambda _: noise.randbytes(4000).hex(), limits=Limits(max_in_flight=2)
    )
    with pytest.raises(StoreError, match="disk is full"):
        await collected(path, pool(model, samples=40), around=Noting, before=limit)
    there = {(draw.series, draw.draw) for draw in stored(path)}
    assert 0 < len(kept) < 120
    # Of the two in flight one may have been given up between the disk and its acknowledgement.
    assert set(kept) <= there
    assert len(there) - len(kept) <= 2
    with Store.open(path) as store:
        assert store.verify().sound
    rest = echoing("a")
    await collected(path, pool(rest, samples=40))
    assert len(rest.requests) == 120 - len(there)


async def test_one_error_from_a_keeper_of_the_caller_s(tmp_path: Path) -> None:
    """A store that refuses ends the collection of all models with that error, not with a group."""
    keeper = MemoryKeeper(full_after=5)
    counts = Counts()
    a, b = echoing("a"), echoing("b", delay=30)
    with pytest.raises(StoreError, match="the disk is full"):
        await collect(needs(None, pool(a, b), 5), sampler=Sampler(), keeper=keeper, counts=counts)
    assert (keeper.total, counts.of(["a", "b"])[0].completed) == (5, 5)
    assert b.in_flight == 0


async def test_a_mistake_in_a_request_is_one_error(tmp_path: Path) -> None:
    """What no model can be asked is said once, though every draw meets it."""
    model = ScriptedModel("a", [InvalidRequestError("extra sets n")])
    with pytest.raises(InvalidRequestError, match="extra sets n"):
        await collected(tmp_path / "s.db", pool(model))


async def test_cancelling_keeps_what_came_in(tmp_path: Path) -> None:
    """A cancelled collection has in the store what the models had given, and its counts say so."""
    path = tmp_path / "s.db"
    quick, slow = echoing("quick"), echoing("slow", delay=30)
    task = asyncio.create_task(collected(path, pool(quick, slow)))
    while slow.in_flight < 6 or not path.exists() or len(stored(path)) < 6:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (slow.cancelled, slow.in_flight) == (6, 0)
    assert len(stored(path)) == 6
    rest = [echoing("quick"), echoing("slow")]
    await collected(path, pool(*rest))
    assert [len(model.requests) for model in rest] == [0, 6]


async def test_progress_is_told_of_samples_on_disk_and_of_retries(tmp_path: Path) -> None:
    """on_sample hears of each new sample once; observe hears of retries."""
    events: list[Event] = []
    told: list[Sample] = []
    keeper = MemoryKeeper()
    replies: list[Reply] = [ServerFaultError("busy", model="a"), "1"]
    wanted = needs(None, pool(ScriptedModel("a", replies)), 1)
    await collect(
        wanted,
        sampler=Sampler(RetryPolicy(first_wait=0.0)),
        keeper=keeper,
        on_sample=told.append,
        observe=events.append,
    )
    assert sorted(sample.draw for sample in told) == [0, 1]
    assert any(isinstance(event, RequestRetried) for event in events)


async def test_seeds_are_those_that_ask_would_use(tmp_path: Path) -> None:
    """The same question asked by hand gets the same prompts and seeds."""
    from slm_mux.mux import AsyncMux

    by_hand, collecting = echoing("a"), echoing("a")
    async with AsyncMux(pool(by_hand, samples=3, seed=7)) as mux:
        await mux.ask(problems(1)[0].question, kind="number", stopping="none", samples=3)
    await collected(tmp_path / "s.db", pool(collecting, samples=3, seed=7), 1)
    assert sorted(r.seed or 0 for r in collecting.requests) == sorted(
        r.seed or 0 for r in by_hand.requests
    )
    assert collecting.requests[0].messages == by_hand.requests[0].messages


async def test_another_seed_buys_other_draws(tmp_path: Path) -> None:
    """Samples of another seed, or another temperature, do not stand in for these."""
    path = tmp_path / "s.db"
    for settings in (Settings(), Settings(seed=1), Settings(temperature=0.9)):
        model = echoing("a")
        await collected(path, pool(model), settings=settings)
        assert len(model.requests) == 6


async def test_refused_requests_do_not_end_a_model(tmp_path: Path) -> None:
    """Three prompts that are refused at once, before any slow reply, give no model up."""

    class Refusing(ScriptedModel):
        async def complete(self, request: Request) -> list[Completion]:
            if any(f"What is {number} + 1" in str(request.messages) for number in (0, 1, 2)):
                raise RequestRefusedError("the prompt is too long", model=self.name)
            return await super().complete(request)

    model = Refusing("a", ["1"], delay=0.05, limits=Limits(max_in_flight=64))
    outcome = await collected(tmp_path / "s.db", pool(model, samples=5), 10)
    assert (outcome[0].completed, outcome[0].failed, outcome[0].given_up) == (35, 15, None)


async def test_cancelling_while_a_given_up_model_closes(tmp_path: Path) -> None:
    """A cancellation that comes while the requests of a model given up are closing ends all."""
    closing = asyncio.Event()
    limits = Limits(max_in_flight=20, one_model_at_a_time=True)

    class Down(ScriptedModel):
        asked = 0

        async def complete(self, request: Request) -> list[Completion]:
            self.asked += 1
            if self.asked <= 12:
                raise AuthenticationError("wrong key", model=self.name)
            try:
                await asyncio.sleep(30)
            finally:
                closing.set()
                for _ in range(100):
                    await asyncio.sleep(0)
            return []

    down, after = Down("down", ["1"], limits=limits), ScriptedModel("after", ["1"], limits=limits)
    after.endpoint = down.endpoint = "turns"
    task = asyncio.create_task(collected(tmp_path / "s.db", pool(down, after), 30))
    await closing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert after.requests == []


def test_an_error_of_the_store_comes_first() -> None:
    """Of a group's errors, a StoreError is told, however deep it lies and whatever came before."""
    lost = StoreError("locked")
    group = BaseExceptionGroup("", [MemberDownError(), ExceptionGroup("", [ValueError(), lost])])
    assert first_error(group) is lost
    assert type(first_error(BaseExceptionGroup("", [MemberDownError()]))) is MemberDownError


async def test_a_damaged_text_stops_no_collection(tmp_path: Path) -> None:
    """What is missing is drawn though the text of a stored draw of the same problem is damaged."""
    path = tmp_path / "s.db"
    await collected(path, pool(echoing("a"), samples=2))
    database = sqlite3.connect(path)
    database.execute("UPDATE texts SET body = x'07'")
    database.commit()
    database.close()
    model = echoing("a")
    outcome = await collected(path, pool(model, samples=3))
    assert (outcome[0].completed, len(model.requests)) == (3, 3)


async def test_two_collectors_count_what_is_theirs(tmp_path: Path) -> None:
    """A draw that two programs buy at once is stored once, and one of them alone counts it."""
    path = tmp_path / "s.db"
    asked, all_asked = 0, asyncio.Event()

    class Waiting(ScriptedModel):
        async def complete(self, request: Request) -> list[Completion]:
            nonlocal asked
            asked += 1
            if asked == 12:
                all_asked.set()
            await all_asked.wait()
            return await super().complete(request)

    pools = [pool(Waiting("a", ["1"])) for _ in range(2)]
    first, second = await asyncio.gather(*(collected(path, one) for one in pools))
    assert len(stored(path)) == 6
    assert first[0].completed + second[0].completed == 6
