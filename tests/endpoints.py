"""An OpenAI-compatible endpoint on the loopback that behaves, or misbehaves, as it is told.

    async with serving() as fake:
        fake.then(status(429, {"Retry-After": "1"}), times=2)
        model = OpenAIModel("m", url=fake.url, model="m")

Behaviours given to `then` are used up one request at a time; after them comes `always`.
"""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

Behaviour = Callable[["FakeEndpoint", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class FakeEndpoint:
    """What the endpoint does next, and what it has seen.

    Args:
        key: the bearer token it wants; None to want none.
    """

    def __init__(self, *, key: str | None = None) -> None:
        self.key = key
        self.url = ""
        """The base URL, without a slash at its end."""
        self.always: Behaviour = answers("42")
        self.served: list[str] = ["m"]
        """The names that GET /models lists."""
        self.listing: Behaviour | None = None
        """What GET /models does instead."""
        self.requests = 0
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.connections: set[object] = set()
        """The client's address of each connection that brought a request."""
        self.in_flight = 0
        self.max_in_flight = 0
        self.disconnects = 0
        """Requests that the client left before they were answered."""
        self.arrived = asyncio.Event()
        """Set once a request is there."""
        self.left = asyncio.Event()
        """Set once a client has left a request."""
        self._next: deque[Behaviour] = deque()
        self._crowds: list[tuple[int, asyncio.Event]] = []

    def then(self, behaviour: Behaviour, *, times: int = 1) -> None:
        """Behave like this for the next `times` requests not spoken for."""
        self._next.extend([behaviour] * times)

    async def crowded(self, requests: int) -> None:
        """Wait until so many requests are in flight."""
        reached = asyncio.Event()
        if self.in_flight < requests:
            self._crowds.append((requests, reached))
            await reached.wait()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /chat/completions."""
        self.connections.add(request.get_extra_info("peername"))
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            body = msgspec.json.decode(await request.read())
            self.bodies.append(body)
            self.headers.append(request.headers.copy())
            behave = self._next.popleft() if self._next else self.always
            self.arrived.set()
            for crowd, reached in self._crowds:
                if self.in_flight >= crowd:
                    reached.set()
            sent = request.headers.get("Authorization")
            if self.key is not None and sent != f"Bearer {self.key}":
                behave = status(401, message=f"Incorrect API key provided: {sent}")
            return await behave(self, request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnects += 1
            self.left.set()
            raise
        finally:
            self.in_flight -= 1

    async def models(self, request: web.Request) -> web.StreamResponse:
        """GET /models."""
        if self.listing is not None:
            return await self.listing(self, request, {})
        listed = [{"id": name, "object": "model"} for name in self.served]
        return web.json_response({"object": "list", "data": listed})


@asynccontextmanager
async def serving(*, key: str | None = None) -> AsyncIterator[FakeEndpoint]:
    """Serve a fake endpoint on a free port of the loopback.

    Args:
        key: the bearer token it wants.
    """
    fake = FakeEndpoint(key=key)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", fake.chat)
    app.router.add_get("/v1/models", fake.models)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield fake
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speaking(reply: bytes) -> AsyncIterator[str]:
    """Serve bytes that need not be HTTP, to any request; yields the base URL."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


def unused_url() -> str:
    """Find a base URL at which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}/v1"


def completion(
    *texts: str | None,
    usage: Any = msgspec.UNSET,
    model: str | None = "m",
    finish_reason: str = "stop",
    **message: Any,
) -> dict[str, Any]:
    """Make a well-formed reply with one choice per text."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text, **message},
            "finish_reason": finish_reason,
        }
        for index, text in enumerate(texts)
    ]
    if usage is msgspec.UNSET:
        usage = {"prompt_tokens": 10, "completion_tokens": 5 * len(texts), "total_tokens": 0}
    reply = {"id": "x", "object": "chat.completion", "model": model, "choices": choices}
    return reply if usage is None else reply | {"usage": usage}


def replies(body: Any, *, code: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer with this JSON."""
    return raw(msgspec.json.encode(body), "application/json", code=code, headers=headers)


def raw(
    body: bytes,
    content_type: str,
    *,
    code: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Answer with these bytes."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        return web.Response(
            status=code, body=body, headers={"Content-Type": content_type, **(headers or {})}
        )

    return behave


def answers(*texts: str) -> Behaviour:
    """Answer with these texts, whatever n was."""
    return replies(completion(*texts))


def answers_n(text: str) -> Behaviour:
    """Answer with as many choices as n asks for."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        return web.json_response(completion(*[text] * asked.get("n", 1)))

    return behave


def refuses_n(message: str = "Only one completion choice is allowed") -> Behaviour:
    """Answer 400 where n is more than 1, as llama.cpp does above its slots."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        wrong = asked.get("n", 1) > 1
        error = {"error": {"code": 400, "message": message, "type": "invalid_request_error"}}
        return web.json_response(error if wrong else completion("1"), status=400 if wrong else 200)

    return behave


def status(
    code: int,
    headers: Mapping[str, str] | None = None,
    *,
    message: str = "it says so",
    kind: str | None = None,
) -> Behaviour:
    """Answer with a status and an error object."""
    error = {"message": message, "type": kind, "code": None}
    return replies({"error": error}, code=code, headers=headers)


def html(*, code: int = 200) -> Behaviour:
    """Answer with a web page."""
    page = b"<!DOCTYPE html>\n<html><body>Welcome to nginx!</body></html>"
    return raw(page, "text/html; charset=utf-8", code=code)


def redirects(location: str, *, code: int = 307) -> Behaviour:
    """Send the client elsewhere."""
    return raw(b"", "text/plain", code=code, headers={"Location": location})


def never_answers() -> Behaviour:
    """Keep the request until the client leaves."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return behave


def waits_for(event: asyncio.Event, behaviour: Behaviour) -> Behaviour:
    """Behave like that once the event is set."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        await event.wait()
        return await behaviour(fake, request, asked)

    return behave


def hangs_up() -> Behaviour:
    """Close the connection without a word."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return behave


def breaks_off(sent: bytes = b'{"choices": [', *, of: int = 1000) -> Behaviour:
    """Promise `of` bytes, send these, and close the connection."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": str(of)})
        await reply.prepare(request)
        await reply.write(sent)
        assert request.transport is not None
        request.transport.close()
        return reply

    return behave


def stalls(sent: bytes = b'{"choices": [', *, of: int = 1000) -> Behaviour:
    """Promise `of` bytes, send these, and keep the rest until the client leaves."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": str(of)})
        await reply.prepare(request)
        await reply.write(sent)
        await asyncio.Event().wait()
        return reply

    return behave


def never_ends(*, compressed: bool = False) -> Behaviour:
    """Send blanks until the client leaves.

    Args:
        compressed: whether the blanks travel gzipped.
    """

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        reply = web.StreamResponse()
        if compressed:
            reply.enable_compression(web.ContentCoding.gzip)
        await reply.prepare(request)
        while True:
            await reply.write(b" " * 2**20)

    return behave
