"""The app: routes, and what surrounds them."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from slm_mux.models.pool import Pool
from slm_mux.server.chat import ChatEndpoint
from slm_mux.server.frame import LOOPBACK_NAMES, Frame
from slm_mux.server.health import ready_document
from slm_mux.server.keys import Keys
from slm_mux.server.logs import log_event
from slm_mux.server.replies import JSON, Headers
from slm_mux.server.service import Service
from slm_mux.server.settings import ServerSettings
from slm_mux.server.wire.errors import RefusedError, internal, not_served, wrong_method
from slm_mux.server.wire.names import model_document, models_document
from slm_mux.server.wire.openapi import HEADERS, openapi_document

SERVED = (
    "GET /v1/models",
    "POST /v1/chat/completions",
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /openapi.json",
)
"""The paths that an unknown one is answered with."""

MoreRoutes = Callable[[Service], Sequence[BaseRoute]]
"""Makes further routes of the same server."""


def make_app(
    settings: ServerSettings,
    pools: Mapping[str, Pool],
    *,
    keys: Keys | None = None,
    any_host: bool = False,
    more_routes: Sequence[MoreRoutes] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """Make the app of one server.

    Args:
        settings: every limit.
        pools: by name; the first is the one that `mux` names. They are closed with the app.
        keys: whose requests are answered; without, everybody's.
        any_host: whether the server may be asked by any name, which only keys make safe.
        more_routes: makers of further routes.
        clock: monotonic seconds, of limits and breakers.

    Raises:
        PoolError: there is no pool, or a name cannot be told from another one.
        SettingsError: the settings limit a key that there is not.
    """
    keys = keys or Keys({})
    service = Service(settings, pools, keys, clock=clock)
    hosts = (*LOOPBACK_NAMES, *settings.allowed_hosts)
    middleware = [
        Middleware(
            Frame,
            hosts=None if any_host and not settings.allowed_hosts else hosts,
            origins=None if keys else settings.allow_origins,
            metrics=service.metrics,
            log_prompts=settings.log_prompts,
        )
    ]
    if settings.allow_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allow_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
                expose_headers=[*HEADERS, "Retry-After"],
            )
        )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.log_methods()
        try:
            yield
        finally:
            await service.aclose()

    routes: list[BaseRoute] = [
        Route("/v1/chat/completions", ChatEndpoint(service), methods=["POST"]),
        Route("/v1/models", _models, methods=["GET"]),
        Route("/v1/models/{name:path}", _model, methods=["GET"]),
        Route("/health", _health, methods=["GET"]),
        Route("/ready", _ready, methods=["GET"]),
        Route("/metrics", _metrics, methods=["GET"]),
        Route("/openapi.json", _openapi, methods=["GET"]),
    ]
    for make in more_routes:
        routes += make(service)
    app = Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={HTTPException: _not_routed, RefusedError: _refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _models(request: Request) -> Response:
    service = _service(request)
    service.door.check(request.scope)
    return _json(models_document(service.names, created=service.started))


async def _model(request: Request) -> Response:
    service = _service(request)
    service.door.check(request.scope)
    name = request.path_params["name"]
    return _json(model_document(service.names, name, created=service.started))


async def _health(_: Request) -> Response:
    """Say that the process is alive, whatever becomes of the models."""
    return _json({"status": "ok"})


async def _ready(request: Request) -> Response:
    """Say which models answer; without a key, only whether any does."""
    service = _service(request)
    members = await service.readiness.members()
    ready = any(member.ok for member in members)
    if not ready:
        log_event(logging.WARNING, "not_ready", members=len(members))
    document = ready_document(members, in_detail=service.door.holds_key(request.scope))
    return _json(document, status=200 if ready else 503)


async def _metrics(request: Request) -> Response:
    service = _service(request)
    if service.settings.metrics_need_key:
        service.door.check(request.scope)
    page, content_type = service.metrics.page(request.headers.get("accept"))
    return Response(page, media_type=content_type)


async def _openapi(request: Request) -> Response:
    """Describe the API; without a key, without the names of the models."""
    service = _service(request)
    names = service.names.all() if service.door.holds_key(request.scope) else ()
    return _json(
        openapi_document(
            service.caps,
            names=names,
            version=version("slm-mux"),
            secured=service.door.needs_key,
        )
    )


def _json(document: Any, *, status: int = 200, headers: Headers = ()) -> Response:
    return Response(msgspec.json.encode(document), status, headers=dict(headers), media_type=JSON)


async def _refused(_: Request, error: Exception) -> Response:
    """Answer a request that is not served, in OpenAI's form."""
    told = error.reply if isinstance(error, RefusedError) else internal("")
    return _json(told.document(), status=told.status, headers=told.headers)


async def _not_routed(request: Request, error: Exception) -> Response:
    """Answer what no route answers, in OpenAI's form."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "").split(", ")
        told = wrong_method(request.method, allowed=allowed)
    else:
        told = not_served(request.url.path, served=SERVED)
    return _json(told.document(), status=told.status, headers=told.headers)
