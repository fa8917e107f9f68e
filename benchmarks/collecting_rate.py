"""How long collecting takes against endpoints that need 200 ms for each call.

    python benchmarks/collecting_rate.py [--problems 384] [--samples 5] [--delay 0.2]
                                         [--models 3] [--in-flight 64] [--rounds 3] [--store FOLDER]

An endpoint in a process of its own answers every call after the delay; the models are each given
their own limit of calls in flight. No collector can be faster than calls x delay / calls in flight,
and each round prints the ratio to that bound. A round begins with an empty store and counts
everything between having problems and having all samples on disk: prompts, seeds, addresses, what
is missing, requests, commits. Then it looks for missing draws once more, which finds none.

Prints the load of the machine too, since another program on its cores makes the ratio larger, and
the peak memory of this process.
"""

import argparse
import asyncio
import os
import platform
import tempfile
import time
from pathlib import Path

import aiohttp

from local_endpoint import local_endpoint
from openai_rate import at_once, peak_memory
from slm_mux.cli.pauses import fewer_pauses
from slm_mux.collecting.asking import Settings
from slm_mux.collecting.collector import collect
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.collecting.shortfall import MemberNeeds, needs_of
from slm_mux.models.base import Limits, Request
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Pool
from slm_mux.models.wire import encode_request
from slm_mux.readers import Readers
from slm_mux.sampling.sampler import Sampler
from slm_mux.store.store import Store
from slm_mux.store.writer import StoreWriter
from slm_mux.types import Problem

TASK = "benchmark"


def make_problems(count: int) -> list[Problem]:
    """Make word problems of some 400 characters."""
    return [
        Problem(
            id=str(number),
            question=f"A shop sells {number} jars. How many are left of 500? " * 8,
            kind="number",
            target=str(500 - number),
        )
        for number in range(count)
    ]


async def draw(needs: list[MemberNeeds], store: Store) -> None:
    """Draw what is missing into the store."""
    writer = StoreWriter(store.path)
    try:
        await collect(needs, sampler=Sampler(), keeper=StoreKeeper(store, writer))
    finally:
        await writer.aclose()
        for member in needs:
            await member.member.model.aclose()


def one_round(path: Path, pool: Pool, problems: list[Problem]) -> tuple[float, float]:
    """Collect into a new store.

    Returns:
        Seconds until everything is on disk, and then to find that nothing is missing.
    """
    started = time.perf_counter()
    readers = Readers()
    with Store.open(path) as store:
        needs = needs_of(TASK, problems, pool, store=store, readers=readers, settings=Settings())
        with store.transaction():
            store.put_task(TASK, problems, source="", sha256="")
            store.put_asked(
                TASK,
                ((n.asking.problem.id, n.asking.series) for member in needs for n in member.needs),
            )
        with fewer_pauses():
            asyncio.run(draw(needs, store))
        done = time.perf_counter()
        again = needs_of(TASK, problems, pool, store=store, readers=readers, settings=Settings())
        assert not any(member.missing for member in again)
        assert store.info().completed == sum(member.total for member in needs)
    return done - started, time.perf_counter() - done


async def bare_loop(url: str, body: bytes, *, calls: int, in_flight: int) -> None:
    """Post the same body so many times, so many at once."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer key-number-0"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(_: int) -> None:
            async with session.post(f"{url}/chat/completions", data=body, headers=headers) as reply:
                await reply.read()

        await at_once(post, draws=calls, in_flight=in_flight)


def main() -> None:
    """Run the rounds and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--problems", type=int, default=384)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", type=Path, default=None, help="a folder on the disk to measure")
    given = parser.parse_args()
    calls = given.problems * given.samples * given.models
    bound = calls * given.delay / (given.models * given.in_flight)
    print(
        f"{calls} calls of {given.delay * 1000:g} ms, {given.models} x {given.in_flight} in "
        f"flight: at least {bound:.2f} s; Python {platform.python_version()}, "
        f"{os.cpu_count()} cores"
    )
    problems = make_problems(given.problems)
    with (
        local_endpoint(delay=given.delay) as url,
        tempfile.TemporaryDirectory(dir=given.store) as folder,
    ):
        for number in range(given.rounds):
            models = [
                # With a key of its own, each has an endpoint of its own.
                OpenAIModel(
                    f"m{index}",
                    url=url,
                    model=f"m{index}",
                    api_key=f"key-number-{index}",
                    limits=Limits(max_in_flight=given.in_flight),
                )
                for index in range(given.models)
            ]
            pool = Pool.of(*models, samples=given.samples)
            body = encode_request(
                "m0",
                Request(
                    messages=({"role": "user", "content": problems[0].question},),
                    generation=pool.members[0].generation,
                    seed=1,
                ),
            )
            started = time.perf_counter()
            asyncio.run(bare_loop(url, body, calls=calls, in_flight=given.models * given.in_flight))
            bare = time.perf_counter() - started
            busy = time.process_time()
            seconds, again = one_round(Path(folder) / f"{number}.db", pool, problems)
            print(
                f"round {number + 1}: {seconds:.2f} s, ratio {seconds / bound:.3f} "
                f"(bare loop {bare / bound:.3f}), "
                f"{calls / seconds:.0f} calls/s, {time.process_time() - busy:.2f} s of computing; "
                f"then nothing missing after {again:.2f} s; load {os.getloadavg()[0]:.1f}"
            )
    print(f"peak memory of this process {peak_memory() / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
