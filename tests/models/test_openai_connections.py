"""Connections to an endpoint are shared, reused, closed, and left when a call is cancelled."""

import asyncio
from typing import Any

import pytest

from slm_mux.errors import ConnectionLostError
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.openai import OpenAIModel
from tests.endpoints import (
    Behaviour,
    answers,
    never_answers,
    serving,
    stalls,
    waits_for,
)
from tests.models.asking import ask, model_at


async def test_a_hundred_requests_reuse_connections() -> None:
    """Requests one after another use one connection; ten at a time use ten."""
    async with serving() as fake:
        model = model_at(fake)
        for _ in range(50):
            await model.complete(ask())
        assert len(fake.connections) == 1
        for _ in range(5):
            await asyncio.gather(*(model.complete(ask()) for _ in range(10)))
        await model.aclose()
    assert fake.requests == 100
    assert len(fake.connections) <= 10


async def test_models_of_one_endpoint_share_connections() -> None:
    """Models given one endpoint use one connection, also after one of them was closed."""
    async with serving() as fake:
        endpoint = Endpoint(fake.url)
        first = OpenAIModel("a", endpoint=endpoint, model="a")
        second = OpenAIModel("b", url=fake.url + "/", endpoint=endpoint, model="b")
        await first.complete(ask())
        await second.complete(ask())
        await first.aclose()
        await second.complete(ask())
        assert len(fake.connections) == 1
        await second.aclose()
        await second.complete(ask())
        assert len(fake.connections) == 2
        await second.aclose()
    assert first.endpoint == second.endpoint


async def test_headers_of_one_model_do_not_reach_another() -> None:
    """Models that share an endpoint keep their own headers."""
    async with serving() as fake:
        endpoint = Endpoint(fake.url)
        first = OpenAIModel("a", endpoint=endpoint, model="a", headers={"X-Of": "first"})
        second = OpenAIModel("b", endpoint=endpoint, model="b")
        await first.complete(ask())
        await second.complete(ask())
        await first.aclose()
        await second.aclose()
    assert [h.get("X-Of") for h in fake.headers] == ["first", None]


async def test_nothing_limits_the_requests_in_flight() -> None:
    """The limits are the sampler's: 120 requests are in flight when 120 are made."""
    async with serving() as fake:
        gate = asyncio.Event()
        fake.always = waits_for(gate, answers("42"))
        model = model_at(fake)
        calls = [asyncio.create_task(model.complete(ask())) for _ in range(120)]
        await fake.crowded(120)
        gate.set()
        await asyncio.gather(*calls)
        await model.aclose()
    assert fake.max_in_flight == 120


async def test_a_model_may_be_used_again_after_closing() -> None:
    """Closing twice does nothing more, and the next request opens a connection."""
    async with serving() as fake:
        model = model_at(fake)
        await model.aclose()
        await model.complete(ask())
        await model.aclose()
        await model.aclose()
        await model.complete(ask())
        await model.aclose()
    assert fake.requests == 2


def test_each_event_loop_has_its_own_connections() -> None:
    """A model works in one event loop after another."""
    endpoint = Endpoint("http://127.0.0.1:9/v1")

    async def once() -> list[str]:
        async with serving() as fake:
            model = OpenAIModel("m", url=fake.url, model="m")
            models.append(model)
            first = await model.complete(ask())
            session = model.http._session(model)
            kept.append(session)
            await model.aclose()
            return [c.text for c in first]

    async def shared() -> object:
        session = endpoint._session(None)
        await endpoint.aclose()
        return session

    models: list[OpenAIModel] = []
    kept: list[object] = []
    assert asyncio.run(once()) == ["42"]
    assert asyncio.run(once()) == ["42"]
    assert asyncio.run(shared()) is not asyncio.run(shared())


def test_connections_of_a_loop_that_ended_are_closed_later() -> None:
    """Closing in a new event loop also closes what an ended one left open."""
    endpoint = Endpoint("http://127.0.0.1:9/v1")

    async def leave_open() -> Any:
        return endpoint._session(None)

    session = asyncio.run(leave_open())
    assert not session.closed
    asyncio.run(endpoint.aclose())
    assert session.closed


@pytest.mark.parametrize("behaviour", [never_answers(), stalls()])
async def test_cancelling_closes_the_connection(behaviour: Any) -> None:
    """A cancelled request is left, before or within its reply, so that the server can stop."""
    async with serving() as fake:
        fake.then(behaviour)
        model = model_at(fake)
        call = asyncio.create_task(model.complete(ask()))
        await fake.arrived.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await fake.left.wait()
        assert fake.disconnects == 1
        assert [c.text for c in await model.complete(ask())] == ["42"]
        await model.aclose()
    assert len(fake.connections) == 2


async def test_a_callers_timeout_is_the_callers() -> None:
    """asyncio.timeout around a call ends it as the caller's TimeoutError."""
    async with serving() as fake:
        fake.then(never_answers())
        model = model_at(fake)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await model.complete(ask())
        await fake.left.wait()
        await model.aclose()
    assert fake.disconnects == 1


@pytest.mark.parametrize("behaviour", [never_answers(), stalls()], ids=["waiting", "amid a reply"])
async def test_closing_ends_what_is_under_way(behaviour: Behaviour) -> None:
    """A request in flight fails at once, however much of its reply is there."""
    async with serving() as fake:
        fake.always = behaviour
        model = OpenAIModel("m", url=fake.url, model="m")
        under_way = asyncio.create_task(model.complete(ask()))
        await fake.arrived.wait()
        await asyncio.sleep(0.02)
        await model.aclose()
        with pytest.raises(ConnectionLostError):
            await asyncio.wait_for(under_way, 20)
