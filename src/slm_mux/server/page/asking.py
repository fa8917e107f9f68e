"""POST /ask and POST /ask/live: a question from the page, through the API's own code.

The same keys, places, limits and timeouts as POST /v1/chat/completions, and the same end for one
whose asker has left: every draw is cancelled.
"""

import asyncio
from typing import Any

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from slm_mux.errors import SlmMuxError
from slm_mux.server.admission import BusyError
from slm_mux.server.bodies import Bodies
from slm_mux.server.chat import Asking
from slm_mux.server.delivery import while_connected
from slm_mux.server.origin import from_own_page
from slm_mux.server.page.board import board_of
from slm_mux.server.page.folders import NotKeptError
from slm_mux.server.page.form import Form, check_form_type, field_of, fields_in
from slm_mux.server.page.live import LiveBoard, send_live
from slm_mux.server.page.rendering import page
from slm_mux.server.page.site import Site
from slm_mux.server.replies import header, send_json
from slm_mux.server.settings import MEBIBYTE, ServerSettings
from slm_mux.server.wire.errors import ApiError, RefusedError

_MOST = 8 * MEBIBYTE
_MOST_TOGETHER = 64 * MEBIBYTE


def form_bodies(settings: ServerSettings) -> Bodies:
    """Make what reads forms: a key comes in the form itself, so anybody may send one.

    They are counted apart, so that nobody without a key can take the API's room for bodies.
    """
    most = min(_MOST, settings.max_body)
    return Bodies(
        replace(settings, max_body=most, max_bodies=min(_MOST_TOGETHER, settings.max_bodies))
    )


def with_key(scope: Scope, key: str) -> Scope:
    """The scope of a request as if it carried the key that its form did."""
    if not key.strip():
        return scope
    others = [one for one in scope["headers"] if one[0] != b"authorization"]
    sent = (b"authorization", b"Bearer " + key.strip().encode("utf-8"))
    return {**scope, "headers": [*others, sent]}


def check_sender(scope: Scope) -> None:
    """Refuse a form that a page of another origin made a browser send.

    Raises:
        RefusedError: it came from elsewhere (403).
    """
    if from_own_page(scope) is False:
        raise RefusedError(
            ApiError(
                status=403,
                message="this form was sent by a page of another origin: open the page here and "
                "send it again",
                code="wrong_origin",
            )
        )


async def form_sent(bodies: Bodies, scope: Scope, receive: Receive) -> dict[str, str]:
    """Read a form that this server's own page sent.

    Raises:
        RefusedError, BusyError: it is too long, too slow, no form, or from elsewhere.
        ClientLeftError: its sender left.
    """
    check_sender(scope)
    check_form_type(scope)
    async with bodies.reading(receive, announced=header(scope, b"content-length")) as body:
        return fields_in(body)


class AskEndpoint:
    """Answers a form with a page, or with changes to the page that it stands on.

    Args:
        site: the pages' parts.
        live: whether the changes are sent as they come.
    """

    def __init__(self, site: Site, *, live: bool) -> None:
        self._site = site
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one form."""
        site, form = self._site, Form()
        board = LiveBoard(site.render_part)
        asking = Asking(site.service, scope, watch=board.observe if self._live else None)
        try:
            form = Form(**await form_sent(site.bodies, scope, receive))
            asking.scope = with_key(scope, form.key)
            if self._live:
                await while_connected(
                    send_live(
                        self._changes(asking, form, board),
                        board,
                        send,
                        every=site.service.settings.heartbeat_seconds,
                        failed=lambda error: self._failure(asking.explain(error)),
                    ),
                    receive,
                )
            else:
                mux = await while_connected(self._decided(asking, form), receive)
                kept = await self._kept(form, mux)
                html = site.home(form, mux=mux, board=board_of(mux), let_in=True, **kept)
                await page(html)(scope, receive, send)
        except (SlmMuxError, BusyError) as error:
            told = asking.explain(error)
            if self._live:
                await send_json(send, self._failure(told), status=told.status, headers=told.headers)
            else:
                let_in = site.service.door.holds_key(asking.scope)
                html = site.home(form, error=told, wrong=field_of(told), let_in=let_in)
                await page(html, like=told)(scope, receive, send)

    async def _decided(self, asking: Asking, form: Form) -> dict[str, Any]:
        door = self._site.service.door
        label = door.check(asking.scope)
        door.count(label)
        ask, name = asking.understood(form.body())
        mux = (await asking.in_place(label, ask, name)).mux
        if mux is None:
            raise AssertionError("a form asks pools only")
        return mux

    async def _changes(self, asking: Asking, form: Form, board: LiveBoard) -> dict[str, Any]:
        mux = await self._decided(asking, form)
        return board.decided(mux, **await self._kept(form, mux))

    async def _kept(self, form: Form, mux: dict[str, Any]) -> dict[str, Any]:
        """Keep a question, if that was asked for and is allowed."""
        kept = self._site.kept
        if kept is None or not form.keep:
            return {"link": None, "not_kept": None}
        try:
            link = f"/kept/{await asyncio.to_thread(kept.keep, form.question, mux)}"
        except NotKeptError as error:
            return {"link": None, "not_kept": str(error)}
        return {"link": link, "not_kept": None}

    def _failure(self, error: ApiError) -> dict[str, Any]:
        """The changes that show an error."""
        html = self._site.render_part("failure", error=error)
        return {
            "set": {"verdict": html, "progress": self._site.render_part("ended")},
            "say": "No answer.",
            "field": field_of(error),
            "done": True,
        }
