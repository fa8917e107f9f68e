"""The least that a server with a fan-out can do: Starlette, aiohttp, no checks and no votes.

    python benchmarks/bare_forwarder.py UPSTREAM_URL FAN_OUT

Sends each request on that many times, each with a seed of its own, waits for all replies and
returns the first one as it came. Prints its own address.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def make_forwarder(upstream: str, fan_out: int) -> Starlette:
    """Make the app.

    Args:
        upstream: the base URL.
        fan_out: calls for each request.
    """
    url = f"{upstream}/chat/completions"

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            app.state.session = session
            yield

    async def chat(request: Request) -> Response:
        asked = await request.json()
        session: aiohttp.ClientSession = request.app.state.session

        async def call(seed: int) -> bytes:
            async with session.post(url, json=asked | {"seed": seed}) as reply:
                return await reply.read()

        replies = await asyncio.gather(*(call(seed) for seed in range(fan_out)))
        return Response(replies[0], media_type="application/json")

    return Starlette(
        routes=[Route("/v1/chat/completions", chat, methods=["POST"])], lifespan=lifespan
    )


def main() -> None:
    """Serve until terminated."""
    upstream, fan_out = sys.argv[1], int(sys.argv[2])
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        make_forwarder(upstream, fan_out),
        access_log=False,
        log_level="error",
        # Clients keep their connections while another server has its turn.
        timeout_keep_alive=75,
    )
    print(f"at http://127.0.0.1:{listening.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
