"""How a process that has an engine ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real_model

PREAMBLE = """
import asyncio, os, signal, sys, threading, time
from slm_mux.models.base import Generation, Request
from slm_mux.models.embedded import EmbeddedModel
from slm_mux.models.catalogue import catalogued

def asked(tokens):
    generation = Generation(max_tokens=tokens, extra={"ignore_eos": True})
    return Request(messages=({"role": "user", "content": "Tell a story."},), generation=generation)

model = EmbeddedModel("m", gguf=sys.argv[1], sha256=catalogued("smollm2-135m").sha256, slots=2)
"""

WITHOUT_CLOSING = """
asyncio.run(model.complete(asked(2)))
"""

LOADED_AND_CLOSED = """
async def main():
    await model.complete(asked(2))
    await model.aclose()
asyncio.run(main())
"""

INTERRUPTED = """
async def main():
    await model.complete(asked(1))
    print("loaded", flush=True)
    await model.complete(asked(3000))
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""

INTERRUPTED_IN_ANOTHER_THREAD = """
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
asyncio.run_coroutine_threadsafe(model.complete(asked(1)), loop).result()
asked_for = asyncio.run_coroutine_threadsafe(model.complete(asked(3000)), loop)
try:
    print("loaded", flush=True)
    asked_for.result()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""

ASKING_ON = """
import http.client
asyncio.run(model.complete(asked(1)))
server = model.engine._state.server
address = server.url.removeprefix("http://")
body = '{"messages": [{"role": "user", "content": "Tell a story."}], "n_predict": 3000}'
headers = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"}
del server

def ask_on():
    while True:
        try:
            connection = http.client.HTTPConnection(address)
            connection.request("POST", "/v1/chat/completions", body, headers)
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            pass

for _ in range(2):
    threading.Thread(target=ask_on, daemon=True).start()
try:
    print("loaded", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
"""The worst case of a request that is on its way as the engine is closed."""


def start(script: str, gguf: Path) -> "subprocess.Popen[str]":
    """Run a script that uses a model."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", PREAMBLE + script, str(gguf)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("script", [WITHOUT_CLOSING, LOADED_AND_CLOSED], ids=["open", "closed"])
def test_silent_exit(smollm2_gguf: Path, script: str) -> None:
    """A process that used a model exits, closed or not, and llama.cpp prints nothing."""
    with start(script, smollm2_gguf) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""
    assert "llama" not in err.replace("slm_mux", "")


@pytest.mark.parametrize(
    "script",
    [INTERRUPTED, INTERRUPTED_IN_ANOTHER_THREAD, ASKING_ON],
    ids=["same", "another", "asking on"],
)
def test_interrupt_while_generating(smollm2_gguf: Path, script: str) -> None:
    """Ctrl-C reaches Python, and the process ends while thousands of tokens are still to come."""
    with start(script, smollm2_gguf) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loaded\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "interrupted\n")
