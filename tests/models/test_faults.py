"""Each reply that is no completion is one error, with its remedy."""

from typing import Any

import pytest

from slm_mux.errors import (
    AuthenticationError,
    BadReplyError,
    ModelNotFoundError,
    PermanentError,
    QuotaExhaustedError,
    RateLimitError,
    RequestRefusedError,
    ServerFaultError,
    TransientError,
)
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.retry_after import retry_after
from tests.endpoints import (
    Behaviour,
    html,
    never_ends,
    raw,
    redirects,
    refuses_n,
    replies,
    serving,
    stalls,
    status,
)
from tests.models.asking import ask, fault

KEY = "sk-proj-0123456789abcdef"


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (400, RequestRefusedError, "400 (Bad Request): it says so. Change what the endpoint"),
        (401, AuthenticationError, "No key was sent: set api_key"),
        (402, RequestRefusedError, "402"),
        (403, AuthenticationError, "403"),
        (404, ModelNotFoundError, "404"),
        (405, RequestRefusedError, "Check the URL"),
        (408, ServerFaultError, "408"),
        (409, ServerFaultError, "409"),
        (413, RequestRefusedError, "413"),
        (422, RequestRefusedError, "422"),
        (425, ServerFaultError, "425"),
        (429, RateLimitError, "Lower max_in_flight, or set requests_per_minute"),
        (499, RequestRefusedError, "499: it says so"),
        (500, ServerFaultError, "500 (Internal Server Error): it says so. If this repeats"),
        (502, ServerFaultError, "502"),
        (503, ServerFaultError, "503"),
        (529, ServerFaultError, "529"),
        (599, ServerFaultError, "599"),
    ],
)
async def test_the_status_decides_the_error(code: int, error: type, words: str) -> None:
    """Every status becomes its error, with the endpoint's words and a remedy."""
    found = await fault(status(code))
    assert type(found) is error
    assert words in str(found)
    assert "it says so" in str(found)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (429, {"type": "insufficient_quota", "code": "insufficient_quota", "param": None}),
        (429, {"type": "requests", "code": "insufficient_quota"}),
        (429, {"type": "insufficient_quota", "code": None}),
        (429, {"code": "billing_hard_limit_reached"}),
        (400, {"type": "invalid_request_error", "code": "billing_hard_limit_reached"}),
    ],
)
async def test_a_quota_that_is_used_up_is_not_tried_again(code: int, error: dict[str, Any]) -> None:
    """No wait brings back what has to be paid for: the error is permanent and says so."""
    body = {"error": {"message": "You exceeded your current quota.", **error}}
    found = await fault(replies(body, code=code))
    assert type(found) is QuotaExhaustedError
    assert isinstance(found, PermanentError)
    assert "You exceeded your current quota. The account's quota is used up: raise it" in str(found)


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "Retry-After": "2"}, 1.5),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "nan"}, None),
        ({}, None),
    ],
)
async def test_the_wait_asked_for_is_read(
    code: int, headers: dict[str, str], wait: float | None
) -> None:
    """Retry-After is read in seconds, milliseconds and as a date; nonsense counts as absent."""
    found = await fault(status(code, headers))
    assert isinstance(found, RateLimitError | ServerFaultError)
    assert found.retry_after == wait


def test_a_date_without_a_date_is_measured_against_the_clock() -> None:
    """A date in the past, and one without the reply's own date, give seconds >= 0."""
    headers = {"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}
    assert retry_after(headers, now=90.0) == 10.0
    assert retry_after(headers, now=200.0) == 0.0
    assert retry_after(headers) == 0.0
    assert retry_after({"Retry-After": "9" * 400}) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "model 'qwen2.5:7b' not found, try pulling it"}}, "slm-mux models"),
        ({"error": "model 'qwen2.5:7b' not found"}, "slm-mux models"),
        ({"error": {"message": "no", "code": "model_not_found"}}, "slm-mux models"),
        (
            {"object": "error", "message": "The model `x` does not exist.", "code": 404},
            "slm-mux models",
        ),
        ({"detail": "Not Found"}, "Check the URL"),
    ],
)
async def test_a_404_is_about_the_model_or_the_url(body: Any, words: str) -> None:
    """A 404 that speaks of the model points to the list of models, any other to the URL."""
    found = await fault(replies(body, code=404))
    assert type(found) is ModelNotFoundError
    assert words in str(found)


async def test_a_url_without_v1_is_told_so() -> None:
    """A 404 at a URL without a version says to add /v1."""
    async with serving() as fake:
        root = fake.url.removesuffix("/v1")
        model = OpenAIModel("qwen", url=root, model="m")
        with pytest.raises(ModelNotFoundError, match=f"most servers want {root}/v1"):
            await model.complete(ask())
        await model.aclose()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(code: int) -> None:
    """A redirect is refused by the name of its target, and nothing is sent there."""
    async with serving() as other:
        target = other.url.replace("http://", "http://user:hunter22@") + "/chat/completions?k=v"
        found = await fault(redirects(target, code=code), api_key=KEY)
        assert other.requests == 0
    assert type(found) is BadReplyError
    assert f"redirects ({code}) to {other.url.removesuffix('/v1')};" in str(found)


async def test_n_refused_is_a_refusal_in_the_endpoint_s_words() -> None:
    """A 400 to a request for several draws is what makes the sampler ask one by one."""
    found = await fault(refuses_n(), n=4)
    assert type(found) is RequestRefusedError
    assert "Only one completion choice is allowed" in str(found)


async def test_a_refusal_that_is_a_page_is_shortened() -> None:
    """An error's body that is not JSON is shown as one short line."""
    found = await fault(
        raw(b"<h1>\x1b[31mBad\r\nGateway</h1>" + b"x" * 10**6, "text/html", code=502)
    )
    assert type(found) is ServerFaultError
    assert "<h1>[31mBad Gateway</h1>xxx" in str(found)
    assert "\x1b" not in str(found)


# Replies with status 200 that are none


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        ({"message": "slow down", "code": 429}, RateLimitError),
        ({"message": "slow down", "code": "429"}, RateLimitError),
        ({"message": "slow down", "type": "rate_limit_error"}, RateLimitError),
        ({"message": "no", "type": "quota_per_minute"}, RateLimitError),
        ({"message": "no", "type": "insufficient_quota"}, QuotaExhaustedError),
        ({"message": "no", "code": "billing_hard_limit_reached"}, QuotaExhaustedError),
        ({"message": "no such model", "code": "model_not_found"}, ModelNotFoundError),
        ({"message": "who?", "type": "authentication_error"}, AuthenticationError),
        ({"message": "who?", "code": "invalid_api_key"}, AuthenticationError),
        ({"message": "too long", "type": "invalid_request_error"}, RequestRefusedError),
        ({"message": "busy", "type": "server_error"}, ServerFaultError),
        ({"message": "?"}, ServerFaultError),
        ("out of memory", ServerFaultError),
    ],
)
async def test_an_error_object_under_status_200_is_classified(error: Any, meant: type) -> None:
    """An error object is read as its code or type says, or as a fault of the server."""
    found = await fault(replies({"error": error}))
    assert type(found) is meant
    assert (error if isinstance(error, str) else error["message"]) in str(found)


async def test_an_error_in_the_only_choice_is_classified() -> None:
    """A reply whose only choice is an error is that error."""
    reply = {"choices": [{"error": {"code": 502, "message": "upstream died"}, "message": None}]}
    found = await fault(replies(reply))
    assert type(found) is ServerFaultError
    assert "upstream died" in str(found)


@pytest.mark.parametrize("choices", [[], None])
async def test_no_choices_is_worth_another_try(choices: Any) -> None:
    """A reply with no choices is a fault of the server."""
    found = await fault(replies({"choices": choices, "model": "m"}))
    assert type(found) is ServerFaultError
    assert "no choices" in str(found)


@pytest.mark.parametrize("body", [b"", b"  ", b'{"choices": [{"message": {"content": "4'])
async def test_an_incomplete_reply_is_worth_another_try(body: bytes) -> None:
    """An empty or cut off body is a fault of the server."""
    found = await fault(raw(body, "application/json"))
    assert type(found) is ServerFaultError
    assert f"breaks off ({len(body)} bytes)" in str(found)


async def test_html_is_not_a_reply() -> None:
    """A web page is named as what it is, with its start and the remedy."""
    found = await fault(html())
    assert type(found) is BadReplyError
    assert "not JSON but text/html; charset=utf-8" in str(found)
    assert "'<!DOCTYPE html> <html><body>Welcome to nginx!</body></html>'" in str(found)
    assert "check the URL" in str(found)


async def test_a_stream_is_not_a_reply() -> None:
    """Server-sent events that nobody asked for are not JSON."""
    found = await fault(raw(b'data: {"choices": []}\n\n', "text/event-stream"))
    assert type(found) is BadReplyError
    assert "text/event-stream" in str(found)


@pytest.mark.parametrize(
    "body",
    [
        [],
        3,
        "hello",
        {},
        {"message": {"content": "native"}, "done": True},
        {"choices": 3},
        {"choices": ["text"]},
        {"choices": {"0": {}}},
        {"choices": [{"message": {"content": 3}}]},
        {"choices": [{"message": "42"}]},
        {"choices": [{"message": {"content": [3]}}]},
    ],
)
async def test_another_shape_is_not_a_reply(body: Any) -> None:
    """JSON that is not a chat completion is refused, with what is wrong in it."""
    found = await fault(replies(body))
    assert type(found) is BadReplyError
    assert "the reply is not one of a chat endpoint (" in str(found)


async def test_a_deep_reply_is_not_a_reply() -> None:
    """JSON nested without end is an error like any other."""
    found = await fault(raw(b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "text/plain"))
    assert type(found) is BadReplyError


@pytest.mark.parametrize(
    "behaviour",
    [never_ends(), stalls(b"{", of=10**10), never_ends(compressed=True)],
    ids=["chunks", "announced", "compressed"],
)
async def test_a_reply_without_end_is_dropped(behaviour: Behaviour) -> None:
    """Reading stops at 64 MiB, announced, in chunks or after decompression."""
    found = await fault(behaviour)
    assert type(found) is BadReplyError
    assert "longer than 64 MiB" in str(found)


def test_transient_and_permanent_are_apart() -> None:
    """No error is both worth another try and not."""
    assert not issubclass(TransientError, PermanentError)
    assert not issubclass(PermanentError, TransientError)
