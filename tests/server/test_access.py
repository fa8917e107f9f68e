"""Who may ask: keys, hosts, origins, and what leaves with a reply."""

import json
import logging

import pytest

from tests.endpoints import answers, serving, status
from tests.server.asking import asked, endpoints, question_body, remote_pool

KEYS = {"alice": "alice-secret-key", "bob": "bob-secret-key-"}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer alice",
        "Bearer alice-secret-ke",
        "Bearer alice-secret-keys",
        "Basic alice-secret-key",
        "alice-secret-key",
        "Bearer \xe9",
    ],
)
async def test_without_one_of_the_keys_nothing_is_asked(authorization: str | None) -> None:
    """A missing or wrong key is 401 everywhere but in /health and /ready, and is not repeated."""
    headers = {} if authorization is None else {"Authorization": authorization}
    async with endpoints(1) as (a,), asked(remote_pool(a.url), keys=KEYS) as server:
        code, reply, sent = await server.post(question_body(), **headers)
        listed, _, _ = await server.get("/v1/models", **headers)
        counted, _, _ = await server.get("/metrics", **headers)
        alive, _, _ = await server.get("/health", **headers)
        _, ready, _ = await server.get("/ready", **headers)
        _, described, _ = await server.get("/openapi.json", **headers)
        assert a.requests == 0
    assert (code, listed, counted, alive) == (401, 401, 401, 200)
    assert (reply["error"]["code"], sent["WWW-Authenticate"]) == ("invalid_api_key", "Bearer")
    assert "secret" not in json.dumps(reply)
    assert ready == {"status": "ready"}
    assert "mux+single" not in json.dumps(described)


async def test_each_key_opens() -> None:
    """Any of several keys will do, with or without capitals in `Bearer`."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url), keys=KEYS) as server:
        for key in ("Bearer alice-secret-key", "bearer bob-secret-key-"):
            code, _, _ = await server.post(question_body(), Authorization=key)
            assert code == 200
        sent = {**a.headers[0]}
        _, ready, _ = await server.get("/ready", Authorization="Bearer alice-secret-key")
    assert "secret" not in json.dumps(sent)
    assert [member["model"] for member in ready["members"]] == ["a"]


async def test_limits_of_one_key() -> None:
    """Requests a minute are limited by key, and the client is told when to come back."""
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url), keys=KEYS, key_requests_per_minute=2) as server,
    ):
        codes = []
        for _ in range(3):
            code, _, headers = await server.post(
                question_body(), Authorization="Bearer alice-secret-key"
            )
            codes.append(code)
        other, _, _ = await server.post(question_body(), Authorization="Bearer bob-secret-key-")
    assert codes == [200, 200, 429]
    assert 1 <= int(headers["Retry-After"]) <= 30
    assert other == 200


async def test_nothing_of_a_client_chooses_where_a_key_is_sent() -> None:
    """Headers and fields of a client's reach no endpoint but those of the pool, nor its headers."""
    async with serving(key="upstream-key") as a, serving() as elsewhere:
        from slm_mux.models.openai import OpenAIModel
        from slm_mux.models.pool import Pool

        model = OpenAIModel("a", model="m", url=a.url, api_key="upstream-key")
        async with asked(Pool.of(model)) as server:
            headers = {
                "Authorization": "Bearer of-the-client",
                "X-Base-Url": elsewhere.url,
                "X-Forwarded-Host": "elsewhere",
                "X-Upstream": elsewhere.url,
            }
            code, _, _ = await server.post(question_body(), **headers)
            refused = [
                (await server.post(question_body(**{name: elsewhere.url})))[0]
                for name in ("base_url", "url", "api_base", "api_key", "endpoint")
            ]
        assert code == 200
        assert refused == [400] * 5
        assert elsewhere.requests == 0
        assert {headers["Authorization"] for headers in a.headers} == {"Bearer upstream-key"}
        assert not any("x-base-url" in {n.lower() for n in headers} for headers in a.headers)


@pytest.mark.parametrize(
    ("host", "code"),
    [("localhost:1", 200), ("[::1]:80", 200), ("LOCALHOST", 200), ("evil.example:8383", 421)],
)
async def test_hosts_that_were_rebound(host: str, code: int) -> None:
    """Under a name that is not the loopback's nothing is served, against DNS rebinding."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        found, _, _ = await server.get("/v1/models", Host=host)
    assert found == code


async def test_a_host_that_is_allowed() -> None:
    """A name in `allowed_hosts` is served too."""
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url), allowed_hosts=["mux.example"]) as server,
    ):
        allowed, _, _ = await server.get("/v1/models", Host="mux.example:8383")
        other, _, _ = await server.get("/v1/models", Host="other.example")
    assert (allowed, other) == (200, 421)


async def test_web_pages_of_other_origins() -> None:
    """They are refused unless they are named, and no form can post what is taken here."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        code, reply, headers = await server.post(question_body(), Origin="https://evil.example")
        own, _, _ = await server.post(question_body(), Origin=server.url)
        form, _, _ = await server.post(
            json.dumps(question_body()).encode(), Content_Type="text/plain"
        )
    assert (code, reply["error"]["code"]) == (403, "wrong_origin")
    assert "Access-Control-Allow-Origin" not in headers
    assert (own, form) == (200, 415)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://mux.example", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://mux.example"}, 200),
        ({"Origin": "https://mux.example:8443"}, 403),
        ({"Origin": "http://mux.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://mux.example", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://[mux.example"}, 403),
    ],
)
async def test_the_own_page_behind_a_proxy_with_tls(headers: dict[str, str], code: int) -> None:
    """The server sees no TLS, and still knows its own page from others."""
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url), allowed_hosts=["mux.example"]) as server,
    ):
        found, _, _ = await server.post(question_body(), Host="mux.example", **headers)
        form = {"question": "What is 6 * 7?"}
        sent = headers | {"Host": "mux.example"}
        async with server.client.post(server.url + "/ask", data=form, headers=sent) as reply:
            shown = reply.status
    assert (found, shown) == (code, code)


async def test_web_pages_that_may_ask() -> None:
    """An origin in `allow_origins` gets what its browser needs; another one does not."""
    origin = "https://chat.example"
    async with (
        endpoints(1) as (a,),
        asked(remote_pool(a.url), allow_origins=[origin]) as server,
    ):
        url = server.url + "/v1/chat/completions"
        preflight = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        async with server.client.options(url, headers=preflight) as reply:
            assert reply.status == 200
            assert reply.headers["Access-Control-Allow-Origin"] == origin
            assert "authorization" in reply.headers["Access-Control-Allow-Headers"]
        code, _, headers = await server.post(question_body(), Origin=origin)
        assert (code, headers["Access-Control-Allow-Origin"]) == (200, origin)
        other = preflight | {"Origin": "https://evil.example"}
        async with server.client.options(url, headers=other) as reply:
            assert "Access-Control-Allow-Origin" not in reply.headers


async def test_request_ids() -> None:
    """A client's id is kept where it is one; else a new one is made."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        found = []
        for given in ("my-id:1", "two words", "x" * 200):
            _, _, headers = await server.get("/health", **{"X-Request-Id": given})
            found.append(headers["X-Request-Id"])
    assert found[0] == "my-id:1"
    assert len({*found}) == 3
    assert all(len(request_id) == 32 for request_id in found[1:])


async def test_an_error_that_nobody_foresaw(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns the request's id and nothing else; the log has the place, not the words."""
    from slm_mux.server import chat

    def breaks(*_: object) -> None:
        raise RuntimeError("about a client's words")

    monkeypatch.setattr(chat, "parse_chat", breaks)
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        code, reply, headers = await server.post(question_body(), **{"X-Request-Id": "abc"})
        alive, _, _ = await server.get("/health")
    assert (code, alive, headers["X-Request-Id"]) == (500, 200, "abc")
    assert reply["error"]["code"] == "internal_error"
    assert "words" not in json.dumps(reply)
    (record,) = [r for r in caplog.records if r.getMessage() == "request_failed"]
    fields = record.__dict__["fields"]
    assert (fields["error"], fields["request_id"]) == ("RuntimeError", "abc")
    assert "words" not in json.dumps(fields)
    assert any("test_access" in line for line in fields["trace"])


async def test_the_log_has_no_prompts(caplog: pytest.LogCaptureFixture) -> None:
    """A line for each request says what was asked of, not what was asked; unless it shall."""
    caplog.set_level(logging.INFO, "slm_mux.server")
    async with endpoints(1) as (a,):
        a.always = answers("\\boxed{42} apples")
        for wanted in (False, True):
            async with asked(remote_pool(a.url), keys=KEYS, log_prompts=wanted) as server:
                for name in ("mux", "a"):
                    body = question_body("How many apples, 6 * 7?", model=name)
                    await server.post(body, Authorization="Bearer alice-secret-key")
            logged = [r.__dict__["fields"] for r in caplog.records if r.getMessage() == "request"]
            caplog.clear()
            text = json.dumps(logged)
            assert ("apples" in text) is wanted
            assert "secret" not in text
            assert [line["model"] for line in logged] == ["mux", "a"]
            assert {line["key"] for line in logged} == {"alice"}
            assert (logged[0]["winner"], logged[0]["confidence"]) == ("a", 1.0)


async def test_metrics() -> None:
    """Requests, draws, tokens, failures, agreement, confidence and saved draws are counted."""
    async with endpoints(2) as (a, b):
        a.always = answers("\\boxed{1}")
        b.then(answers("\\boxed{1}"))
        b.then(status(400))
        b.always = answers("no idea")
        pool = remote_pool(a.url, b.url, samples=2, stopping="none")
        async with asked(pool) as server:
            await server.ask()
            await server.post(question_body(n=99))
            await server.get("/nowhere/at/all")
            lines = await server.metrics()
    for line in (
        'slm_mux_requests_total{route="/v1/chat/completions",status="200"} 1.0',
        'slm_mux_requests_total{route="/v1/chat/completions",status="400"} 1.0',
        'slm_mux_requests_total{route="unknown",status="404"} 1.0',
        'slm_mux_draws_total{model="a",outcome="read",pool="pool"} 2.0',
        'slm_mux_draws_total{model="b",outcome="failed",pool="pool"} 1.0',
        'slm_mux_tokens_total{model="a",pool="pool",use="completion"} 10.0',
        'slm_mux_model_failures_total{error="RequestRefusedError",model="b",pool="pool"} 1.0',
        'slm_mux_agreement_sum{method="mux",pool="pool"} 1.0',
        'slm_mux_confidence_count{method="mux",pool="pool"} 1.0',
        "slm_mux_at_work 0.0",
        'slm_mux_breaker_open{model="a",pool="pool"} 0.0',
    ):
        assert line in lines
