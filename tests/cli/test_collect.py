"""`slm-mux collect`, against endpoints on the loopback."""

import asyncio
import contextlib
import inspect
import json
import os
import re
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.cli.collect import collect as collecting_command
from slm_mux.collecting.counts import Collected
from slm_mux.collecting.shortfall import Estimate
from slm_mux.evaluation.summary import ModelSummary
from slm_mux.store import Store
from tests.cli.running import Ended, ended, pool_file, slm_mux, slm_mux_process, start
from tests.endpoints import (
    Behaviour,
    FakeEndpoint,
    answers,
    answers_n,
    completion,
    never_answers,
    serving,
    status,
    unused_url,
)

SEVEN = answers("so \\boxed{7}")


def data_file(folder: Path, count: int = 4, **changes: object) -> str:
    """Write problems whose answer is 7, the first half for validation; returns the file's name."""
    rows = [
        {
            "id": f"p{i}",
            "question": f"What is {i} + {7 - i}?",
            "target": "7",
            "split": "validation" if i < count // 2 else "test",
        }
        | changes
        for i in range(count)
    ]
    (folder / "sums.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return "sums.jsonl"


def add_to(pool: str, line: str) -> None:
    """Add a setting of the last model to a pool file."""
    with Path(pool).open("a") as file:
        file.write(f"    {line}\n")


ARGUMENTS = ("collect", "sums.jsonl", "--kind", "number")


async def collect(folder: Path, *arguments: str, start: tuple[str, ...] = ARGUMENTS) -> Ended:
    """Run the command in a folder."""
    return await slm_mux(*start, *arguments, cwd=folder)


def rows(folder: Path, task: str = "sums") -> list[tuple[str, str, int]]:
    with Store.open(folder / "samples.db", create=False) as store:
        return [(row.problem, row.member, row.draw) for row in store.draw_rows(task)]


async def test_a_collection_and_its_summary(tmp_path: Path) -> None:
    """Every model draws every problem; the table says what the samples are worth."""
    async with serving() as right, serving() as wrong:
        right.always, wrong.always = SEVEN, answers("no idea")
        pool_file(tmp_path, right.url, wrong.url, samples=3)
        data_file(tmp_path)
        shown = await slm_mux_process(*ARGUMENTS, "--pool", "pool.yaml", cwd=tmp_path)
        requests = (right.requests, wrong.requests)
    assert (shown.code, requests) == (0, (12, 12)), shown.err
    assert "sums: 4 problems" in shown.out
    (good,) = (line for line in shown.out.splitlines() if "model-0" in line)
    assert [part.strip() for part in good.split("│")[2:-1]] == [
        "12", "0", "12 of 12", "100.0%", "100.0%", "1.00", "180",
    ]  # fmt: skip
    (bad,) = (line for line in shown.out.splitlines() if "model-1" in line)
    assert [part.strip() for part in bad.split("│")[5:8]] == ["0.0%", "0.0%", "0.00"]
    # Without a terminal, one line of progress for each model at the end.
    assert "model-0  12/12" in shown.err
    assert len(rows(tmp_path)) == 24


async def test_again_with_more_samples(tmp_path: Path) -> None:
    """The second run draws nothing, a third with -k 3 one more each, and says what it had."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=2)
        for extra, calls in (([], 8), ([], 8), (["-k", "3"], 12)):
            shown = await collect(tmp_path, "--pool", pool, *extra)
            assert (shown.code, fake.requests) == (0, calls), shown.err
    assert "8 of 12 draws are in the store" in shown.err


async def test_json(tmp_path: Path) -> None:
    """One document on stdout: what was drawn, and what each model's samples are worth."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = SEVEN
        fake.then(status(400, message="no"))
        pool = pool_file(tmp_path, fake.url, samples=2)
        shown = await collect(tmp_path, "--pool", pool, "--json")
    document = shown.document
    assert shown.code == 0
    assert document == {
        "task": "sums",
        "store": "samples.db",
        "problems": 4,
        "collected": [
            {
                "member": "model-0",
                "completed": 7,
                "failed": 1,
                "reasons": document["collected"][0]["reasons"],
                "given_up": None,
            }
        ],
        "models": [
            {
                "model": "model-0",
                "completed": 7,
                "failed": 1,
                "readable": 1.0,
                "accuracy": 1.0,
                "confidence": 0.875,
                "tokens": 105,
            }
        ],
        "notes": [],
    }
    ((reason, times),) = document["collected"][0]["reasons"].items()
    assert ("400" in reason, times) == (True, 1)


async def test_failures_are_said_and_retried(tmp_path: Path) -> None:
    """The reason is shown; a plain run leaves failed draws alone; --retry-failed draws them."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = SEVEN
        fake.then(status(400, message="[the] prompt is too long"), times=2)
        pool = pool_file(tmp_path, fake.url, samples=2)
        first = await collect(tmp_path, "--pool", pool)
        again = await collect(tmp_path, "--pool", pool)
        calls = fake.requests
        retried = await collect(tmp_path, "--pool", pool, "--retry-failed")
        assert (calls, fake.requests) == (8, 10)
    assert (first.code, again.code, retried.code) == (0, 0, 0)
    assert "model-0: 2 draws failed: " in first.err
    assert "[the] prompt is too long" in first.err
    assert "2 draws in the store failed; --retry-failed makes them again" in again.err
    assert "failed" not in retried.err


async def test_a_model_that_is_down(tmp_path: Path) -> None:
    """It is given up, which is exit code 1; the others' samples are complete."""
    data_file(tmp_path, 60)
    async with serving() as up:
        up.always = SEVEN
        pool = pool_file(tmp_path, unused_url(), up.url, samples=2, retry_seconds=0.1)
        shown = await collect(tmp_path, "--pool", pool)
        assert up.requests == 120
    assert (shown.code, shown.out.count("120 of 120")) == (1, 1)
    assert "model-0: given up after failing again and again" in shown.err
    assert "Traceback" not in shown.err
    down = [member for _, member, _ in rows(tmp_path) if member == "model-0"]
    assert 10 <= len(down) < 120


async def test_nothing_but_failures_is_a_failure(tmp_path: Path) -> None:
    """Too few draws to give a model up, and none that came: exit code 1 all the same."""
    data_file(tmp_path, 2)
    pool = pool_file(tmp_path, unused_url(), retry_seconds=0.1)
    shown = await collect(tmp_path, "--pool", pool, "-k", "1", "--json")
    assert (shown.code, shown.document["collected"][0]["failed"]) == (1, 2)


async def test_dry_run(tmp_path: Path) -> None:
    """Says calls, tokens and costs, asks nobody, and makes no store."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=3, max_tokens=100)
        add_to(pool, "price: {prompt: 1000000, completion: 2000000}")
        shown = await collect(tmp_path, "--pool", pool, "--dry-run", "--json")
        assert (shown.code, fake.requests) == (0, 0)
        (estimate,) = shown.document["models"]
        assert (shown.document["task"], shown.document["problems"]) == ("sums", 4)
        prompt = estimate.pop("prompt_tokens")
        assert estimate == {
            "member": "model-0",
            "draws": 12,
            "completion_tokens": 1200.0,
            "completion_tokens_at_most": 1200,
            "measured": False,
            "cost": round(prompt) + 2 * 1200,
        }
        table = await collect(tmp_path, "--pool", pool, "--dry-run")
        assert {path.name for path in tmp_path.iterdir()} == {"pool.yaml", "sums.jsonl"}
        assert "model-0" in table.out
        assert "prompt tokens are the characters / 4" in table.err
        await collect(tmp_path, "--pool", pool, "--limit", "1")
        before = (tmp_path / "samples.db").read_bytes()
        shown = await collect(tmp_path, "--pool", pool, "--dry-run", "--json")
        assert (fake.requests, (tmp_path / "samples.db").read_bytes()) == (3, before)
    # Three samples are there, of 10 and 5 tokens each.
    (estimate,) = shown.document["models"]
    assert (estimate["draws"], estimate["prompt_tokens"]) == (9, 90.0)
    assert (estimate["completion_tokens"], estimate["measured"]) == (45.0, True)


async def test_split_limit_and_name(tmp_path: Path) -> None:
    """The first problems of one split, under another name; then the rest of the task."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=1)
        arguments = ("--pool", pool, "--split", "test", "--name", "mine")
        shown = await collect(tmp_path, *arguments, "--limit", "1")
        assert (shown.code, rows(tmp_path, "mine")) == (0, [("p2", "model-0", 0)]), shown.err
        shown = await collect(tmp_path, "--pool", pool, "--name", "mine")
        assert (shown.code, fake.requests) == (0, 4)
    assert [problem for problem, _, _ in rows(tmp_path, "mine")] == ["p0", "p1", "p2", "p3"]


async def test_data_of_the_user_s_own(tmp_path: Path) -> None:
    """Fields by name, labels one by one; the endpoint sees the question and the labels."""
    row = {"text": "I love it.", "gold": "good"}
    (tmp_path / "moods.jsonl").write_text(f"{json.dumps(row)}\n")
    async with serving() as fake:
        fake.always = answers("\\boxed{good}")
        pool = pool_file(tmp_path, fake.url, samples=1)
        shown = await collect(
            tmp_path, "--kind", "label", "--question-field", "text", "--target-field", "gold",
            "--label", "good", "--label", "bad", "--pool", pool, "--json",
            start=("collect", "moods.jsonl"),
        )  # fmt: skip
    assert shown.code == 0, shown.err
    assert shown.document["models"][0]["accuracy"] == 1.0
    asked = fake.bodies[0]["messages"][0]["content"]
    assert asked.startswith("I love it.")
    assert "good" in asked
    assert "bad" in asked


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sums.jsonl", "-k", "0"], 2, "samples is 0"),
        (["sums.jsonl", "--limit", "0"], 2, "limit is 0"),
        (["sums.jsonl", "--split", "tset"], 2, "did you mean `test`?"),
        (["sums.jsonl", "--kind", "numbre"], 2, "numbre"),
        (["sums.jsonl", "--target-field", "nope"], 1, "nope"),
        (["gsm9k"], 2, "did you mean `gsm8k`?"),
        (["nothing.jsonl"], 1, "there is no such file"),
        (["demo", "--kind", "number"], 2, "the form of demo is known"),
        (["sums.jsonl", "--pool", "none.yaml"], 2, "there is no such file"),
        (["sums.jsonl", "--store", "."], 1, "it is a folder; give a file"),
        (["sums.jsonl", "--store", "no/such/folder.db"], 1, "there is no folder"),
        (["sums.jsonl", "--store", "sums.jsonl"], 1, "it is not a store of samples"),
        (["sums.jsonl", "--temperature", "99"], 2, "temperature is 99"),
    ],
)
async def test_mistakes_are_one_line(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    """Exit code, one message, a document with --json, nobody asked, and no store left behind."""
    data_file(tmp_path)
    pool = pool_file(tmp_path, unused_url())
    more = [] if "--pool" in arguments else ["--pool", pool]
    shown = await collect(tmp_path, *arguments, *more, "--json", start=("collect",))
    errors = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert (shown.code, len(errors)) == (code, 1), shown.err
    assert message in errors[0]
    assert message in shown.document["error"]["message"]
    assert {path.name for path in tmp_path.iterdir()} == {"pool.yaml", "sums.jsonl"}


@pytest.mark.parametrize("statement", ["", "PRAGMA journal_mode = WAL"])
async def test_a_store_that_was_only_begun(tmp_path: Path, statement: str) -> None:
    """What a program leaves that is killed while it makes the store is taken for a new store."""
    data_file(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "samples.db")) as begun:
        begun.execute(statement)
    (tmp_path / "samples.db").touch()
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=1)
        if not statement:
            assert (await collect(tmp_path, "--pool", pool, "--dry-run")).code == 0
        shown = await collect(tmp_path, "--pool", pool)
    assert (shown.code, len(rows(tmp_path))) == (0, 4), shown.err


async def test_a_question_that_stands_there_twice(tmp_path: Path) -> None:
    """Problems with one question share its samples: they are bought once and count for each."""
    data_file(tmp_path, question="What is 3 + 4?")
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=2)
        shown = await collect(tmp_path, "--pool", pool)
        assert (shown.code, fake.requests) == (0, 2), shown.err
        shown = await collect(tmp_path, "--pool", pool, "--limit", "1", "-k", "3")
        assert (shown.code, fake.requests) == (0, 3), shown.err
    assert len(rows(tmp_path)) == 12


async def test_members_that_would_repeat_each_other(tmp_path: Path) -> None:
    """The same model twice in the same way is refused before anything is asked or made."""
    data_file(tmp_path)
    async with serving() as fake:
        pool = pool_file(tmp_path, fake.url, fake.url)
        shown = await collect(tmp_path, "--pool", pool)
        assert (shown.code, fake.requests) == (2, 0)
    assert "`model-0` and `model-1` are the same model" in shown.err
    assert not (tmp_path / "samples.db").exists()


async def test_a_task_whose_problems_have_changed(tmp_path: Path) -> None:
    """Changed problems under the old name are refused, unless --replace says so."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=1)
        await collect(tmp_path, "--pool", pool)
        data_file(tmp_path, question="What is 30 + 4?")
        refused = await collect(tmp_path, "--pool", pool)
        assert (refused.code, fake.requests) == (1, 4)
        replaced = await collect(tmp_path, "--pool", pool, "--replace", "--limit", "1")
        assert (replaced.code, fake.requests) == (0, 5), replaced.err
    assert "p0" in refused.err
    assert "take the new content with `slm-mux collect --replace`" in refused.err


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """One message, no traceback."""
    data_file(tmp_path)
    pool = pool_file(tmp_path, unused_url())
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    # Root may write everywhere, but for the kernel's own folder.
    store = (Path("/proc") if Path("/proc/self").exists() else folder) / "samples.db"
    shown = await collect(tmp_path, "--pool", pool, "--store", str(store))
    assert shown.code == 1
    assert shown.err.splitlines()[-1].startswith("error: ")


async def test_a_store_that_another_program_holds(tmp_path: Path) -> None:
    """While another writer is at work collecting waits for its turn; reading does not wait."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = SEVEN
        pool = pool_file(tmp_path, fake.url, samples=1)
        await collect(tmp_path, "--pool", pool, "--limit", "1")
        other = sqlite3.connect(tmp_path / "samples.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        process = await start(*ARGUMENTS, "--pool", pool, cwd=tmp_path)
        dry = await collect(tmp_path, "--pool", pool, "--dry-run", "--json")
        assert dry.document["models"][0]["draws"] == 3
        other.execute("ROLLBACK")
        other.close()
        shown = await ended(process)
    assert (shown.code, fake.requests) == (0, 4), shown.err


def some_then_none(answered: int) -> Behaviour:
    """Answer so many requests, and keep the others waiting."""
    left = iter(range(answered))

    async def behave(
        fake: FakeEndpoint, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        if next(left, None) is None:
            return await never_answers()(fake, request, body)
        return web.json_response(completion("so \\boxed{7}"))

    return behave


@pytest.mark.alone
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(
    ("number", "as_json"),
    [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, False)],
)
async def test_ctrl_c_keeps_everything(
    tmp_path: Path, number: signal.Signals, as_json: bool
) -> None:
    """Exit code 130 within a second, one message; the next run draws the rest alone."""
    data_file(tmp_path, 6)
    async with serving() as fake:
        fake.always = some_then_none(7)
        pool = pool_file(tmp_path, fake.url, samples=2)
        form = ["--json"] if as_json else []
        process = await start(*ARGUMENTS, "--pool", pool, *form, cwd=tmp_path)
        await fake.crowded(5)
        interrupted = time.monotonic()
        process.send_signal(number)
        shown = await ended(process)
        assert time.monotonic() - interrupted < 1.5
        assert (shown.code, len(rows(tmp_path))) == (130, 7)
        assert "interrupted: everything that came in is kept, 7 of 12 draws are" in shown.err
        assert "Traceback" not in shown.err
        if as_json:
            assert shown.document["error"]["type"] == "Interrupted"
        else:
            assert shown.out == ""
        fake.always, before = SEVEN, fake.requests
        shown = await collect(tmp_path, "--pool", pool)
        assert (shown.code, fake.requests - before) == (0, 5)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
async def test_a_second_ctrl_c(tmp_path: Path) -> None:
    """An impatient user gets no traceback."""
    data_file(tmp_path, 6)
    async with serving() as fake:
        fake.always = never_answers()
        pool = pool_file(tmp_path, fake.url, samples=2)
        process = await start(*ARGUMENTS, "--pool", pool, cwd=tmp_path)
        await fake.crowded(12)
        process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.02)
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        shown = await ended(process)
    assert shown.code == 130
    assert "Traceback" not in shown.err


async def test_all_draws_in_one_request(tmp_path: Path) -> None:
    """`n: true` asks once for a problem, and a higher k for the further draws alone."""
    data_file(tmp_path)
    async with serving() as fake:
        fake.always = answers_n("so \\boxed{7}")
        pool = pool_file(tmp_path, fake.url, samples=2)
        add_to(pool, "n: true")
        await collect(tmp_path, "--pool", pool)
        await collect(tmp_path, "--pool", pool, "-k", "5")
    assert [body.get("n") for body in fake.bodies] == [2] * 4 + [3] * 4
    assert len(rows(tmp_path)) == 20


def test_the_documentation_names_every_option() -> None:
    """docs/collecting.md names each option of the command, and none that it does not have."""
    document = (Path(__file__).parents[2] / "docs" / "collecting.md").read_text()
    own = inspect.signature(collecting_command).parameters
    options = {f"--{name.replace('_', '-')}" for name in own if name != "task"}
    named = set(re.findall(r"--[a-z][a-z-]*", document))
    assert named == options


def test_the_documented_documents_have_these_keys() -> None:
    """The JSON in docs/collecting.md has the keys of what is printed."""
    document = (Path(__file__).parents[2] / "docs" / "collecting.md").read_text()
    (block,) = re.findall(r"^```json\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    shown = json.loads(block)
    assert list(shown) == ["task", "store", "problems", "collected", "models", "notes"]
    assert tuple(shown["collected"][0]) == Collected.__struct_fields__
    assert tuple(shown["models"][0]) == ModelSummary.__struct_fields__
    assert all(f"`{field}`" in document for field in Estimate.__struct_fields__)
