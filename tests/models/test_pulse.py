"""An engine that has come to a stand: its requests end, and so does the program."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slm_mux.models import llama
from slm_mux.models.base import Generation, Request
from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
from slm_mux.models.endpoint import Timeouts
from slm_mux.models.llama import LlamaServer
from slm_mux.models.pulse import EngineStandsStillError, Pulse, StandstillError
from slm_mux.models.streamed import StreamingEndpoint
from tests.endpoints import Behaviour, FakeEndpoint, serving
from tests.models.test_streamed import END, piece, stream

SOON = 0.08
BODY = b'{"messages": []}'


def streams(*parts: bytes, ends: bool = True) -> Behaviour:
    """Answer with a stream, which may stop before its end for good."""

    async def behave(
        fake: FakeEndpoint, request: web.Request, body: dict[str, Any]
    ) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        for part in parts:
            await reply.write(part)
        if not ends:
            await asyncio.Event().wait()
        return reply

    return behave


class StandIn:
    """What an engine has loaded, without llama.cpp.

    Args:
        url: where it answers.
    """

    api_key = "key"
    reads_tools = True

    def __init__(self, url: str) -> None:
        self.url = url.removesuffix("/v1")
        self.still = False
        self.closed = False

    def moves(self, *, within: float) -> bool:
        """Whether it does, which a test says."""
        del within
        return not self.still

    def close(self) -> None:
        """End it."""
        self.closed = True


def standing_in(url: str, *, standstill: float) -> tuple[EmbeddedModel, StandIn]:
    """An embedded model whose engine is a stand-in."""
    engine = EmbeddedEngine(Path("stand-in.gguf"), sha256="0" * 64, slots=2)
    loaded = StandIn(url)
    engine._state.server = loaded  # type: ignore[assignment]
    return EmbeddedModel("m", engine=engine, standstill=standstill), loaded


async def asked(at: StreamingEndpoint) -> bytes:
    """Ask once and return the reply's body."""
    reply = await at.send("POST", at.chat_url, body=BODY, timeouts=Timeouts(60), user=at)
    return reply.body


@pytest.mark.parametrize("parts", [(), (stream(piece(content="4")),)], ids=["nothing", "a token"])
async def test_a_stream_that_stops_is_given_up(parts: tuple[bytes, ...]) -> None:
    """Whether anything came before or not; the connection is closed."""
    pulse = Pulse()
    async with serving() as fake:
        fake.always = streams(*parts, ends=False)
        at = StreamingEndpoint(fake.url, api_key="k", pulse=pulse, standstill=SOON)
        with pytest.raises(StandstillError):
            await asked(at)
        assert pulse.stopped
        await asyncio.wait_for(fake.left.wait(), 20)
        fake.always = streams(stream(piece(content="4", finish="stop")), END)
        assert b'"4"' in await asked(at)
        assert not pulse.stopped
        await at.aclose(at)


async def test_a_request_waits_while_the_engine_writes_to_others() -> None:
    """It may be the last in a row of long prompts; the total timeout is another matter."""
    pulse = Pulse()
    async with serving() as fake:
        fake.always = streams(ends=False)
        at = StreamingEndpoint(fake.url, api_key="k", pulse=pulse, standstill=SOON)
        waiting = asyncio.create_task(asked(at))
        loop = asyncio.get_running_loop()
        begin = loop.time()
        while loop.time() - begin < 3 * SOON:
            pulse.beat()
            await asyncio.sleep(SOON / 20)
        assert not waiting.done()
        with pytest.raises(StandstillError):
            await waiting
        await at.aclose(at)


async def test_other_ends_stay_what_they_are() -> None:
    """A cancellation, and a timeout of the body's own."""
    pulse = Pulse()
    with pytest.raises(TimeoutError):
        async with pulse.watched(60), asyncio.timeout(0):
            await asyncio.Event().wait()

    async def watched() -> None:
        async with pulse.watched(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(watched())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not pulse.stopped


async def test_an_embedded_model_says_that_its_engine_stands_still() -> None:
    """And asks the engine itself whether it still does, once a request was given up."""
    async with serving() as fake:
        fake.always = streams(ends=False)
        model, loaded = standing_in(fake.url, standstill=SOON)
        loaded.still = True
        await model.engine.check(name="m", seconds=1)
        with pytest.raises(EngineStandsStillError, match="m: llama.cpp .* come to a stand"):
            await model.complete(Request(messages=(), generation=Generation()))
        with pytest.raises(EngineStandsStillError):
            await model.engine.check(name="m", seconds=1)
        loaded.still = False
        await model.engine.check(name="m", seconds=1)
        assert not model.engine.pulse.stopped
        await model.aclose()
        assert loaded.closed


@pytest.mark.parametrize("moves", [True, False])
def test_an_engine_that_stands_still_is_never_taken_apart(
    moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end would wait for ever, and with it whoever waits for that."""
    server = LlamaServer.__new__(LlamaServer)
    server.url = "http://127.0.0.1:9"
    engine = object()
    server._server = engine
    before = sys.getrefcount(engine)
    monkeypatch.setattr(LlamaServer, "moves", lambda self, *, within: moves)
    monkeypatch.setattr(llama, "_hang_up", lambda port: None)
    server.close()
    server.close()
    assert sys.getrefcount(engine) == before - (1 if moves else 0)
