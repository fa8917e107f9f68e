"""More clients at once than there are places, and clients whose connections break anywhere."""

import asyncio
import random
import socket
import struct
from collections import Counter
from contextlib import suppress

import aiohttp

from tests.endpoints import answers, waits_for
from tests.server.asking import WITHIN, Asked, asked, endpoints, question_body, remote_pool
from tests.server.faults.test_hard_requests import post
from tests.server.test_waiting import own_tasks

CHAT = "/v1/chat/completions"
CLIENTS, PLACES, QUEUE = 500, 64, 256
AT_ONCE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: the connection is reset when it is closed."""


async def test_five_hundred_clients_on_sixty_four_places() -> None:
    """As many as there are places work, as many as may wait do, and the rest is told so."""
    async with endpoints(1) as (a,):
        go = asyncio.Event()
        a.always = waits_for(go, answers("\\boxed{1}"))
        pool = remote_pool(a.url, samples=1)
        async with (
            asked(pool, max_concurrent=PLACES, max_queue=QUEUE) as server,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
        ):

            async def ask() -> int:
                async with client.post(server.url + CHAT, json=question_body()) as reply:
                    await reply.read()
                    assert reply.status == 200 or int(reply.headers["Retry-After"]) >= 1
                    return reply.status

            asking = [asyncio.create_task(ask()) for _ in range(CLIENTS)]
            async with asyncio.timeout(WITHIN):
                while sum(task.done() for task in asking) < CLIENTS - PLACES - QUEUE:
                    await asyncio.sleep(0.01)
                await a.crowded(PLACES)
            admission = server.service.door.admission
            assert (admission.at_work, admission.waiting, a.in_flight) == (PLACES, QUEUE, PLACES)
            # What is always served is served now too.
            assert (await server.get("/health"))[0] == 200
            go.set()
            codes = Counter(await asyncio.gather(*asking))
            assert codes == {200: PLACES + QUEUE, 429: CLIENTS - PLACES - QUEUE}
            await server.quiet([a])
            assert a.max_in_flight == PLACES
            await server.ask()


async def break_off(server: Asked, dice: random.Random) -> None:
    """Ask, and let the connection break after so many bytes sent, or received."""
    host, port = server.url.removeprefix("http://").split(":")
    sent = post().replace(b"HOST", f"{host}:{port}".encode())
    if dice.random() < 0.5:
        sent = sent.replace(b'{"model"', b'{"stream":true,"model"')
        length = b"Content-Length: %d" % (len(sent.partition(b"\r\n\r\n")[2]))
        sent = sent.replace(b"Content-Length: %d" % (int(length.split()[1]) - 14), length)
    reader, writer = await asyncio.open_connection(host, int(port))
    opened = writer.get_extra_info("socket")
    if dice.random() < 0.5:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    with suppress(ConnectionError, TimeoutError):
        whole = dice.random() < 0.6
        writer.write(sent if whole else sent[: dice.randrange(len(sent))])
        await writer.drain()
        if whole:
            async with asyncio.timeout(dice.random() * 0.2):
                await reader.read(dice.randrange(1, 2000))
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_connections_that_break_anywhere() -> None:
    """In the head, in the body, while drawing or amid the reply: nothing of them is left."""
    dice = random.Random(3)
    async with endpoints(2) as (a, b):
        a.always = b.always = answers("word " * 500 + "\\boxed{1}")
        pool = remote_pool(a.url, b.url, samples=3)
        async with asked(pool, max_concurrent=16, heartbeat_seconds=0.01) as server:
            await server.ask()
            tasks = own_tasks()
            for _ in range(6):
                await asyncio.gather(*(break_off(server, dice) for _ in range(40)))
            await server.quiet([a, b])
            await server.ask()
            async with asyncio.timeout(WITHIN):
                while own_tasks() > tasks or len(server.server.server_state.connections) > 1:
                    await asyncio.sleep(0.01)
            assert server.service.bodies.held == 0
            assert all(guard.in_flight == 0 for _, guard in server.service.roster.guards())
            page = await server.metrics()
    assert not any(line.startswith("slm_mux_requests_total") and '"5' in line for line in page)
