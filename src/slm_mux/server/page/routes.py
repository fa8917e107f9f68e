"""The pages' routes, for `slm_mux.server.app.make_app(more_routes=[page_routes])`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from slm_mux.errors import SlmMuxError
from slm_mux.server.admission import BusyError
from slm_mux.server.page import status
from slm_mux.server.page.asking import AskEndpoint, form_bodies, form_sent, with_key
from slm_mux.server.page.board import board_of
from slm_mux.server.page.folders import REPORT_POLICY, minute_of
from slm_mux.server.page.form import Form
from slm_mux.server.page.rendering import page
from slm_mux.server.page.site import ASSETS, Site
from slm_mux.server.page.talk import talk_of
from slm_mux.server.service import Service
from slm_mux.server.wire.errors import ApiError, api_error, too_many

Show = Callable[[Request], Awaitable[Response]]


def page_routes(service: Service) -> Sequence[BaseRoute]:
    """Make the routes of the pages.

    Args:
        service: the server's parts.
    """
    pages = Pages(Site(service, form_bodies(service.settings)))
    either = ["GET", "POST"] if service.door.needs_key else ["GET"]
    routes: list[BaseRoute] = [
        Route("/", pages.home, methods=["GET"]),
        Route("/ask", AskEndpoint(pages.site, live=False), methods=["POST"]),
        Route("/ask", pages.to_home, methods=["GET"]),
        Route("/ask/live", AskEndpoint(pages.site, live=True), methods=["POST"]),
        Route("/status", pages.status, methods=either),
        Route("/assets/{name}", pages.asset, methods=["GET"]),
    ]
    if pages.site.kept is not None:
        routes.append(Route("/kept/{name}", pages.kept, methods=["GET"]))
    if pages.site.reports is not None:
        routes.append(Route("/reports", pages.reports, methods=either))
        routes.append(Route("/reports/{name}", pages.report, methods=either))
    return routes


class Pages:
    """The pages that are not asked a question.

    Args:
        site: what they share.
    """

    def __init__(self, site: Site) -> None:
        self.site = site

    async def home(self, request: Request) -> Response:
        """GET /: the form."""
        let_in = self.site.service.door.holds_key(request.scope)
        return page(self.site.home(Form(), let_in=let_in))

    async def to_home(self, _: Request) -> Response:
        """GET /ask: somebody went back to the address of a reply."""
        return Response(status_code=303, headers={"Location": "/"})

    async def status(self, request: Request) -> Response:
        """The state of every model, for who has a key."""
        return await self._behind_key(request, "The models", self._status)

    async def reports(self, request: Request) -> Response:
        """The list of finished reports, for who has a key."""
        return await self._behind_key(request, "Reports", self._reports)

    async def report(self, request: Request) -> Response:
        """One report, as it is in its file, for who has a key."""
        return await self._behind_key(request, "Report", self._report)

    async def kept(self, request: Request) -> Response:
        """A kept question, for who knows its id."""
        kept = self.site.kept
        name = request.path_params["name"]
        found = None if kept is None else await asyncio.to_thread(kept.read, name)
        if found is None:
            return self._missing("There is no question at this link. It may have been deleted.")
        mux = found["mux"]
        html = self.site.render(
            "kept.html",
            question=found["question"],
            day=minute_of(found["kept"]),
            mux=mux,
            board=board_of(mux),
            talk=talk_of(mux),
        )
        reply = page(html)
        reply.headers["X-Robots-Tag"] = "noindex"
        return reply

    async def asset(self, request: Request) -> Response:
        """A file that pages ask for. Its address changes with its content."""
        name = request.path_params["name"]
        if name not in ASSETS:
            return self._missing("There is no such file.")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self.site.assets[name], media_type=ASSETS[name], headers=headers)

    async def _status(self, _: Request) -> Response:
        rows = await status.rows(self.site.service)
        html = self.site.render("status.html", rows=rows, verdict=status.verdict(rows))
        return page(html)

    async def _reports(self, _: Request) -> Response:
        folder = self.site.reports
        listed = [] if folder is None else await asyncio.to_thread(folder.listed)
        return page(self.site.render("reports.html", reports=listed))

    async def _report(self, request: Request) -> Response:
        folder = self.site.reports
        name = request.path_params["name"]
        path = None if folder is None else await asyncio.to_thread(folder.path, name)
        if path is None:
            return self._missing("There is no report of that name.")
        headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-store"}
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)

    async def _behind_key(self, request: Request, title: str, show: Show) -> Response:
        """Show a page to who has a key; a key comes in a form, and no address holds one."""
        site, scope = self.site, request.scope
        asked: dict[str, Any] = {"title": title, "action": request.url.path}
        try:
            if request.method == "POST":
                fields = await form_sent(site.bodies, scope, request.receive)
                scope = with_key(scope, fields.get("key", ""))
            elif not site.service.door.holds_key(scope):
                return page(site.render("key.html", error=None, **asked))
            site.service.door.check(scope)
            return await show(request)
        except BusyError as error:
            told = too_many(str(error), retry_after=error.retry_after)
        except SlmMuxError as error:
            told = api_error(error, request_id=scope["state"]["request_id"])
        return page(site.render("key.html", error=told, **asked), like=told)

    def _missing(self, message: str) -> Response:
        told = ApiError(status=404, message=message, code="unknown_url")
        return page(self.site.render("missing.html", message=message), like=told)
