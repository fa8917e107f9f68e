"""The page in a real browser: charts drawn, numbers right, nothing asked for, usable by all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slm_mux.reports import render
from slm_mux.reports.sections import charts
from tests.browser import NEEDS_BROWSER, Seen, browser
from tests.reports.making import demo_document, with_hostile, written

pytestmark = NEEDS_BROWSER

NAME = "qwen2.5-coder-0.5b-program"

WIDE = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""

REACHED = """() => {
  const at = document.activeElement;
  return at === document.body ? null : (at.id || at.textContent).trim().slice(0, 60);
}"""

CLIPPED = """() => [...document.querySelectorAll('.chart')].flatMap((box) => {
  const edge = box.getBoundingClientRect();
  return [...box.querySelectorAll('svg text')]
    .map((text) => [text.getBoundingClientRect(), text.textContent])
    .filter(([r]) => r.width && (r.left < edge.left - 4 || r.right > edge.right + 4))
    .map(([r, said]) => `${box.dataset.chart}: ${said}`);
})"""


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    """One browser for all."""
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def seen(started: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """The report of the recording; tests that change it change it back."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    one = Seen(started, written(path, render(demo_document())))
    one.wait_for_charts()
    yield one
    one.context.close()


def test_nothing_is_asked_for(seen: Seen) -> None:
    """One request, for the file itself; no complaint on the console."""
    assert [url.rsplit("/", 1)[-1] for url in seen.requests] == ["report.html"]
    assert seen.complaints == []


def test_every_chart_is_drawn_with_the_documents_numbers(seen: Seen) -> None:
    """Each row of a chart is one mark that a screen reader names, in the words of the table."""
    for chart in charts(demo_document()):
        for number, panel in enumerate(chart.panels):
            place = f"[data-chart='{chart.name}-{number}']"
            drawn = seen.ask(
                f"[...document.querySelectorAll(`{place} svg [aria-roledescription][aria-label]`)]"
                ".filter((one) => one.getAttribute('role') === 'graphics-symbol' && "
                "!/axis|legend|title/.test(one.getAttribute('aria-roledescription')))"
                ".map((one) => one.getAttribute('aria-label'))"
            )
            rows = panel.spec["data"]["values"]
            expected = [row["label"] for row in rows if row.get("size", 1) > 0]
            assert sorted(drawn) == sorted(expected), place
            said = seen.ask(
                f"document.querySelector(`{place} [aria-roledescription=visualization]`)"
                "?.getAttribute('aria-label')"
            )
            assert said.startswith(chart.title)


def test_written_numbers_are_in_the_drawing(seen: Seen) -> None:
    """Figures beside intervals and in the heat map's cells are text in the SVG."""
    document = demo_document()
    texts = seen.ask(
        "[...document.querySelectorAll('[data-chart=accuracy-0] svg text')]"
        ".map((one) => one.textContent)"
    )
    for row in document["evaluation"]["methods"]:
        if row["accuracy"] is not None:
            assert f"{100 * row['accuracy']:.1f}\u00a0%" in texts
    cells = seen.ask(
        "[...document.querySelectorAll('[data-chart=error-correlation-0] svg text')]"
        ".map((one) => one.textContent)"
    )
    assert f"{document['scale']['error_correlation']['correlation'][0][1]:.2f}" in cells


def test_tables_are_the_documents(seen: Seen) -> None:
    """The table under each chart has its cells."""
    for chart in charts(demo_document()):
        assert chart.table is not None
        cells = seen.ask(
            f"[...document.querySelectorAll('#{chart.name} tbody tr')]"
            ".map((row) => [...row.children].map((cell) => cell.textContent))"
        )
        assert cells == [list(row) for row in chart.table.rows]


def test_light_dark_and_narrow(seen: Seen) -> None:
    """Charts are drawn again in the other theme and width; nothing is wider than the page."""
    light = seen.ask("getComputedStyle(document.body).backgroundColor")
    assert seen.ask(WIDE) == 0
    assert seen.ask(CLIPPED) == []
    seen.page.emulate_media(color_scheme="dark")
    seen.page.wait_for_function(
        "() => [...document.querySelectorAll('.chart')].every((b) => b.dataset.drawn === 'dark')"
    )
    assert seen.ask("getComputedStyle(document.body).backgroundColor") != light
    seen.page.set_viewport_size({"width": 400, "height": 800})
    seen.page.wait_for_function(
        "() => [...document.querySelectorAll('.chart svg')].every("
        "(one) => one.getBoundingClientRect().width <= innerWidth)"
    )
    assert seen.ask(WIDE) == 0
    assert seen.ask(CLIPPED) == []
    seen.page.emulate_media(color_scheme="light")
    seen.page.set_viewport_size({"width": 1280, "height": 900})
    seen.page.wait_for_function(
        "() => [...document.querySelectorAll('.chart')].every((b) => b.dataset.drawn === 'light')"
    )
    assert seen.complaints == []


def test_the_keyboard_reaches_everything(seen: Seen) -> None:
    """Tab goes first to the skip link, then to links, every closed text and every open table."""
    page = seen.page
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
    page.keyboard.press("Tab")
    assert page.evaluate(REACHED) == "Skip to the report"
    summaries = page.locator("summary:visible").count()
    reached = 0
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            reached += 1
        if page.evaluate(REACHED) is None or reached == summaries:
            break
    assert reached == summaries
    question = page.locator("details.question").first
    question.locator("> summary").focus()
    page.keyboard.press("Enter")
    draw = question.locator("details.draw").first
    draw.locator("> summary").focus()
    page.keyboard.press("Enter")
    first = demo_document()["worst"][0]
    assert draw.locator(".text").inner_text() == first["models"][0]["draws"][0]["text"]
    outline = draw.locator("> summary").evaluate("(one) => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    question.evaluate("(one) => { one.open = false; }")


def test_hostile_texts_do_nothing(started: Any, tmp_path: Path) -> None:
    """Markup in names and texts is shown, not run, and charts are drawn."""
    document = with_hostile(demo_document(), NAME)
    seen = Seen(started, written(tmp_path / "report.html", render(document)))
    seen.wait_for_charts()
    assert seen.page.title() == "SLM-MUX on demo"
    assert seen.complaints == []
    assert len(seen.requests) == 1
    assert seen.ask("document.querySelectorAll('img').length") == 0
    seen.page.set_viewport_size({"width": 400, "height": 800})
    assert seen.ask(WIDE) == 0
    seen.context.close()


def test_without_scripts(started: Any, tmp_path: Path) -> None:
    """The tables are there, and a sentence says why there are no charts."""
    address = written(tmp_path / "report.html", render(demo_document()))
    seen = Seen(started, address, java_script_enabled=False)
    assert seen.page.locator("noscript p").is_visible()
    figure = seen.page.locator("#accuracy")
    figure.locator("summary").click()
    assert figure.locator("tbody tr").first.is_visible()
    seen.context.close()
