"""The page in a real browser: live and without a script, light, dark and narrow, for everybody."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from slm_mux.reports import render
from tests.browser import NEEDS_BROWSER, browser
from tests.endpoints import answers, never_answers, status, waits_for
from tests.reports.making import demo_document
from tests.server.page.serving import WIDE, Served, opened, served

pytestmark = NEEDS_BROWSER

QUESTION = "What is 6 * 7?"
KEY = "a-key-that-is-long"
HOSTILE = (
    "</textarea></script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
    "\u202eturned\u2066 {{ 7 * 7 }} &amp; \x00\x1b " + "unbroken" * 400
)

AT = "document.activeElement.id || document.activeElement.textContent.trim().slice(0, 40)"

SAID_ALOUD = """() => {
  window.said = [];
  new MutationObserver(() => said.push(document.getElementById('say').textContent))
    .observe(document.getElementById('say'), { childList: true, characterData: true });
}"""

UNNAMED = """[...document.querySelectorAll('input, select, textarea, button, a, summary, progress')]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.labels?.length || one.textContent.trim() || one.ariaLabel))
  .map((one) => one.outerHTML)"""

COLOURED = "(all) => all.map((one) => getComputedStyle(one).fill)"

FAINT = """() => {
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return paint.getImageData(0, 0, 1, 1).data;
  };
  const light = (data) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, index) => {
    const part = data[index] / 255;
    return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = rgb(getComputedStyle(one).backgroundColor);
      if (found[3] === 255) return found;
    }
    return rgb('white');
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = [...document.querySelectorAll('body *')]
    .filter((one) => one.checkVisibility() && !one.closest('.away, .skip, svg'))
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((one) => contrast(rgb(getComputedStyle(one).color), behind(one)) < 4.5)
    .map((one) => one.outerHTML.slice(0, 80));
  const marks = [...document.querySelectorAll('svg.mark, .bar rect:not(.open)')]
    .filter((one) => contrast(rgb(getComputedStyle(one).fill), behind(one.parentElement)) < 3)
    .map((one) => one.getAttribute('class'));
  return [...texts, ...marks];
}"""


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    """One browser for all."""
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def three() -> Iterator[Served]:
    """A server over three models; a test sets what they answer."""
    with served(3) as one:
        yield one


def set_answers(server: Served, *behaviours: Any) -> None:
    """Have the models behave so from now on."""
    for fake, behaviour in zip(server.fakes, behaviours, strict=True):
        fake.always = behaviour


def ask(page: Any, question: str = QUESTION, **fields: str) -> None:
    """Fill the form in and send it; further settings are opened where one is given."""
    page.fill("#question", question)
    if fields:
        page.evaluate("document.querySelector('.further').open = true")
    for name, value in fields.items():
        if name in ("kind", "method", "stopping", "pool"):
            page.select_option(f"#{name}", value)
        else:
            page.fill(f"#{name}", value)
    page.click("#send")


def test_draws_arrive_live(started: Any, three: Served) -> None:
    """Columns stand at once, draws as they come, the verdict last; little is said aloud."""
    gate = three.do(asyncio.Event)
    text = "I count and find that it is 42."
    set_answers(
        three, answers(text), waits_for(gate, answers("41")), waits_for(gate, answers("41"))
    )
    with opened(started, three) as seen:
        page = seen.page
        page.evaluate(SAID_ALOUD)
        ask(page, stopping="none")
        page.locator(".draw.read").nth(2).wait_for()
        assert page.locator(".column h3").all_inner_texts() == ["a", "b", "c"]
        assert page.locator("#model-0-votes .said").inner_text() == "3 of 3 draws agree: 100\u00a0%"
        assert page.locator("#progress label").inner_text() == "3 of 9 draws are in"
        assert page.locator(".draw.asked").count() == 6
        assert page.locator(".verdict").count() == 0
        # What was opened stays open while more arrives.
        page.locator("#draw-0-1 summary").click()
        assert page.locator("#draw-0-1 .text").inner_text() == text
        three.do(gate.set)
        page.wait_for_selector(".verdict")
        assert page.locator("#draw-0-1 .text").is_visible()
        assert page.locator(".answer bdi").inner_text() == "42"
        assert page.locator(".column:has(.won) h3").inner_text() == "a"
        verdict = page.locator(".verdict").inner_text()
        assert "a, b and c agree with themselves equally often (3 of 3)" in verdict
        assert "Validation accuracy breaks the tie: a has the best record" in verdict
        assert "All 9 draws were made." in verdict
        assert page.locator(".others li").count() == 1
        assert page.locator(".bar rect").count() == 3
        assert page.locator("#progress label").count() == 0
        # One mark for one class, in every column.
        fills = page.evaluate(
            "['#model-1-votes', '#model-2-votes', '.others', '.answer'].map((at) => "
            "getComputedStyle(document.querySelector(`${at} .mark`)).fill)"
        )
        assert (fills[0], fills[1]) == (fills[2], fills[2])
        assert fills[3] != fills[2]
        said = page.evaluate("said")
        assert said[-1] == "Done. a answers: 42"
        assert len(said) <= 3
        assert seen.complaints == []


def test_turns_arrive_live(started: Any, three: Served) -> None:
    """A discussion stands step by step, with who had been read; what was opened stays open."""
    gate = three.do(asyncio.Event)
    set_answers(three, answers("42"), answers("42"), waits_for(gate, answers("42")))
    three.fakes[1].then(answers("It is 41."))
    three.fakes[2].then(answers("42"))
    with opened(started, three) as seen:
        page = seen.page
        page.evaluate(SAID_ALOUD)
        ask(page, method="debate")
        page.locator("#turn-4.read").wait_for()
        assert page.locator(".step h3").all_inner_texts() == ["Round 1", "Round 2"]
        assert page.locator("#turn-5.asked").count() == 1
        assert page.locator("#progress label").inner_text() == "5 of at most 9 turns are in"
        assert page.locator(".verdict").count() == 0
        page.locator("#turn-1 summary").click()
        assert page.locator("#turn-1 .text").inner_text() == "It is 41."
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert seen.ask(FAINT) == []
            for width in (1280, 400, 320):
                page.set_viewport_size({"width": width, "height": 800})
                assert seen.ask(WIDE) == 0
        three.do(gate.set)
        page.wait_for_selector(".verdict")
        assert page.locator("#turn-1 .text").is_visible()
        assert "has read a and c" in page.locator("#turn-4").inner_text()
        verdict = page.locator(".verdict").inner_text()
        assert "majority of round 2 (3 of 3 agents)" in verdict
        assert "b went from 41 to 42 in round 2, as a and c had said." in verdict
        assert seen.ask(FAINT) == []
        assert page.evaluate("said")[-1] == "Done. a answers: 42"
        assert seen.complaints == []


def test_draws_that_were_not_needed_are_saved(started: Any, three: Served) -> None:
    """A question that settles early says how many draws that spared."""
    set_answers(three, answers("42"), answers("42"), never_answers())
    with opened(started, three) as seen:
        ask(seen.page)
        seen.page.wait_for_selector(".verdict")
        left = seen.page.locator(".draw.not_drawn").count()
        assert left >= 3
        assert f"of 9 draws: the other {left}" in seen.page.locator(".verdict").inner_text()
        assert seen.complaints == []
    three.quiet()


def test_a_model_that_is_down(started: Any) -> None:
    """The others answer, and the page says what went wrong; all down, and there is no answer."""
    with served(2) as server, opened(started, server) as seen:
        page = seen.page
        set_answers(server, answers("42"), status(500, message="out of memory"))
        ask(page, stopping="none")
        page.wait_for_selector(".verdict")
        assert page.locator(".answer bdi").inner_text() == "42"
        assert "its endpoint failed (500)" in page.locator(".troubles").inner_text()
        page.locator("#draw-1-0 summary").click()
        assert "its endpoint failed (500)" in page.locator("#draw-1-0 .text").inner_text()
        set_answers(server, status(500), status(500))
        page.click("#send")
        page.wait_for_selector(".failure")
        assert page.locator(".failure h2").inner_text() == "No answer"
        assert page.locator(".reasons dt").all_inner_texts() == ["a", "b"]
        assert page.evaluate(AT) == "answer"
        assert page.locator("#progress label").count() == 0
        assert page.locator("#send").is_visible()
        assert seen.complaints == []


def test_stop_cancels_every_draw(started: Any, three: Served) -> None:
    """The button takes the place of the other one, and nothing stays in flight."""
    set_answers(three, answers("42"), never_answers(), never_answers())
    with opened(started, three) as seen:
        page = seen.page
        ask(page, stopping="none")
        page.locator(".draw.read").nth(2).wait_for()
        assert not page.locator("#send").is_visible()
        assert page.evaluate(AT) == "stop"
        page.keyboard.press("Enter")
        page.wait_for_selector(".failure")
        assert page.locator(".failure h2").inner_text() == "Stopped"
        assert page.evaluate(AT) == "answer"
        three.quiet()
        set_answers(three, *[answers("42")] * 3)
        page.click("#send")
        page.wait_for_selector(".verdict")
        # Who goes to another page leaves, too.
        set_answers(three, *[never_answers()] * 3)
        page.click("#send")
        page.wait_for_selector(".draw.asked")
        page.goto(three.url + "/status")
        three.quiet()
        assert seen.complaints == []


def test_without_a_script(started: Any, three: Served) -> None:
    """An ordinary form waits and shows the same result, with texts that open."""
    set_answers(three, answers("It is 42."), answers("It is 41."), answers("It is 41."))
    with opened(started, three, java_script_enabled=False) as seen:
        page = seen.page
        page.fill("#question", QUESTION)
        page.click(".further summary")
        page.select_option("#stopping", "none")
        page.fill("#samples", "2")
        page.click("#send")
        page.wait_for_selector(".verdict")
        assert page.url == three.url + "/ask#answer"
        assert page.locator(".answer bdi").inner_text() == "42"
        assert page.locator(".column").count() == 3
        assert page.input_value("#question") == QUESTION
        assert page.input_value("#samples") == "2"
        page.locator("#draw-1-1 summary").click()
        assert page.locator("#draw-1-1 .text").inner_text() == "It is 41."
        page.fill("#question", " ")
        page.click("#send")
        page.wait_for_selector(".failure")
        assert page.locator("#question[aria-invalid]").count() == 1
        page.goto(three.url + "/ask")
        assert page.url == three.url + "/"
        # The browser itself tells of a reply with an error's status.
        assert all("status of 400" in complaint for complaint in seen.complaints)


def test_light_dark_and_narrow(started: Any, three: Served) -> None:
    """Every text and mark stands out in both themes, and nothing is wider than the page."""
    long = "a-model-with-quite-a-long-answer " * 20
    set_answers(three, answers(long), answers("other"), status(400, message=long))
    for number in range(8):
        three.fakes[number % 2].then(answers(f"answer {number}"))
    with opened(started, three) as seen:
        page = seen.page
        ask(page, kind="text", stopping="none", samples="5")
        page.wait_for_selector(".verdict")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert len({*page.locator(".groups .mark").evaluate_all(COLOURED)}) == 8
        shades = []
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            shades.append(seen.ask("getComputedStyle(document.body).backgroundColor"))
            assert seen.ask(FAINT) == []
            for width in (1280, 400, 320):
                page.set_viewport_size({"width": width, "height": 800})
                assert seen.ask(WIDE) == 0
        assert len(set(shades)) == 2
        for path in ("/", "/status"):
            page.goto(three.url + path)
            assert seen.ask(WIDE) == 0
            assert seen.ask(FAINT) == []
        assert seen.complaints == []


def test_the_keyboard_is_enough(started: Any, three: Served) -> None:
    """Tab reaches everything in order, a question is asked and read without a mouse."""
    set_answers(three, answers("It is 42."), answers("41"), answers("41"))
    with opened(started, three) as seen:
        page = seen.page
        page.keyboard.press("Tab")
        assert page.evaluate(AT) == "Skip to the content"
        reached = []
        for _ in range(9):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(AT))
        assert reached == [
            *("Ask", "Models", "question", "pool", "method", "kind", "samples"),
            *("More settings", "send"),
        ]
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        page.focus("#question")
        page.keyboard.type(QUESTION)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".verdict")
        # Who still writes is not led away; who waited at the button is.
        assert page.evaluate(AT) == "question"
        page.focus("#send")
        page.keyboard.press("Enter")
        page.wait_for_selector("#answer:focus")
        page.locator("#draw-0-0 summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#draw-0-0 .text").inner_text() == "It is 42."
        assert seen.complaints == []


def test_what_a_screen_reader_finds(started: Any, three: Served) -> None:
    """Landmarks, one main heading, headings in order, a name for all that can be used."""
    set_answers(three, answers("42"), answers("41"), answers("41"))
    with opened(started, three) as seen:
        page = seen.page
        ask(page)
        page.wait_for_selector(".verdict")
        for role, count in (("banner", 1), ("navigation", 1), ("main", 1), ("status", 1)):
            assert page.get_by_role(role).count() == count
        levels = [
            int(level[1])
            for level in page.locator("h1, h2, h3, h4").evaluate_all(
                "(all) => all.map((one) => one.tagName)"
            )
        ]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert seen.ask(UNNAMED) == []
        assert page.get_by_role("region", name="a", exact=True).count() == 1
        ids = page.locator("[id]").evaluate_all("(all) => all.map((one) => one.id)")
        assert len(ids) == len(set(ids))
        assert seen.ask("document.documentElement.lang") == "en"


def test_a_wrong_field_is_shown_and_led_to(started: Any, three: Served) -> None:
    """What only the server can know is wrong is marked at its field."""
    with opened(started, three) as seen:
        page = seen.page
        ask(page, kind="label", labels="only one")
        page.wait_for_selector(".failure")
        page.evaluate("document.getElementById('ask').noValidate = true")
        ask(page, temperature="99")
        page.wait_for_selector("#temperature[aria-invalid]")
        assert page.evaluate(AT) == "temperature"
        assert page.get_attribute("#temperature", "aria-describedby") == "answer"
        assert all("status of 400" in complaint for complaint in seen.complaints)


def test_hostile_texts_do_nothing(started: Any, three: Served) -> None:
    """Markup is shown, not run; what misleads is made visible; nothing runs off the page."""
    set_answers(three, answers(HOSTILE), answers(HOSTILE), status(400, message=HOSTILE))
    for scripted in (True, False):
        with opened(started, three, java_script_enabled=scripted) as seen:
            page = seen.page
            page.fill("#question", HOSTILE)
            page.select_option("#kind", "text")
            page.click("#send")
            page.wait_for_selector(".verdict")
            assert "SLM-MUX" in page.title()
            assert page.locator("img, main script").count() == 0
            shown = page.locator("#draw-0-0 .text").text_content()
            assert shown.startswith("</textarea></script><script>document.title = 'taken'")
            assert "[U+202E]turned[U+2066] {{ 7 * 7 }} &amp; ␀␛" in shown
            page.set_viewport_size({"width": 400, "height": 800})
            if scripted:
                assert seen.ask(WIDE) == 0
            assert seen.complaints == []


def test_a_key_is_asked_for_and_stays_in_the_form(started: Any) -> None:
    """It goes with the form, into no address, no cookie and no storage."""
    with served(1, keys={"me": KEY}) as server, opened(started, server) as seen:
        page = seen.page
        page.fill("#key", "some-other-key-here")
        ask(page)
        page.wait_for_selector(".failure")
        assert page.get_attribute("#key", "aria-invalid") == "true"
        page.fill("#key", KEY)
        page.click("#send")
        page.wait_for_selector(".verdict")
        assert page.input_value("#key") == KEY
        page.goto(server.url + "/status")
        page.fill("#key", KEY)
        page.click("button")
        page.wait_for_selector(".member")
        assert not any(KEY in url for url in seen.requests)
        assert seen.context.cookies() == []
        assert seen.ask("localStorage.length + sessionStorage.length") == 0
        page.goto(server.url)
        assert page.input_value("#key") == ""
        assert all("status of 401" in complaint for complaint in seen.complaints)


def test_a_kept_question_has_a_link(started: Any, tmp_path: Path) -> None:
    """It shows the same, to another browser."""
    with served(1, keep_questions=str(tmp_path)) as server:
        with opened(started, server) as seen:
            seen.page.check("#keep")
            ask(seen.page, "What is 6 * 7?\nExplain.")
            seen.page.wait_for_selector(".verdict")
            link = seen.page.get_attribute(".link a", "href")
        with opened(started, server, link, java_script_enabled=False) as seen:
            assert seen.page.locator(".text.question").inner_text() == "What is 6 * 7?\nExplain."
            assert seen.page.locator(".answer bdi").inner_text() == "42"
            assert seen.page.locator(".draw").count() == 3
            assert seen.complaints == []


def test_a_report_works_in_its_sandbox(started: Any, tmp_path: Path) -> None:
    """Its charts are drawn; a file with scripts of its own can ask for nothing."""
    (tmp_path / "demo.html").write_text(render(demo_document()), encoding="utf-8")
    (tmp_path / "evil.html").write_text(
        "<body><script>fetch('/v1/models').then(() => { document.title = 'asked'; })"
        ".catch(() => { document.title = 'refused ' + origin; })"
        ".finally(() => { document.body.dataset.told = 'yes'; });</script>"
    )
    with served(1, reports=str(tmp_path)) as server:
        with opened(started, server, "/reports") as seen:
            seen.page.click("text=demo.html")
            seen.wait_for_charts()
            assert seen.page.locator(".chart svg").count() > 3
            seen.page.click("a[href='#reproduce']")
            assert seen.complaints == []
        with opened(started, server, "/reports/evil.html") as seen:
            seen.page.wait_for_selector("body[data-told]")
            assert seen.page.title() == "refused null"
