"""The page over a real model in the process, in a real browser."""

from pathlib import Path

import pytest

from slm_mux.models.pool import Pool
from tests.browser import NEEDS_BROWSER, browser
from tests.server.page.serving import opened, served
from tests.server.test_real_model import SHA256

pytestmark = [pytest.mark.real_model, NEEDS_BROWSER]


def test_the_page_over_a_real_model(tmp_path: Path, smollm2_gguf: Path) -> None:
    """Live and without a script it shows the model's real draws, their tokens and their votes."""
    path = tmp_path / "pool.yaml"
    path.write_text(
        "samples: 2\nmax_tokens: 32\nmodels:\n"
        f"  - name: tiny\n    gguf: {smollm2_gguf}\n    sha256: {SHA256}\n"
    )
    with served(pool=Pool.load(path)) as server, browser() as started:
        for scripted in (True, False):
            with opened(started, server, java_script_enabled=scripted) as seen:
                page = seen.page
                page.fill("#question", "Say hello to the world in one sentence.")
                page.click(".further summary")
                page.select_option("#stopping", "none")
                page.fill("#samples", "2")
                page.click("#send")
                page.wait_for_selector(".verdict", timeout=100_000)
                assert page.locator(".column h3").all_inner_texts() == ["tiny"]
                assert page.locator(".draw details").count() == 2
                page.locator("#draw-0-1 summary").click()
                assert page.locator("#draw-0-1 .text").inner_text()
                assert "token" in page.locator("#draw-0-1 .note").inner_text()
                assert seen.complaints == []
        with opened(started, server, "/status") as seen:
            assert "The model answers." in seen.page.locator(".lead").inner_text()
            assert seen.complaints == []
