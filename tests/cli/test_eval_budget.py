"""`slm-mux eval --pool --budget`: what the budget affords is drawn, and then nothing more."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.store import Store
from tests.cli.exam import figures
from tests.cli.running import pool_file, slm_mux
from tests.cli.test_eval_live import live
from tests.endpoints import Behaviour, FakeEndpoint, answers, completion, replies, serving, status
from tests.evaluation.making import rows

RIGHT, WRONG = answers("\\boxed{7}"), answers("\\boxed{8}")
"""Each costs 15 tokens."""


def after(requests: int, then: Behaviour, first: Behaviour = RIGHT) -> Behaviour:
    """Behave one way for so many requests of an endpoint, then another."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        return await (first if fake.requests <= requests else then)(fake, request, asked)

    return behave


async def test_what_the_budget_affords_is_drawn(tmp_path: Path) -> None:
    """Three draws of each model, and six of the best one; a second run draws nothing."""
    async with serving() as one, serving() as two:
        one.always, two.always = RIGHT, WRONG
        pool_file(tmp_path, one.url, two.url, samples=1)
        shown = await live(tmp_path, "--budget", "100")
        assert shown.code == 0, shown.err
        assert (one.requests, two.requests) == (6 * 4, 3 * 4)
        again = await live(tmp_path, "--budget", "100")
        assert one.requests + two.requests == 9 * 4
    offline = await live(tmp_path, "--budget", "100", "--offline")
    assert figures(again.document) == figures(shown.document)
    found = rows(shown.document)
    assert found == rows(offline.document)
    assert {name: row["samples_per_problem"] for name, row in found.items()} == {
        "mux": 6.0,
        "single": 1.0,
        "self_consistency": 6.0,
        "agent_forest": 6.0,
    }
    assert shown.document["k"] == 3
    said = "sums: the budget affords more draws of a question than there are, 6 of model-0 and 3 of"
    assert said in shown.err
    assert said not in again.err


@pytest.mark.parametrize(
    ("method", "requests"), [("single", (4, 4)), ("self_consistency", (24, 4)), ("mux", (24, 12))]
)
async def test_only_what_is_asked_for_is_drawn(
    tmp_path: Path, method: str, requests: tuple[int, int]
) -> None:
    """Beyond the first draws: those of the method, and of what it is compared with."""
    async with serving() as one, serving() as two:
        one.always, two.always = RIGHT, WRONG
        pool_file(tmp_path, one.url, two.url, samples=1)
        shown = await live(tmp_path, "--method", method, "--budget", "100")
        assert shown.code == 0, shown.err
        assert (one.requests, two.requests) == requests


async def test_the_mean_cost_is_looked_up_again(tmp_path: Path) -> None:
    """Where later draws cost less than the first ones, more of them are affordable."""
    dear = replies(completion("\\boxed{7}", usage={"prompt_tokens": 50, "completion_tokens": 10}))
    async with serving() as one:
        one.always = after(4, RIGHT, first=dear)
        pool_file(tmp_path, one.url, samples=1)
        shown = await live(tmp_path, "--budget", "120")
        # For 60 tokens a draw 2, for 37.5 then 3, for 30 then 4.
        assert (shown.code, one.requests) == (0, 4 * 4)
    mux = rows(shown.document)["mux"]
    assert (mux["samples_per_problem"], mux["tokens_per_problem"]) == (4.0, 105.0)


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0}])
async def test_no_more_is_drawn_at_no_known_cost(
    tmp_path: Path, usage: dict[str, int] | None
) -> None:
    """The rows say why they have no figures."""
    async with serving() as one:
        one.always = replies(completion("\\boxed{7}", usage=usage))
        pool_file(tmp_path, one.url, samples=2)
        shown = await live(tmp_path, "--budget", "120")
        assert (shown.code, one.requests) == (0, 2 * 4)
    why = "the tokens of some" if usage is None else "more draws of model-0 are affordable"
    assert rows(shown.document)["mux"]["reason"].startswith(why)


async def test_a_model_that_dies_amid_it(tmp_path: Path) -> None:
    """It is given up, and the rest is drawn when it answers again; every draw is bought once."""
    async with serving() as one:
        one.always = after(45, status(500))
        pool_file(tmp_path, one.url, samples=1, retry_seconds=0.01)
        shown = await live(tmp_path, "--budget", "90", count=30)
        assert shown.code == 1
        assert "model-0 was given up" in shown.err.splitlines()[-1]
        assert rows(shown.document)["mux"]["reason"].startswith("more draws of model-0 are")
        one.always, before = RIGHT, one.requests
        again = await live(tmp_path, "--budget", "90", "--retry-failed", count=30)
        assert (again.code, one.requests - before) == (0, 6 * 30 - 45), again.err
    assert rows(again.document)["mux"]["samples_per_problem"] == 6.0
    with Store.open(tmp_path / "samples.db") as store:
        assert (store.info().completed, store.info().failed) == (180, 0)


@pytest.mark.parametrize(("allowed", "requests"), [("0.05", 2 * 4), ("1", 3 * 4)])
async def test_draws_that_only_fail(tmp_path: Path, allowed: str, requests: int) -> None:
    """Refused draws cost nothing, and are not made for ever: one more round where they may fail."""
    async with serving() as one, serving() as two:
        one.always, two.always = RIGHT, status(400)
        pool_file(tmp_path, one.url, two.url, samples=2)
        shown = await live(tmp_path, "--budget", "45", "--allow-failures", allowed)
        assert (two.requests, shown.code == 0) == (requests, allowed == "1")


async def test_a_budget_does_not_go_with_stopping(tmp_path: Path) -> None:
    """What a question costs is known when all its draws are there."""
    pool_file(tmp_path, "http://127.0.0.1:1/v1")
    shown = await slm_mux(
        "eval", "demo", "--pool", "pool.yaml", "--method", "mux", "--budget", "90", "--stopping",
        "eager", cwd=tmp_path,
    )  # fmt: skip
    assert (shown.code, "--budget does not go with --stopping eager" in shown.err) == (2, True)
