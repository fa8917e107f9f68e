"""Discussions of a task: every draw is bought once, and what was bought is replayed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from slm_mux.collecting.asking import Settings
from slm_mux.collecting.counts import Counts
from slm_mux.collecting.discussing import discuss_all, discussions_at_once
from slm_mux.collecting.filing import Register
from slm_mux.collecting.holding import Held, Subject, hold, offline, replay
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.collecting.topics import TopicMaker
from slm_mux.discussion.debate import Debate
from slm_mux.errors import ServerFaultError
from slm_mux.models.base import Limits, Request
from slm_mux.models.pool import Pool
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.readers import Readers
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.types import Problem
from tests.collecting.making import NO_RETRIES, TASK, pool, problems

DEBATE = Debate()


def follows(request: Request) -> bool:
    """Whether a request is a follow-up in a debate: the agent's own words are in it."""
    return any(message.get("role") == "assistant" for message in request.messages)


def one_and_two(request: Request) -> Reply:
    return "\\boxed{2}" if follows(request) else "\\boxed{1}"


def subjects(pool: Pool, given: Sequence[Problem]) -> list[Subject]:
    maker = TopicMaker(
        pool.members, seed=0, settings=Settings(), readers=Readers(), accuracies=[0.5] * len(pool)
    )
    return [Subject(problem=one.id, topic=maker.of(one)) for one in given]


async def held(
    path: Path,
    pool: Pool,
    given: Sequence[Problem],
    *,
    counts: Counts | None = None,
    retry_failed: bool = False,
) -> Held:
    """Replay what is there and hold the rest, as the command line does."""
    about = subjects(pool, given)
    with Store.open(path) as store:
        store.put_task(TASK, given, source="", sha256="")
        writer = StoreWriter(path)
        try:
            return await hold(
                DEBATE,
                about,
                await replay(DEBATE, about, store=store, seed=0, retry_failed=retry_failed),
                sampler=Sampler(NO_RETRIES),
                keeper=StoreKeeper(store, writer, retry_failed=retry_failed),
                register=Register(store, TASK),
                seed=0,
                counts=Counts() if counts is None else counts,
            )
        finally:
            await writer.aclose()


async def replayed(path: Path, pool: Pool, given: Sequence[Problem]) -> Held:
    with Store.open(path, read_only=True) as store:
        return offline(DEBATE, await replay(DEBATE, subjects(pool, given), store=store, seed=0))


def keys(found: Held) -> list[str | None]:
    return [one.answer.key if one.answer else None for one in found.discussions]


async def test_every_draw_is_bought_once(tmp_path: Path) -> None:
    """The second time nobody is asked, and offline neither; both come to the same."""
    path = tmp_path / "samples.db"
    one, two = ScriptedModel("one", one_and_two), ScriptedModel("two", one_and_two)
    both = pool(one, two)
    first = await held(path, both, problems(3))
    assert (len(one.requests), len(two.requests)) == (3 * 2, 3 * 2)
    again = await held(path, both, problems(3))
    assert len(one.requests) == 6
    assert keys(first) == keys(again) == keys(await replayed(path, both, problems(3))) == ["2"] * 3
    for before, after in zip(first.discussions, again.discussions, strict=True):
        assert [turn.answer for turn in before.turns] == [turn.answer for turn in after.turns]
        assert before.decided_by == after.decided_by
    with Store.open(path) as store:
        methods = [record.method for record in store.records(TASK)]
        assert (methods, store.members(TASK)) == (["debate"] * 12, [])
        assert store.verify().sound


async def test_what_is_missing_is_held(tmp_path: Path) -> None:
    """More problems draw what they need; offline a method is whole, or has a reason."""
    path = tmp_path / "samples.db"
    models = ScriptedModel("one", one_and_two), ScriptedModel("two", one_and_two)
    await held(path, pool(*models), problems(2))
    lacking = await replayed(path, pool(*models), problems(5))
    assert lacking.reason == (
        "3 of 5 problems' discussions are not in the store; without --offline they are drawn"
    )
    assert len(models[0].requests) == 4
    assert keys(await held(path, pool(*models), problems(5))) == ["2"] * 5
    assert len(models[0].requests) == 10


async def test_the_openings_are_the_plain_draws(tmp_path: Path) -> None:
    """What was collected opens the discussions, and stays what it is."""
    path = tmp_path / "samples.db"
    one = ScriptedModel("one", one_and_two)
    both = pool(one, ScriptedModel("two", one_and_two))
    from tests.collecting.making import collected

    await collected(path, both, 2)
    asked = len(one.requests)
    await held(path, both, problems(2))
    assert len(one.requests) - asked == 2
    assert all(follows(request) for request in one.requests[asked:])
    with Store.open(path) as store:
        assert [each.draws for each in store.members(TASK)] == [4, 4]
        assert sorted(one.method or "" for one in store.records(TASK)) == [""] * 8 + ["debate"] * 4


async def test_a_question_that_stands_in_the_task_twice(tmp_path: Path) -> None:
    """Its draws are bought once, and both problems come to the same."""
    path = tmp_path / "samples.db"
    one = ScriptedModel("one", one_and_two, delay=0.01)
    (first,) = problems(1)
    twice = [first, Problem(id="again", question=first.question, kind="number", target="1")]
    found = await held(path, pool(one), twice)
    assert len(one.requests) == 2
    assert keys(found) == ["2", "2"]
    with Store.open(path) as store:
        assert len(list(store.records(TASK))) == 4


async def test_a_model_that_only_fails_is_given_up(tmp_path: Path) -> None:
    """The method has a reason then, and so has the next one that needs the model."""
    path = tmp_path / "samples.db"

    def only_at_first(request: Request) -> Reply:
        return ServerFaultError("503", model="bad") if follows(request) else "\\boxed{1}"

    both = pool(ScriptedModel("good", one_and_two), ScriptedModel("bad", only_at_first))
    counts = Counts()
    found = await held(path, both, problems(40), counts=counts)
    assert found.reason == "bad was given up after failing again and again: 503"
    assert found.discussions == ()
    asked = len(both.members[1].model.requests)  # type: ignore[attr-defined]
    later = await held(path, both, problems(41), counts=counts)
    assert later.reason == found.reason
    assert len(both.members[1].model.requests) == asked  # type: ignore[attr-defined]


async def test_failed_draws_are_made_again_when_asked(tmp_path: Path) -> None:
    """A failure is kept and replayed as one; with retry_failed it is drawn again."""
    path = tmp_path / "samples.db"
    up = False

    def sometimes(request: Request) -> Reply:
        return one_and_two(request) if up else ServerFaultError("503", model="one")

    one = pool(ScriptedModel("one", sometimes))
    assert keys(await held(path, one, problems(2))) == [None, None]
    up = True
    assert keys(await held(path, one, problems(2))) == [None, None]
    assert keys(await held(path, one, problems(2), retry_failed=True)) == ["2", "2"]
    assert keys(await replayed(path, one, problems(2))) == ["2", "2"]


async def test_as_many_at_once_as_keep_the_endpoints_busy() -> None:
    """Each endpoint's limit is reached, and kept; discussions come back in order."""
    models = [
        ScriptedModel(name, one_and_two, delay=0.005, limits=Limits(max_in_flight=3))
        for name in ("one", "two")
    ]
    topics = [one.topic for one in subjects(pool(*models), problems(24))]
    assert discussions_at_once(topics) == 12
    over: list[object] = []
    found = await discuss_all(
        DEBATE, topics, sampler=Sampler(NO_RETRIES), seed=0, on_discussion=over.append
    )
    assert [one.max_in_flight for one in models] == [3, 3]
    assert [one.turns[0].sample.seed for one in found] == [
        one.turns[0].sample.seed
        for one in await discuss_all(DEBATE, topics, sampler=Sampler(NO_RETRIES), seed=0)
    ]
    assert len(over) == 24


async def test_an_error_ends_all_discussions() -> None:
    """What is no failure of a model is the caller's to see."""

    def wrong(_: Request) -> Reply:
        raise RuntimeError("a mistake")

    topics = [one.topic for one in subjects(pool(ScriptedModel("one", wrong)), problems(3))]
    with pytest.raises(RuntimeError, match="a mistake"):
        await discuss_all(DEBATE, topics, sampler=Sampler(NO_RETRIES), seed=0)
