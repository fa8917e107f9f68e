"""Reads the bodies of requests: none longer, slower or more at once than the server allows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace
from starlette.types import Receive

from slm_mux.server.admission import BusyError
from slm_mux.server.settings import ServerSettings
from slm_mux.server.wire.errors import ApiError, RefusedError, too_large, too_slow

_CLOSE = ("Connection", "close")
_DISCARD_BYTES = 64 * 2**20
_DISCARD_SECONDS = 2.0


class ClientLeftError(Exception):
    """The client closed its connection before it had its reply."""


class Bodies:
    """Reads bodies within limits of size, of time, and of all that are read at the same time.

    Args:
        settings: these limits.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._most = settings.max_body
        self._most_together = settings.max_bodies
        self._seconds = settings.body_seconds
        self._together = 0

    @property
    def held(self) -> int:
        """Bytes of the bodies that are being read and parsed."""
        return self._together

    @asynccontextmanager
    async def reading(self, receive: Receive, *, announced: str | None) -> AsyncIterator[bytes]:
        """Read a body to its end, and count it for as long as what was in it is worked on.

        Args:
            receive: as ASGI gives it.
            announced: the Content-Length, where there is one.

        Raises:
            RefusedError: it is too long (413) or too slow (408).
            BusyError: too many bodies are being worked on.
            ClientLeftError: the client left.
        """
        size = 0
        try:
            length = int(announced) if announced and announced.isdecimal() else 0
            if length > self._most:
                raise await self._too_long(receive, left=length)
            chunks = []
            more = True
            try:
                async with asyncio.timeout(self._seconds):
                    while more:
                        chunk, more = await _next(receive)
                        size += len(chunk)
                        self._count(len(chunk))
                        if size > self._most:
                            raise await self._too_long(receive, left=_DISCARD_BYTES)
                        chunks.append(chunk)
            except TimeoutError:
                raise RefusedError(_closing(too_slow())) from None
            yield b"".join(chunks)
        finally:
            self._together -= size

    def _count(self, size: int) -> None:
        self._together += size
        if self._together > self._most_together:
            raise BusyError(
                "the server holds as many bodies as it can; come back later",
                reason="bodies",
                retry_after=1,
            )

    async def _too_long(self, receive: Receive, *, left: int) -> RefusedError:
        """Read and forget some of what is still to come.

        A connection that is closed with bytes unread is reset, and its client may never see why.
        """
        more = left <= _DISCARD_BYTES
        discarded = 0
        try:
            async with asyncio.timeout(min(_DISCARD_SECONDS, self._seconds)):
                while more and discarded <= _DISCARD_BYTES:
                    chunk, more = await _next(receive)
                    discarded += len(chunk)
        except TimeoutError:
            pass
        return RefusedError(_closing(too_large(self._most)))


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeftError
    return message.get("body", b""), message.get("more_body", False)


def _closing(reply: ApiError) -> ApiError:
    """The rest of the body would be taken for the next request."""
    return replace(reply, headers=(*reply.headers, _CLOSE))
