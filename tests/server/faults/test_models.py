"""Models that are dead, slow, or misbehave: one of them, two, or all three."""

import asyncio
import json
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest

from slm_mux.models.base import Limits
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member, Pool
from tests.endpoints import (
    Behaviour,
    FakeEndpoint,
    answers,
    breaks_off,
    completion,
    hangs_up,
    html,
    never_answers,
    never_ends,
    raw,
    redirects,
    replies,
    serving,
    speaking,
    stalls,
    status,
    unused_url,
)
from tests.server.asking import Asked, asked, events, question_body

SLOW = 0.3
"""Seconds after which a model is given up."""
NAMES = ("a", "b", "c")
GATEWAY = {502, 503, 504}
FAULTS: dict[str, Behaviour] = {
    "it never answers": never_answers(),
    "it stops amid its answer": stalls(),
    "it closes amid its answer": breaks_off(),
    "it closes without an answer": hangs_up(),
    "it sends a web page": html(),
    "it sends a web page as an error": html(code=502),
    "it sends elsewhere": redirects("http://127.0.0.1:9/v1/chat/completions"),
    "it sends nothing": raw(b"", "application/json"),
    "it sends half a document": raw(b'{"choices": [{"message"', "application/json"),
    "it sends another document": replies([1, 2]),
    "it sends no choice": replies({"choices": []}),
    "it sends a choice of another form": replies({"choices": [{"message": 5}]}),
    "it sends an error as a success": replies({"error": {"message": "no", "code": 500}}),
    "it is broken": status(500),
    "it is full": status(503, {"Retry-After": "1"}),
    "it wants another key": status(401),
    "it answers without end": never_ends(),
}


def pool_of(urls: Sequence[str], **settings: Any) -> Pool:
    """A pool of endpoints that are given up soon and asked once."""
    members = [
        Member(
            model=OpenAIModel(
                name, model="m", url=url, limits=Limits(max_in_flight=64), timeout=SLOW
            )
        )
        for name, url in zip(NAMES, urls, strict=True)
    ]
    chosen: dict[str, Any] = {"samples": 2, "stopping": "none", "retry_seconds": 0} | settings
    return Pool(members, **chosen)


async def settled(server: Asked, fakes: Sequence[FakeEndpoint]) -> None:
    """Wait until nothing is in flight, as the endpoints and as the server count."""
    await server.quiet(fakes)
    assert [guard.in_flight for _, guard in server.service.roster.guards()] == [0] * len(NAMES)
    assert server.service.bodies.held == 0


@pytest.mark.parametrize("what", FAULTS)
async def test_models_that_misbehave(what: str) -> None:
    """The others' answer is given, or an error that says of each what happened; then all is well.

    Streamed or not; never an address, never a stack trace, and nothing stays in flight.
    """
    async with AsyncExitStack() as stack:
        fakes = [await stack.enter_async_context(serving()) for _ in NAMES]
        pool = pool_of([fake.url for fake in fakes])
        server = await stack.enter_async_context(asked(pool, breaker_failures=10**6))
        for broken in (1, 2, 3):
            for place, fake in enumerate(fakes):
                fake.always = FAULTS[what] if place < broken else answers("\\boxed{42}")
            code, reply, _ = await server.post(question_body("6 * 7?"))
            if broken < 3:
                assert code == 200, reply
                assert reply["mux"]["answer"] == "42"
                assert {issue["model"] for issue in reply["mux"]["errors"]} == {*NAMES[:broken]}
                last = events(await server.stream("6 * 7?"))[-1]
                assert last["mux"]["answer"] == "42"
            else:
                assert code in GATEWAY, reply
                assert set(reply["error"]["reasons"]) == set(NAMES)
                code, _, _ = await server.post(question_body("6 * 7?", stream=True))
                assert code in GATEWAY
            assert not any(fake.url in json.dumps(reply) for fake in fakes)
            await settled(server, fakes)
        for fake in fakes:
            fake.always = answers("\\boxed{42}")
        reply = await server.ask("6 * 7?")
        assert reply["mux"]["errors"] == []


@pytest.mark.parametrize("broken", [1, 2, 3])
async def test_models_that_are_not_there(broken: int) -> None:
    """Nothing listens, or what does is no web server: after a few failures they cost nothing."""
    async with AsyncExitStack() as stack:
        rude = await stack.enter_async_context(speaking(b"220 mail.example ESMTP\r\n"))
        dead = [unused_url(), rude, unused_url()][:broken]
        fakes = [await stack.enter_async_context(serving()) for _ in NAMES[broken:]]
        for fake in fakes:
            fake.always = answers("\\boxed{42}")
        pool = pool_of([*dead, *(fake.url for fake in fakes)])
        server = await stack.enter_async_context(asked(pool, breaker_failures=2))
        for _ in range(3):
            code, reply, _ = await server.post(question_body("6 * 7?"))
            assert (code == 200) if fakes else (code in GATEWAY), reply
            assert "127.0.0.1" not in json.dumps(reply)
        guards = dict(zip(NAMES, server.service.roster.guards(), strict=True))
        states = [guard.circuit.state for _, guard in guards.values()]
        assert states == ["open"] * broken + ["closed"] * (3 - broken)
        code, _, _ = await server.get("/ready")
        assert code == (200 if fakes else 503)
        await settled(server, fakes)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": -5, "completion_tokens": -1},
        {"prompt_tokens": 1e300, "completion_tokens": 2**70},
        {"prompt_tokens": "many", "completion_tokens": None},
        {"prompt_tokens": True, "completion_tokens": [1]},
        {"prompt_tokens": 0.5, "completion_tokens": {}},
        "a lot",
        [7],
    ],
)
async def test_models_that_lie_about_their_tokens(usage: Any) -> None:
    """What cannot be a count counts as nothing, and the reply says that draws are left out."""
    async with AsyncExitStack() as stack:
        fakes = [await stack.enter_async_context(serving()) for _ in NAMES]
        fakes[0].always = replies(completion("\\boxed{42}", usage=usage))
        for fake in fakes[1:]:
            fake.always = answers("\\boxed{42}")
        server = await stack.enter_async_context(asked(pool_of([fake.url for fake in fakes])))
        reply = await server.ask("6 * 7?")
        assert reply["usage"] == {
            "prompt_tokens": 40,
            "completion_tokens": 20,
            "total_tokens": 60,
        }
        assert any("2 draws" in warning for warning in reply["mux"]["warnings"])
        page = await server.metrics()
        counted = [line for line in page if line.startswith("slm_mux_tokens_total{")]
        assert counted
        assert all(float(line.split()[-1]) in (10, 20) for line in counted)


async def test_models_that_change_their_minds() -> None:
    """Whatever they do one after the other, each question has a reply that is one."""
    dice = random.Random(11)
    ways = [*FAULTS.values(), *[answers("\\boxed{42}")] * len(FAULTS)]
    async with AsyncExitStack() as stack:
        fakes = [await stack.enter_async_context(serving()) for _ in NAMES]
        pool = pool_of([fake.url for fake in fakes], stopping="eager")
        server = await stack.enter_async_context(
            asked(pool, breaker_failures=3, breaker_seconds=0.1, heartbeat_seconds=0.05)
        )
        for fake in fakes:
            for _ in range(60):
                fake.then(dice.choice(ways))
            fake.always = answers("\\boxed{42}")

        async def ask(index: int) -> int:
            body = question_body("6 * 7?", stream=index % 2 == 0)
            url = f"{server.url}/v1/chat/completions"
            async with server.client.post(url, json=body) as reply:
                text = await reply.text()
                assert reply.status in (200, *GATEWAY), text
                assert reply.status == 200 or "error" in json.loads(text)
                return reply.status

        codes = [await asyncio.gather(*(ask(index) for index in range(8))) for _ in range(5)]
        assert any(200 in some for some in codes)
        await settled(server, fakes)
