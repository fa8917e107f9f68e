"""`slm-mux eval --pool`: what is missing is drawn first, from endpoints on the loopback."""

import asyncio
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.store import Store
from tests.cli.exam import figures
from tests.cli.running import Ended, ended, pool_file, slm_mux, start
from tests.endpoints import FakeEndpoint, answers, serving, status
from tests.evaluation.making import rows
from tests.importing.files import write_lines


def sums(folder: Path, count: int = 4) -> str:
    """A data file with problems whose answer is 7."""
    row = {"kind": "number", "answer": "7"}
    data = [row | {"id": f"q{n}", "question": f"No {n}?"} for n in range(count)]
    return str(write_lines(folder / "sums.jsonl", data))


async def live(folder: Path, *arguments: str) -> Ended:
    """Evaluate the data file with the pool file of the folder."""
    return await slm_mux(
        "eval", sums(folder), "--pool", "pool.yaml", "--json", *arguments, cwd=folder
    )


async def test_live_draws_what_is_missing(tmp_path: Path) -> None:
    """A live evaluation buys every draw once; afterwards the store gives the same offline."""
    async with serving() as one, serving() as two:
        one.always, two.always = answers("\\boxed{7}"), answers("\\boxed{8}")
        pool_file(tmp_path, one.url, two.url, samples=2)
        shown = await live(tmp_path)
        assert shown.code == 0, shown.err
        assert one.requests + two.requests == 2 * 2 * 4
        again = await live(tmp_path)
        assert one.requests + two.requests == 2 * 2 * 4
        less = await live(tmp_path, "--limit", "2")
    assert (rows(shown.document)["mux"]["accuracy"], less.document["problems"]) == (1.0, 2)
    assert figures(again.document) == figures(shown.document)
    offline = await slm_mux("eval", "sums", "--json", cwd=tmp_path)
    assert rows(offline.document)["mux"] == rows(shown.document)["mux"]
    pooled = await live(tmp_path, "--offline")
    assert pooled.code == 1
    named = await slm_mux(
        "eval", "sums", "--pool", "pool.yaml", "--offline", "--json", cwd=tmp_path
    )
    assert rows(named.document)["mux"] == rows(shown.document)["mux"]


@pytest.mark.parametrize("stopping", ["eager", "frugal"])
async def test_live_with_stopping(tmp_path: Path, stopping: str) -> None:
    """Mux alone stops drawing when the answer is settled; the answers stay the same."""
    async with serving() as one, serving() as two:
        one.always, two.always = answers("\\boxed{7}"), answers("\\boxed{8}")
        pool_file(tmp_path, one.url, two.url, samples=3)
        pool = tmp_path / "pool.yaml"
        pool.write_text(
            pool.read_text().replace(
                "    model: m\n", "    model: m\n    validation_accuracy: 0.9\n", 1
            )
        )
        shown = await live(tmp_path, "--method", "mux", "--stopping", stopping)
        assert shown.code == 0, shown.err
        asked = one.requests + two.requests
        refused = await live(tmp_path, "--stopping", stopping)
    assert asked <= 2 * 3 * 4
    if stopping == "frugal":
        assert (one.requests, two.requests) == (3 * 4, 0)
    mux = rows(shown.document)["mux"]
    assert (mux["accuracy"], shown.document["settings"]["stopping"]) == (1.0, stopping)
    assert (refused.code, "--method mux alone" in refused.err) == (2, True)


def completed(store: Path) -> int:
    if not store.exists():
        return 0
    with Store.open(store) as opened:
        return opened.info().completed


# One model alone is settled by its first draw: no later one outweighs it.
@pytest.mark.parametrize(("stopping", "wanted"), [("none", 8), ("frugal", 4)])
async def test_ctrl_c_and_resume(tmp_path: Path, stopping: str, wanted: int) -> None:
    """Ctrl-C keeps every sample that came in; the next call draws the rest."""
    count = 0

    async def a_few(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        nonlocal count
        count += 1
        if count > 3:
            await asyncio.Event().wait()
        return await answers("\\boxed{7}")(fake, request, asked)

    arguments = ("--method", "mux", "--stopping", stopping)
    async with serving() as fake:
        fake.always = a_few
        pool_file(tmp_path, fake.url, samples=2)
        process = await start(
            "eval", sums(tmp_path), "--pool", "pool.yaml", "--json", *arguments, cwd=tmp_path
        )
        async with asyncio.timeout(30):
            while completed(tmp_path / "samples.db") < 3:
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        shown = await ended(process)
        assert (shown.code, shown.document["error"]["type"]) == (130, "Interrupted")
        assert "everything that came in is kept, 3 of 8 draws are in the store" in shown.err
        assert completed(tmp_path / "samples.db") == 3
        fake.always = answers("\\boxed{7}")
        before = fake.requests
        resumed = await live(tmp_path, *arguments)
    assert resumed.code == 0, resumed.err
    assert fake.requests - before == wanted - 3
    assert rows(resumed.document)["mux"]["accuracy"] == 1.0


async def test_a_live_evaluation_with_a_broken_model(tmp_path: Path) -> None:
    """Its failed draws are kept and counted; the share decides the exit code."""
    async with serving() as one, serving() as two:
        one.always, two.always = answers("\\boxed{7}"), status(400)
        pool_file(tmp_path, one.url, two.url, samples=1)
        shown = await live(tmp_path)
    assert (shown.code, shown.document["failed_share"]) == (1, 0.5)
    mux = rows(shown.document)["mux"]
    assert (mux["accuracy"], mux["failed_problems"], mux["bounds"]) == (1.0, 4, [0.0, 1.0])


async def test_the_store_of_a_live_evaluation_is_never_the_recording(tmp_path: Path) -> None:
    """`eval demo --pool` draws into ./samples.db; only offline it may be what is shipped."""
    async with serving() as fake:
        fake.always = answers("\\boxed{7}")
        pool_file(tmp_path, fake.url, samples=1)
        cache = str(tmp_path / "cache")
        shown = await slm_mux(
            "eval", "demo", "--pool", "pool.yaml", "--limit", "2", "--json",
            cwd=tmp_path, SLM_MUX_CACHE=cache,
        )  # fmt: skip
    assert (shown.code, shown.document["problems"]) == (0, 2)
    assert (tmp_path / "samples.db").exists()
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
