"""A real browser, where there is one: Debian's chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
WHY_NOT = "" if CHROMIUM else "chromium is not on the PATH (on Debian: apt install chromium)"
NEEDS_BROWSER = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@contextmanager
def browser() -> Iterator[Any]:
    """Start it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root its own sandbox does not start.
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield started
        finally:
            started.close()


class Seen:
    """A page in the browser, with everything that it asked for and complained of.

    Args:
        started: the browser.
        address: of the page.
        offline: whether the page has no network; a server on this machine counts as network.
        context: further options of the browser's context.
    """

    def __init__(self, started: Any, address: str, *, offline: bool = True, **context: Any) -> None:
        size = {"width": 1280, "height": 900}
        self.context = started.new_context(viewport=size, offline=offline, **context)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)

    def wait_for_charts(self) -> None:
        """Wait until all are drawn."""
        self.page.wait_for_selector("html[data-charts=drawn]", timeout=60_000)

    def ask(self, expression: str) -> Any:
        """Evaluate JavaScript in the page; the policy binds its scripts, not this."""
        return self.page.evaluate(expression)
