"""Models that run in this process, with a real llama.cpp."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from slm_mux.errors import EmbeddedEngineError, PoolError, RequestRefusedError, WeightsError
from slm_mux.models import embedded
from slm_mux.models.base import Generation, Request
from slm_mux.models.catalogue import catalogued
from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
from slm_mux.models.files import Progress
from slm_mux.models.llama import LlamaServer, usable_cores

SHA256 = catalogued("smollm2-135m").sha256


def asked(text: str = "What is 17 * 6?", *, seed: int = 1, tokens: int = 8) -> Request:
    """Write a short request."""
    return Request(
        messages=({"role": "user", "content": text},),
        generation=Generation(temperature=0.8, max_tokens=tokens, extra={"ignore_eos": True}),
        seed=seed,
    )


@pytest.fixture
async def engine(smollm2_gguf: Path) -> AsyncIterator[EmbeddedEngine]:
    """Make an engine of one slot that is ended after the test."""
    engine = EmbeddedEngine(smollm2_gguf, sha256=SHA256, slots=1, context=1024)
    yield engine
    await engine.aclose(None)


@pytest.mark.real_model
async def test_ask_in_process(engine: EmbeddedEngine) -> None:
    """A model in this process answers; one slot and a seed fix the text, also after a new load."""
    model = EmbeddedModel("smollm2", engine=engine)
    [first] = await model.complete(asked(seed=5))
    [other] = await model.complete(asked("Who are you?", seed=6))
    [again] = await model.complete(asked(seed=5))
    assert first == again
    assert first.text != other.text
    assert (first.completion_tokens, first.finish_reason) == (8, "length")
    # The chat template applies: it puts a system message in front.
    assert first.prompt_tokens is not None
    assert first.prompt_tokens > 20
    assert first.served_model == "smollm2"
    await model.aclose()
    assert not engine.loaded
    assert await model.complete(asked(seed=5)) == [first]
    await model.aclose()


@pytest.mark.real_model
async def test_cancelled_request_stops(engine: EmbeddedEngine) -> None:
    """A cancelled request gives its slot back long before its last token."""
    model = EmbeddedModel("smollm2", engine=engine)
    await model.complete(asked(tokens=1))
    long = asyncio.create_task(model.complete(asked("Tell a long story.", tokens=900)))
    await asyncio.sleep(0.3)
    # There is one slot, so this is served when the long one has ended.
    following = asyncio.create_task(model.complete(asked(tokens=1)))
    await asyncio.sleep(0.1)
    assert not following.done()
    long.cancel()
    async with asyncio.timeout(5):
        await following
    assert long.cancelled()
    await model.aclose()


@pytest.mark.real_model
async def test_models_share_an_engine(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models with one engine load the file once, and it stays until both have closed."""
    loads: list[str] = []

    class Counted(LlamaServer):
        def __init__(
            self, path: Path, *, name: str, slots: int, context: int, threads: int | None
        ) -> None:
            loads.append(name)
            super().__init__(path, name=name, slots=slots, context=context, threads=threads)

    monkeypatch.setattr(embedded, "LlamaServer", Counted)
    one, two = (EmbeddedModel(name, engine=engine) for name in ("one", "two"))
    assert (one.endpoint, one.limits) == (two.endpoint, two.limits)
    assert one.limits.one_model_at_a_time
    await asyncio.gather(one.complete(asked(tokens=1)), two.complete(asked(tokens=1)))
    assert len(loads) == 1
    await one.aclose()
    assert engine.loaded
    await two.complete(asked(tokens=1))
    await two.aclose()
    assert not engine.loaded


@pytest.mark.real_model
async def test_context_overflow(engine: EmbeddedEngine) -> None:
    """A prompt that does not fit is refused with llama.cpp's reason."""
    model = EmbeddedModel("smollm2", engine=engine)
    with pytest.raises(RequestRefusedError, match="exceeds the available context size"):
        await model.complete(asked("word " * 2000))
    await model.aclose()


@pytest.mark.real_model
async def test_signal_handlers_stay(engine: EmbeddedEngine) -> None:
    """Python's own handlers of Ctrl-C work after the load."""
    model = EmbeddedModel("smollm2", engine=engine)
    await model.complete(asked(tokens=1))
    seen: list[int] = []
    loop = asyncio.get_running_loop()
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    try:
        loop.call_soon(signal.raise_signal, signal.SIGTERM)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]
    await model.aclose()


@pytest.mark.real_model
async def test_file_cut_short(smollm2_gguf: Path, tmp_path: Path) -> None:
    """A GGUF that is cut short is an error that names the file; nothing breaks."""
    short = tmp_path / "short.gguf"
    with smollm2_gguf.open("rb") as file:
        short.write_bytes(file.read(5_000_000))
    model = EmbeddedModel("short", gguf=short)
    with (
        pytest.warns(UserWarning, match="no sha256"),
        pytest.raises(EmbeddedEngineError, match=r"cannot load .*short\.gguf.*cut short") as caught,
    ):
        await model.complete(asked())
    assert caught.value.model == "short"
    await model.aclose()


async def test_wrong_hash(tmp_path: Path) -> None:
    """A file with another hash is not loaded."""
    path = tmp_path / "other.gguf"
    path.write_bytes(b"GGUF")
    model = EmbeddedModel("other", gguf=path, sha256=SHA256)
    with pytest.raises(EmbeddedEngineError, match=f"{SHA256} is expected"):
        await model.complete(asked())


async def test_package_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xllamacpp the error says what to install."""
    path = tmp_path / "other.gguf"
    path.write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    model = EmbeddedModel("other", gguf=path)
    with pytest.raises(EmbeddedEngineError, match=r"pip install 'slm-mux\[local\]'"):
        await model.complete(asked())


async def test_library_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where xllamacpp is there, but a library of the system is not, the error says which."""
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('libgomp.so.1: cannot open it')")
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    model = EmbeddedModel("small", gguf="builtin:smollm2-135m")
    with pytest.raises(EmbeddedEngineError, match="package libgomp1 of Debian") as caught:
        await model.complete(asked())
    assert "pip install" not in str(caught.value)


async def test_nothing_is_fetched_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that nothing here can run are not looked for."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr(embedded, "resolve", lambda *_a, **_o: pytest.fail("it was fetched"))
    model = EmbeddedModel("small", gguf="builtin:smollm2-135m")
    with pytest.raises(EmbeddedEngineError, match="xllamacpp"):
        await model.complete(asked())


@pytest.mark.real_model
async def test_a_context_that_the_model_was_not_trained_for(smollm2_gguf: Path) -> None:
    """It is refused before llama.cpp takes memory for it."""
    model = EmbeddedModel("m", gguf=smollm2_gguf, sha256=SHA256, context=99_999_999)
    with pytest.raises(EmbeddedEngineError, match="trained for 8192 tokens"):
        await model.complete(asked())
    assert not model.engine.loaded


async def test_cancelled_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When everyone who waited for a load is gone it stops; the next request begins anew."""
    began, stopped = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    calls: list[str] = []

    def slow(source: str, *, progress: Progress, **_options: object) -> Path:
        calls.append(source)
        if len(calls) > 1:
            raise WeightsError("second call")
        loop.call_soon_threadsafe(began.set)
        try:
            while True:
                progress(0, 1, "fetching")
        finally:
            loop.call_soon_threadsafe(stopped.set)

    monkeypatch.setattr(embedded, "resolve", slow)
    model = EmbeddedModel("slow", gguf=tmp_path / "slow.gguf")
    waiting = [asyncio.create_task(model.complete(asked())) for _ in range(2)]
    await began.wait()
    waiting[0].cancel()
    await asyncio.wait({waiting[0]})
    assert not stopped.is_set()
    waiting[1].cancel()
    await stopped.wait()
    with pytest.raises(EmbeddedEngineError, match="second call"):
        await model.complete(asked())
    assert len(calls) == 2


def test_options_are_checked() -> None:
    """Numbers below 1, and both or neither of gguf and engine, are refused."""
    with pytest.raises(PoolError, match="slots is 0"):
        EmbeddedEngine("x.gguf", slots=0)
    with pytest.raises(PoolError, match="give the model's gguf"):
        EmbeddedModel("m")
    with pytest.raises(PoolError, match="one of the two"):
        EmbeddedModel("m", gguf="x.gguf", engine=EmbeddedEngine("x.gguf"))


def test_usable_cores() -> None:
    """There is at least one core."""
    assert usable_cores() >= 1


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
        },
    },
}


@pytest.mark.real_model
async def test_a_model_that_knows_no_tools_calls_one(engine: EmbeddedEngine) -> None:
    """Its template has no place for them; a call that is due is made, and with its arguments."""
    model = EmbeddedModel("smollm2", engine=engine)
    extra = {"tools": [WEATHER], "tool_choice": "required"}
    request = asked("What is the weather in Graz?", tokens=64)
    request = replace(request, generation=replace(request.generation, extra=extra))
    (found,) = await model.complete(request)
    free = {"tools": [WEATHER]}
    (other,) = await model.complete(
        replace(request, generation=replace(request.generation, extra=free, max_tokens=1))
    )
    server = await engine.server(model, name="m")
    assert server.reads_tools is False
    await model.aclose()
    (call,) = found.tool_calls
    assert (found.text, found.finish_reason, call.name) == ("", "stop", "weather")
    assert list(json.loads(call.arguments)) == ["city"]
    assert other.prompt_tokens is not None
    assert other.prompt_tokens > 80
