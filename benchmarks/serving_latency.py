"""How long one question waits, how soon the server is ready, and whether it keeps anything.

    python benchmarks/serving_latency.py [--rounds 20] [--requests 10000] [--clients 32]

Three things, each with servers as processes of their own and a pool of three remote models, three
draws of each:

- One question at a time over an endpoint that takes 200 ms for each reply: the time from the
  request to the end of the reply, those 200 ms included.
- The time from the start of `slm-mux serve` to its first reply of /ready that says so, and to the
  first answer. The endpoint is there already.
- Memory before and after so many questions by so many clients, a tenth of them streamed and a
  tenth left by their client amid the draws, over an endpoint that takes 5 ms; and what is still
  open a second after the last client has gone: tasks, connections, requests to models; and how
  soon the last connection to the endpoint is closed.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import sys
import time
from contextlib import suppress

import aiohttp
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from local_endpoint import local_endpoint
from server_processes import HEADERS, Process, ask_at_once, pool_of, question, started
from slm_mux.models.pool import Pool
from slm_mux.server.app import make_app
from slm_mux.server.running import Running, listen, url_of
from slm_mux.server.service import Service
from slm_mux.server.settings import ServerSettings

UPSTREAM_SECONDS = 0.2
IDLE_WITHIN = 60.0
"""Seconds; connections to the endpoint are kept for the next question, but not for so long."""
BODY = json.dumps(question()).encode()
IDLE = ("slm_mux_at_work ", "slm_mux_waiting ", "slm_mux_body_bytes ", "slm_mux_model_in_flight{")
"""Gauges that are 0 where nothing is asked."""
STREAMED = json.dumps(question(stream=True)).encode()


def serve(*arguments: str) -> tuple[str, ...]:
    """The command that serves on a free port."""
    return ("-m", "slm_mux", "serve", "--port", "0", *arguments)


def serve_with_tasks(pool: str) -> None:
    """Serve a pool, with one more path that says what the process has open."""

    def tasks(_: Service) -> list[BaseRoute]:
        async def count(__: Request) -> JSONResponse:
            return JSONResponse(len(asyncio.all_tasks()))

        return [Route("/tasks", count)]

    settings = ServerSettings(port=0)
    app = make_app(settings, {"pool": Pool.load(pool)}, more_routes=[tasks])
    sockets = listen(settings)

    async def run() -> None:
        address = f"at {url_of(settings, sockets)}/v1"
        server = Running(app, settings, on_start=lambda: print(address, flush=True))
        await server.serve(sockets=sockets)

    asyncio.run(run())


def one_question(rounds: int) -> list[float]:
    """Ask one question after the other over a slow endpoint."""
    with (
        local_endpoint(delay=UPSTREAM_SECONDS) as url,
        pool_of(url, models=3, samples=3, stopping="eager") as pool,
        started(*serve("--pool", str(pool))) as server,
    ):

        async def ask() -> list[float]:
            async with aiohttp.ClientSession() as session:
                # The first one opens connections and imports what is imported late.
                return (
                    await ask_at_once(session, server, requests=rounds + 1, clients=1, body=BODY)
                )[1:]

        return asyncio.run(ask())


def start_to_ready() -> tuple[float, float, float]:
    """Start a server: seconds to its address, to being ready, and to the first answer."""
    with local_endpoint() as url, pool_of(url, models=3, samples=3, stopping="eager") as pool:
        begin = time.perf_counter()
        with started(*serve("--pool", str(pool))) as server:

            async def ask() -> tuple[float, float]:
                async with aiohttp.ClientSession() as session:
                    async with session.get(server.path("/ready")) as reply:
                        assert reply.status == 200
                    ready = time.perf_counter() - begin
                    await ask_at_once(session, server, requests=1, clients=1, body=BODY)
                    return ready, time.perf_counter() - begin

            return (server.seconds, *asyncio.run(ask()))


async def _ask_in_all_ways(server: Process, *, requests: int, clients: int) -> None:
    numbers = itertools.count()

    async def client() -> None:
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector) as session:
            while (number := next(numbers)) < requests:
                body = STREAMED if number % 10 == 0 else BODY
                leaves = 0.004 if number % 10 == 5 else None
                with suppress(TimeoutError):
                    async with (
                        asyncio.timeout(leaves),
                        session.post(server.chat_url, data=body, headers=HEADERS) as reply,
                    ):
                        text = await reply.read()
                        assert reply.status == 200, text

    await asyncio.gather(*(client() for _ in range(clients)))


async def _get(server: Process, path: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(server.path(path)) as reply:
        return await reply.text()


def keeping(requests: int, clients: int) -> None:
    """Ask many questions and print what the server has afterwards."""
    with (
        local_endpoint(delay=0.005) as url,
        pool_of(url, models=3, samples=3, stopping="eager") as pool,
        started(__file__, "--serve", str(pool)) as server,
    ):

        def measure() -> tuple[float, int, tuple[int, int], int]:
            time.sleep(1)
            tasks = int(asyncio.run(_get(server, "/tasks")))
            lines = asyncio.run(_get(server, "/metrics")).splitlines()
            gauges = [float(line.split()[-1]) for line in lines if line.startswith(IDLE)]
            return server.memory() / 2**20, tasks, server.connections(), int(sum(gauges))

        asyncio.run(_ask_in_all_ways(server, requests=max(200, requests // 10), clients=clients))
        before = measure()
        begin = time.perf_counter()
        asyncio.run(_ask_in_all_ways(server, requests=requests, clients=clients))
        seconds = time.perf_counter() - begin
        after = measure()
        begin = time.perf_counter()
        while server.connections()[1] and time.perf_counter() - begin < IDLE_WITHIN:
            time.sleep(0.5)
        idle, kept = time.perf_counter() - begin, server.connections()[1]
    print(f"{requests} requests, {clients} clients, in {seconds:.0f} s; a second after the last:")
    for name, (memory, tasks, connections, at_work) in (("before", before), ("after", after)):
        print(
            f"  {name:7} {memory:6.1f} MiB, {tasks} tasks, {connections[0]} connections to clients "
            f"and {connections[1]} to the endpoint, {at_work} requests at work or in flight"
        )
    print(f"  memory grew by {after[0] - before[0]:.1f} MiB")
    print(f"  {kept} connections to the endpoint after {idle:.0f} s more")


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--serve"]:
        serve_with_tasks(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=32)
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    seconds = one_question(given.rounds)
    print(
        f"one question over replies of {UPSTREAM_SECONDS * 1000:.0f} ms: median "
        f"{statistics.median(seconds) * 1000:.0f} ms, most {max(seconds) * 1000:.0f} ms "
        f"({given.rounds} questions)"
    )
    starts = [start_to_ready() for _ in range(6)][1:]
    address, ready, answer = (statistics.median(times) for times in zip(*starts, strict=True))
    print(
        f"start to address {address:.2f} s, to /ready {ready:.2f} s, to the first answer "
        f"{answer:.2f} s (medians of {len(starts)})"
    )
    keeping(given.requests, given.clients)


if __name__ == "__main__":
    main()
