"""The breaker: a model that is down costs nothing, and is found when it is back."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import (
    AuthenticationError,
    ConnectionLostError,
    ModelError,
    RateLimitError,
    RequestRefusedError,
)
from slm_mux.models.base import Generation, Request
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.server.breaker import Circuit, CircuitOpenError, GuardedModel
from tests.endpoints import answers, never_answers, status
from tests.server.asking import asked, endpoints, question_body, remote_pool
from tests.server.test_admission import Clock

REQUEST = Request(messages=(), generation=Generation())
DOWN = ConnectionLostError("m: nothing there", model="m")


def test_states() -> None:
    """Closed until so many failures in a row, open for so long, then one trial decides."""
    clock = Clock()
    circuit = Circuit(failures=2, seconds=10, clock=clock)
    circuit.failed()
    circuit.succeeded()
    circuit.failed()
    assert (circuit.state, circuit.admit()) == ("closed", "as usual")
    circuit.failed()
    assert (circuit.state, circuit.admit(), circuit.opens_in) == ("open", "no", 10)
    clock.now = 10
    assert (circuit.state, circuit.admit()) == ("half_open", "as a trial")
    assert circuit.admit() == "no"
    circuit.failed()
    assert (circuit.state, circuit.opens_in) == ("open", 10)
    clock.now = 20
    assert circuit.admit() == "as a trial"
    circuit.gave_up_trial()
    assert circuit.admit() == "as a trial"
    circuit.succeeded()
    assert (circuit.state, circuit.in_a_row) == ("closed", 0)


@given(st.lists(st.sampled_from(["admit", "succeeded", "failed", "gave_up_trial", "wait"])))
def test_a_trial_is_never_two(steps: list[str]) -> None:
    """Whatever happens, an open breaker lets at most one request through until its end is known."""
    clock = Clock()
    circuit = Circuit(failures=2, seconds=10, clock=clock)
    trials = 0
    for step in steps:
        if step == "wait":
            clock.now += 6
        elif step == "admit":
            trials += circuit.admit() == "as a trial"
        else:
            getattr(circuit, step)()
            trials = 0
        assert trials <= 1


def guarded(*replies: Reply, clock: Clock) -> GuardedModel:
    return GuardedModel(
        ScriptedModel("m", list(replies)),
        circuit=Circuit(failures=2, seconds=10, clock=clock),
        report=lambda *_: None,
        clock=clock,
    )


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
        async with asked(pool, breaker_failures=1, breaker_seconds=0.05) as server:
            down, _, _ = await server.post(question_body())
            a.always = answers("\\boxed{1}")
            still, error, _ = await server.post(question_body())
            while server.service.roster.pools["pool"].guards["a"].circuit.state == "open":
                await asyncio.sleep(0.005)
            back, _, _ = await server.post(question_body())
            again = await server.ask()
    assert (down, still, back) == (502, 502, 200)
    assert "not asked" in error["error"]["reasons"]["a"]
    assert again["usage"]["completion_tokens"] == 10


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
