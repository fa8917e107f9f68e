"""What clients are told of models that fail: nothing of where they are, enough to act on."""

import asyncio
import json
import logging
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from slm_mux.errors import (
    AuthenticationError,
    BadReplyError,
    ConnectionLostError,
    EmbeddedEngineError,
    ModelError,
    RateLimitError,
    RequestRefusedError,
    RequestTimeoutError,
    ServerFaultError,
)
from slm_mux.models.base import Generation, Limits, Request
from slm_mux.models.pool import Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.server.breaker import GuardedModel
from slm_mux.server.circuit import Circuit, Watched
from slm_mux.server.wire.failures import told, without_addresses
from tests.endpoints import Behaviour, hangs_up, html, serving, status, unused_url
from tests.server.asking import Asked, asked, question_body, remote_pool
from tests.server.page.test_pages import live, page

PLACES = ("127.0.0.1", "localhost", "inference.internal", "/srv/")


async def all_that_clients_see(server: Asked) -> str:
    """Every reply that speaks of a model that failed, as one text."""
    seen: list[Any] = []
    for body in (
        question_body(),
        question_body(model="a"),
        question_body(model="mux", mux={"detail": "draws"}),
    ):
        _, reply, _ = await server.post(body)
        seen.append(reply)
    form = {"question": "What is 6 * 7?"}
    seen.append(await live(server, form))
    seen.append((await page(server, "/ask", form))[1])
    seen.append((await page(server, "/status"))[1])
    seen.append((await server.get("/ready"))[1])
    return json.dumps(seen)


@pytest.mark.parametrize(
    "behaviour",
    [
        None,
        hangs_up(),
        html(),
        status(500, message="upstream inference.internal:8000 died, see /srv/x"),
        status(403, message="ask at localhost:3000"),
        status(404, message="no model at ('127.0.0.1', 9)"),
        status(400, message="from http://inference.internal/v1: Connect call failed (127.0.0.1)"),
        status(302, {"Location": "http://inference.internal/"}),
    ],
    ids=["nothing", "drops", "html", "500", "403", "404", "400", "302"],
)
async def test_no_client_learns_where_a_model_is(behaviour: Behaviour | None) -> None:
    """Neither host nor port of an endpoint is in any reply of the API or the page."""
    async with serving() as fake, serving() as good:
        url = unused_url() if behaviour is None else fake.url
        if behaviour is not None:
            fake.always = fake.listing = behaviour
        pool = remote_pool(url, good.url, samples=1, retry_seconds=0.01)
        async with asked(pool, ready_seconds=0.01) as server:
            text = await all_that_clients_see(server)
        good.always = status(500)
        async with asked(pool, breaker_failures=1) as server:
            text += await all_that_clients_see(server)
    assert "endpoint" in text
    for place in PLACES:
        assert place not in text
    for port in (urlsplit(at).port for at in (url, good.url)):
        # As a number of its own: an id or a time may have the same digits in it.
        assert re.search(rf"(?<![\w.]){port}(?!\w)", text) is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionLostError("x", model="m"), "m: the connection to its endpoint broke"),
        (
            ConnectionLostError("x", model="m", never_connected=True),
            "m: its endpoint cannot be reached",
        ),
        (RequestTimeoutError("x", model="m"), "m: its endpoint did not answer in time"),
        (ServerFaultError("x", model="m"), "m: its endpoint failed"),
        (RateLimitError("x", model="m"), "m: its endpoint takes no more requests for now"),
        (
            AuthenticationError("x", model="m"),
            "m: its endpoint does not accept this server's key",
        ),
        (BadReplyError("x", model="m"), "m: its endpoint gave no reply that can be read"),
        (EmbeddedEngineError("x", model="m"), "m: it cannot be loaded"),
        (ModelError("x", model="m"), "m: it failed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_words_go_by_the_class_of_the_error(error: ModelError, words: str) -> None:
    """Whatever an error's own message says, what is told of it are this server's words."""
    assert told(error, "m") == words
    error.status, error.said = 418, "I am http://teapot:1"
    assert told(error, "m") == f"{words} (418)"


def test_why_a_request_was_refused_is_told() -> None:
    """That alone a client can mend; addresses are taken out of the endpoint's words."""
    error = RequestRefusedError("x", model="m")
    error.status, error.said = 400, "at host gpu-1: 5000 tokens are more than 4096"
    assert told(error, "m", endpoint="http://gpu-1:8000/v1#abc") == (
        "m: its endpoint refused the request (400): at host [address]: 5000 tokens are more than "
        "4096"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://user:pw@h.example/v1?k=1, then", "see [address], then"),
        ("Connect call failed ('127.0.0.1', 9)", "Connect call failed ([address])"),
        ("('::1', 9, 0, 0)", "([address], 0, 0)"),
        ("no route to [fe80::1%eth0]:80", "no route to [address]"),
        ("host 10.0.0.5:8000 is down", "host [address] is down"),
        ("Cannot connect to host gpu-1.lan:8000 ssl:default", "Cannot connect to host [address] "),
        ("localhost refused", "[address] refused"),
        ("temperature: 3, at 10:15; 0.5 of 1.5; e.g. max_tokens", None),
        ("the model's context is 4096 tokens. Shorten it.", None),
    ],
)
def test_addresses_are_found_in_foreign_words(text: str, shown: str | None) -> None:
    """URLs, IP addresses, hosts with ports and names with domains; not every colon and point."""
    found = without_addresses(text)
    if shown is None:
        assert found == text
    else:
        assert found.startswith(shown)


async def test_the_log_has_what_clients_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """Its operator learns where and why; what the endpoint said may quote a prompt."""
    caplog.set_level(logging.INFO, "slm_mux.server")
    async with serving() as fake:
        for log_prompts in (False, True):
            fake.always = status(400, message="your prompt is: secret words")
            async with asked(remote_pool(fake.url, samples=1), log_prompts=log_prompts) as server:
                await server.post(question_body())
    logged = [r.__dict__["fields"] for r in caplog.records if r.getMessage() == "model_failed"]
    assert [(line["model"], line["status"]) for line in logged] == [("a", 400)] * 2
    assert all(fake.url in line["message"] for line in logged)
    assert ["secret words" in line["message"] for line in logged] == [False, True]


async def test_a_client_learns_when_its_models_take_requests_again() -> None:
    """Where every draw met a limit of its endpoint, the 429 says when the first one ends."""
    async with serving() as a, serving() as b:
        a.always = status(429, {"Retry-After": "50"})
        b.always = status(429, {"Retry-After": "20"})
        pool = remote_pool(a.url, b.url, samples=1, retry_seconds=0.01)
        async with asked(pool) as server:
            code, reply, headers = await server.post(question_body())
            alone, _, of_alone = await server.post(question_body(model="a"))
            a.always = status(429)
            never, _, of_never = await server.post(question_body(model="a"))
    assert (code, alone, never) == (429, 429, 429)
    assert reply["error"]["code"] == "rate_limit_exceeded"
    assert 15 <= int(headers["Retry-After"]) <= 20
    assert 45 <= int(of_alone["Retry-After"]) <= 50
    assert int(of_never["Retry-After"]) >= 1


async def test_an_endpoint_that_wants_a_day_does_not_hold_its_requests() -> None:
    """A wait that no request would live to see is not waited for: each is answered at once."""
    async with serving() as a:
        a.then(status(429, {"Retry-After": "86400"}))
        async with asked(remote_pool(a.url, samples=1, retry_seconds=1)) as server:
            limited, _, _ = await server.post(question_body())
            async with asyncio.timeout(10):
                again, _, _ = await server.post(question_body())
    assert (limited, again) == (429, 200)


async def test_one_endpoint_has_one_limit_whatever_asks_it() -> None:
    """Pools, methods and members that are asked by their own names share it."""
    models = [
        ScriptedModel("m", ["1"], delay=0.02, limits=Limits(max_in_flight=2)) for _ in range(2)
    ]
    busy, most = 0, 0

    class Counting:
        """Counts over both models: they are one endpoint."""

        def __init__(self, model: ScriptedModel) -> None:
            self._model = model
            self.name, self.endpoint, self.limits = model.name, "one", model.limits
            self.draws_at_once = False

        async def complete(self, request: Request) -> Any:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            try:
                return await self._model.complete(request)
            finally:
                busy -= 1

        async def aclose(self) -> None:
            await self._model.aclose()

    pools = {name: Pool.of(Counting(model)) for name, model in zip("xy", models, strict=True)}
    names = ("mux@x", "mux@y", "mux@x+self_consistency", "m", "m@y")
    async with asked(pools) as server:
        await asyncio.gather(*(server.ask(model=name) for name in names * 2))
    assert most == 2


async def test_an_error_is_put_into_words_where_the_model_is_asked() -> None:
    """So nothing that comes after can show the endpoint's own."""
    inner = ConnectionLostError("m (http://h:1/v1): gone", model="m", never_connected=True)
    model = GuardedModel(
        ScriptedModel("m", [inner]),
        circuit=Circuit(failures=2, seconds=10),
        watched=Watched(),
        report=lambda *_: None,
        check_seconds=1,
    )
    with pytest.raises(ConnectionLostError) as raised:
        await model.complete(Request(messages=(), generation=Generation()))
    assert str(raised.value) == "m: its endpoint cannot be reached"
    assert model.watched.problem == "its endpoint cannot be reached"
    assert (raised.value.never_connected, raised.value.model) == (True, "m")
    assert str(inner) == "m (http://h:1/v1): gone"
