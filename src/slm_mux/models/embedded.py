"""Models that run in this process: llama.cpp, loaded when first asked.

An engine is one loaded file; several models may share it (one file, two prompts). Its requests go
through the client of every other endpoint, so cancelling, errors and usage are the same.
"""

import asyncio
import threading
import weakref
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path

from slm_mux.answers.tool_use import tool_use
from slm_mux.errors import EmbeddedEngineError, PoolError, RequestRefusedError, WeightsError
from slm_mux.models.base import Limits, Request
from slm_mux.models.context import usual_context
from slm_mux.models.files import Progress, quiet
from slm_mux.models.grammar_limits import schema_problem
from slm_mux.models.llama import LlamaServer, check_package
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pulse import (
    STANDSTILL_SECONDS,
    Pulse,
    StandstillError,
    stands_still,
)
from slm_mux.models.streamed import StreamingEndpoint
from slm_mux.models.weights import Prefer, content_of, resolve
from slm_mux.models.written_calls import in_words, with_written_calls
from slm_mux.types import Completion

LOADING = "loading"
"""Reported right before Python stands still while the file is loaded."""
LOADED = "loaded"
"""Reported right after, also where loading failed."""

_EXIT_SECONDS = 30.0


class _LoadStoppedError(Exception):
    """Nobody waits for the engine any more."""


class _State:
    """What outlives an engine for as long as it takes to end it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.server: LlamaServer | None = None
        self.loading: Future[LlamaServer] | None = None
        self.loader: threading.Thread | None = None
        self.stop = threading.Event()
        self.waiting = 0
        self.ended = False

    def end(self) -> None:
        """End the engine for good: nobody holds it any more, or Python is about to exit."""
        self.ended = True
        self.stop.set()
        if self.loader is not None:
            self.loader.join(_EXIT_SECONDS)
        self.close()

    def close(self) -> None:
        with self.lock:
            server, self.server = self.server, None
        if server is not None:
            server.close()


class EmbeddedEngine:
    """One GGUF file, loaded into this process at the first request.

    Nothing is fetched or loaded before. It may be shared by models, threads and event loops.

    Args:
        gguf: `builtin:NAME`, `hf:owner/repo@revision/file.gguf`, or a path.
        sha256: what the file's must be; None for the catalogue's.
        slots: requests served at the same time, >= 1.
        context: tokens of prompt and completion together, per slot, >= 1; None for 4096, or what
            the model was trained for where that is less.
        threads: of computation, >= 1; None for the cores this process may use.
        prefer: the source to try first, as in `slm_mux.models.weights.resolve`.
        cache_dir: where fetched files are kept; None for the user's cache folder.
        progress: called in another thread while the file is fetched, then with `LOADING` and
            `LOADED`.

    Raises:
        PoolError: slots, context or threads is below 1.
    """

    def __init__(
        self,
        gguf: str | Path,
        *,
        sha256: str | None = None,
        slots: int = 4,
        context: int | None = None,
        threads: int | None = None,
        prefer: Prefer = "hub",
        cache_dir: Path | None = None,
        progress: Progress = quiet,
    ) -> None:
        for option, value in (("slots", slots), ("context", context), ("threads", threads)):
            if value is not None and value < 1:
                raise PoolError(f"{gguf}: {option} is {value}; give 1 or more")
        self.source = str(gguf)
        self.slots = slots
        self.context = context
        self.progress = progress
        """May be replaced until the file is loaded."""
        self.sha256 = sha256
        self.pulse = Pulse()
        """Whether it still moves."""
        self._threads = threads
        self._prefer: Prefer = prefer
        self._cache_dir = cache_dir
        self._users: set[object] = set()
        self._state = _State()
        weakref.finalize(self, self._state.end)

    def __repr__(self) -> str:
        return f"EmbeddedEngine({self.source!r}, slots={self.slots}, context={self.context})"

    @property
    def loaded(self) -> bool:
        """Whether the file is in memory now."""
        return self._state.server is not None

    async def check(self, *, name: str, seconds: float) -> None:
        """See whether it moves, where a request was given up since it was last seen to move.

        Args:
            name: of the model that asks, for messages.
            seconds: that it has to answer, > 0.

        Raises:
            EngineStandsStillError: it does not.
        """
        server = self._state.server
        if server is None or not self.pulse.stopped:
            return
        if not await asyncio.to_thread(server.moves, within=seconds):
            raise stands_still(name)
        self.pulse.beat()

    @property
    def identity(self) -> str:
        """The file by its content, as `slm_mux.models.weights.content_of` names it."""
        return f"gguf:{content_of(self.source, sha256=self.sha256)}"

    @cached_property
    def expected_context(self) -> int:
        """Tokens of prompt and completion together, as far as that is known before loading.

        It depends on what is written alone, not on whether a file has been fetched.
        """
        if self.context is not None:
            return self.context
        named = self.source.startswith(("builtin:", "hf:"))
        return usual_context(None if named else Path(self.source).expanduser())

    async def server(self, user: object, *, name: str) -> LlamaServer:
        """Return the loaded engine, loading it if need be; other requests wait meanwhile.

        Args:
            user: who asks; the engine stays until every user has closed.
            name: the user's name, for messages.

        Raises:
            EmbeddedEngineError: the file cannot be had or loaded.
        """
        self._users.add(user)
        while True:
            state = self._state
            with state.lock:
                if state.ended:
                    raise EmbeddedEngineError(f"{self.source}: Python is exiting", model=name)
                if state.server is not None:
                    return state.server
                loading = state.loading or self._start(name)
                state.waiting += 1
            try:
                return await asyncio.wrap_future(loading)
            except _LoadStoppedError:
                # Stopped for those who left just before; begin again.
                continue
            except WeightsError as error:
                raise EmbeddedEngineError(str(error), model=name) from error
            finally:
                with state.lock:
                    state.waiting -= 1
                    if not state.waiting and state.loading is loading:
                        state.stop.set()

    async def aclose(self, user: object) -> None:
        """Free the memory, unless another user still has the engine; it may be used again."""
        self._users.discard(user)
        if not self._users:
            self._state.stop.set()
            await asyncio.to_thread(self._state.close)

    def _start(self, name: str) -> Future[LlamaServer]:
        """Start loading in a thread. The caller holds the lock."""
        state = self._state
        state.stop.clear()
        loading: Future[LlamaServer] = Future()
        # From now on a waiting request that is cancelled does not cancel it for the others.
        loading.set_running_or_notify_cancel()
        state.loading = loading
        state.loader = threading.Thread(
            target=self._load, args=(loading, name), name=f"load {self.source}", daemon=True
        )
        state.loader.start()
        return loading

    def _load(self, loading: "Future[LlamaServer]", name: str) -> None:
        """Fetch the file and load it: the body of the loading thread."""
        state = self._state
        server: LlamaServer | None = None
        failure: BaseException | None = None
        try:
            check_package(name)
            path = resolve(
                self.source,
                sha256=self.sha256,
                cache_dir=self._cache_dir,
                prefer=self._prefer,
                progress=self._report,
            )
            self._report(1, 1, LOADING)
            try:
                server = LlamaServer(
                    path, name=name, slots=self.slots, context=self.context, threads=self._threads
                )
            finally:
                self.progress(1, 1, LOADED)
        except BaseException as error:  # noqa: BLE001 (handed to those who wait)
            failure = error
        with state.lock:
            state.loading = None
            wanted = bool(self._users)
            if wanted:
                state.server = server
        if server is not None and not wanted:
            # Everyone who waited for it has closed meanwhile.
            server.close()
            server, failure = None, _LoadStoppedError()
        if server is not None:
            loading.set_result(server)
        else:
            loading.set_exception(failure)

    def _report(self, done: int, total: int | None, what: str) -> None:
        if self._state.stop.is_set():
            raise _LoadStoppedError
        self.progress(done, total, what)


class EmbeddedModel:
    """A model whose engine is in this process.

    All of them share one limiter: the cores are the same, so they take turns.

    Args:
        name: the name in the pool.
        gguf: as for `EmbeddedEngine`, which is then this model's own; or
        engine: one that other models use too.
        sha256: as for `EmbeddedEngine`; with `gguf` only, as are the next three.
        slots: requests at the same time.
        context: tokens per request, as for `EmbeddedEngine`.
        threads: of computation.
        timeout: of a whole request, in seconds, > 0; loading is not counted.
        standstill: seconds for which the engine may write nothing to anybody, > 0.

    Raises:
        PoolError: both or neither of `gguf` and `engine` are given, or a number is out of range.
    """

    draws_at_once = False

    def __init__(
        self,
        name: str,
        *,
        gguf: str | Path | None = None,
        engine: EmbeddedEngine | None = None,
        sha256: str | None = None,
        slots: int = 4,
        context: int | None = None,
        threads: int | None = None,
        timeout: float = 3600.0,
        standstill: float = STANDSTILL_SECONDS,
    ) -> None:
        if engine is None:
            if gguf is None:
                raise PoolError(f"{name}: give the model's gguf, or an engine")
            engine = EmbeddedEngine(
                gguf, sha256=sha256, slots=slots, context=context, threads=threads
            )
        elif gguf is not None:
            raise PoolError(f"{name}: the engine has a gguf of its own; give one of the two")
        self.name = name
        self.engine = engine
        self.endpoint = "embedded"
        self.limits = Limits(max_in_flight=engine.slots, one_model_at_a_time=True)
        self._timeout = timeout
        self._standstill = standstill
        self._client: OpenAIModel | None = None
        self._client_of: LlamaServer | None = None

    def __repr__(self) -> str:
        return f"EmbeddedModel({self.name!r}, engine={self.engine!r})"

    @property
    def identity(self) -> str:
        """The file by its content, as `slm_mux.models.weights.content_of` names it."""
        return self.engine.identity

    @property
    def context(self) -> int:
        """Tokens of prompt and completion together, as far as that is known before loading."""
        return self.engine.expected_context

    async def complete(self, request: Request) -> list[Completion]:
        """Ask once, without retries; the first request loads the engine.

        Tools are described in words where the model's template has no place for them, or one must
        be called, which llama.cpp does not see to; and a call that is only written is one.

        Returns:
            One completion. With one slot, request and seed fix its text. With more they do not:
            llama.cpp computes what runs together in one batch, which rounds differently.

        Raises:
            EmbeddedEngineError: the file cannot be had or loaded.
            EngineStandsStillError: the engine writes nothing any more.
            InvalidRequestError: n is not 1.
            TransientError: trying again may help.
            PermanentError: it would not.
            asyncio.CancelledError: llama.cpp stopped at the next token.
        """
        extra = request.generation.extra
        if problem := schema_problem(extra):
            refused = RequestRefusedError(f"{self.name}: {problem}", model=self.name)
            refused.said = problem
            raise refused
        server = await self.engine.server(self, name=self.name)
        try:
            return await self._ask(server, request)
        except StandstillError:
            raise stands_still(self.name) from None

    async def _ask(self, server: LlamaServer, request: Request) -> list[Completion]:
        extra = request.generation.extra
        client = self._reach(server)
        use = tool_use(extra)
        if use is None or extra.get("tool_choice") == "none":
            return await client.complete(request)
        if use.functions and (use.must_call or not await asyncio.to_thread(_reads_tools, server)):
            request = in_words(request, use)
        return [with_written_calls(found, use) for found in await client.complete(request)]

    async def aclose(self) -> None:
        """Close connections and free the memory, unless another model shares the engine."""
        client, self._client, self._client_of = self._client, None, None
        if client is not None:
            await client.aclose()
        await self.engine.aclose(self)

    def _reach(self, server: LlamaServer) -> OpenAIModel:
        """Return the client of this loaded engine; after a new load it is a new one."""
        if self._client is None or self._client_of is not server:
            self._client = OpenAIModel(
                self.name,
                model=self.name,
                endpoint=StreamingEndpoint(
                    f"{server.url}/v1",
                    api_key=server.api_key,
                    reuse_prompts=self.engine.slots > 1,
                    pulse=self.engine.pulse,
                    standstill=self._standstill,
                ),
                limits=self.limits,
                timeout=self._timeout,
            )
            self._client_of = server
        return self._client


def _reads_tools(server: LlamaServer) -> bool:
    return server.reads_tools
