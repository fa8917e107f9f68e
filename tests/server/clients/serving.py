"""The servers that the clients ask: `slm-mux serve` over a real model, and one over scripts."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.cli.running import environment
from tests.endpoints import FakeEndpoint, completion
from tests.server.page.serving import Served, served
from tests.server.test_real_model import SHA256

ENOUGH = 100.0
"""Seconds that a real model, or a client that starts, may take on a slow machine."""

WEATHER = {"city": "Paris", "days": 2}
"""What the scripted models call the function with."""
PERSON = {"name": "Ada", "born": 1815}
"""What they give where JSON is wanted."""
ANSWER = "It is \\boxed{102}."
"""What they say otherwise."""


@contextmanager
def real_server(folder: Path, gguf: Path) -> Iterator[str]:
    """Run `slm-mux serve` over the 135M model; gives its address without a path.

    It must end by itself when it is told to, and have logged no error.
    """
    pool = folder / "pool.yaml"
    pool.write_text(
        "samples: 2\nmax_tokens: 48\nmodels:\n"
        f"  - name: tiny\n    gguf: {gguf}\n    sha256: {SHA256}\n"
    )
    log = folder / "server.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "slm_mux", "serve", "--pool", str(pool), "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env=environment(),
        )
    try:
        yield _address(process, log)
        process.terminate()
        assert process.wait(ENOUGH) == 0, log.read_text()
        assert '"level":"error"' not in log.read_text()
    finally:
        process.kill()
        process.wait()


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    until = time.monotonic() + ENOUGH
    while time.monotonic() < until and process.poll() is None:
        if said := re.search(r"at (http://\S+)/v1; Ctrl-C", log.read_text()):
            return said[1]
        time.sleep(0.02)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@contextmanager
def scripted_server(**settings: Any) -> Iterator[Served]:
    """Serve two scripted models that call tools and write JSON, as 135M parameters hardly do."""
    with served(2, samples=2, **settings) as server:
        for fake in server.fakes:
            fake.always = able
        yield server


async def able(
    fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
) -> web.StreamResponse:
    """Answer as a model that can do all that is asked for.

    With tools it calls the first one, once; to the tool's result it answers with that result; with
    a JSON form it gives a document; to anything else it says `ANSWER`.
    """
    last = asked["messages"][-1]
    form = asked.get("response_format") or {"type": "text"}
    if last["role"] == "tool":
        reply = completion(f"The tool says: {last['content']}")
    elif asked.get("tools") and asked.get("tool_choice") != "none":
        function = {
            "name": asked["tools"][0]["function"]["name"],
            "arguments": json.dumps(WEATHER),
        }
        reply = completion(
            None,
            finish_reason="tool_calls",
            tool_calls=[{"id": f"call_{fake.requests}", "type": "function", "function": function}],
        )
    elif form["type"] != "text":
        reply = completion(f"```json\n{json.dumps(PERSON)}\n```")
    else:
        reply = completion(ANSWER)
    return web.json_response(reply)


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """What a client of others' may see: no key of anybody's, and a home of its own."""
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    return kept | {"HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"} | extra
