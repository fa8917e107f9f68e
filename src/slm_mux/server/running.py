"""The process: sockets, signals, and an end that finishes what runs."""

import asyncio
import contextlib
import ipaddress
import logging
import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from slm_mux.server.connections import limited
from slm_mux.server.keys import Keys
from slm_mux.server.logs import log_event
from slm_mux.server.settings import ServerSettings, SettingsError

BACKLOG = 2048
FILES_PER_CONNECTION = 4
"""Open files for each connection that is taken: its own, and some to the models' endpoints."""


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine alone.

    Raises:
        SettingsError: there is no such host.
    """
    return all(ipaddress.ip_address(address).is_loopback for address in _addresses(host))


def check_exposure(settings: ServerSettings, keys: Keys) -> None:
    """Refuse to let everybody in a network ask.

    Raises:
        SettingsError: the host is not the loopback, and there are no keys.
    """
    if not keys and not is_loopback(settings.host):
        raise SettingsError(
            f"{settings.host} can be reached from other machines, so a key is needed: put one into "
            "an environment variable and name it with --api-key-env, or listen on 127.0.0.1"
        )


def listen(settings: ServerSettings) -> list[socket.socket]:
    """Open the server's sockets, one for each address of its host.

    Raises:
        SettingsError: the address is taken, is not one of this machine's, or may not be used.
    """
    sockets: list[socket.socket] = []
    port = settings.port
    try:
        for address in _addresses(settings.host):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            opened = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(opened)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.bind((address, port))
            opened.listen(BACKLOG)
            opened.setblocking(False)
            # Where the system chose the port, every address has the same one.
            port = opened.getsockname()[1]
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise SettingsError(
            f"cannot listen on {settings.host}, port {port}: {error.strerror or error}; another "
            "program may have it: choose another with --port"
        ) from None
    return sockets


def url_of(settings: ServerSettings, sockets: Sequence[socket.socket]) -> str:
    """Write the address under which the server can be asked."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{sockets[0].getsockname()[1]}"


def _addresses(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise SettingsError(f"there is no host {host!r} to listen on") from None
    usable = (socket.AF_INET, socket.AF_INET6)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found if entry[0] in usable)
    return list(addresses)


def allow_connections(most: int) -> int | None:
    """Raise this process's limit of open files, so that so many clients can be connected.

    Many systems start programs with 1024. At the limit no model can be reached any more, and all of
    them would seem to be down.

    Args:
        most: connections of clients.

    Returns:
        How many files may be open now; None where the system has no such limit.
    """
    try:
        import resource
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    wanted = FILES_PER_CONNECTION * most
    if soft == endless or soft >= wanted:
        return None if soft == endless else soft
    raised = wanted if hard == endless else min(wanted, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    if soft < 2 * most:
        log_event(logging.WARNING, "few_files", allowed=soft, max_connections=most)
    return soft


class Running(uvicorn.Server):
    """A server in the running event loop.

    The first SIGINT or SIGTERM, or `stop`, lets it finish what runs: no new connections are taken,
    requests at work have `shutdown_seconds`, then they are cancelled. The second one ends it at
    once.

    `serve` runs it until it has ended.

    Args:
        app: closes its models when the server ends.
        settings: the limits.
        on_start: called once requests are taken.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        *,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=limited(settings),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=math.ceil(settings.idle_seconds),
                timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds),
            )
        )
        self._on_start = on_start
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ended_at_once = False
        """Whether a second signal ended it, with requests still at work."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        if self.started:
            self._on_start()

    def stop(self) -> None:
        """Finish what runs; called again, end at once."""
        if self.should_exit:
            self.force_exit = self.ended_at_once = True
        else:
            log_event(logging.INFO, "stopping", at_work=len(self.server_state.tasks))
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take in a signal: in the event loop, since it may come amid any other work."""
        del sig, frame
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.stop)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while the server runs; they have been dealt with when it has ended."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._loop = asyncio.get_running_loop()
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
