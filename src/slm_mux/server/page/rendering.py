"""Templates become replies, each with a policy under which nothing but the page's own may run."""

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from slm_mux.plain_text import plain
from slm_mux.server.page.texts import on_one_line, share
from slm_mux.server.wire.errors import ApiError

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Of every page: no script or style but the server's own files, no request to anybody else."""

PAGE_HEADERS = (
    ("Content-Security-Policy", POLICY),
    # A page may hold a question that nobody else at this computer should find.
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

Render = Callable[..., str]
"""Renders a template by its name, with what stands in it."""


def environment() -> "Environment":
    """Make the templates' environment: every text on a page is escaped, and made plain before."""
    # A server that is asked through the API alone never needs it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("slm_mux.server.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(on_one_line=on_one_line)
    made.globals.update(share=share)
    return made


def asset(name: str) -> bytes:
    """Read one of the files that pages ask for."""
    return files("slm_mux.server.page").joinpath("assets", name).read_bytes()


def page(html: str, *, like: ApiError | None = None) -> HTMLResponse:
    """Make the reply of a page, with the status and headers of an error where there is one."""
    if like is None:
        return HTMLResponse(html, headers=dict(PAGE_HEADERS))
    return HTMLResponse(html, like.status, headers=dict([*PAGE_HEADERS, *like.headers]))


def _finalize(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return plain(value)
    return value
