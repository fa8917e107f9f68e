"""The breaker: a model that is down costs nothing, and is found when it is back."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import (
    AuthenticationError,
    BadReplyError,
    ConnectionLostError,
    EmbeddedEngineError,
    ModelError,
    ModelNotFoundError,
    QuotaExhaustedError,
    RateLimitError,
    RequestRefusedError,
    RequestTimeoutError,
    ServerFaultError,
)
from slm_mux.models.base import Generation, Request
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.server.breaker import CHECK, CircuitOpenError, GuardedModel
from slm_mux.server.circuit import Circuit, Watched
from tests.endpoints import Behaviour, FakeEndpoint, answers, never_answers, serving, status
from tests.server.asking import asked, endpoints, question_body, remote_pool
from tests.server.test_admission import Clock

REQUEST = Request(messages=(), generation=Generation())
DOWN = ConnectionLostError("m: nothing there", model="m", never_connected=True)
BROKEN = ServerFaultError("m: 500", model="m")
FORBIDDEN = AuthenticationError("m: 403", model="m")
FORBIDDEN.status = 403


def test_states() -> None:
    """Closed until so many failures in a row, open for so long, then one trial decides."""
    clock = Clock()
    circuit = Circuit(failures=2, seconds=10, clock=clock)
    circuit.failed()
    circuit.succeeded()
    circuit.failed()
    assert (circuit.failed_enough, circuit.admit()) == (False, "as usual")
    circuit.failed()
    assert (circuit.failed_enough, circuit.state) == (True, "closed")
    circuit.open()
    assert (circuit.state, circuit.admit(), circuit.opens_in) == ("open", "no", 10)
    clock.now = 10
    assert (circuit.state, circuit.admit()) == ("half_open", "as a trial")
    assert circuit.admit() == "no"
    circuit.open()
    assert (circuit.state, circuit.opens_in) == ("open", 10)
    clock.now = 20
    assert circuit.admit() == "as a trial"
    circuit.gave_up_trial()
    assert circuit.admit() == "as a trial"
    circuit.succeeded()
    assert (circuit.state, circuit.in_a_row) == ("closed", 0)


@given(st.lists(st.sampled_from(["admit", "succeeded", "open", "gave_up_trial", "wait"])))
def test_a_trial_is_never_two(steps: list[str]) -> None:
    """Whatever happens, an open breaker lets at most one request through until its end is known."""
    clock = Clock()
    circuit = Circuit(failures=2, seconds=10, clock=clock)
    trials = 0
    for step in steps:
        if step == "wait":
            clock.now += 6
        elif step == "admit":
            circuit.failed()
            trials += circuit.admit() == "as a trial"
        else:
            getattr(circuit, step)()
            trials = 0
        assert trials <= 1


def guarded(
    *replies: Reply, clock: Clock, by: Callable[[Request], Reply] | None = None
) -> GuardedModel:
    return GuardedModel(
        ScriptedModel("m", by or list(replies)),
        circuit=Circuit(failures=2, seconds=10, clock=clock),
        watched=Watched(),
        report=lambda *_: None,
        check_seconds=0.05,
        clock=clock,
    )


def test_a_model_s_context_is_told() -> None:
    """Where the model behind it knows it."""
    model = guarded("x", clock=Clock())
    assert model.context is None
    model.inner.context = 4096  # type: ignore[attr-defined]
    assert model.context == 4096


async def test_what_counts_as_down() -> None:
    """Refusals and full endpoints show that somebody is there; anything else counts."""
    clock = Clock()
    there = (
        RequestRefusedError("m: 400", model="m"),
        RateLimitError("m: 429", model="m"),
    )
    model = guarded(*there, *there, DOWN, AuthenticationError("m: 401", model="m"), clock=clock)
    for _ in range(4):
        with pytest.raises(ModelError):
            await model.complete(REQUEST)
    assert model.circuit.state == "closed"
    for _ in range(2):
        with pytest.raises(ModelError):
            await model.complete(REQUEST)
    assert model.circuit.state == "open"
    with pytest.raises(CircuitOpenError, match="not asked, since 2 requests in a row failed"):
        await model.complete(REQUEST)
    assert isinstance(model.inner, ScriptedModel)
    assert len(model.inner.requests) == 6


@pytest.mark.parametrize(
    ("error", "is_checked"),
    [
        (DOWN, False),
        (AuthenticationError("m: 401", model="m"), False),
        (ModelNotFoundError("m: 404", model="m"), False),
        (QuotaExhaustedError("m: 402", model="m"), False),
        (EmbeddedEngineError("m: no file", model="m"), False),
        (BROKEN, True),
        (FORBIDDEN, True),
        (BadReplyError("m: HTML", model="m"), True),
        (RequestTimeoutError("m: late", model="m"), True),
        (ConnectionLostError("m: broke", model="m"), True),
    ],
    ids=lambda value: value.__class__.__name__ if isinstance(value, ModelError) else None,
)
async def test_what_a_prompt_may_have_caused_is_checked(
    error: ModelError, is_checked: bool
) -> None:
    """Then a question of the server's own decides whether the model is there."""
    clock = Clock()

    def reply(request: Request) -> Reply:
        return "there" if request == CHECK else error

    model = guarded(clock=clock, by=reply)
    for _ in range(2):
        with pytest.raises(type(error)):
            await model.complete(REQUEST)
    asked_of_it = model.inner.requests  # type: ignore[attr-defined]
    assert asked_of_it == [REQUEST, REQUEST, CHECK][: 3 if is_checked else 2]
    assert model.circuit.state == ("closed" if is_checked else "open")
    assert (model.watched.failed_at is None) is is_checked


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (BROKEN, "open"),
        (BadReplyError("m: HTML", model="m"), "open"),
        (RateLimitError("m: 429", model="m"), "closed"),
        (RequestRefusedError("m: 400", model="m"), "closed"),
        ("there", "closed"),
    ],
    ids=lambda value: value.__class__.__name__,
)
async def test_the_check_decides(answer: Reply, state: str) -> None:
    """Whoever refuses it, or is full, is there; whoever fails it too is not asked any more."""
    clock = Clock()
    model = guarded(BROKEN, BROKEN, answer, BROKEN, answer, clock=clock)
    for _ in range(2):
        with pytest.raises(ServerFaultError):
            await model.complete(REQUEST)
    assert (model.circuit.state, model.in_flight) == (state, 0)
    clock.now = 10
    with pytest.raises(ServerFaultError):
        await model.complete(REQUEST)
    assert model.circuit.state == state


async def test_a_check_that_is_not_answered_opens_the_breaker() -> None:
    """It has a time of its own; other requests that fail meanwhile do not check as well."""
    clock = Clock()
    model = guarded(BROKEN, BROKEN, "late", BROKEN, clock=clock)
    assert isinstance(model.inner, ScriptedModel)
    with pytest.raises(ServerFaultError):
        await model.complete(REQUEST)
    checking = asyncio.create_task(model.complete(REQUEST))
    while len(model.inner.requests) < 3:
        model.inner._delay = 60 if len(model.inner.requests) == 2 else 0
        await asyncio.sleep(0)
    model.inner._delay = 0
    with pytest.raises(ServerFaultError):
        await model.complete(REQUEST)
    assert (model.circuit.state, model.circuit.being_checked) == ("closed", True)
    with pytest.raises(ServerFaultError):
        await checking
    assert (model.circuit.state, model.circuit.being_checked) == ("open", False)
    assert model.inner.requests.count(CHECK) == 1


async def test_a_trial_that_is_cancelled_leaves_room_for_another() -> None:
    """The question that tried the model may be settled before the model has answered."""
    clock = Clock()
    model = guarded(DOWN, DOWN, "cancelled", "back", clock=clock)
    for _ in range(2):
        with pytest.raises(ConnectionLostError):
            await model.complete(REQUEST)
    clock.now = 10
    assert isinstance(model.inner, ScriptedModel)
    model.inner._delay = 60
    trial = asyncio.create_task(model.complete(REQUEST))
    await asyncio.sleep(0)
    with pytest.raises(CircuitOpenError):
        await model.complete(REQUEST)
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)
    model.inner._delay = 0
    await model.complete(REQUEST)
    assert (model.circuit.state, model.in_flight) == ("closed", 0)


async def test_a_dead_model_costs_nothing() -> None:
    """After its failures the pool answers without asking it; /ready and /metrics say so."""
    async with endpoints(2) as (a, b):
        a.always = status(404)
        pool = remote_pool(a.url, b.url, samples=2)
        async with asked(pool, breaker_failures=3, ready_seconds=60) as server:
            for _ in range(4):
                reply = await server.ask()
            before = a.requests
            reply = await server.ask()
            assert a.requests == before <= 4
            assert reply["mux"]["model"] == "b"
            (issue,) = reply["mux"]["errors"]
            assert (issue["model"], issue["error"]) == ("a", "CircuitOpenError")
            code, ready, _ = await server.get("/ready")
            lines = await server.metrics()
    assert code == 200
    assert [(m["model"], m["ok"], m["breaker"]) for m in ready["members"]] == [
        ("a", False, "open"),
        ("b", True, "closed"),
    ]
    assert 'slm_mux_breaker_open{model="a",pool="pool"} 1.0' in lines


async def test_a_model_that_is_back_is_asked_again() -> None:
    """One request tries it after a while, and then all do."""
    async with endpoints(1) as (a,):
        a.always = status(404)
        pool = remote_pool(a.url, samples=2)
        async with asked(pool, breaker_failures=1, breaker_seconds=0.5) as server:
            down, _, _ = await server.post(question_body())
            a.always = answers("\\boxed{1}")
            still, error, _ = await server.post(question_body())
            while server.service.roster.pools["pool"].guards["a"].circuit.state == "open":
                await asyncio.sleep(0.005)
            back, _, _ = await server.post(question_body())
            again = await server.ask()
    assert (down, still, back) == (502, 503, 200)
    assert "not asked" in error["error"]["reasons"]["a"]
    assert again["usage"]["completion_tokens"] == 10


def poisoned(good: Behaviour, bad: Behaviour) -> Behaviour:
    """Behave badly whenever a prompt has the word poison."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        words = str(body["messages"])
        return await (bad if "poison" in words else good)(fake, request, body)

    return behave


async def test_no_client_s_prompts_open_a_breaker_for_all() -> None:
    """Prompts at which an endpoint fails cost those who send them, however different they are."""
    async with serving() as a:
        a.always = poisoned(answers("\\boxed{1}"), status(500))
        pool = remote_pool(a.url, samples=2, retry_seconds=0)
        async with asked(pool, breaker_failures=3) as server:
            for turn in range(8):
                code, _, _ = await server.post(question_body(f"What is 1 + 1? poison {turn}"))
                assert code == 502
            breaker = server.service.roster.pools["pool"].guards["a"].circuit
            assert breaker.state == "closed"
            assert (await server.get("/ready"))[0] == 200
            assert (await server.ask())["mux"]["answer"] == "1"


async def test_members_that_are_one_model_share_a_breaker() -> None:
    """What one pool found out costs the other nothing; another key or model is another thing."""
    async with serving(key="right") as a, serving() as b:
        a.always = b.always = status(404)
        pools = {
            "x": Pool([Member(model=OpenAIModel("a", model="m", url=a.url, api_key="right"))]),
            "y": Pool(
                [
                    Member(model=OpenAIModel("same", model="m", url=a.url, api_key="right")),
                    Member(model=OpenAIModel("other", model="n", url=a.url, api_key="right")),
                    Member(model=OpenAIModel("wrong", model="m", url=a.url, api_key="wrong")),
                    Member(model=OpenAIModel("b", model="m", url=b.url)),
                ]
            ),
        }
        async with asked(pools, breaker_failures=2, ready_seconds=60) as server:
            await server.post(question_body(model="mux@x"))
            before = a.requests
            code, reply, headers = await server.post(question_body(model="same"))
            assert (a.requests, code) == (before, 503)
            assert reply["error"]["message"].endswith(
                "the last: its endpoint does not serve it (404)"
            )
            states = {
                guard.name: guard.circuit.state for _, guard in server.service.roster.guards()
            }
            _, ready, _ = await server.get("/ready")
    assert states == {
        "a": "open",
        "same": "open",
        "other": "closed",
        "wrong": "closed",
        "b": "closed",
    }
    assert 1 <= int(headers["Retry-After"]) <= 30
    assert [m["problem"] for m in ready["members"]][:2] == [
        "a: its endpoint does not serve it (404)",
        "same: its endpoint does not serve it (404)",
    ]


async def test_when_no_model_may_be_asked_the_reply_says_for_how_long() -> None:
    """Until the first of the pool's breakers lets a request through."""
    async with endpoints(2) as (a, b):
        a.always = b.always = status(404)
        async with asked(
            remote_pool(a.url, b.url, samples=2), breaker_failures=1, breaker_seconds=40
        ) as server:
            await server.post(question_body())
            for stream in (False, True):
                code, reply, headers = await server.post(question_body(stream=stream))
                assert (code, reply["error"]["code"]) == (503, "unavailable")
                assert 30 <= int(headers["Retry-After"]) <= 40
                assert "x-should-retry" not in headers
                assert set(reply["error"]["reasons"]) == {"a", "b"}
        assert a.requests <= 2


async def test_readiness() -> None:
    """A model is ready when it answers; asking often asks its server once; none: 503."""
    async with endpoints(2) as (a, b):
        b.listing = status(500, message="model crashed")
        async with asked(remote_pool(a.url, b.url), ready_seconds=60) as server:
            replies = await asyncio.gather(*(server.get("/ready") for _ in range(20)))
            url = b.url
        assert {code for code, _, _ in replies} == {200}
        first, second = replies[0][1]["members"]
        assert (first["ok"], first["problem"]) == (True, None)
        assert second["ok"] is False
        assert "500" in second["problem"]
        assert url not in second["problem"]
        a.listing = b.listing = never_answers()
        async with asked(remote_pool(a.url, b.url), probe_seconds=0.05) as server:
            code, ready, _ = await server.get("/ready")
        assert (code, ready["status"]) == (503, "no model answers")
        b.listing = status(404)
        async with asked(remote_pool(b.url)) as server:
            code, _, _ = await server.get("/ready")
        assert code == 200
