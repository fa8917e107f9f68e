"""How many draws a second reach an endpoint, against a bare aiohttp loop that posts the same.

    python benchmarks/openai_rate.py [--draws 10000] [--in-flight 64] [--rounds 10]

An endpoint that answers at once runs in a process of its own. The ways of drawing take turns in
rounds of draws / rounds each, so that whatever else the machine does falls on all of them; the
first round of each warms up and is not counted. The ways are a bare loop, `OpenAIModel.complete`
alone, the sampler with one question of that many draws (seeds, limits, retries, reading and voting
included), and `AsyncMux.ask` with questions of 5 draws each, asked 64 / 5 at a time.

Prints the rate of each way, its ratio to the bare loop (of the rates over all rounds, and the range
over rounds), and the peak memory of this process after one question of all the draws.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import platform
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing.connection import Connection

import aiohttp

from slm_mux.answers import make_kind
from slm_mux.models.base import Generation, Limits, Request
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member, Pool
from slm_mux.mux import AsyncMux
from slm_mux.sampling.sampler import Plan, Sampler
from slm_mux.sampling.seeds import draw_seed

Draw = Callable[[int], Awaitable[object]]
Way = Callable[[int], Awaitable[None]]
"""Makes that many draws."""

DRAWS_PER_QUESTION = 5
QUESTION = "Question: what is 17 * 6? " * 20
MESSAGES = ({"role": "user", "content": QUESTION},)
GENERATION = Generation(temperature=0.3, max_tokens=256)
REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Step by step. " * 40 + "The answer is 102.",
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 120, "completion_tokens": 130, "total_tokens": 250},
    }
).encode()


class InstantEndpoint(asyncio.Protocol):
    """Answers every request with the same reply, as soon as its body is there."""

    HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request in what has come."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            assert self._transport is not None
            self._transport.write(self.HEAD % len(REPLY) + REPLY)


def serve(pipe: Connection) -> None:
    """Serve instant endpoints until terminated; sends the port through the pipe."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(InstantEndpoint, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextlib.contextmanager
def instant_endpoint() -> Iterator[str]:
    """Run an instant endpoint in another process; yields its base URL."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.terminate()
        process.join()


async def at_once(draw: Draw, *, draws: int, in_flight: int) -> None:
    """Make draws, so many at a time.

    Args:
        draw: makes the draw of that index.
        draws: how many.
        in_flight: at the same time.
    """
    indexes = iter(range(draws))

    async def worker() -> None:
        for index in indexes:
            await draw(index)

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(worker())


async def compare(ways: dict[str, Way], *, draws: int, rounds: int) -> dict[str, list[float]]:
    """Measure the ways in turns.

    Returns:
        The seconds of each counted round, by way.
    """
    share = draws // rounds
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        order = list(ways) if turn % 2 else list(reversed(ways))
        for name in order:
            start = time.perf_counter()
            await ways[name](share)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


async def run(url: str, *, draws: int, in_flight: int, rounds: int) -> dict[str, list[float]]:
    """Compare the bare loop with the model, the sampler and the mux."""
    model = OpenAIModel("m", url=url, model="m", limits=Limits(max_in_flight=in_flight))
    kind = make_kind("number")
    sampler = Sampler()
    mux = AsyncMux(Pool([Member(model=model, generation=GENERATION)], samples=DRAWS_PER_QUESTION))
    chat_url = f"{url}/chat/completions"
    asked = {"model": "m", "messages": list(MESSAGES), "stream": False, "seed": 1}
    body = json.dumps(asked | {"temperature": 0.3, "max_tokens": 256}).encode()
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(_: int) -> None:
            async with session.post(chat_url, data=body, headers=headers) as reply:
                await reply.read()

        async def complete(index: int) -> None:
            await model.complete(Request(messages=MESSAGES, generation=GENERATION, seed=index))

        async def bare(draws: int) -> None:
            await at_once(post, draws=draws, in_flight=in_flight)

        async def model_alone(draws: int) -> None:
            await at_once(complete, draws=draws, in_flight=in_flight)

        async def one_question(draws: int) -> None:
            seeds = tuple(draw_seed(0, "m", "q", draw) for draw in range(draws))
            plan = Plan(model=model, messages=MESSAGES, generation=GENERATION, seeds=seeds)
            tally, _ = await sampler.draw([plan], kind, stopping="none")
            assert tally.votes()[0].counts[0].count == draws

        async def many_questions(draws: int) -> None:
            async def ask(index: int) -> None:
                await mux.ask(f"{index}: {QUESTION}", kind="number", stopping="none")

            await at_once(
                ask,
                draws=draws // DRAWS_PER_QUESTION,
                in_flight=in_flight // DRAWS_PER_QUESTION,
            )

        ways: dict[str, Way] = {
            "bare aiohttp": bare,
            "OpenAIModel.complete": model_alone,
            "Sampler, one question": one_question,
            "AsyncMux.ask, 5 draws each": many_questions,
        }
        try:
            seconds = await compare(ways, draws=draws, rounds=rounds)
            await one_question(draws)
        finally:
            await model.aclose()
    return seconds


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    with instant_endpoint() as url:
        seconds = asyncio.run(
            run(url, draws=given.draws, in_flight=given.in_flight, rounds=given.rounds)
        )
    made = given.draws // given.rounds * given.rounds
    print(
        f"{made} draws each, {given.in_flight} in flight, {given.rounds} rounds in turns; "
        f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, {platform.machine()}"
    )
    base = seconds["bare aiohttp"]
    for name, took in seconds.items():
        ratios = [b / t for b, t in zip(base, took, strict=True)]
        print(
            f"{name:28} {made / sum(took):8.0f} draws/s   ratio {sum(base) / sum(took):.3f} "
            f"(median {statistics.median(ratios):.3f}, {min(ratios):.3f} .. {max(ratios):.3f})"
        )
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(
        f"peak memory of this process {peak / 2**20:.0f} MiB (one question of {given.draws} draws)"
    )


if __name__ == "__main__":
    main()
