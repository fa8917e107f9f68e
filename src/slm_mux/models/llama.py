"""llama.cpp in this process: loading it, reaching it, and ending it without a trace.

The engine is the server of the xllamacpp package, whose only way to stop one request and not the
others is a connection that closes. So it listens on a random port of the loopback, behind a key
that never leaves this process.
"""

import contextlib
import ctypes
import http.client
import importlib.util
import json
import math
import os
import secrets
import socket
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from slm_mux.errors import EmbeddedEngineError
from slm_mux.models.context import checked_context
from slm_mux.models.files import CHUNK
from slm_mux.models.signals import handlers_kept

_HOST = "127.0.0.1"
_BATCH = 64
"""Prompt tokens between two looks at what was cancelled; on a CPU larger ones are no faster."""
_PROMPT_CACHE_MIB = 64
_PROPS_SECONDS = 10.0
_CLOSING_SECONDS = 20.0
_LIBRARIES = (
    "install the library that it misses: libgomp.so.1 is in the package libgomp1 of Debian and "
    "Ubuntu, libgomp of Fedora"
)
"""For the step that is being computed; one of a large model on a slow machine takes a while."""


class LlamaServer:
    """One loaded model file.

    Loading takes about a second for each gigabyte, during which Python stands still (the package
    holds the interpreter's lock); so load in a thread, once. Safe to use from several threads.

    Args:
        path: the GGUF file.
        name: for messages and as the served model's name.
        slots: requests served at the same time, >= 1.
        context: tokens of prompt and completion together, per slot, >= 1; None for
            the usual, as in `slm_mux.models.context`.
        threads: of computation; None for `usable_cores()`.

    Raises:
        EmbeddedEngineError: the package is missing, it cannot load this file, the model was not
            trained for such a context, or so many slots of it do not fit into memory.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        slots: int,
        context: int | None = None,
        threads: int | None = None,
    ) -> None:
        xllamacpp = _package(name)
        context = checked_context(path, context, slots=slots, name=name)
        count = threads or usable_cores()
        self.api_key = secrets.token_urlsafe()
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.model_alias = {name}
        params.n_parallel = slots
        params.n_ctx = slots * context
        params.n_batch = params.n_ubatch = max(_BATCH, slots)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = count
        params.hostnames = [_HOST]
        params.port = 0
        params.api_keys = [self.api_key]
        params.n_threads_http = slots + 2
        params.cache_ram_mib = _PROMPT_CACHE_MIB
        params.endpoint_metrics = True
        params.ui = False
        params.warmup = False
        params.verbosity = -1
        _read_ahead(path)
        try:
            with handlers_kept():
                self._server: Any = xllamacpp.Server(params)
            self.url: str = self._server.listening_address
        except (RuntimeError, ValueError) as error:
            raise EmbeddedEngineError(
                f"llama.cpp cannot load {path} ({error}); the file may be cut short or of a newer "
                f"format, or {slots} slots of {context} tokens do not fit into memory",
                model=name,
            ) from error

    @cached_property
    def reads_tools(self) -> bool:
        """Whether the model's chat template has a place for tools; asks the engine once.

        Without one llama.cpp drops them in silence. Where it does not say so, they are left to it.
        """
        try:
            said = json.loads(self._get("/props", within=_PROPS_SECONDS))
            return bool(said["chat_template_caps"]["supports_tools"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return True

    def moves(self, *, within: float) -> bool:
        """Whether the loop that computes answers gets round to a small question.

        Args:
            within: seconds.
        """
        try:
            # Its figures are collected by that loop, between two steps of its work.
            self._get("/metrics", within=within)
        except (OSError, http.client.HTTPException):
            return False
        return True

    def close(self) -> None:
        """End the engine and free its memory. Requests in flight lose their connection.

        One that has come to a stand would never end, nor would whoever waits for that. It is left
        as it is, with its memory, until the process ends.
        """
        server, self._server = self._server, None
        if server is None:
            return
        # The engine's end waits for its connections, and they for their requests.
        _hang_up(self._port)
        if not self.moves(within=_CLOSING_SECONDS):
            _keep_for_ever(server)
        # A request that came meanwhile would find nobody who computes, and wait for ever.
        _stop_listening(self._port)
        _hang_up(self._port)

    @property
    def _port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def _get(self, path: str, *, within: float) -> bytes:
        """Ask the engine's own routes.

        Raises:
            OSError, http.client.HTTPException: there is no answer.
        """
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=within)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.api_key}"})
            return connection.getresponse().read()
        finally:
            connection.close()


def _keep_for_ever(thing: object) -> None:
    """Have Python never take a thing apart, not even when it exits."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def check_package(name: str) -> None:
    """Check that llama.cpp's package can be used; so before anything is fetched.

    Args:
        name: the model's, for the error.

    Raises:
        EmbeddedEngineError: it cannot; says what to install.
    """
    _package(name)


def _package(name: str) -> Any:
    try:
        with _threads_that_yield():
            import xllamacpp
    except ImportError as error:
        there = importlib.util.find_spec("xllamacpp") is not None
        wanted = _LIBRARIES if there else "pip install 'slm-mux[local]'"
        raise EmbeddedEngineError(
            "models that run in this process need the package xllamacpp, which cannot be imported "
            f"({error}); {wanted}",
            model=name,
        ) from error
    return xllamacpp


@contextlib.contextmanager
def _threads_that_yield() -> Iterator[None]:
    """Have llama.cpp's threads sleep, not spin, while they wait for each other.

    GNU OpenMP reads this when it is loaded. Spinning is up to a third faster on an idle machine,
    and several times slower as soon as anything else wants a core. A choice of the user's own in
    the environment is kept.
    """
    if {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        yield
        return
    os.environ["OMP_WAIT_POLICY"] = "passive"
    try:
        yield
    finally:
        del os.environ["OMP_WAIT_POLICY"]


def usable_cores() -> int:
    """Count the processor cores that this process may use, >= 1.

    Its processor affinity and a container's quota limit them (cgroup v2); two hardware threads of
    one core count once, since llama.cpp gains nothing from the second.
    """
    try:
        processors = os.sched_getaffinity(0)
    except AttributeError:
        return max(1, (os.cpu_count() or 1) // 2)
    cores = set()
    for processor in processors:
        topology = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        try:
            cores.add(topology.read_text())
        except OSError:
            cores.add(str(processor))
    count = len(cores)
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, math.ceil(int(quota) / int(period)))
    return max(1, count)


def _read_ahead(path: Path) -> None:
    """Bring the file into memory while other threads can still run."""
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
        while file.read(CHUNK):
            pass


def _hang_up(port: int) -> None:
    """Shut down every connection of this process to a port of its own, whoever holds it.

    The holder may be an event loop in another thread, or one that has stopped.
    """
    for connection in _sockets():
        with contextlib.suppress(OSError):
            if connection.getpeername() == (_HOST, port):
                connection.shutdown(socket.SHUT_RDWR)


def _stop_listening(port: int) -> None:
    """Take no further connections at a port of this process."""
    for listener in _sockets():
        with contextlib.suppress(OSError):
            if listener.getsockname() == (_HOST, port) and listener.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                listener.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """Every socket of this process, as a copy, so that nobody's own is closed here."""
    try:
        descriptors = [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 (numbers)
    except OSError:
        return
    for descriptor in descriptors:
        with contextlib.suppress(OSError), _opened(os.dup(descriptor)) as found:
            yield found


@contextlib.contextmanager
def _opened(descriptor: int) -> Iterator[socket.socket]:
    """Take a descriptor for a socket, and close it."""
    try:
        connection = socket.socket(fileno=descriptor)
    except OSError:
        os.close(descriptor)
        raise
    with connection:
        yield connection
