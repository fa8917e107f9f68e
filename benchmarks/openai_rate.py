"""How many draws a second reach an endpoint, against a bare aiohttp loop that posts the same.

    python benchmarks/openai_rate.py [--draws 50000] [--in-flight 64] [--rounds 10]

An endpoint that answers at once runs in a process of its own. The ways of drawing take turns in
rounds of draws / rounds each, so that whatever else the machine does falls on all of them; the
first round of each warms up and is not counted. The ways are a bare loop, `OpenAIModel.complete`
alone, the sampler with one question of that many draws (seeds, limits, retries, reading and voting
included), and `AsyncMux.ask` with questions of 5 draws each, asked 64 / 5 at a time.

Prints the rate of each way, its ratio to the bare loop (of the rates over all rounds, and the range
over rounds), and the peak memory of this process after one question of 10,000 draws.
"""

import argparse
import asyncio
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp

from local_endpoint import local_endpoint
from slm_mux.answers import make_kind
from slm_mux.models.base import Generation, Limits, Request
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member, Pool
from slm_mux.mux import AsyncMux
from slm_mux.sampling.plan import Plan
from slm_mux.sampling.sampler import Sampler
from slm_mux.sampling.seeds import draw_seed

Draw = Callable[[int], Awaitable[object]]
Way = Callable[[int], Awaitable[None]]
"""Makes that many draws."""

DRAWS_PER_QUESTION = 5
ONE_QUESTION = 10_000
"""Draws of the question after which the peak memory is read."""
QUESTION = "Question: what is 17 * 6? " * 20
MESSAGES = ({"role": "user", "content": QUESTION},)
GENERATION = Generation(temperature=0.3, max_tokens=256)


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


def peak_memory() -> int:
    """Return the most memory that this process has had, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


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
            plan = Plan(
                model=model, messages=MESSAGES, generation=GENERATION, seeds=seeds, kind=kind
            )
            tally, _ = await sampler.draw([plan], stopping="none")
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
            await one_question(ONE_QUESTION)
        finally:
            await model.aclose()
    return seconds


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--draws", type=int, default=50_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    with local_endpoint() as url:
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
    peak = peak_memory() / 2**20
    print(f"peak memory of this process {peak:.0f} MiB (one question of {ONE_QUESTION} draws)")


if __name__ == "__main__":
    main()
