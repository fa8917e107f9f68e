"""How long debates take against an endpoint that needs 200 ms for each call.

    python benchmarks/discussing_rate.py [--questions 100] [--agents 3] [--rounds 2] [--delay 0.2]
                                         [--in-flight 64] [--repeats 3] [--store FOLDER]

One endpoint in a process of its own answers every call after the delay. No program can be faster
than the critical path (rounds x delay) or the limit (calls x delay / calls in flight), and each
repeat prints the ratio to the larger of the two. A repeat begins with an empty store and counts
everything between knowing what the models are asked on their own, as an evaluation does, and having
all draws on disk: prompts, seeds, addresses, the register of follow-ups, requests, commits. Then
the debates are replayed from the store.

Prints the load of the machine too, since another program on its cores makes the ratio larger.
"""

import argparse
import asyncio
import os
import platform
import tempfile
import time
from pathlib import Path

from local_endpoint import local_endpoint
from slm_mux.cli.pauses import fewer_pauses
from slm_mux.collecting.asking import Settings
from slm_mux.collecting.counts import Counts
from slm_mux.collecting.filing import Register
from slm_mux.collecting.holding import Subject, hold, replay
from slm_mux.collecting.keeper import StoreKeeper
from slm_mux.collecting.shortfall import needs_of
from slm_mux.collecting.topics import TopicMaker
from slm_mux.discussion.debate import Debate
from slm_mux.models.base import Limits
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Pool
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


async def held(debate: Debate, subjects: list[Subject], store: Store, pool: Pool) -> float:
    """Hold all debates; returns the seconds until every draw is on disk."""
    started = time.perf_counter()
    writer = StoreWriter(store.path)
    try:
        found = await hold(
            debate,
            subjects,
            await replay(debate, subjects, store=store, seed=0),
            sampler=Sampler(),
            keeper=StoreKeeper(store, writer),
            register=Register(store, TASK),
            seed=0,
            counts=Counts(),
        )
    finally:
        await writer.aclose()
        for member in pool:
            await member.model.aclose()
    assert all(one.answer is not None for one in found.discussions)
    return time.perf_counter() - started


def one_repeat(
    path: Path, pool: Pool, problems: list[Problem], debate: Debate
) -> tuple[float, float]:
    """Debate into a new store.

    Returns:
        Seconds until everything is on disk, and then to replay it.
    """
    maker = TopicMaker(
        pool.members,
        seed=0,
        settings=Settings(),
        readers=Readers(),
        accuracies=[None] * len(pool),
    )
    with Store.open(path) as store:
        store.put_task(TASK, problems, source="", sha256="")
        needs = needs_of(TASK, problems, pool, store=store, readers=Readers(), settings=Settings())
        store.put_asked(
            TASK, ((n.asking.problem.id, n.asking.series) for member in needs for n in member.needs)
        )
        subjects = [Subject(problem=one.id, topic=maker.of(one)) for one in problems]
        with fewer_pauses():
            seconds = asyncio.run(held(debate, subjects, store, pool))
        started = time.perf_counter()
        again = asyncio.run(replay(debate, subjects, store=store, seed=0))
        assert None not in again
        assert store.info().completed == len(problems) * len(pool) * debate.rounds
    return seconds, time.perf_counter() - started


def main() -> None:
    """Run the repeats and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--store", type=Path, default=None, help="a folder on the disk to measure")
    given = parser.parse_args()
    calls = given.questions * given.agents * given.rounds
    path = given.rounds * given.delay
    limit = calls * given.delay / given.in_flight
    print(
        f"{calls} calls of {given.delay * 1000:g} ms, {given.in_flight} in flight: at least "
        f"{max(path, limit):.2f} s (critical path {path:.2f} s, limit {limit:.2f} s); "
        f"Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    problems = make_problems(given.questions)
    with (
        local_endpoint(delay=given.delay) as url,
        tempfile.TemporaryDirectory(dir=given.store) as folder,
    ):
        for number in range(given.repeats):
            endpoint = Endpoint(url)
            pool = Pool.of(
                *(
                    OpenAIModel(
                        f"m{index}",
                        endpoint=endpoint,
                        model=f"m{index}",
                        limits=Limits(max_in_flight=given.in_flight),
                    )
                    for index in range(given.agents)
                )
            )
            seconds, again = one_repeat(
                Path(folder) / f"{number}.db", pool, problems, Debate(rounds=given.rounds)
            )
            print(
                f"{seconds:.2f} s, {seconds / max(path, limit):.3f} of the bound; replayed in "
                f"{again:.2f} s; load {os.getloadavg()[0]:.1f}"
            )


if __name__ == "__main__":
    main()
