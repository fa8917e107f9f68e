"""ASGI's messages: reads a request's headers, writes replies and errors."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.types import Scope, Send

from slm_mux.server.wire.errors import ApiError

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
Headers = Sequence[tuple[str, str]]

_encoder = msgspec.json.Encoder()


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that name, which is in small letters; None where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def media_type(scope: Scope) -> str:
    """What a request's body is said to be, in small letters; blank where nothing is said."""
    return (header(scope, b"content-type") or "").partition(";")[0].strip().lower()


async def start(send: Send, status: int, content_type: str, headers: Headers = ()) -> None:
    """Send the head of a reply."""
    written = [(b"content-type", content_type.encode())]
    written += [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": written})


async def finish(send: Send, body: bytes) -> None:
    """Send the rest of a reply."""
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def send_bytes(
    send: Send, body: bytes, content_type: str, *, status: int = 200, headers: Headers = ()
) -> None:
    """Send a whole reply."""
    await start(send, status, content_type, [*headers, ("Content-Length", str(len(body)))])
    await finish(send, body)


async def send_json(send: Send, document: Any, *, status: int = 200, headers: Headers = ()) -> None:
    """Send a JSON document."""
    await send_bytes(send, _encoder.encode(document), JSON, status=status, headers=headers)


async def send_error(send: Send, error: ApiError) -> None:
    """Send an error in OpenAI's form."""
    await send_json(send, error.document(), status=error.status, headers=error.headers)
