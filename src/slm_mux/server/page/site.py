"""What all pages share: templates and folders."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slm_mux.discussion.breaches import in_words
from slm_mux.mux.methods import METHODS
from slm_mux.server.bodies import Bodies
from slm_mux.server.page import words
from slm_mux.server.page.board import Board
from slm_mux.server.page.folders import KeptQuestions, Reports
from slm_mux.server.page.form import Form
from slm_mux.server.page.marks import SHAPES
from slm_mux.server.page.rendering import asset, environment
from slm_mux.server.page.talk import changes_of, talk_of
from slm_mux.server.service import Service
from slm_mux.server.wire.errors import ApiError
from slm_mux.server.wire.names import KINDS

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files that pages ask for, with their types."""


class Site:
    """The parts of the pages of one server.

    Args:
        service: the server's.
        bodies: reads forms.
    """

    def __init__(self, service: Service, bodies: Bodies) -> None:
        settings = service.settings
        self.service = service
        self.bodies = bodies
        self.assets = {name: asset(name) for name in ASSETS}
        self.kept = (
            KeptQuestions(Path(settings.keep_questions).expanduser(), most=settings.max_kept)
            if settings.keep_questions
            else None
        )
        self.reports = Reports(Path(settings.reports).expanduser()) if settings.reports else None

    @cached_property
    def _environment(self) -> "Environment":
        made = environment()
        digest = hashlib.sha256(b"".join(self.assets.values())).hexdigest()
        made.globals.update(
            words=words,
            changes=changes_of,
            breaches=in_words,
            shapes=SHAPES,
            version=digest[:12],
            has_reports=self.reports is not None,
            needs_key=self.service.door.needs_key,
        )
        return made

    @cached_property
    def _parts(self) -> Any:
        return self._environment.get_template("parts.html").module

    def render(self, name: str, **shown: Any) -> str:
        """Render a page."""
        return self._environment.get_template(name).render(**shown)

    def render_part(self, name: str, **shown: Any) -> str:
        """Render a part of a page: a macro of parts.html."""
        return str(getattr(self._parts, name)(**shown))

    def _methods(self) -> tuple[str, ...]:
        """The methods of any pool."""
        served = [methods.names for methods in self.service.methods.values()]
        return tuple(name for name in METHODS if any(name in names for names in served))

    def home(
        self,
        form: Form,
        *,
        let_in: bool,
        mux: dict[str, Any] | None = None,
        board: Board | None = None,
        error: ApiError | None = None,
        wrong: str | None = None,
        link: str | None = None,
        not_kept: str | None = None,
    ) -> str:
        """Render the page with the form.

        Args:
            form: what is filled in.
            let_in: whether its reader may know the pools' names.
            mux: the decision, where there is one.
            board: its draws.
            error: why there is none.
            wrong: the field that the error speaks of.
            link: where the question is kept.
            not_kept: why it is not.
        """
        pools = list(self.service.roster)
        shown = [(pool.name, len(pool.pool)) for pool in pools] if let_in else None
        return self.render(
            "home.html",
            form=form,
            pools=shown,
            samples=pools[0].pool.samples if let_in else None,
            # As a pool's settings are nobody's business without a key, so are its methods.
            methods=self._methods() if let_in else tuple(METHODS),
            kinds=("auto", *KINDS),
            caps=self.service.caps,
            can_keep=self.kept is not None,
            mux=mux,
            board=board,
            talk=None if mux is None else talk_of(mux),
            error=error,
            wrong=wrong,
            link=link,
            not_kept=not_kept,
        )
