"""Clients that wait: heartbeats, limits of time and of number, and clients that leave."""

import asyncio
import io
import json
import random
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.endpoints import answers, never_answers, status, waits_for
from tests.server.asking import WITHIN, asked, endpoints, events, question_body, remote_pool

CHAT = "/v1/chat/completions"


async def test_heartbeats() -> None:
    """While draws run a stream has comment lines, and then the answer as always."""
    async with endpoints(1) as (a,):
        answer = asyncio.Event()
        a.always = waits_for(answer, answers("\\boxed{42}"))
        async with asked(remote_pool(a.url, samples=1), heartbeat_seconds=0.02) as server:
            body = question_body(stream=True)
            async with server.client.post(server.url + CHAT, json=body) as reply:
                beats = [await reply.content.readline() for _ in range(4)]
                answer.set()
                rest = (await reply.read()).decode().splitlines()
    assert beats[::2] == [b": drawing\n"] * 2
    assert rest[-2] == "data: [DONE]"
    assert events(rest)[-1]["mux"]["answer"] == "42"


async def test_an_error_after_the_stream_began() -> None:
    """It comes as an event, and no end follows it."""
    async with endpoints(1) as (a,):
        fail = asyncio.Event()
        a.always = waits_for(fail, status(401))
        async with asked(remote_pool(a.url, samples=1), heartbeat_seconds=0.02) as server:
            body = question_body(stream=True)
            async with server.client.post(server.url + CHAT, json=body) as reply:
                assert await reply.content.readline() == b": drawing\n"
                fail.set()
                lines = [line for line in (await reply.read()).decode().splitlines() if line]
    assert json.loads(lines[-1].removeprefix("data: "))["error"]["code"] == "no_completion"


async def test_an_error_before_the_stream_begins_has_its_status() -> None:
    """A stream that fails at once is an ordinary error reply."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        a.always = status(401)
        code, reply, _ = await server.post(question_body(stream=True))
    assert (code, reply["error"]["code"]) == (502, "no_completion")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["mux", "a", "mux+agent_forest"])
async def test_a_client_that_leaves(stream: bool, model: str) -> None:
    """Every draw upstream is cancelled, and the server answers the next one."""
    async with endpoints(2) as (a, b):
        a.always = b.always = never_answers()
        pool = remote_pool(a.url, b.url, samples=3)
        async with asked(pool, heartbeat_seconds=0.02) as server:
            body = question_body(model=model, stream=stream)
            leaving = asyncio.create_task(server.post(body))
            await a.crowded(1 if model == "a" else 3)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            await server.quiet([a, b])
            assert a.disconnects == (1 if model == "a" else 3)
            a.always = b.always = answers("\\boxed{1}")
            await server.ask()
            assert "slm_mux_disconnects_total 1.0" in await server.metrics()


async def test_a_client_that_leaves_the_queue() -> None:
    """Its place in the queue is free, and it never costs a draw."""
    async with endpoints(1) as (a,):
        go = asyncio.Event()
        a.always = waits_for(go, answers("\\boxed{1}"))
        async with asked(remote_pool(a.url, samples=1), max_concurrent=1, max_queue=1) as server:
            first = asyncio.create_task(server.ask())
            await a.crowded(1)
            second = asyncio.create_task(server.ask())
            while server.service.door.admission.waiting < 1:
                await asyncio.sleep(0.005)
            code, full, headers = await server.post(question_body())
            assert (code, full["error"]["code"]) == (429, "rate_limit_exceeded")
            assert int(headers["Retry-After"]) >= 1
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
            while server.service.door.admission.waiting:
                await asyncio.sleep(0.005)
            third = asyncio.create_task(server.ask())
            go.set()
            await asyncio.gather(first, third)
        assert a.requests == 2


async def test_a_wait_in_the_queue_that_is_too_long() -> None:
    """It ends with 429, and the request at work is not touched."""
    async with endpoints(1) as (a,):
        go = asyncio.Event()
        a.always = waits_for(go, answers("\\boxed{1}"))
        async with asked(
            remote_pool(a.url, samples=1), max_concurrent=1, queue_seconds=0.05
        ) as server:
            first = asyncio.create_task(server.ask())
            await a.crowded(1)
            code, _, _ = await server.post(question_body())
            go.set()
            await first
    assert code == 429


async def test_a_request_that_takes_too_long() -> None:
    """It ends with 504, and its draws are cancelled."""
    async with endpoints(1) as (a,):
        a.always = never_answers()
        async with asked(remote_pool(a.url), request_seconds=0.2) as server:
            code, reply, headers = await server.post(question_body())
            await server.quiet([a])
            assert a.disconnects == 3
    assert (code, reply["error"]["code"]) == (504, "timeout")
    assert headers["x-should-retry"] == "false"


async def test_many_clients_on_few_places() -> None:
    """Each is answered, or told when to come back; never more work than there are places."""
    async with endpoints(1) as (a,):
        a.always = answers("\\boxed{1}")
        async with asked(remote_pool(a.url, samples=2), max_concurrent=8, max_queue=16) as server:
            replies = await asyncio.gather(*(server.post(question_body()) for _ in range(120)))
            await server.quiet([a])
    codes = [code for code, _, _ in replies]
    assert set(codes) <= {200, 429}
    assert codes.count(200) >= 24
    assert all("Retry-After" in headers for code, _, headers in replies if code == 429)
    assert a.max_in_flight <= 16


async def test_a_key_with_too_much_at_once() -> None:
    """Limits hold for each key alone."""
    async with endpoints(1) as (a,):
        go = asyncio.Event()
        a.always = waits_for(go, answers("\\boxed{1}"))
        keys = {"slow": "slow-slow-slow", "free": "free-free-free"}
        pool = remote_pool(a.url, samples=1)
        async with asked(pool, keys=keys, key_max_concurrent=1) as server:
            bearer = {name: f"Bearer {key}" for name, key in keys.items()}
            first = asyncio.create_task(server.post(question_body(), Authorization=bearer["slow"]))
            await a.crowded(1)
            again, _, _ = await server.post(question_body(), Authorization=bearer["slow"])
            other = asyncio.create_task(server.post(question_body(), Authorization=bearer["free"]))
            await a.crowded(2)
            go.set()
            codes = [(await first)[0], (await other)[0]]
    assert (again, codes) == (429, [200, 200])


async def test_a_client_that_reads_nothing() -> None:
    """Its connection is cut, since nobody else could ever use what it holds."""
    async with endpoints(1) as (a,):
        a.always = answers("long " * 4_000_000)
        async with asked(remote_pool(a.url, samples=1), write_seconds=0.2) as server:
            body = json.dumps(question_body(model="a")).encode()
            host = server.url.removeprefix("http://")
            reader, writer = await asyncio.open_connection(*host.split(":"), limit=1024)
            writer.write(
                f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
            )
            writer.write(body)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            async with asyncio.timeout(WITHIN):
                while server.server.server_state.connections:
                    await asyncio.sleep(0.01)
            writer.close()
            await server.ask("Still there? \\boxed{1}", model="a", max_tokens=1)


async def test_a_client_that_reads_slowly() -> None:
    """It gets its whole reply, however long that takes, as long as it reads on."""
    async with endpoints(1) as (a,):
        a.always = answers("long " * 4_000_000)
        async with asked(remote_pool(a.url, samples=1), write_seconds=0.5) as server:
            body = json.dumps(question_body(model="a")).encode()
            host = server.url.removeprefix("http://")
            reader, writer = await asyncio.open_connection(*host.split(":"), limit=2**15)
            writer.write(
                f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            )
            writer.write(body)
            pieces = []
            while piece := await reader.read(2**16):
                pieces.append(piece)
                await asyncio.sleep(0.005)
            writer.close()
    content = json.loads(b"".join(pieces).partition(b"\r\n\r\n")[2])["choices"][0]["message"]
    assert len(content["content"]) == 20_000_000


async def test_slow_heads_and_slow_bodies() -> None:
    """A head that does not come is cut off; a body that does not is answered with 408."""
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url), header_seconds=0.1, body_seconds=0.1) as server,
    ):
        host = server.url.removeprefix("http://")
        for sent in (b"", b"POST / HT"):
            reader, writer = await asyncio.open_connection(*host.split(":"))
            writer.write(sent)
            async with asyncio.timeout(WITHIN):
                assert await reader.read() == b""
            writer.close()
        reader, writer = await asyncio.open_connection(*host.split(":"))
        head = f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        async with asyncio.timeout(WITHIN):
            reply = await reader.read()
        writer.close()
        assert reply.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in reply.lower()
        await server.ask()


async def test_bodies_that_are_too_long() -> None:
    """They are refused with 413, announced or not, and the client gets to see it."""
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url), max_body=10_000) as server,
    ):
        long = json.dumps(question_body("x" * 50_000_000)).encode()

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(long), 2**20):
                yield long[start : start + 2**20]

        codes = []
        headers = {"Content-Type": "application/json"}
        for data in (io.BytesIO(long), pieces()):
            async with server.client.post(server.url + CHAT, data=data, headers=headers) as reply:
                codes.append((reply.status, (await reply.json())["error"]["code"]))
        assert a.requests == 0
        await server.ask()
        assert server.service.bodies.held == 0
    assert codes == [(413, "request_too_large")] * 2


async def test_bodies_that_are_too_much_together() -> None:
    """Beyond the sum of what may be held, a body is answered with 429."""
    async with endpoints(1) as (a,):
        go = asyncio.Event()
        a.always = waits_for(go, answers("\\boxed{1}"))
        async with asked(remote_pool(a.url, samples=1), max_bodies=1500) as server:
            first = asyncio.create_task(server.ask("x" * 1000))
            await a.crowded(1)
            code, _, _ = await server.post(question_body("x" * 1000))
            go.set()
            await first
            await server.quiet([a])
            assert server.service.bodies.held == 0
    assert code == 429


async def test_more_connections_than_are_taken() -> None:
    """The one too many is told so at once."""
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url), max_connections=2) as server,
    ):
        host = server.url.removeprefix("http://")
        opened = [await asyncio.open_connection(*host.split(":")) for _ in range(3)]
        async with asyncio.timeout(WITHIN):
            reply = await opened[2][0].read()
        assert reply.startswith(b"HTTP/1.1 503 ")
        for _, writer in opened:
            writer.close()
        while server.server.server_state.connections:
            await asyncio.sleep(0.005)
        await server.ask()


async def test_the_server_stops_gracefully() -> None:
    """What runs is finished, new connections are refused; then every model is closed."""
    async with endpoints(1) as (a,):
        go = asyncio.Event()
        a.always = waits_for(go, answers("\\boxed{1}"))
        async with asked(remote_pool(a.url, samples=1)) as server:
            running = asyncio.create_task(server.ask())
            await a.crowded(1)
            server.server.stop()
            while server.server.servers[0].is_serving():
                await asyncio.sleep(0.005)
            with pytest.raises(aiohttp.ClientConnectionError):
                async with aiohttp.ClientSession() as other:
                    await other.get(server.url + "/health")
            go.set()
            assert (await running)["mux"]["answer"] == "1"


@pytest.mark.parametrize("stream", [False, True])
async def test_what_does_not_end_in_time_is_told_so(stream: bool) -> None:
    """After the time for shutting down requests are cancelled, with an error for their clients."""
    async with endpoints(1) as (a,):
        a.always = never_answers()
        pool = remote_pool(a.url)
        async with asked(pool, shutdown_seconds=0.5, heartbeat_seconds=0.02) as server:

            async def ask() -> str:
                body = question_body(stream=stream)
                async with server.client.post(server.url + CHAT, json=body) as reply:
                    return (await reply.read()).decode()

            asking = asyncio.create_task(ask())
            await a.crowded(3)
            server.server.stop()
            text = await asking
        assert "shutting down" in text
        assert a.in_flight == 0


def own_tasks() -> int:
    """Tasks that are not those of the endpoints, of which each connection has one."""
    running = (task.get_coro() for task in asyncio.all_tasks())
    return sum(getattr(coro, "__qualname__", "") != "RequestHandler.start" for coro in running)


async def test_clients_that_leave_at_random_moments() -> None:
    """After any number of them nothing is in flight, no task is left, and the server answers."""
    dice = random.Random(7)
    async with endpoints(2) as (a, b):
        a.always = b.always = answers("\\boxed{1}")
        pool = remote_pool(a.url, b.url, samples=3)
        async with asked(pool, max_concurrent=16, max_queue=32) as server:
            await server.ask()
            tasks = own_tasks()

            async def ask() -> int | None:
                body = question_body(stream=dice.random() < 0.5)
                try:
                    async with (
                        asyncio.timeout(dice.random() * 0.5),
                        aiohttp.ClientSession() as client,
                        client.post(server.url + CHAT, json=body) as reply,
                    ):
                        await reply.read()
                        return reply.status
                except TimeoutError:
                    return None

            codes = await asyncio.gather(*(ask() for _ in range(150)))
            await server.quiet([a, b])
            await server.ask()
            async with asyncio.timeout(WITHIN):
                while own_tasks() > tasks:
                    await asyncio.sleep(0.01)
            assert server.service.bodies.held == 0
    assert set(codes) <= {None, 200, 429}
    assert None in codes


async def test_what_is_not_http() -> None:
    """It is told so as in every other error, and the connection is closed."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        host = server.url.removeprefix("http://")
        for sent in (
            b"HELLO\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"GET /" + b"x" * 100_000,
        ):
            reader, writer = await asyncio.open_connection(*host.split(":"))
            writer.write(sent)
            async with asyncio.timeout(WITHIN):
                reply = await reader.read()
            writer.close()
            assert reply.startswith(b"HTTP/1.1 400 ")
            assert json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_http"
        await server.ask()
