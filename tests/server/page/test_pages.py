"""The pages as they are sent: policies, forms without a script, keys, kept questions, reports."""

import asyncio
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from slm_mux.server.page.rendering import POLICY
from slm_mux.server.page.site import ASSETS
from tests.endpoints import answers, never_answers, status
from tests.server.asking import WITHIN, Asked, asked, endpoints, remote_pool

KEY = "a-key-that-is-long"
HOSTILE = (
    "</textarea></script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
    "\u202e{{ 7 * 7 }} &amp; \" ' \x00"
)


class _Checker(HTMLParser):
    """Finds what the policy would not let act."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """No inline style, no inline script, no handler."""
        assert tag not in ("style", "img", "iframe", "object", "base")
        for name, value in attrs:
            assert name != "style"
            assert not name.startswith("on")
            assert not (value or "").lower().startswith(("javascript:", "data:", "http:"))
        if tag == "script":
            assert "src" in dict(attrs)


def check_markup(html: str) -> None:
    """See that a page, or a part of one, has nothing in it that acts."""
    checker = _Checker()
    checker.feed(html)
    checker.close()


async def page(
    server: Asked, path: str = "/", form: dict[str, str] | None = None, **headers: str
) -> tuple[int, str, Any]:
    """GET a page, or POST a form to it; every page has its policy."""
    method = "GET" if form is None else "POST"
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.client.request(
        method, server.url + path, data=form, headers=sent, allow_redirects=False
    ) as reply:
        text = await reply.text()
        if reply.status != 303:
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers.getall("Referrer-Policy") == ["no-referrer"]
        if reply.content_type == "text/html" and "sandbox" not in str(reply.headers):
            assert reply.headers.getall("Content-Security-Policy") == [POLICY]
            assert reply.headers["Cache-Control"] == "no-store"
            check_markup(text)
        return reply.status, text, reply.headers


async def live(server: Asked, form: dict[str, str], **headers: str) -> list[dict[str, Any]]:
    """POST a form to the live route; the changes that it sends."""
    async with server.client.post(server.url + "/ask/live", data=form, headers=headers) as reply:
        if reply.content_type != "text/event-stream":
            return [json.loads(await reply.text())]
        text = (await reply.read()).decode()
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


async def test_a_form_without_a_script_waits_and_shows_the_result() -> None:
    """The reply has the answer, why it won, every text, and the form as it was filled in."""
    async with (
        endpoints(2) as fakes,
        asked(remote_pool(*(fake.url for fake in fakes), samples=2)) as server,
    ):
        fakes[0].always = answers("The answer is 42.")
        fakes[1].always = answers("The answer is 41.")
        _, home, _ = await page(server)
        code, shown, _ = await page(
            server, "/ask", {"question": "What is 6 * 7?", "stopping": "none", "samples": "3"}
        )
        again, _, headers = await page(server, "/ask")
    assert code == 200
    assert "What is 6 * 7?</textarea>" in shown
    assert 'value="3"' in shown
    assert "<bdi>42</bdi>" in shown
    assert shown.count("The answer is 42.") == 4
    assert shown.count("The answer is 41.") == 3
    assert "a has the best record of them (90\u00a0%)" in shown
    assert 'name="key"' not in home
    assert (again, headers["Location"]) == (303, "/")


async def test_the_live_route_sends_the_same_as_changes() -> None:
    """First the columns, then draws, at the end the verdict; hardly anything is said aloud."""
    async with (
        endpoints(2) as fakes,
        asked(remote_pool(*(fake.url for fake in fakes), samples=2)) as server,
    ):
        fakes[1].always = answers("41")
        changes = await live(server, {"question": "What is 6 * 7?", "stopping": "none"})
    assert list(changes[0]["set"]) == ["result"]
    assert changes[0]["set"]["result"].count('class="column"') == 2
    assert [c.get("done") for c in changes] == [None] * (len(changes) - 1) + [True]
    last = changes[-1]["set"]
    assert "<bdi>42</bdi>" in last["verdict"]
    assert "won" in last["model-0-head"]
    assert [c["say"] for c in changes if c["say"]] == [
        "Asking 2 models, 4 draws.",
        "Done. a answers: 42",
    ]


@pytest.mark.parametrize(
    "method",
    [
        "mixture_of_agents",
        "debate",
        "multi_agent_verification",
        "universal_self_consistency",
        "single",
        "self_consistency",
        "agent_forest",
    ],
)
async def test_every_method_has_a_page(method: str, tmp_path: Path) -> None:
    """The form lists it, the reply shows its answer and how it came about, and can be kept."""
    form = {"question": "What is 6 * 7?", "method": method, "keep": "yes"}
    async with (
        endpoints(2) as fakes,
        asked(remote_pool(*(fake.url for fake in fakes)), keep_questions=str(tmp_path)) as server,
    ):
        fakes[1].always = answers("<b>41</b>")
        _, home, _ = await page(server)
        code, shown, _ = await page(server, "/ask", form)
        changes = await live(server, form)
        (name,) = set(re.findall(r"/kept/[\w-]+", shown))
        kept = await page(server, name)
    assert f'<option value="{method}"' in home
    assert (code, kept[0]) == (200, 200)
    for html in (shown, kept[1], changes[-1]["set"]["verdict"]):
        assert "<bdi>42</bdi>" in html
        assert "<b>41</b>" not in html
    assert changes[-1]["say"] == "Done. a answers: 42"
    for change in changes:
        for part in change["set"].values():
            check_markup(part)


async def test_errors_are_pages_and_changes() -> None:
    """With the API's status and words, each model's reason, and the form as it was."""
    async with (
        endpoints(1) as fakes,
        asked(remote_pool(fakes[0].url, samples=2, retry_seconds=0.01)) as server,
    ):
        fakes[0].always = status(400, message="it does not like that")
        code, shown, _ = await page(server, "/ask", {"question": "What is 6 * 7?"})
        blank, said, _ = await page(server, "/ask", {"question": " "})
        many, refused, _ = await page(server, "/ask", {"question": "What?", "samples": "99"})
        changes = await live(server, {"question": "What?", "samples": "99"})
        kind, _, _ = await page(server, "/ask", {"question": "What?", "pool": "other"})
        missing, _, _ = await page(server, "/assets/other.js")
    assert (code, blank, many, kind, missing) == (400, 400, 400, 404, 404)
    assert "it does not like that" in shown
    assert "What is 6 * 7?</textarea>" in shown
    assert "the question is empty" in said
    assert re.search(r'id="samples"[^>]* aria-invalid="true"', refused)
    assert changes[0]["field"] == "samples"


async def test_a_form_of_another_origin_is_refused() -> None:
    """Whether or not there are keys, and on every route that takes one."""
    form = {"question": "What is 6 * 7?", "key": KEY}
    for keys in ({}, {"me": KEY}):
        async with endpoints(1) as fakes, asked(remote_pool(fakes[0].url), keys=keys) as server:
            for headers in (
                {"Origin": "http://evil.example"},
                {"Origin": "null"},
                {"Sec-Fetch-Site": "cross-site"},
            ):
                assert (await page(server, "/ask", form, **headers))[0] == 403
                changes = await live(server, form, **headers)
                assert "another origin" in str(changes)
            assert fakes[0].requests == 0
            own, _, _ = await page(server, "/ask", form, Origin=server.url)
            assert own == 200


async def test_only_forms_are_taken() -> None:
    """JSON, or a form with files, is refused; so is a body over the limit."""
    async with endpoints(1) as fakes, asked(remote_pool(fakes[0].url), max_body=1000) as server:
        for data in (
            json.dumps({"question": "What?"}),
            aiohttp.FormData({"question": "W"}, default_to_multipart=True),
        ):
            async with server.client.post(server.url + "/ask", data=data) as reply:
                assert reply.status == 415
        assert (await page(server, "/ask", {"question": "?" * 2000}))[0] == 413
        assert fakes[0].requests == 0


async def test_with_keys_the_form_asks_for_one_and_never_shows_it() -> None:
    """Without it there is no answer, and no name of a pool or a model."""
    form = {"question": "What is 6 * 7?"}
    async with (
        endpoints(1) as fakes,
        asked({"secretpool": remote_pool(fakes[0].url)}, keys={"me": KEY}) as server,
    ):
        _, home, _ = await page(server)
        none, refused, _ = await page(server, "/ask", form)
        wrong, wrongly, _ = await page(server, "/ask", form | {"key": "some-other-key-here"})
        assert (await live(server, form))[0]["field"] == "key"
        assert fakes[0].requests == 0
        code, shown, _ = await page(server, "/ask", form | {"key": KEY})
        locked, status_page, _ = await page(server, "/status")
        opened, models, _ = await page(server, "/status", {"key": KEY})
        barred, _, _ = await page(server, "/status", {"key": "some-other-key-here"})
        header, _, _ = await page(server, "/status", Authorization=f"Bearer {KEY}")
        changes = await live(server, form | {"key": KEY})
    assert (none, wrong, code, locked, opened, barred, header) == (
        401,
        401,
        200,
        200,
        200,
        401,
        200,
    )
    assert 'type="password"' in home
    assert KEY not in str((shown, models, changes))
    assert "some-other-key-here" not in wrongly
    for text in (home, refused, wrongly, status_page):
        assert "secretpool" not in text
    assert "secretpool" in shown
    assert "in secretpool" in models


async def test_the_limits_of_the_api_hold_for_the_page() -> None:
    """A key's rate, the places and the time that a request has are one and the same."""
    form = {"question": "What is 6 * 7?", "key": KEY}
    async with (
        endpoints(1) as fakes,
        asked(
            remote_pool(fakes[0].url),
            keys={"me": KEY},
            key=KEY,
            key_requests_per_minute=2,
            request_seconds=0.2,
        ) as server,
    ):
        await server.ask()
        fakes[0].always = never_answers()
        slow, _, _ = await page(server, "/ask", form)
        often, said, headers = await page(server, "/ask", form)
        await server.quiet(fakes)
    assert (slow, often) == (504, 429)
    assert int(headers["Retry-After"]) >= 1
    assert "as often as it may" in said


async def test_who_leaves_cancels_every_draw() -> None:
    """With the script and without, nothing stays in flight."""
    async with endpoints(1) as fakes, asked(remote_pool(fakes[0].url)) as server:
        for path in ("/ask", "/ask/live"):
            fakes[0].arrived.clear()
            fakes[0].always = never_answers()
            asking = asyncio.create_task(
                server.client.post(server.url + path, data={"question": "What is 6 * 7?"})
            )
            async with asyncio.timeout(WITHIN):
                await fakes[0].arrived.wait()
                if path == "/ask/live":
                    (await asking).close()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await server.quiet(fakes)
        assert fakes[0].disconnects == 6


async def test_a_server_that_stops_says_so() -> None:
    """A live view whose question is cut short ends with the reason, not without a word."""
    async with (
        endpoints(1) as fakes,
        asked(remote_pool(fakes[0].url), shutdown_seconds=0.1) as server,
    ):
        fakes[0].always = never_answers()
        changes = asyncio.create_task(live(server, {"question": "What is 6 * 7?"}))
        async with asyncio.timeout(WITHIN):
            await fakes[0].arrived.wait()
            server.server.stop()
            last = (await changes)[-1]
    assert last["done"]
    assert "the server is shutting down" in last["set"]["verdict"]


async def test_a_question_is_kept_only_where_that_is_allowed_and_asked_for(tmp_path: Path) -> None:
    """Its link shows it whole, to who has no key too; nothing leads to it."""
    folder = tmp_path / "kept"
    form = {"question": "What is 6 * 7?", "keep": "yes", "key": KEY}
    async with endpoints(1) as fakes, asked(remote_pool(fakes[0].url)) as server:
        _, shown, _ = await page(server, "/ask", {"question": "What is 6 * 7?", "keep": "yes"})
        assert "/kept/" not in shown
        assert (await page(server, "/kept/" + "a" * 32))[0] == 404
    async with (
        endpoints(1) as fakes,
        asked(
            remote_pool(fakes[0].url), keys={"me": KEY}, keep_questions=str(folder), max_kept=2
        ) as server,
    ):
        await page(server, "/ask", form | {"keep": ""})
        assert not folder.exists()
        _, shown, _ = await page(server, "/ask", form)
        link = re.search(r'href="(/kept/[\w-]{32})"', shown)
        assert link is not None
        code, kept, headers = await page(server, link[1])
        assert (code, headers["X-Robots-Tag"]) == (200, "noindex")
        assert kept.count("42") >= 3
        assert "What is 6 * 7?" in kept
        changes = await live(server, form)
        assert "/kept/" in changes[-1]["set"]["verdict"]
        _, full, _ = await page(server, "/ask", form)
        assert "as many questions as it may" in full
        for name in ("a" * 32, "..%2f" + link[1][-29:], link[1][6:-1]):
            assert (await page(server, f"/kept/{name}"))[0] == 404
        for path in ("/", "/kept", "/kept/"):
            assert link[1] not in (await page(server, path))[1]
    assert KEY not in "".join(path.read_text() for path in folder.iterdir())


async def test_reports_are_listed_and_sent_in_a_sandbox(tmp_path: Path) -> None:
    """Only files of the folder, with a policy under which they are of no origin."""
    (tmp_path / "a report.html").write_text("<p>found</p>")
    (tmp_path / "b.txt").write_text("hidden")
    (tmp_path.parent / "out.html").write_text("hidden")
    async with (
        endpoints(1) as fakes,
        asked(remote_pool(fakes[0].url), reports=str(tmp_path)) as server,
    ):
        _, listed, _ = await page(server, "/reports")
        code, text, headers = await page(server, "/reports/a%20report.html")
        for name in ("b.txt", "..%2fout.html", "%2e%2e/out.html", "out.html", "", "c.html"):
            assert (await page(server, f"/reports/{name}"))[0] == 404, name
    assert 'href="/reports/a%20report.html"' in listed
    assert "b.txt" not in listed
    assert (code, text) == (200, "<p>found</p>")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "allow-same-origin" not in policy


async def test_reports_need_a_key_where_there_are_keys(tmp_path: Path) -> None:
    """It comes in a form, for the list and for each report."""
    (tmp_path / "one.html").write_text("<p>found</p>")
    async with (
        endpoints(1) as fakes,
        asked(remote_pool(fakes[0].url), keys={"me": KEY}, reports=str(tmp_path)) as server,
    ):
        for path in ("/reports", "/reports/one.html"):
            _, locked, _ = await page(server, path)
            assert "one.html</bdi>" not in locked
            assert "found" not in locked
            assert (await page(server, path, {"key": "some-other-key-here"}))[0] == 401
        _, listed, _ = await page(server, "/reports", {"key": KEY})
        assert 'formaction="/reports/one.html"' in listed
        assert (await page(server, "/reports/one.html", {"key": KEY}))[1] == "<p>found</p>"


async def test_the_status_tells_what_is_known_of_each_model() -> None:
    """Latency, answers, failures and the breaker's state; no address and no secret."""
    async with (
        endpoints(2) as fakes,
        asked(
            remote_pool(*(fake.url for fake in fakes), samples=2, retry_seconds=0.01),
            breaker_failures=2,
        ) as server,
    ):
        fakes[1].always = status(500, message="broken at http://10.0.0.1/secret")
        await server.ask(mux={"stopping": "none"})
        _, shown, _ = await page(server, "/status")
        fakes[0].always = status(500)
        await page(server, "/ask", {"question": "What is 6 * 7?"})
        _, down, _ = await page(server, "/status")
    assert "1 of 2 models answer." in shown
    assert "not asked: 2 requests in a row failed; it is tried again in " in shown
    assert "<dt>answers</dt><dd>2</dd>" in shown
    # Two draws, and the check before the breaker opened.
    assert "<dt>failures</dt><dd>3</dd>" in shown
    assert "http://" not in shown
    assert "10.0.0.1" not in shown
    assert "No model answers." in down


async def test_hostile_texts_are_texts() -> None:
    """Markup in questions, answers and errors is escaped; what misleads is made visible."""
    async with (
        endpoints(2) as fakes,
        asked(remote_pool(*(fake.url for fake in fakes), samples=1, retry_seconds=0.01)) as server,
    ):
        fakes[0].always = answers(HOSTILE)
        fakes[1].always = status(400, message=HOSTILE)
        _, shown, _ = await page(server, "/ask", {"question": HOSTILE, "kind": "text"})
        changes = await live(server, {"question": HOSTILE, "kind": "text"})
    for text in (shown, "".join(changes[-1]["set"].values())):
        check_markup(text)
        assert "\x00" not in text
        assert "\u202e" not in text
        assert "[U+202E]{{ 7 * 7 }} &amp;amp;" in text


async def test_assets_are_named_by_their_content() -> None:
    """A page asks for them with a version, and they may be kept for ever."""
    async with endpoints(1) as fakes, asked(remote_pool(fakes[0].url)) as server:
        _, home, _ = await page(server)
        for name, kind in ASSETS.items():
            found = re.search(rf'"(/assets/{re.escape(name)}\?\w+)"', home)
            assert found is not None
            code, _, headers = await page(server, found[1])
            assert (code, headers["Content-Type"]) == (200, kind)
            assert "immutable" in headers["Cache-Control"]
