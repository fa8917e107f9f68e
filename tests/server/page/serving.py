"""A real server in a thread of its own, for a browser in the test's."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from slm_mux.models.pool import Pool
from tests.browser import Seen
from tests.endpoints import FakeEndpoint
from tests.server.asking import Asked, asked, endpoints, remote_pool

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""How much wider than the window the page is, in pixels."""


class Served:
    """A server with its models' endpoints, all in one thread.

    Args:
        portal: calls what is in that thread.
        server: the server.
        fakes: the endpoints of the models a, b, c and so on.
    """

    def __init__(self, portal: BlockingPortal, server: Asked, fakes: list[FakeEndpoint]) -> None:
        self._portal = portal
        self._server = server
        self.fakes = fakes
        self.url = server.url

    def do(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something in the server's thread; what is awaitable is awaited."""
        return self._portal.call(function, *arguments)

    def quiet(self) -> None:
        """Wait until nothing is in flight."""
        self.do(self._server.quiet, self.fakes)


@contextmanager
def served(
    models: int = 3, *, pool: Pool | None = None, samples: int = 3, **settings: Any
) -> Iterator[Served]:
    """Serve a pool of so many fake endpoints, or another one.

    Args:
        models: how many.
        pool: the other one.
        samples: k.
        settings: the server's, and what else `asked` takes.
    """

    @asynccontextmanager
    async def both() -> AsyncIterator[tuple[Asked, list[FakeEndpoint]]]:
        async with endpoints(0 if pool else models) as fakes:
            urls = [fake.url for fake in fakes]
            of = pool or remote_pool(*urls, samples=samples, retry_seconds=0.01)
            async with asked(of, **settings) as server:
                yield server, fakes

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(both()) as (server, fakes),
    ):
        yield Served(portal, server, fakes)


@contextmanager
def opened(started: Any, served: Served, path: str = "/", **context: Any) -> Iterator[Seen]:
    """Open one of the server's pages; asserts at the end that nobody else was asked."""
    seen = Seen(started, served.url + path, offline=False, **context)
    seen.page.set_default_timeout(20_000)
    try:
        yield seen
        assert [url for url in seen.requests if not url.startswith(served.url + "/")] == []
    finally:
        seen.context.close()
