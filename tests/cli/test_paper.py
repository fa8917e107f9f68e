"""`slm-mux paper`: on the shipped recording, and against endpoints."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.cli.reproduced_task import data_of
from slm_mux.errors import TaskDataError
from slm_mux.store import Store
from tests.cli.running import Ended, ended, pool_file, slm_mux, start
from tests.endpoints import FakeEndpoint, answers, serving, status

COUNTING = ("--only", "mux", "--only", "single", "--only", "self_consistency")


def task_of(folder: Path, count: int = 4) -> str:
    """A task in two splits whose answers are all 7."""
    rows = [
        {
            "id": f"{split}{n}",
            "question": f"No {n} of {split}?",
            "kind": "number",
            "answer": "7",
            "split": split,
        }
        for split in ("validation", "test")
        for n in range(count)
    ]
    (folder / "sums.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return "sums.jsonl"


@contextlib.asynccontextmanager
async def three(folder: Path, **settings: object) -> AsyncIterator[list[FakeEndpoint]]:
    """A pool file of three models: one is right, one is not, one cannot make up its mind."""
    async with serving() as right, serving() as wrong, serving() as torn:
        right.always, wrong.always = answers("\\boxed{7}"), answers("\\boxed{8}")
        torn.always = undecided
        pool_file(folder, right.url, wrong.url, torn.url, **settings)
        yield [right, wrong, torn]


async def undecided(
    fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
) -> web.StreamResponse:
    """Answer by the seed: 7 as often as not."""
    return await answers(f"\\boxed{{{7 + asked['seed'] % 2}}}")(fake, request, asked)


async def paper(folder: Path, exhibit: str, *arguments: str) -> Ended:
    """Run an exhibit of the folder's task and pool."""
    return await slm_mux(
        "paper", exhibit, "--task", "sums.jsonl", "--pool", "pool.yaml", *arguments, cwd=folder
    )


def asked(endpoints: list[FakeEndpoint]) -> int:
    return sum(one.requests for one in endpoints)


def ours(document: dict[str, Any], task: int = 0) -> dict[str, list[float | None]]:
    """By block: the figures in percent, to one digit."""
    return {
        block["title"]: [
            None if row["ours"] is None else round(100 * row["ours"], 1) for row in block["rows"]
        ]
        for block in document["tasks"][task]["blocks"]
    }


def figures(document: dict[str, Any]) -> list[Any]:
    """What two equal runs have in common."""
    return [
        (task["task"], task["gap"], task["blocks"], task["conditions"])
        for task in document["tasks"]
    ]


async def test_live_without_discussions(tmp_path: Path) -> None:
    """What is missing is drawn once: k of everybody, and of the best one as many as of all."""
    task_of(tmp_path)
    async with three(tmp_path) as endpoints:
        shown = await paper(tmp_path, "table1", *COUNTING, "--json")
        assert shown.code == 0, shown.err
        assert [one.requests for one in endpoints] == [(3 + 9) * 4, 3 * 8, 3 * 8]
        again = await paper(tmp_path, "table1", *COUNTING, "--json")
        offline = await paper(tmp_path, "table1", *COUNTING, "--offline", "--json")
        assert asked(endpoints) == 12 * 4 + 2 * 24
        eight = await paper(tmp_path, "figure8", "--json")
        assert asked(endpoints) == 12 * 4 + 2 * 24
    assert figures(again.document) == figures(shown.document) == figures(offline.document)
    accuracies, less = ours(shown.document).values()
    assert accuracies == [100.0] * 4
    assert less == [0.0] * 3
    assert shown.document["tasks"][0]["conditions"]["ranking"][1]["accuracy"] == 0.0
    assert ours(eight.document)["accuracy of mux with the best subset of each size"][0] == 100.0
    run = await slm_mux("runs", str(shown.document["tasks"][0]["run"]), "--json", cwd=tmp_path)
    assert run.document["task"] == "sums"


async def test_live_with_discussions(tmp_path: Path) -> None:
    """Table 1 whole: discussions are drawn once, replayed afterwards, and can be explained."""
    task_of(tmp_path, 2)
    async with three(tmp_path) as endpoints:
        shown = await paper(tmp_path, "table1", "--json")
        assert shown.code == 0, shown.err
        before = asked(endpoints)
        again = await paper(tmp_path, "table1", "--offline", "--json")
        assert asked(endpoints) == before
    assert figures(again.document) == figures(shown.document)
    rows = shown.document["tasks"][0]["blocks"][0]["rows"]
    assert [row["label"] for row in rows[:3]] == [
        "mixture_of_agents",
        "debate",
        "multi_agent_verification",
    ]
    assert all(row["ours"] is not None and row["tokens"] for row in rows)
    number = str(shown.document["tasks"][0]["run"])
    explained = await slm_mux("explain", number, "--method", "debate", "--json", cwd=tmp_path)
    assert explained.code == 0, explained.err
    assert list(explained.document["discussions"]) == ["debate"]


async def test_only_the_chosen_members_are_measured(tmp_path: Path) -> None:
    """The test problems are asked of the members of the two best pairs."""
    task_of(tmp_path)
    async with three(tmp_path) as endpoints, serving() as fourth:
        fourth.always = answers("\\boxed{9}")
        with (tmp_path / "pool.yaml").open("a") as file:
            file.write(f"  - {{name: model-3, url: '{fourth.url}', model: m}}\n")
        shown = await paper(tmp_path, "table2", "--json")
        assert shown.code == 0, shown.err
        measured = {
            name
            for block in shown.document["tasks"][0]["blocks"]
            for row in block["rows"]
            for name in row["models"]
        }
        asked_of = [one.requests > 12 for one in (*endpoints, fourth)]
    assert asked_of == [f"model-{n}" in measured for n in range(4)]
    assert sum(asked_of) == 3


async def test_a_large_model(tmp_path: Path) -> None:
    """It is asked the test problems once, and is no part of the search."""
    task_of(tmp_path)
    async with three(tmp_path) as endpoints:
        shown = await paper(tmp_path, "table4", "--samples", "2", "--large", "model-1", "--json")
        assert shown.code == 0, shown.err
        assert endpoints[1].requests == 4
    best, large, less = shown.document["tasks"][0]["blocks"][0]["rows"]
    assert (best["ours"], large["ours"], less["ours"]) == (1.0, 0.0, 1.0)
    assert best["models"] == ["model-0", "model-2"]
    assert shown.document["tasks"][0]["conditions"]["large"] == "model-1"


async def test_dry_run(tmp_path: Path) -> None:
    """Calls, tokens and price before anything is drawn or written; then less is missing."""
    task_of(tmp_path)
    async with three(tmp_path, max_tokens=100) as endpoints:
        pool = tmp_path / "pool.yaml"
        price = "    model: m\n    price: {prompt: 1000000, completion: 2000000}\n"
        pool.write_text(pool.read_text().replace("    model: m\n", price))
        shown = await paper(tmp_path, "table1", "--dry-run", "--json")
        page = await paper(tmp_path, "table1", "--dry-run")
        assert (shown.code, page.code) == (0, 0), page.err
        assert not (tmp_path / "samples.db").exists()
        await paper(tmp_path, "table1", *COUNTING)
        drawn = asked(endpoints)
        after = await paper(tmp_path, "table1", *COUNTING, "--dry-run", "--json")
        assert asked(endpoints) == drawn
    (task,) = shown.document["tasks"]
    validation, test, more = task["parts"]
    assert [one["draws"] for one in validation["estimates"]] == [12] * 3
    assert [one["draws"] for one in test["estimates"]] == [12] * 3
    assert ([one["draws"] for one in more["estimates"]], more["at_most"]) == ([24], True)
    calls = {one["method"]: one["calls"] for one in task["discussions"]}
    assert calls["debate"] == 4 * 9
    assert task["calls"] == 36 + 36 + 24 + sum(calls.values())
    assert task["cost"] == pytest.approx(task["prompt_tokens"] + 2 * task["completion_tokens"])
    assert "debate, estimated" in page.out
    assert "Discussions are an estimate" in page.err
    assert after.document["tasks"][0]["calls"] <= 24


async def test_a_benchmark_beside_the_papers_figures(tmp_path: Path) -> None:
    """Data is found in the folder by the benchmark's name; ours stands beside the paper's."""
    folder = tmp_path / "data" / "gsm8k"
    folder.mkdir(parents=True)
    for name in ("train", "test"):
        rows = [{"question": f"No {n} of {name}?", "answer": "so #### 7"} for n in range(4)]
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    arguments = ("--task", "gsm8k", "--data", "data", "--pool", "pool.yaml", "--limit", "3")
    async with three(tmp_path):
        await slm_mux("paper", "table1", *arguments, *COUNTING, cwd=tmp_path)
        shown = await slm_mux("paper", "table2", *arguments, cwd=tmp_path)
        document = (await slm_mux("paper", "table2", *arguments, "--json", cwd=tmp_path)).document
        plot = await slm_mux("paper", "figure7", *arguments, cwd=tmp_path)
    assert shown.code == 0, shown.err
    block = document["tasks"][0]["blocks"][0]
    assert block["title"] == "group 1 (the paper: Mistral Small 24B, Qwen2.5 7B)"
    single, composed, gain = block["rows"]
    assert composed["paper"] == {
        "value": 0.928,
        "where": "Table 2",
        "read_off": False,
        "problems": 500,
    }
    assert composed["difference"] == pytest.approx(0.072)
    assert composed["inside"] is True
    assert gain["paper"]["value"] == pytest.approx(0.043)
    assert single["models"] == ["model-0"]
    line = next(line for line in shown.out.splitlines() if line.startswith("composed"))
    assert line.split()[:8] == ["composed", "100.0", "43.9", "to", "100.0", "92.8", "+7.2", "-49.0"]
    assert "measured: 3 problems, split test, 3 draws of each (the paper: up to 3)" in shown.out
    assert "that interval: Newcombe's for two independent accuracies; of gains and" in shown.out
    assert "that interval: ours, shifted as if the paper's figure were exact" in plot.out
    assert "~ read off a plot of the paper, to about 0.2 points" in plot.out
    assert "~84.2" in plot.out


async def test_tasks_with_a_gap(tmp_path: Path) -> None:
    """A task without a validation split says so; another one has its figures."""
    task_of(tmp_path)
    rows = [{"id": "x", "question": "No?", "kind": "number", "answer": "7"}]
    (tmp_path / "bare.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    async with three(tmp_path) as endpoints:
        both = await paper(tmp_path, "table2", "--task", "bare.jsonl")
        assert both.code == 0, both.err
        assert "bare: no figures: bare has no validation split, and table2 is of models" in both.out
        before = asked(endpoints)
        alone = await slm_mux(
            "paper", "table2", "--task", "bare.jsonl", "--pool", "pool.yaml", "--json", cwd=tmp_path
        )
        assert asked(endpoints) == before
    assert alone.code == 1
    assert (alone.document["tasks"][0]["blocks"], both.out.count("group 1")) == ([], 1)


async def test_a_model_that_only_fails(tmp_path: Path) -> None:
    """It is given up; what is left is a gap or rests on the others, and the exit code is 1."""
    task_of(tmp_path, 8)
    async with three(tmp_path) as (right, wrong, _):
        wrong.always = status(401, message="no")
        shown = await paper(tmp_path, "table1", *COUNTING, "--json")
        assert shown.code == 1
        assert "model-1: given up after failing again and again" in shown.err
        wrong.always = answers("\\boxed{8}")
        again = await paper(tmp_path, "table1", *COUNTING, "--retry-failed", "--json")
        assert again.code == 0, again.err
        assert right.requests == (3 + 9) * 8
    assert ours(again.document)["accuracy"] == [100.0] * 4


async def test_a_discussion_whose_calls_fail(tmp_path: Path) -> None:
    """There are figures, with what failed below them; the exit code is 1."""
    task_of(tmp_path, 2)
    refused = status(400, message="too long")

    async def alone(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        heard = len(asked["messages"]) > 2
        return await (refused if heard else answers("\\boxed{7}"))(fake, request, asked)

    async with three(tmp_path) as endpoints:
        endpoints[0].always = alone
        shown = await paper(tmp_path, "table1", "--only", "debate")
    assert shown.code == 1
    assert "debate: 2 calls failed" in shown.out
    assert "sums: 16.7% of the calls of debate failed; --retry-failed makes those" in shown.err


async def test_ctrl_c_and_resume(tmp_path: Path) -> None:
    """What came in is kept; the same command draws the rest."""
    task_of(tmp_path)
    count = 0

    async def a_few(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        nonlocal count
        count += 1
        if count > 5:
            await asyncio.Event().wait()
        return await answers("\\boxed{7}")(fake, request, asked)

    def completed() -> int:
        path = tmp_path / "samples.db"
        if not path.exists():
            return 0
        with Store.open(path) as store:
            return store.info().completed

    async with three(tmp_path) as endpoints:
        endpoints[0].always = a_few
        process = await start(
            "paper", "figure7", "--task", "sums.jsonl", "--pool", "pool.yaml", cwd=tmp_path
        )
        async with asyncio.timeout(30):
            while completed() < 24 + 5:
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        interrupted = await ended(process)
        assert interrupted.code == 130
        assert "29 of 36 draws are in the store; the same command draws the rest" in interrupted.err
        endpoints[0].always = answers("\\boxed{7}")
        rest = await paper(tmp_path, "figure7")
        assert rest.code == 0, rest.err
        assert [one.requests for one in endpoints[1:]] == [12, 12]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("figure6",), "there is no table or figure 'figure6'; did you mean 'figure"),
        (("table2", "--only", "mux"), "table2 has nothing that --only could leave out"),
        (("table1", "--large", "model-0"), "--large goes with table4, not with table1"),
        (("table1", "--samples", "0"), "samples is 0"),
        (("table1", "--retry-failed", "--offline"), "--retry-failed draws, and --offline"),
        (("table4", "--large", "model-0"), "the pool has 1 model to put together"),
    ],
)
async def test_wrong_wishes(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """One clear line, and nothing is drawn or written."""
    task_of(tmp_path)
    async with serving() as one, serving() as two:
        pool_file(tmp_path, one.url, two.url)
        shown = await paper(tmp_path, *arguments)
        assert one.requests + two.requests == 0
    assert (shown.code, said in shown.err) == (2, True), shown.err
    assert not (tmp_path / "samples.db").exists()


async def test_offline_without_a_store(tmp_path: Path) -> None:
    """It says what is missing, and that --offline is why nothing is drawn."""
    task_of(tmp_path)
    pool_file(tmp_path, "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v2")
    shown = await paper(tmp_path, "table2", "--offline")
    assert shown.code == 1
    assert "samples.db: there is no such file; without --offline the samples" in shown.err


async def test_data_that_is_not_there(tmp_path: Path) -> None:
    """A folder that is not there is refused before anything is fetched."""
    pool_file(tmp_path, "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v2")
    shown = await slm_mux(
        "paper", "table1", "--task", "gsm8k", "--data", "no", "--pool", "pool.yaml", cwd=tmp_path
    )
    assert "no: there is no such folder; --data names it" in shown.err
    assert shown.code == 1


def test_where_data_is_looked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder or a file of the benchmark's name, else the folder itself for one task alone."""
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "math.jsonl").write_text("")
    (tmp_path / "math.txt").write_text("")
    assert data_of("gsm8k", tmp_path, alone=False) == tmp_path / "gsm8k"
    assert data_of("math", tmp_path, alone=False) == tmp_path / "math.jsonl"
    assert data_of("gpqa", tmp_path, alone=True) == tmp_path
    assert data_of("math", tmp_path / "math.jsonl", alone=True) == tmp_path / "math.jsonl"
    assert capsys.readouterr().err == ""
    assert data_of("gpqa", tmp_path, alone=False) is None
    assert "gpqa: there is nothing of that name in" in capsys.readouterr().err.replace("\n", " ")
    for task in ("demo", "own.jsonl"):
        assert data_of(task, tmp_path, alone=True) is None
    assert data_of("math", None, alone=True) is None
    with pytest.raises(TaskDataError, match="no such folder"):
        data_of("math", tmp_path / "no", alone=True)
