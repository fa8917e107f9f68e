"""What surrounds every request: its id, the Host check, its line in the log, no stack traces."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slm_mux.server.bodies import ClientLeftError
from slm_mux.server.logs import log_event, log_exception
from slm_mux.server.metrics import ServerMetrics
from slm_mux.server.origin import from_own_page
from slm_mux.server.replies import header, send_error
from slm_mux.server.wire.errors import ApiError, internal, unavailable, wrong_host

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
UNKNOWN_ROUTE = "unknown"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_PORT = re.compile(r":\d*$")
_SECURE = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))

_TWO_LENGTHS = ApiError(
    status=400,
    message="the request has a length and comes in chunks too; send one of the two",
    code="bad_http",
    # Its end is not where every proxy thinks: what comes after is no request.
    headers=(("Connection", "close"),),
)


class Frame:
    """The outermost layer of the app.

    Args:
        app: what is inside.
        hosts: the names under which the server may be asked; None for any.
        origins: the web pages that may ask it; None for any, since a key is needed anyway.
        metrics: counts each request.
        log_prompts: whether messages of unexpected errors may be logged.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str] | None,
        origins: Iterable[str] | None,
        metrics: ServerMetrics,
        log_prompts: bool,
    ) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)
        self._origins = None if origins is None else frozenset(origins)
        self._metrics = metrics
        self._log_prompts = log_prompts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        given = header(scope, b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        note: dict[str, Any] = {}
        scope["state"] = {**scope.get("state", {}), "request_id": request_id, "note": note}
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    *_SECURE,
                ]
            await send(message)

        try:
            wrong = self._refusal(scope)
            if wrong is not None:
                await send_error(send_on, wrong)
            else:
                await self._app(scope, receive, send_on)
        except ClientLeftError:
            self._metrics.left()
            note["left"] = True
        except asyncio.CancelledError:
            # The server is told to stop, and this request had the time it was given.
            note["cancelled"] = True
            if not status:
                await send_error(send_on, unavailable("the server is shutting down"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on
            log_exception("request_failed", error, prompts=self._log_prompts, request_id=request_id)
            if not status:
                await send_error(send_on, internal(request_id))
        finally:
            self._ended(scope, request_id, status, time.perf_counter() - started, note)

    def _refusal(self, scope: Scope) -> ApiError | None:
        """Refuse what two readers may read in two ways, or a web page made a browser send.

        A name that was rebound to this machine, or a form that posts here from elsewhere.
        """
        if header(scope, b"transfer-encoding") and header(scope, b"content-length"):
            return _TWO_LENGTHS
        if self._hosts is not None:
            host = header(scope, b"host") or ""
            if _PORT.sub("", host).lower() not in self._hosts:
                return wrong_host(host)
        origin = header(scope, b"origin")
        if origin is None or self._origins is None or scope["method"] in ("GET", "HEAD"):
            return None
        if from_own_page(scope) or origin in self._origins or "*" in self._origins:
            return None
        return ApiError(
            status=403,
            message="a web page of another origin asks; name it in `allow_origins` if it may",
            code="wrong_origin",
        )

    def _ended(
        self, scope: Scope, request_id: str, status: int, seconds: float, note: dict[str, Any]
    ) -> None:
        route = getattr(scope.get("route"), "path", None) or UNKNOWN_ROUTE
        self._metrics.request_ended(route, status, seconds)
        quiet = route in ("/health", "/ready", "/metrics") and status < 400
        log_event(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            request_id=request_id,
            method=scope["method"],
            path=scope["path"],
            status=status or None,
            seconds=round(seconds, 4),
            **note,
        )
