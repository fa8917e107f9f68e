"""`kill -9` at any moment: nothing acknowledged is lost, nothing is there twice."""

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.store import Store
from tests.cli.running import COMMAND, environment, slm_mux
from tests.endpoints import Behaviour, FakeEndpoint, completion, serving

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

KILLS, EARLY = 30, 6
"""Kills in all, and those of them before the first request was seen."""
PROBLEMS, SAMPLES, MODELS = 40, 12, 3
TASK = "sums"
Address = tuple[str, int]


def text_of(model: str, messages: Any, seed: int) -> str:
    """What the endpoint answers: the same to the same request, 900 characters."""
    digest = hashlib.sha256(json.dumps([model, messages, seed]).encode()).hexdigest()
    return f"{digest} " * 13 + f"\\boxed{{{seed % 3}}}"


def answering(asked: Counter[tuple[str, int]], came: asyncio.Event) -> Behaviour:
    """Answer after 5 to 20 ms, and count the requests by (model, seed)."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        asked[body["model"], body["seed"]] += 1
        came.set()
        text = text_of(body["model"], body["messages"], body["seed"])
        await asyncio.sleep(0.005 + body["seed"] % 100 * 0.00015)
        return web.json_response(completion(text, model=body["model"]))

    return behave


def write_files(folder: Path, url: str, *, in_flight: int) -> None:
    lines = [f"samples: {SAMPLES}", "models:"]
    for index in range(MODELS):
        lines += [f"  - name: model-{index}", f"    url: {url}", f"    model: m{index}"]
        lines += [f"    max_in_flight: {in_flight}"] if not index else []
    (folder / f"pool-{in_flight}.yaml").write_text("\n".join(lines))
    rows = [{"question": f"What is {i} + 1?", "target": str(i + 1)} for i in range(PROBLEMS)]
    (folder / f"{TASK}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def arguments(store: str, *, in_flight: int) -> tuple[str, ...]:
    pool = f"pool-{in_flight}.yaml"
    return ("collect", f"{TASK}.jsonl", "--kind", "number", "--pool", pool, "--store", store)


def on_disk(path: Path) -> set[Address]:
    """The samples in the store; fails where one is there twice."""
    if not path.exists():
        return set()
    with Store.open(path) as store:
        if not store.tasks():
            return set()
        rows = store.draw_rows(TASK)
        assert all(row.status == "completed" for row in rows)
    found = {(row.series, row.draw) for row in rows}
    assert len(found) == len(rows)
    return found


def contents(path: Path) -> dict[Address, tuple[str, int | None, str | None]]:
    """Model, seed and text of every sample."""
    with Store.open(path, create=False) as store:
        return {
            (record.draw.series, record.draw.draw): (
                record.series.identity.rpartition("|")[2],
                record.draw.seed,
                record.draw.completion.text if record.draw.completion else None,
            )
            for record in store.records(TASK)
        }


READY = """
import os, sys
from slm_mux.cli import collecting, main
from slm_mux.answers import number
from slm_mux.models import openai
from slm_mux.tasks import user
for _ in sys.stdin:
    child = os.fork()
    if not child:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        main()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Starts a command for every line it reads, with the imports behind it; prints id and end."""


@contextlib.asynccontextmanager
async def starter(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that starts collections which need not import anything any more."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", READY, *arguments("killed.db", in_flight=8)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env=environment(),
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def kill_early(folder: Path, came: asyncio.Event, generator: random.Random) -> bool:
    """Start a collection and kill it, most likely before it asks; returns whether it was asking."""
    came.clear()
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments("killed.db", in_flight=8),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env=environment(),
    )
    await asyncio.sleep(generator.uniform(0.2, 0.8))
    running = process.returncode is None
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    return running and came.is_set()


async def kill_asking(
    start: asyncio.subprocess.Process, came: asyncio.Event, generator: random.Random
) -> bool:
    """Have a collection started and kill it; returns whether it was asking when it died."""
    assert start.stdin is not None
    assert start.stdout is not None
    came.clear()
    start.stdin.write(b"\n")
    process = int(await start.stdout.readline())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(came.wait(), 20)
    await asyncio.sleep(generator.uniform(0, 0.15))
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    return int(await start.stdout.readline()) == -signal.SIGKILL and came.is_set()


@pytest.mark.timeout(240)
async def test_killed_thirty_times(tmp_path: Path) -> None:
    """A collection that is killed 30 times and then finished is one that was never disturbed."""
    generator = random.Random(2026)
    asked: Counter[tuple[str, int]] = Counter()
    came = asyncio.Event()
    killed, whole = tmp_path / "killed.db", tmp_path / "whole.db"
    seen: list[tuple[set[Address], Counter[tuple[str, int]]]] = [(set(), Counter())]
    hits = 0
    early = set(generator.sample(range(KILLS), EARLY))
    async with serving() as fake, starter(tmp_path) as start:
        fake.always = answering(asked, came)
        write_files(tmp_path, fake.url, in_flight=8)
        write_files(tmp_path, fake.url, in_flight=64)
        for number in range(KILLS):
            if number in early:
                hits += await kill_early(tmp_path, came, generator)
            else:
                hits += await kill_asking(start, came, generator)
            found = on_disk(killed)
            assert seen[-1][0] <= found
            seen.append((found, asked.copy()))
        at_last = await slm_mux(*arguments("killed.db", in_flight=64), cwd=tmp_path)
        assert at_last.code == 0, at_last.err
        in_all = asked.copy()
        undisturbed = await slm_mux(*arguments("whole.db", in_flight=64), cwd=tmp_path)
        assert undisturbed.code == 0, undisturbed.err
    assert hits >= (KILLS - EARLY) * 3 / 4
    sizes = [len(found) for found, _ in seen]
    growing = sum(after > before for before, after in itertools.pairwise(sizes))
    assert growing >= (KILLS - EARLY) / 2
    samples = contents(killed)
    assert len(samples) == PROBLEMS * SAMPLES * MODELS
    assert samples == contents(whole)
    with Store.open(killed) as store:
        assert store.verify().sound
    # Whatever was on disk at a kill was never asked for again.
    for found, asked_by_then in seen:
        for address in found:
            model, seed, _ = samples[address]
            assert in_all[model, seed or 0] == asked_by_then[model, seed or 0]
