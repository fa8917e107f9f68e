"""`slm-mux eval --method debate`: models read each other, over endpoints on the loopback."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.store import Store
from tests.cli.exam import figures
from tests.cli.running import ended, pool_file, slm_mux, start
from tests.cli.test_eval_live import live, sums
from tests.endpoints import FakeEndpoint, answers, serving, status
from tests.evaluation.making import rows


def follows(asked: dict[str, Any]) -> bool:
    """Whether a request is a follow-up in a debate: the agent's own words are in it."""
    return any(message["role"] == "assistant" for message in asked["messages"])


async def persuaded(
    fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
) -> web.StreamResponse:
    """Answer 8 alone, and 7 having read the others."""
    return await answers("\\boxed{7}" if follows(asked) else "\\boxed{8}")(fake, request, asked)


async def test_a_debate_live_again_and_offline(tmp_path: Path) -> None:
    """Every draw is bought once; what was bought gives the same again, with no endpoint at all."""
    async with serving() as one, serving() as two:
        one.always, two.always = persuaded, answers("\\boxed{7}")
        pool_file(tmp_path, one.url, two.url, samples=1)
        debate = ("--method", "mux", "--method", "debate")
        shown = await live(tmp_path, *debate)
        assert shown.code == 0, shown.err
        assert (one.requests, two.requests) == (8, 8)
        assert "debate  4/4  8 calls" in shown.err
        again = await live(tmp_path, *debate)
        assert one.requests + two.requests == 16
    offline = await live(tmp_path, *debate, "--offline")
    assert offline.code == 0, offline.err
    assert figures(again.document) == figures(shown.document)
    for key in ("methods", "differences", "discussions", "data"):
        assert offline.document[key] == shown.document[key]
    row = rows(shown.document)["debate"]
    assert (row["accuracy"], row["calls_per_problem"], row["breaches"]) == (1.0, 4.0, {})
    found = shown.document["discussions"]["debate"]
    assert found["settings"] == {"agents": None, "rounds": 2}
    assert list(found["problems"]) == ["q0", "q1", "q2", "q3"]
    first = found["problems"]["q0"]
    names = ("step", "speaker", "key", "correct", "heard", "ended", "draw")
    assert [tuple(turn.pop(name) for name in names) for turn in first["turns"]] == [
        ("round 1", "model-0", "8", False, [], None, 0),
        ("round 1", "model-1", "7", True, [], None, 0),
        ("round 2", "model-0", "7", True, [1], None, 0),
        ("round 2", "model-1", "7", True, [0], None, 0),
    ]
    with Store.open(tmp_path / "samples.db") as store:
        texts = [store.draws_of(turn["series"])[0].completion for turn in first.pop("turns")]
    assert [text and text.text for text in texts] == ["\\boxed{8}", *["\\boxed{7}"] * 3]
    assert first == {
        "decided_by": "majority of round 2 (2 of 2 agents)",
        "confidence": 1.0,
        "answer_key": "7",
        "correct": True,
    }
    saved = await slm_mux("runs", "1", "--json", cwd=tmp_path)
    assert saved.document["discussions"] == shown.document["discussions"]
    table = await slm_mux("runs", "1", cwd=tmp_path)
    assert "debate" in table.out
    plain = await slm_mux("eval", "sums", "--json", cwd=tmp_path)
    assert rows(plain.document)["mux"] == rows(shown.document)["mux"]
    info = await slm_mux("store", "info", cwd=tmp_path)
    assert "8 of them in discussions" in info.out


async def test_offline_a_method_is_whole_or_has_a_reason(tmp_path: Path) -> None:
    """What was never discussed is not drawn, and nothing is written."""
    async with serving() as one:
        one.always = answers("\\boxed{7}")
        pool_file(tmp_path, one.url, samples=1)
        await live(tmp_path)
        await live(tmp_path, "--method", "debate", "--limit", "1")
        asked = one.requests
        with Store.open(tmp_path / "samples.db") as store:
            before = store.info()
        shown = await live(tmp_path, "--method", "debate", "--offline")
        assert one.requests == asked
    assert shown.code == 0, shown.err
    alone = "debate: there is one model only: nobody reads what another one wrote"
    assert alone in shown.document["notes"]
    assert rows(shown.document)["debate"]["reason"] == (
        "3 of 4 problems' discussions are not in the store; without --offline they are drawn"
    )
    with Store.open(tmp_path / "samples.db") as store:
        after = store.info()
    assert (after.completed, after.series) == (before.completed, before.series)


async def test_ctrl_c_in_a_debate(tmp_path: Path) -> None:
    """What came in is kept; the same command asks for the rest alone."""
    count = 0

    async def a_few(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        nonlocal count
        count += follows(asked)
        if count > 2:
            await asyncio.Event().wait()
        return await answers("\\boxed{7}")(fake, request, asked)

    arguments = ("--pool", "pool.yaml", "--method", "debate", "--json")
    async with serving() as fake:
        fake.always = a_few
        pool_file(tmp_path, fake.url, samples=1)
        process = await start("eval", sums(tmp_path), *arguments, cwd=tmp_path)

        def follow_ups() -> int:
            path = tmp_path / "samples.db"
            if not path.exists():
                return 0
            with Store.open(path) as store:
                return store.info().discussed

        async with asyncio.timeout(30):
            while follow_ups() < 2:
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        shown = await ended(process)
        assert (shown.code, shown.document["error"]["type"]) == (130, "Interrupted")
        assert "the same command goes on with the discussions" in shown.err
        fake.always = answers("\\boxed{7}")
        before = fake.requests
        resumed = await live(tmp_path, "--method", "debate")
        assert resumed.code == 0, resumed.err
        assert fake.requests - before == 2
    assert rows(resumed.document)["debate"]["accuracy"] == 1.0


async def test_a_pool_file_that_changed(tmp_path: Path) -> None:
    """What is asked the same is reused; a further round draws that round alone."""
    async with serving() as one, serving() as two:
        one.always, two.always = persuaded, answers("\\boxed{7}")
        pool = Path(pool_file(tmp_path, one.url, two.url, samples=1))
        first = await live(tmp_path, "--method", "debate")
        asked = one.requests
        pool.write_text(pool.read_text() + "methods:\n  debate: {rounds: 3}\n")
        more = await live(tmp_path, "--method", "debate")
        assert more.code == 0, more.err
        assert one.requests - asked == 4
    assert more.document["settings"]["methods"] == {"debate": {"agents": None, "rounds": 3}}
    assert more.document["run"] == first.document["run"] + 1
    saved = await slm_mux("runs", "1", "--json", cwd=tmp_path)
    assert saved.document["settings"]["methods"] == {"debate": {"agents": None, "rounds": 2}}


async def test_a_model_that_fails_only_in_the_debate(tmp_path: Path) -> None:
    """The method has a reason, the others have figures, and the exit code is 1."""

    async def silent(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        behave = status(500) if follows(asked) else answers("\\boxed{7}")
        return await behave(fake, request, asked)

    async with serving() as one, serving() as two:
        one.always, two.always = silent, answers("\\boxed{7}")
        pool_file(tmp_path, one.url, two.url, samples=1, retry_seconds=0.01)
        methods = ("--method", "mux", "--method", "debate", "--method", "usc")
        shown = await live(tmp_path, *methods, count=30)
    assert shown.code == 1
    found = rows(shown.document)
    assert found["mux"]["accuracy"] == 1.0
    assert found["debate"]["reason"].startswith("model-0 was given up after failing again")
    # Equal answers need no judge, and so not the model that is down.
    assert found["universal_self_consistency"]["accuracy"] == 1.0
    assert "model-0 was given up" in shown.err.splitlines()[-1]


async def test_breaches_are_told(tmp_path: Path) -> None:
    """The row counts them, and a line says them in words; failed calls decide the exit code."""

    async def refuses(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        behave = status(400) if follows(asked) else answers("\\boxed{7}")
        return await behave(fake, request, asked)

    async with serving() as one:
        one.always = refuses
        pool_file(tmp_path, one.url, samples=1)
        shown = await slm_mux(
            "eval", sums(tmp_path), "--pool", "pool.yaml", "--method", "debate", cwd=tmp_path
        )
        row = rows((await slm_mux("runs", "1", "--json", cwd=tmp_path)).document)["debate"]
    assert shown.code == 1
    assert "debate: 4 calls failed" in shown.out
    assert "50.0% of the calls of debate failed" in shown.err
    assert (row["breaches"], row["failed_problems"]) == ({"failed": 4}, 4)


async def test_one_budget(tmp_path: Path) -> None:
    """Every method spends no more than it, or says what it would cost."""
    async with serving() as one, serving() as two:
        one.always = two.always = answers("\\boxed{7}")
        pool_file(tmp_path, one.url, two.url, samples=3)
        shown = await live(tmp_path, "--method", "all", "--budget", "40")
    assert shown.code == 0, shown.err
    document = shown.document
    assert (document["budget"], document["k"]) == (40.0, 1)
    found = rows(document)
    assert found["mux"]["tokens_per_problem"] == 30.0
    assert found["self_consistency"]["samples_per_problem"] == 2.0
    assert found["debate"]["reason"] == "costs 60 tokens a question"
    for row in found.values():
        assert row["tokens_per_problem"] is None or row["tokens_per_problem"] <= 40
    assert found["universal_self_consistency"]["tokens_per_problem"] == 30.0
    text = await slm_mux("runs", "1", cwd=tmp_path)
    assert "a budget of 40 tokens a question for each method" in text.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--method", "debate"], "--method debate goes with --pool FILE"),
        (["--method", "debat"], "debate"),
        (["--budget", "0"], "the budget is 0 tokens"),
        (["--pool", "pool.yaml", "--method", "moa"], "pool.yaml:6: "),
    ],
)
async def test_what_cannot_be(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    """It is refused before anything is drawn, in one line."""
    pool = Path(pool_file(tmp_path, "http://127.0.0.1:1/v1"))
    pool.write_text(pool.read_text() + "methods:\n  moa: {aggregator: nobody}\n")
    shown = await slm_mux("eval", "demo", *arguments, cwd=tmp_path)
    assert shown.code == 2, shown.err
    assert complaint in shown.err
    assert not (tmp_path / "samples.db").exists()
