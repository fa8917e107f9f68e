"""`slm-mux ask`, against real endpoints on the loopback."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import ended, pool_file, slm_mux, start
from tests.endpoints import (
    answers,
    breaks_off,
    completion,
    html,
    never_answers,
    replies,
    serving,
    status,
    unused_url,
)

SEVEN, NINE = "so \\boxed{7}", "so \\boxed{9}"


async def test_the_answer_comes_first_then_the_votes(tmp_path: Path) -> None:
    """Stdout begins with the answer; the table names each model's answer, confidence and votes."""
    async with serving() as one, serving() as two:
        for text in (SEVEN, NINE, SEVEN):
            one.then(answers(text))
        two.always = answers(NINE)
        pool = pool_file(tmp_path, one.url, two.url, stopping="none")
        shown = await slm_mux("ask", "4 + 5?", "--kind", "number", "--pool", pool)
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0].strip() == "9"
    assert any("model-0" in line and "0.67" in line and "2 x 7, 1 x 9" in line for line in lines)
    assert any("→" in line and "model-1" in line and "3 x 9" in line for line in lines)
    assert "decided by the most self-consistent model" in shown.out


async def test_json_is_one_document_on_stdout(tmp_path: Path) -> None:
    """With --json nothing but the document is on stdout, with the documented keys."""
    async with serving() as fake:
        fake.always = answers(NINE)
        pool = pool_file(tmp_path, fake.url, stopping="none")
        shown = await slm_mux("ask", "How many?", "--json", "--pool", pool, "-k", "2")
    document = shown.document
    assert (document["answer"], document["model"], document["confidence"]) == ("9", "model-0", 1.0)
    assert (document["kind"], document["tie_break"]) == ("number", "none")
    assert document["votes"][0]["counts"][0]["count"] == 2
    assert document["usage"]["samples"] == 2
    assert document["usage"]["completion_tokens"] == 10


async def test_the_winning_completion_on_request(tmp_path: Path) -> None:
    """-v also prints the text that the answer was read from."""
    async with serving() as fake:
        fake.always = answers("Because of reasons, \\boxed{9}")
        pool = pool_file(tmp_path, fake.url)
        shown = await slm_mux("ask", "How many?", "-v", "--pool", pool)
    assert "Because of reasons" in shown.out


async def test_options_reach_the_endpoint(tmp_path: Path) -> None:
    """Samples, temperature, token limit, seed, choices and kind arrive in the requests."""
    async with serving() as fake:
        fake.always = answers("\\boxed{B}")
        pool = pool_file(tmp_path, fake.url)
        shown = await slm_mux(
            "ask", "Which?", "--choice", "A=stone", "--choice", "B=pear", "-k", "2", "--pool", pool,
            "--temperature", "0.9", "--max-tokens", "50", "--seed", "3", "--stopping", "none",
            "--json",
        )  # fmt: skip
        bodies = fake.bodies
    assert (shown.document["answer"], shown.document["kind"]) == ("B", "choice")
    assert len(bodies) == 2
    assert {(b["temperature"], b["max_tokens"]) for b in bodies} == {(0.9, 50)}
    assert len({b["seed"] for b in bodies}) == 2
    assert "A) stone\nB) pear" in bodies[0]["messages"][-1]["content"]


async def test_labels(tmp_path: Path) -> None:
    """A classification reads one of its labels."""
    async with serving() as fake:
        fake.always = answers("This is Spam.")
        pool = pool_file(tmp_path, fake.url)
        shown = await slm_mux(
            "ask", "Win money now!", "--label", "spam", "--label", "ham", "--pool", pool, "--json"
        )
    assert (shown.document["canonical"], shown.document["kind"]) == ("spam", "label")


async def test_a_debate_is_shown_step_by_step(tmp_path: Path) -> None:
    """The answer, who said what in which round, who changed after whom, and what decided."""
    async with serving() as a, serving() as b:
        a.always = answers(NINE)
        b.then(answers("It is \\boxed{4}."))
        b.always = answers(NINE)
        pool = pool_file(tmp_path, a.url, b.url)
        shown = await slm_mux("ask", "How many?", "--method", "debate", "--pool", pool)
    assert (shown.code, shown.out.splitlines()[0]) == (0, "9")
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert lines[2:5] == ["step model-0 model-1", "round 1 9 4", "round 2 9 9"]
    assert "model-1: 4 → 9 in round 2, as model-0 had said" in lines
    assert "decided by majority of round 2 (2 of 2 agents); confidence 1.00" in lines
    assert any(line.startswith("4 turns, ") for line in lines)


@pytest.mark.parametrize("method", ["moa", "mav", "usc", "single", "agent_forest"])
async def test_every_method_can_be_asked_for(tmp_path: Path, method: str) -> None:
    """The document says which one it was, and has every turn with its text."""
    async with serving() as fake:
        fake.always = answers(NINE)
        pool = pool_file(tmp_path, fake.url, fake.url)
        plain = await slm_mux("ask", "How many?", "--method", method, "--pool", pool)
        shown = await slm_mux("ask", "How many?", "--method", method, "--pool", pool, "--json")
    assert (plain.code, plain.out.splitlines()[0]) == (0, "9")
    assert "decided by" in plain.out
    document = shown.document
    assert document["answer"] == "9"
    if method in ("single", "agent_forest"):
        assert (document["method"], document["discussion"]) == (method, None)
    else:
        turns = document["discussion"]["turns"]
        assert turns[0]["text"] == NINE
        assert len(turns) == document["usage"]["samples"]


async def test_ctrl_c_in_a_discussion(tmp_path: Path) -> None:
    """It ends without a decision: half a discussion has none."""
    async with serving() as a, serving() as stuck:
        a.always = answers(NINE)
        stuck.always = never_answers()
        pool = pool_file(tmp_path, a.url, stuck.url)
        process = await start("ask", "How many?", "--method", "debate", "--pool", pool, "--json")
        await stuck.crowded(1)
        process.send_signal(signal.SIGINT)
        shown = await ended(process)
        await stuck.left.wait()
    assert shown.code == 130
    said = "interrupted before the discussion was over"
    assert shown.document == {"error": {"type": "Interrupted", "message": said}}


async def test_the_question_from_stdin(tmp_path: Path) -> None:
    """A dash reads the question from stdin, as long as it may be."""
    question = "How many ones? " + "1 " * 50_000
    async with serving() as fake:
        fake.always = answers(NINE)
        pool = pool_file(tmp_path, fake.url)
        shown = await slm_mux("ask", "-", "--pool", pool, stdin=question.encode())
        (body, *_) = fake.bodies
    assert shown.code == 0
    assert body["messages"][0]["content"].startswith(question.strip())


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["ask", ""], b"", "the question is empty"),
        (["ask", "-"], b"  \n", "the question is empty"),
        (["ask", "-"], b"\xff\xfe\x00binary", "stdin is not text: byte 0 is not UTF-8"),
        (["ask", "1?", "-k", "0"], b"", "samples is 0"),
        (["ask", "1?", "-k", "two"], b"", "--samples"),
        (["ask", "1?", "--kind", "numbre"], b"", "did you mean 'number'?"),
        (["ask", "1?", "--stopping", "lazy"], b"", "one of eager, frugal, none"),
        (["ask", "1?", "--choice", "Paris"], b"", "write it as LABEL=TEXT"),
        (["ask", "1?", "--choice", "A=1", "--choice", "A=2"], b"", "given twice"),
        (["ask", "1?", "--temperature", "-1"], b"", "temperature is -1.0"),
        (["ask", "1?", "--tempreature", "1"], b"", "No such option"),
        (["ask", "1?", "--method", "debat"], b"", "did you mean 'debate'?"),
        (["ask", "1?", "--method", "moa", "-k", "3"], b"", "must be left out"),
        (["ask", "1?", "--method", "usc", "--stopping", "eager"], b"", "cannot stop early"),
        (["ask"], b"", "Missing argument"),
        (["aks", "1?"], b"", "No such command"),
    ],
)
async def test_wrong_usage_is_one_clear_error(
    tmp_path: Path, arguments: list[str], stdin: bytes, message: str
) -> None:
    """Exit code 2, nothing on stdout, one sentence on stderr, no traceback."""
    pool_file(tmp_path, unused_url())
    shown = await slm_mux(*arguments, stdin=stdin, cwd=tmp_path)
    assert (shown.code, shown.out) == (2, "")
    assert message in shown.err
    assert "Traceback" not in shown.err


async def test_nothing_is_fetched_for_a_question_that_cannot_be_asked(tmp_path: Path) -> None:
    """With the built-in models not here yet, wrong usage is said before any download."""
    cache = tmp_path / "cache"
    shown = await slm_mux(
        "ask", "1?", "-k", "0", cwd=tmp_path, SLM_MUX_CACHE=str(cache), XDG_CONFIG_HOME=str(cache)
    )
    assert shown.code == 2
    assert "samples is 0" in shown.err
    assert not cache.exists()


def without_llama_cpp(folder: Path) -> dict[str, Any]:
    """Make the environment of a machine with an empty cache and without xllamacpp."""
    (folder / "sitecustomize.py").write_text("import sys; sys.modules['xllamacpp'] = None\n")
    home = str(folder / "home")
    return {
        "PYTHONPATH": str(folder), "SLM_MUX_CACHE": home, "XDG_CONFIG_HOME": home, "HOME": home,
    }  # fmt: skip


@pytest.mark.parametrize("command", [["ask", "1?"], ["demo"], ["models"]])
async def test_nothing_is_fetched_that_cannot_be_run(tmp_path: Path, command: list[str]) -> None:
    """Without xllamacpp the built-in models are not downloaded; the error says what to install."""
    shown = await slm_mux(*command, cwd=tmp_path, **without_llama_cpp(tmp_path))
    assert shown.code == 1
    assert "pip install 'slm-mux[local]'" in shown.out + shown.err
    assert not (tmp_path / "home").exists()


async def test_without_llama_cpp_the_other_models_answer(tmp_path: Path) -> None:
    """Embedded models cost their votes where they cannot run, with one warning for all of them."""
    async with serving() as fake:
        fake.always = answers(NINE)
        pool = Path(pool_file(tmp_path, fake.url, stopping="none"))
        pool.write_text(
            f"{pool.read_text()}  - {{name: a, gguf: 'builtin:smollm2-135m'}}\n"
            "  - {name: b, gguf: 'builtin:qwen2.5-coder-0.5b'}\n"
        )
        shown = await slm_mux(
            "ask", "How many?", "--pool", str(pool), **without_llama_cpp(tmp_path)
        )
    assert (shown.code, shown.out.splitlines()[0]) == (0, "9")
    assert shown.err.count("warning:") == 1
    assert not (tmp_path / "home").exists()


async def test_a_model_file_that_cannot_be_had_costs_its_votes(tmp_path: Path) -> None:
    """The other model answers; without another one the missing file is the error."""
    async with serving() as fake:
        fake.always = answers(NINE)
        pool = Path(pool_file(tmp_path, fake.url, stopping="none"))
        entry = "  - {name: gone, gguf: gone.gguf}\n"
        pool.write_text(pool.read_text() + entry)
        shown = await slm_mux("ask", "How many?", "--pool", str(pool))
    assert (shown.code, shown.out.splitlines()[0]) == (0, "9")
    assert "warning:" in shown.err
    assert "gone: 3 draws failed" in shown.err
    pool.write_text(f"models:\n{entry}")
    alone = await slm_mux("ask", "How many?", "--pool", str(pool))
    assert alone.code == 1
    assert "gone.gguf" in alone.err
    assert "Traceback" not in alone.err


async def test_text_that_looks_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    """Brackets are the model's own, not markup; a long answer is not broken into lines."""
    text = "[/bold] [red]" + "word " * 60 + "end"
    async with serving() as fake:
        fake.always = answers(text)
        pool = pool_file(tmp_path, fake.url)
        shown = await slm_mux("ask", "Hello", "--kind", "text", "--pool", pool)
    assert shown.code == 0
    assert shown.out.splitlines()[0] == text


async def test_a_pool_file_that_is_not_there(tmp_path: Path) -> None:
    """A wrong --pool is wrong usage, and names the remedy."""
    shown = await slm_mux("ask", "1?", "--pool", str(tmp_path / "none.yaml"))
    assert (shown.code, shown.out) == (2, "")
    assert "there is no such file; `slm-mux init` writes one" in shown.err


async def test_one_model_down_costs_its_votes(tmp_path: Path) -> None:
    """The answer comes from the other model; stderr says which model failed and why."""
    async with serving() as fake:
        fake.always = answers(NINE)
        pool = pool_file(tmp_path, fake.url, unused_url(), stopping="none", retry_seconds=0.1)
        shown = await slm_mux("ask", "How many?", "--pool", pool)
    assert shown.code == 0
    assert shown.out.splitlines()[0].strip() == "9"
    assert "model-1: 3 draws failed" in shown.err


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(html(), id="html"),
        pytest.param(replies({"choices": []}), id="no choices"),
        pytest.param(replies(completion("")), id="empty completion"),
        pytest.param(breaks_off(), id="dropped mid-body"),
        pytest.param(status(429, {"Retry-After": "1"}), id="429 for ever"),
        pytest.param(status(401, message="key sk-very-secret refused"), id="wrong key"),
        pytest.param(status(404, message="model not found"), id="no such model"),
        pytest.param(status(500), id="500 for ever"),
    ],
)
async def test_no_readable_answer_lists_the_reason(tmp_path: Path, behaviour: object) -> None:
    """Exit code 1, the model and the reason on stderr, no traceback and no key."""
    async with serving() as fake:
        fake.always = behaviour  # type: ignore[assignment]
        pool = pool_file(tmp_path, fake.url, retry_seconds=0.5)
        text = Path(pool).read_text() + "    api_key: ${THE_KEY}\n"
        Path(pool).write_text(text)
        shown = await slm_mux("ask", "How many?", "--pool", pool, THE_KEY="sk-very-secret")
    assert (shown.code, shown.out) == (1, "")
    assert "no model gave a readable answer" in shown.err
    assert "model-0: 3 of 3 draws" in shown.err
    assert "Traceback" not in shown.err
    assert "sk-very-secret" not in shown.err


async def test_a_slow_endpoint_times_out(tmp_path: Path) -> None:
    """A model's timeout ends its draws with a reason that names the seconds."""
    async with serving() as fake:
        fake.always = never_answers()
        pool = pool_file(tmp_path, fake.url, retry_seconds=0.1)
        Path(pool).write_text(Path(pool).read_text() + "    timeout: 0.2\n")
        shown = await slm_mux("ask", "How many?", "--pool", pool)
    assert shown.code == 1
    assert "0.2" in shown.err


async def test_another_model_s_name_is_warned_of(tmp_path: Path) -> None:
    """An endpoint that answers as a different model is used, and named."""
    async with serving() as fake:
        fake.always = replies(completion(NINE, model="something-else"))
        pool = pool_file(tmp_path, fake.url)
        shown = await slm_mux("ask", "How many?", "--pool", pool)
    assert shown.code == 0
    assert "answered as 'something-else'" in shown.err


@pytest.mark.alone
async def test_ctrl_c_prints_what_was_decided_so_far(tmp_path: Path) -> None:
    """The process ends within a second of Ctrl-C with the decision by the draws that are in."""
    async with serving() as fake, serving() as stuck:
        fake.always = answers(NINE)
        stuck.always = never_answers()
        pool = pool_file(tmp_path, stuck.url, fake.url)
        for delay in (0.3, 1.0, 5.0):
            process = await start("ask", "How many?", "--pool", pool, "--stopping", "none")
            await stuck.crowded(3)
            await asyncio.sleep(delay)
            interrupted = time.monotonic()
            process.send_signal(signal.SIGINT)
            shown = await ended(process)
            seconds = time.monotonic() - interrupted
            await stuck.left.wait()
            if shown.out:  # else the answers were on their way: again, later
                break
    assert shown.code == 130
    assert shown.out.splitlines()[0].strip() == "9"
    assert "interrupted" in shown.err
    assert "Traceback" not in shown.err
    assert seconds < 1.0


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["ask", "1?", "--json", "-k", "0"], "InvalidRequestError", 2),
        (["ask", "1?", "--json", "--pool", "none.yaml"], "PoolError", 2),
        (["ask", "1?", "--json", "-k", "two"], "UsageError", 2),
        (["ask", "--json"], "UsageError", 2),
        (["aks", "1?", "--json"], "UsageError", 2),
        (["models", "pull", "NOPE", "--json"], "WeightsError", 1),
        (
            ["init", "--json", "--url", "http://127.0.0.1:9/v1", "--builtin"],
            "InvalidRequestError",
            2,
        ),
    ],
)
async def test_with_json_an_error_is_a_document_too(
    tmp_path: Path, arguments: list[str], kind: str, code: int
) -> None:
    """Stdout is one document with type and message; stderr and the exit code are as without."""
    shown = await slm_mux(*arguments, cwd=tmp_path)
    plain = await slm_mux(*(word for word in arguments if word != "--json"), cwd=tmp_path)
    assert (shown.code, shown.err) == (code, plain.err)
    assert (plain.code, plain.out) == (code, "")
    assert set(shown.document) == {"error"}
    assert shown.document["error"]["type"] == kind
    assert shown.document["error"]["message"] in shown.err


async def test_with_json_the_reasons_are_listed_by_model(tmp_path: Path) -> None:
    """Where no model gave a readable answer the document says what happened to each."""
    async with serving() as fake:
        fake.always = answers("I would rather not say.")
        pool = pool_file(tmp_path, fake.url, unused_url(), retry_seconds=0.1, stopping="none")
        shown = await slm_mux("ask", "How many?", "--json", "--pool", pool)
    assert shown.code == 1
    error = shown.document["error"]
    assert (error["type"], list(error["reasons"])) == ("NoAnswerError", ["model-0", "model-1"])
    assert error["reasons"]["model-0"].startswith("3 of 3 draws unreadable")
    assert "nothing answers there" in error["reasons"]["model-1"]
    assert "a number was looked for: it asks for a quantity" in error["message"]
    assert f"error: {error['message']}\n" in shown.err


async def test_json_after_two_dashes_is_a_question(tmp_path: Path) -> None:
    """What follows -- is no option: the error is not a document then."""
    shown = await slm_mux("ask", "--pool", str(tmp_path / "none.yaml"), "--", "--json")
    assert (shown.code, shown.out) == (2, "")


@pytest.mark.parametrize("form", [[], ["--json"]])
async def test_ctrl_c_before_the_first_answer(tmp_path: Path, form: list[str]) -> None:
    """Without a readable draw Ctrl-C says so, and the requests are closed."""
    async with serving() as stuck:
        stuck.always = never_answers()
        pool = pool_file(tmp_path, stuck.url)
        process = await start("ask", "How many?", "--pool", pool, *form)
        await stuck.crowded(3)
        process.send_signal(signal.SIGINT)
        shown = await ended(process)
        await stuck.left.wait()
    said = "interrupted before a readable answer came in"
    assert (shown.code, shown.err.strip()) == (130, said)
    if form:
        assert shown.document == {"error": {"type": "Interrupted", "message": said}}
    else:
        assert shown.out == ""


async def test_settled_early(tmp_path: Path) -> None:
    """Once the first model agrees with itself three times, the stuck one is not waited for."""
    async with serving() as fake, serving() as stuck:
        fake.always = answers(NINE)
        stuck.always = never_answers()
        pool = pool_file(tmp_path, fake.url, stuck.url)
        shown = await slm_mux("ask", "How many?", "--pool", pool, "--json")
        await stuck.left.wait()
    document = shown.document
    assert (document["answer"], document["stopped_early"]) == ("9", True)
    assert document["usage"]["cancelled"] == 3
    assert document["votes"][1]["not_drawn"] == 3
