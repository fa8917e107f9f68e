"""Drawing until mux's answers are settled: fewer draws, the same answers, nothing bought twice."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from slm_mux.collecting.asking import Settings
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.collecting.shortfall import MemberNeeds, needs_of
from slm_mux.errors import AuthenticationError, InvalidRequestError, RequestRefusedError
from slm_mux.evaluation.evaluate import evaluate, known_before
from slm_mux.evaluation.live import draw_until_settled
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.base import Limits, Request
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.readers import Readers
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.seeds import draw_seed, problem_id
from slm_mux.store import Store, StoreWriter
from slm_mux.types import Stopping
from tests.evaluation.making import TASK, problem, rows

PROBLEMS = [problem(f"q{number}") for number in range(3)]
K = 3

Script = Sequence[Sequence[Sequence[str]]]
"""By model, problem and draw."""


def scripted(script: Script, accuracies: Sequence[float]) -> Pool:
    """A pool whose draws depend on their seeds alone, so that every order gives the same."""

    def model(number: int) -> ScriptedModel:
        name = f"m{number}"
        texts = {
            draw_seed(0, name, problem_id(({"role": "user", "content": one.question},)), draw): text
            for one, answers in zip(PROBLEMS, script[number], strict=True)
            for draw, text in enumerate(answers)
        }

        def reply(request: Request) -> str:
            assert request.seed is not None
            return f"\\boxed{{{texts[request.seed]}}}"

        return ScriptedModel(name, reply)

    return Pool(
        [
            Member(model=model(number), validation_accuracy={TASK: accuracy})
            for number, accuracy in enumerate(accuracies)
        ],
        samples=K,
    )


def registered(store: Store, pool: Pool, readers: Readers) -> list[MemberNeeds]:
    store.put_task(TASK, PROBLEMS, source="", sha256="00")
    needs = needs_of(
        TASK, PROBLEMS, pool, store=store, readers=readers, settings=Settings(samples=K)
    )
    store.put_asked(
        TASK, [(one.asking.problem.id, one.asking.series) for each in needs for one in each.needs]
    )
    return needs


async def live(path: Path, pool: Pool, stopping: Stopping) -> dict[str, Any]:
    """Draw and evaluate mux."""
    readers = Readers()
    question = Question(task=TASK, pool=pool, methods=("mux",), samples=K)
    with Store.open(path) as store, make_scorer() as scorer:
        needs = registered(store, pool, readers)
        known = known_before(store, question, pool, readers=readers, scorer=scorer)
        writer = StoreWriter(path)
        await draw_until_settled(
            needs,
            stopping=stopping,
            sampler=Sampler(),
            store=store,
            keeper=StoreKeeper(store, writer),
            accuracies=[record.accuracy for record in known],
        )
        await writer.aclose()
        asked = Question(
            task=TASK, pool=pool, methods=("mux",), samples=K, stopped=True, records=known
        )
        document = evaluate(store, asked, readers=readers, scorer=scorer)
    readers.close()
    return document


def requests(pool: Pool) -> int:
    found = 0
    for member in pool:
        assert isinstance(member.model, ScriptedModel)
        found += len(member.model.requests)
    return found


texts = st.sampled_from(["7", "8", "9"])
scripts = st.lists(
    st.lists(st.lists(texts, min_size=K, max_size=K), min_size=3, max_size=3),
    min_size=2,
    max_size=3,
)


@given(script=scripts, stopping=st.sampled_from(["eager", "frugal"]), data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_same_answers_with_fewer_draws(
    script: Script, stopping: Stopping, data: st.DataObject
) -> None:
    """With eager or frugal stopping, accuracy and answers are those of all draws."""
    accuracies = data.draw(
        st.lists(st.sampled_from([0.2, 0.5]), min_size=len(script), max_size=len(script))
    )

    async def both() -> None:
        with tempfile.TemporaryDirectory() as folder:
            every, some = scripted(script, accuracies), scripted(script, accuracies)
            full = await live(Path(folder) / "none.db", every, "none")
            stopped = await live(Path(folder) / "some.db", some, stopping)
        assert stopped["problems"] == full["problems"] == len(PROBLEMS)
        for key in ("accuracy", "correct", "total"):
            assert rows(stopped)["mux"][key] == rows(full)["mux"][key]
        assert requests(some) <= requests(every) == len(script) * len(PROBLEMS) * K

    asyncio.run(both())


UNANIMOUS = [[["7", "7", "7"]] * 3, [["8", "9", "7"]] * 3]


async def test_frugal_buys_what_it_needs_only(tmp_path: Path) -> None:
    """The model with the best record, agreeing with itself, decides; the other is not asked."""
    pool = scripted(UNANIMOUS, [0.9, 0.5])
    document = await live(tmp_path / "s.db", pool, "frugal")
    assert requests(pool) == len(PROBLEMS) * K
    mux = rows(document)["mux"]
    assert (mux["samples_per_problem"], mux["attribution"]) == (3.0, {"m0": 1.0, "m1": 0.0})
    assert (document["union_accuracy"], document["left_out"]) == (None, 0)


async def test_what_is_left_undrawn_is_marked(tmp_path: Path) -> None:
    """Every series that lacks draws of a settled problem is marked, until it has them."""
    undecided = ["1", "2", "3"]
    script = [[["7"] * 3, undecided, undecided], [["8"] * 3, ["7"] * 3, undecided]]
    await live(tmp_path / "s.db", scripted(script, [0.9, 0.5]), "frugal")
    with Store.open(tmp_path / "s.db") as store:
        lacking = {
            (mark.problem, mark.member): (mark.drawn, mark.wanted) for mark in store.stopped(TASK)
        }
    # On the second problem m1 wins before m0 has drawn all; the third needs every draw.
    assert lacking == {("q0", "m1"): (0, 3), ("q1", "m0"): (2, 3)}
    every = scripted(script, [0.9, 0.5])
    await live(tmp_path / "s.db", every, "none")
    assert requests(every) == 3 + 1
    with Store.open(tmp_path / "s.db") as store:
        assert store.stopped(TASK) == []


@given(script=scripts, stopping=st.sampled_from(["eager", "frugal"]))
@settings(max_examples=10, deadline=None)
def test_marks_are_what_is_missing(script: Script, stopping: Stopping) -> None:
    """After a live evaluation each series has all draws or a mark; a second one changes nothing."""

    async def check() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "s.db"
            before = None
            for _ in range(2):
                await live(path, scripted(script, [0.5] * len(script)), stopping)
                with Store.open(path) as store:
                    asked = store.asked(TASK)
                    drawn = store.drawn(digest for _, _, digest in asked)
                    marks = store.stopped(TASK)
                assert {mark.series for mark in marks} == {
                    digest for digest, draws in drawn.items() if len(draws) < K
                }
                assert before in (None, marks)
                before = marks

    asyncio.run(check())


async def test_what_is_interrupted_is_not_marked(tmp_path: Path) -> None:
    """Where drawing ends before the answer is settled, nothing says that it was stopped."""
    broken = ScriptedModel("broken", [ZeroDivisionError()])
    pool = Pool([Member(model=broken), *scripted(UNANIMOUS, [0.9, 0.5])], samples=K)
    with pytest.raises(ZeroDivisionError):
        await live(tmp_path / "s.db", pool, "eager")
    with Store.open(tmp_path / "s.db") as store:
        assert store.stopped(TASK) == []


async def test_nothing_is_bought_twice(tmp_path: Path) -> None:
    """A second live evaluation asks nobody."""
    await live(tmp_path / "s.db", scripted(UNANIMOUS, [0.9, 0.5]), "frugal")
    again = scripted(UNANIMOUS, [0.9, 0.5])
    await live(tmp_path / "s.db", again, "frugal")
    assert requests(again) == 0


async def test_unsettled_problems_are_left_out(tmp_path: Path) -> None:
    """Where drawing was interrupted before the answer was settled, the problem does not count."""
    pool = scripted(UNANIMOUS, [0.9, 0.5])
    readers = Readers()
    with Store.open(tmp_path / "s.db") as store, make_scorer() as scorer:
        needs = registered(store, pool, readers)
        one = [MemberNeeds(member=m.member, k=m.k, needs=m.needs[:1]) for m in needs]
        writer = StoreWriter(tmp_path / "s.db")
        await draw_until_settled(
            one,
            stopping="frugal",
            sampler=Sampler(),
            store=store,
            keeper=StoreKeeper(store, writer),
            accuracies=[0.9, 0.5],
        )
        await writer.aclose()
        first = one[0].needs[0].asking.series
        second = needs[0].needs[1].asking.series
        sample = store.draws_of(first.digest)[0]
        store.put_draws([type(sample)(series=second.digest, draw=0, completion=sample.completion)])
        known = known_before(store, Question(task=TASK), pool, readers=readers, scorer=scorer)
        document = evaluate(
            store,
            Question(
                task=TASK, pool=pool, methods=("mux",), samples=K, stopped=True, records=known
            ),
            readers=readers,
            scorer=scorer,
        )
    assert (document["problems"], document["left_out"], document["without_draws"]) == (1, 1, 1)


@pytest.mark.parametrize("stopping", ["eager", "frugal"])
async def test_failed_draws_end_too(tmp_path: Path, stopping: Stopping) -> None:
    """A model that only fails costs its votes; the others' answers are evaluated."""
    pool = scripted(UNANIMOUS, [0.9, 0.5])
    broken = ScriptedModel("broken", [RequestRefusedError("no", model="broken")])
    with_broken = Pool([Member(model=broken), *pool], samples=K)
    document = await live(tmp_path / "s.db", with_broken, stopping)
    assert rows(document)["mux"]["accuracy"] == 1.0


@pytest.mark.parametrize("stopping", ["eager", "frugal"])
async def test_a_dead_endpoint_is_given_up(tmp_path: Path, stopping: Stopping) -> None:
    """A model that only fails is no longer asked after some problems; the others go on."""
    many = [problem(f"q{number}") for number in range(60)]
    limits = Limits(max_in_flight=2)
    dead = ScriptedModel("dead", [AuthenticationError("no key", model="dead")], limits=limits)
    alive = ScriptedModel("alive", ["\\boxed{7}"], limits=limits)
    both = Pool([Member(model=dead), Member(model=alive)], samples=K)
    readers = Readers()
    with Store.open(tmp_path / "s.db") as store:
        store.put_task(TASK, many, source="", sha256="00")
        needs = needs_of(
            TASK, many, both, store=store, readers=readers, settings=Settings(samples=K)
        )
        asked = [one.asking for each in needs for one in each.needs]
        store.put_asked(TASK, [(one.problem.id, one.series) for one in asked])
        writer = StoreWriter(tmp_path / "s.db")
        outcome = await draw_until_settled(
            needs,
            stopping=stopping,
            sampler=Sampler(),
            store=store,
            keeper=StoreKeeper(store, writer),
            accuracies=[0.9, 0.5],
        )
        await writer.aclose()
        marks = store.stopped(TASK)
    readers.close()
    # Once it was given up, what the dead model lacks is missing for another reason.
    assert all(mark.drawn for mark in marks if mark.member == "dead")
    assert [one.given_up for one in outcome] == ["no key", None]
    assert 10 <= len(dead.requests) < 60
    assert outcome[1].completed >= 2 * 60


async def test_an_ordinary_evaluation_after_a_stopped_one(tmp_path: Path) -> None:
    """Mux has the same answers offline; other methods ask for the rest, not for the hard ones."""
    script = [
        [["7", "7", "7"], ["7", "7", "7"], ["8", "9", "7"]],
        [["7", "7", "7"], ["7", "7", "7"], ["7", "9", "8"]],
    ]
    pool = scripted(script, [0.9, 0.5])
    stopped = await live(tmp_path / "s.db", pool, "frugal")
    readers = Readers()
    with Store.open(tmp_path / "s.db") as store, make_scorer() as scorer:
        offline = Question(task=TASK, pool=pool, samples=K)
        with pytest.raises(InvalidRequestError, match="2 problems were stopped early"):
            evaluate(store, offline, readers=readers, scorer=scorer)
        alone = replace(offline, methods=("mux",))
        again = evaluate(store, alone, readers=readers, scorer=scorer)
    readers.close()
    assert rows(again)["mux"] == rows(stopped)["mux"]
    assert again["data"] == stopped["data"]
