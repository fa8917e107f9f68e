"""A real server on a free port, in the test's own event loop, and a client for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from msgspec.structs import replace

from slm_mux.models.base import Limits
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member, Pool
from slm_mux.server.app import make_app
from slm_mux.server.keys import Keys
from slm_mux.server.page.routes import page_routes
from slm_mux.server.running import Running, listen, url_of
from slm_mux.server.service import Service
from slm_mux.server.settings import ServerSettings
from tests.endpoints import FakeEndpoint, serving

WITHIN = 20.0
"""Seconds; no test waits longer for anything."""


class Asked:
    """A server that runs, and a client.

    Args:
        url: without a path.
        client: asks it.
        server: can be stopped.
        service: the server's parts.
    """

    def __init__(
        self, url: str, client: aiohttp.ClientSession, server: Running, service: Service
    ) -> None:
        self.url = url
        self.client = client
        self.server = server
        self.service = service

    async def get(self, path: str, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
        """GET a path; its JSON is read."""
        async with self.client.get(self.url + path, headers=headers) as reply:
            return reply.status, json.loads(await reply.read()), reply.headers

    async def post(
        self, body: Any, *, path: str = "/v1/chat/completions", **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """POST a body to the chat route; its JSON is read."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self.client.post(self.url + path, data=data, headers=sent) as reply:
            return reply.status, json.loads(await reply.read()), reply.headers

    async def ask(self, question: str = "What is 6 * 7?", **fields: Any) -> Any:
        """Ask a question and return the reply, which must be one."""
        status, document, _ = await self.post(question_body(question, **fields))
        assert status == 200, document
        return document

    async def stream(self, question: str = "What is 6 * 7?", **fields: Any) -> list[str]:
        """Ask for a stream and return its lines that are not blank."""
        body = question_body(question, stream=True, **fields)
        async with self.client.post(self.url + "/v1/chat/completions", json=body) as reply:
            assert reply.status == 200, await reply.text()
            text = (await reply.read()).decode()
        return [line for line in text.splitlines() if line]

    async def metrics(self, **headers: str) -> list[str]:
        """The lines of the metrics."""
        async with self.client.get(self.url + "/metrics", headers=headers) as reply:
            assert reply.status == 200
            return (await reply.text()).splitlines()

    async def quiet(self, fakes: Sequence[FakeEndpoint]) -> None:
        """Wait until nothing is in flight upstream and no request is at work here."""
        async with asyncio.timeout(WITHIN):
            admission = self.service.door.admission
            while any(fake.in_flight for fake in fakes) or admission.at_work or admission.waiting:
                await asyncio.sleep(0.005)


def question_body(question: str = "What is 6 * 7?", **fields: Any) -> dict[str, Any]:
    """The body of a request with one message."""
    return {"model": "mux", "messages": [{"role": "user", "content": question}], **fields}


def events(lines: Sequence[str]) -> list[Any]:
    """The JSON of a stream's events, without its end."""
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(line) for line in data if line != "[DONE]"]


def remote_pool(*urls: str, **settings: Any) -> Pool:
    """A pool of endpoints, named a, b, c and so on, the first with the best record."""
    members = [
        Member(
            model=OpenAIModel(name, model="m", url=url, limits=Limits(max_in_flight=64)),
            validation_accuracy={"default": 0.9 - index / 10},
        )
        for index, (name, url) in enumerate(zip("abcdefgh", urls, strict=False))
    ]
    return Pool(members, **settings)


@asynccontextmanager
async def endpoints(count: int) -> AsyncIterator[list[FakeEndpoint]]:
    """So many fake endpoints."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving()) for _ in range(count)]


@asynccontextmanager
async def asked(
    pool: Pool | Mapping[str, Pool],
    *,
    keys: Mapping[str, str] | None = None,
    key: str | None = None,
    any_host: bool = False,
    **settings: Any,
) -> AsyncIterator[Asked]:
    """Serve a pool on a free port.

    Args:
        pool: one, named `pool`, or several by name.
        keys: key by label.
        key: the one that the client sends.
        any_host: whether the server may be asked by any name.
        settings: those that differ from the defaults.
    """
    chosen = replace(ServerSettings(port=0, shutdown_seconds=5, log_level="error"), **settings)
    pools = {"pool": pool} if isinstance(pool, Pool) else pool
    app = make_app(
        chosen, pools, keys=Keys(keys or {}), any_host=any_host, more_routes=[page_routes]
    )
    sockets = listen(chosen)
    started = asyncio.Event()
    server = Running(app, chosen, on_start=started.set)
    task = asyncio.create_task(server.serve(sockets=sockets))
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=WITHIN)
    try:
        async with asyncio.timeout(WITHIN):
            await started.wait()
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as client:
            yield Asked(url_of(chosen, sockets), client, server, app.state.service)
    finally:
        server.stop()
        async with asyncio.timeout(WITHIN):
            await task
