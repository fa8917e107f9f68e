"""Whatever goes wrong, a client reads it in OpenAI's form, and nothing it should not see."""

import pytest

from slm_mux import errors
from slm_mux.server.wire.errors import (
    NO_RETRY,
    ApiError,
    RefusedError,
    api_error,
    internal,
    not_served,
    refused,
    shortened,
    timed_out,
    too_large,
    too_many,
    too_slow,
    unauthorised,
    unavailable,
    unknown_model,
    wrong_host,
    wrong_method,
)
from slm_mux.server.wire.forms import FORMS
from slm_mux.server.wire.schema import check

UPSTREAM = "m: its endpoint failed (500)"
SILENT = errors.NoAnswerError({"m": f"3 of 3 draws failed: {UPSTREAM}"})
UNREAD = errors.NoAnswerError(
    {"m": '3 of 3 draws unreadable; one ends: "no"'},
    looked_for="a number was looked for: why; give --kind, or kind=, for another",
)


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (refused("x", param="n"), 400, "invalid_request_error", None),
        (unknown_model("x"), 404, "invalid_request_error", "model_not_found"),
        (errors.InvalidRequestError("x"), 400, "invalid_request_error", None),
        (UNREAD, 422, "no_answer_error", "no_readable_answer"),
        (SILENT, 502, "upstream_error", "no_completion"),
        (errors.SandboxError("x"), 503, "server_error", "unavailable"),
        (errors.WeightsError("x"), 503, "server_error", "unavailable"),
        (errors.PoolError("x"), 500, "server_error", "internal_error"),
        (errors.StoreError("x"), 500, "server_error", "internal_error"),
        (RuntimeError("secret"), 500, "server_error", "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_has_a_status_and_a_code(
    error: Exception, status: int, kind: str, code: str | None
) -> None:
    """What a client can mend is a 4xx; what it cannot is a 5xx."""
    reply = api_error(error, request_id="r-1")
    assert (reply.status, reply.type, reply.code) == (status, kind, code)
    check(reply.document(), FORMS["Error"])


@pytest.mark.parametrize(
    ("failures", "status", "code"),
    [
        ({"RequestRefusedError"}, 400, "refused_by_models"),
        ({"RateLimitError"}, 429, "rate_limit_exceeded"),
        ({"RequestTimeoutError"}, 504, "timeout"),
        ({"CircuitOpenError"}, 503, "unavailable"),
        ({"CircuitOpenError", "RateLimitError"}, 429, "rate_limit_exceeded"),
        ({"CircuitOpenError", "ConnectionLostError"}, 502, "no_completion"),
        ({"RequestRefusedError", "ConnectionLostError"}, 502, "no_completion"),
        ({"ConnectionLostError"}, 502, "no_completion"),
        (set(), 502, "no_completion"),
    ],
)
def test_one_reason_of_all_draws_is_the_reason_of_the_request(
    failures: set[str], status: int, code: str
) -> None:
    """What every endpoint refuses is the client's to change; what fails in several ways is not."""
    reply = api_error(SILENT, request_id="r", failures=failures)
    assert (reply.status, reply.code) == (status, code)


def test_each_model_s_reason_is_given() -> None:
    """By model, so that a client need not take the message apart."""
    assert api_error(SILENT, request_id="r").reasons == {"m": f"3 of 3 draws failed: {UPSTREAM}"}


@pytest.mark.parametrize(("wait", "told"), [(None, "5"), (0.2, "1"), (7.1, "8")])
def test_limits_of_endpoints_say_when_to_come_back(wait: float | None, told: str) -> None:
    """Where every draw met one; what its endpoint did not say is guessed."""
    reply = api_error(SILENT, request_id="r", failures={"RateLimitError"}, retry_after=wait)
    assert (reply.status, reply.headers) == (429, (("Retry-After", told),))


def test_what_was_unreadable_is_not_drawn_again_by_clients() -> None:
    """Official clients repeat a failure twice; a header tells them not to where it costs."""
    reply = api_error(UNREAD, request_id="r")
    assert NO_RETRY in reply.headers
    assert "set `mux.kind` for another" in reply.message
    assert "--kind" not in reply.message
    assert NO_RETRY in timed_out(3).headers
    assert NO_RETRY not in api_error(SILENT, request_id="r").headers


def test_a_mistake_of_ours_shows_nothing_of_it() -> None:
    """The client gets the request id, by which the log has the rest."""
    reply = api_error(RuntimeError("password"), request_id="r-1")
    assert reply == internal("r-1")
    assert "password" not in str(reply.document())
    assert "r-1" in reply.message


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/embeddings", "embeddings are not served"),
        ("/v1/completions", "the legacy completions API is not served"),
        ("/v1/responses", "the Responses API is not served"),
        ("/v1/responses/", "the Responses API is not served"),
        ("/chat/completions", "the base URL ends in /v1"),
        ("/models", "the base URL ends in /v1"),
        ("/v1/nothing", "there is nothing at this path"),
    ],
)
def test_a_path_that_is_not_served_says_what_is(path: str, words: str) -> None:
    """It is a 404 with the paths that would do."""
    reply = not_served(path, served=["/v1/models"])
    assert reply.status == 404
    assert words in reply.message
    assert reply.message.endswith("Served are /v1/models")


@pytest.mark.parametrize(
    ("reply", "status", "header"),
    [
        (wrong_method("PUT", allowed={"POST", "GET"}), 405, ("Allow", "GET, POST")),
        (unauthorised("no key"), 401, ("WWW-Authenticate", "Bearer")),
        (too_many("busy", retry_after=0.2), 429, ("Retry-After", "1")),
        (too_many("busy", retry_after=2.1), 429, ("Retry-After", "3")),
        (too_many("busy", retry_after=float("inf")), 429, ("Retry-After", "60")),
        (unavailable("closing", retry_after=5), 503, ("Retry-After", "5")),
        (unavailable("closing"), 503, None),
        (wrong_host("evil.example"), 421, None),
        (too_large(5), 413, None),
        (too_slow(), 408, None),
    ],
)
def test_replies_of_the_server_itself(
    reply: ApiError, status: int, header: tuple[str, str] | None
) -> None:
    """Each has its status, and the header that goes with it."""
    assert reply.status == status
    assert reply.headers == (() if header is None else (header,))
    check(reply.document(), FORMS["Error"])
    assert api_error(RefusedError(reply), request_id="r") == reply


def test_a_client_s_words_are_quoted_short_and_printable() -> None:
    """No line break or control character gets into a message."""
    assert shortened("a\nb\x1b[31m") == "a�b�[31m"
    assert shortened("x" * 100, 10) == "xxxxxxxxx…"


def test_a_long_message_is_cut() -> None:
    """A pool of many models does not make an endless error."""
    error = errors.NoAnswerError({f"m{n}": "x" * 300 for n in range(100)})
    assert len(api_error(error, request_id="r").message) == 4000
