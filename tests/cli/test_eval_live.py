"""`slm-mux eval --pool`: what is missing is drawn first, from endpoints on the loopback."""

import asyncio
import contextlib
import os
import pty
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.store import Store
from tests.cli.exam import figures
from tests.cli.running import (
    COMMAND,
    Ended,
    ended,
    environment,
    pool_file,
    slm_mux,
    start,
)
from tests.endpoints import FakeEndpoint, answers, serving, status
from tests.evaluation.making import rows
from tests.importing.files import write_lines


def sums(folder: Path, count: int = 4) -> str:
    """A data file with problems whose answer is 7."""
    row = {"kind": "number", "answer": "7"}
    data = [row | {"id": f"q{n}", "question": f"No {n}?"} for n in range(count)]
    return str(write_lines(folder / "sums.jsonl", data))


async def live(folder: Path, *arguments: str, count: int = 4) -> Ended:
    """Evaluate a data file of so many problems with the pool file of the folder."""
    return await slm_mux(
        "eval", sums(folder, count), "--pool", "pool.yaml", "--json", *arguments, cwd=folder
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
    assert rows(pooled.document)["mux"] == rows(shown.document)["mux"]


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


@pytest.mark.parametrize("stopping", ["none", "frugal"])
async def test_endpoints_that_are_down(tmp_path: Path, stopping: str) -> None:
    """Why draws failed is said by model, with what helps; --retry-failed then makes them."""
    how = ("--method", "mux", "--stopping", stopping)
    async with serving() as one:
        one.always = status(500)
        pool_file(tmp_path, one.url, samples=3, retry_seconds=0.01)
        problems = sums(tmp_path, 16)
        down = await slm_mux("eval", problems, "--pool", "pool.yaml", *how, cwd=tmp_path)
        assert (down.code, down.out) == (1, "")
        assert "draws failed: model-0" in down.err
        assert "model-0: given up after failing again and again" in down.err
        assert "the same command with --retry-failed" in down.err
        assert "smaller --samples" not in down.err
        assert (await slm_mux("runs", cwd=tmp_path)).out.count("\n") == 1
        one.always = answers("\\boxed{7}")
        up = await live(tmp_path, *how, "--retry-failed", count=16)
    assert rows(up.document)["mux"]["correct"] == 16
    # What failed and cannot change an answer is not drawn again with stopping.
    assert up.code == (stopping == "frugal")
    assert ("`slm-mux collect --retry-failed`" in up.err) == (stopping == "frugal")


async def test_one_of_two_endpoints_is_down(tmp_path: Path) -> None:
    """Problems that are settled all the same have figures; those on which a model failed do not."""
    async with serving() as one, serving() as two:
        one.always, two.always = answers("\\boxed{7}"), status(500)
        pool_file(tmp_path, one.url, two.url, samples=3, retry_seconds=0.01)
        mux = ("--method", "mux", "--allow-failures", "1")
        shown = await live(tmp_path, *mux, "--stopping", "eager", count=40)
        none = await live(tmp_path, *mux, "--retry-failed", count=40)
    assert (shown.code, rows(shown.document)["mux"]["accuracy"]) == (1, 1.0), shown.err
    last = shown.err.splitlines()[-1]
    assert last.startswith("model-1 was given up; when the models answer, the same command")
    assert none.code == 1
    assert "sums: model-1 was given up, so too few draws are there" in none.err
    assert "or take what does not answer out of the pool file" in none.err
    for ended_so in (shown, none):
        assert "draws failed: model-1" in ended_so.err


async def test_an_evaluation_without_a_completion(tmp_path: Path) -> None:
    """It has no figures, and no run is saved; offline too, where the reasons stand in the store."""
    async with serving() as fake:
        fake.always = status(400, message="too long")
        pool_file(tmp_path, fake.url, samples=1)
        shown = await live(tmp_path)
    offline = await slm_mux("eval", "sums", "--allow-failures", "1", cwd=tmp_path)
    for ended_so in (shown, offline):
        assert ended_so.code == 1
        assert "sums: every draw failed, so there is nothing to evaluate" in ended_so.err
        assert ended_so.err.count("too long") == 1
    assert shown.document["error"]["type"] == "StoreError"
    assert "`slm-mux collect --retry-failed`" in offline.err
    assert (await slm_mux("runs", cwd=tmp_path)).out.count("\n") == 1


async def test_a_terminal_shows_how_many_problems_are_over(tmp_path: Path) -> None:
    """With stopping: problems, and each model's draws, while they come in."""
    count, rest = 0, asyncio.Event()

    async def a_few(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        nonlocal count
        count += 1
        if count > 2:
            await rest.wait()
        return await answers("\\boxed{7}")(fake, request, asked)

    terminal, other_end = pty.openpty()
    async with serving() as fake:
        fake.always = a_few
        pool_file(tmp_path, fake.url, samples=1)
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "eval", sums(tmp_path), "--pool", "pool.yaml", "--method", "mux",
            "--stopping", "eager", cwd=tmp_path, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=other_end, env=environment(),
        )  # fmt: skip
        os.close(other_end)
        seen = ""
        try:
            async with asyncio.timeout(30):
                while "2/4" not in seen or "2 of at most 4" not in seen:
                    seen += (await asyncio.to_thread(os.read, terminal, 4096)).decode()
                rest.set()
                with contextlib.suppress(OSError):  # The other end is closed.
                    while more := await asyncio.to_thread(os.read, terminal, 4096):
                        seen += more.decode()
                assert await process.wait() == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            os.close(terminal)
    assert "problems" in seen
    assert "4/4" in seen


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
