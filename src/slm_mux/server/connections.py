"""Connections as uvicorn serves them, with the limits that it does not have.

Unlimited, a client could hold a connection by sending its request's head a byte at a time, by never
sending one, or by never reading its reply.
"""

import asyncio
from typing import Any, cast

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

from slm_mux.server.settings import ServerSettings
from slm_mux.server.wire.errors import ApiError, unavailable
from slm_mux.server.writes import JoinedWrites

LONGEST_HEAD = 16 * 2**10
"""Bytes of a request's head."""
_END_OF_HEAD = b"\r\n\r\n"
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Content-Type: application/json\r\nConnection: close\r\nRetry-After: 1\r\n"
)
_FULL_BODY = msgspec.json.encode(
    unavailable("the server has as many connections as it takes; come back later").document()
)


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 with limits on the number of connections and on how long a client may stall."""

    limits: ServerSettings
    """Set on a subclass by `limited`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse one connection too many; else wait for a request's head."""
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self.loop)))
        if len(self.connections) > self.limits.max_connections:
            length = f"Content-Length: {len(_FULL_BODY)}\r\n\r\n".encode()
            transport.write(_FULL + length + _FULL_BODY)
            transport.close()
            return
        self._head_timer = self.loop.call_later(self.limits.header_seconds, self._stalled)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._drop_head_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a head that has begun must be there in time."""
        if self.transport.is_closing():
            return
        # What comes in pieces is limited by h11, which looks only at heads that are not whole.
        long = len(data) > LONGEST_HEAD and self.conn.their_state is h11.IDLE
        if long and data.find(_END_OF_HEAD, 0, LONGEST_HEAD) < 0:
            self.send_400_response(f"the request's head is longer than {LONGEST_HEAD} bytes")
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._drop_head_timer()
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.limits.header_seconds, self._stalled)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP in the form of every other error."""
        body = msgspec.json.encode(ApiError(status=400, message=msg, code="bad_http").document())
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        reply = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (reply, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        """Wait for a client that does not read its reply, but not for ever."""
        super().pause_writing()
        self._await_reading(self.transport.get_write_buffer_size())

    def _await_reading(self, unread: int) -> None:
        seconds = self.limits.write_seconds
        self._write_timer = self.loop.call_later(seconds, self._look_at_reading, unread)

    def _look_at_reading(self, before: int) -> None:
        """Give a client that has taken some of its reply as long for the next."""
        unread = self.transport.get_write_buffer_size()
        if unread < before:
            self._await_reading(unread)
        else:
            self._stalled()

    def resume_writing(self) -> None:
        """Go on: it reads again."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def _drop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stalled(self) -> None:
        """Close without waiting for what is still to be written: nobody reads it."""
        self.transport.abort()


def limited(settings: ServerSettings) -> type[LimitedProtocol]:
    """The protocol with these limits."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": settings})
