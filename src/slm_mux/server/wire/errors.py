"""What went wrong, in the form that OpenAI's clients read: a status and an `error` object.

A client is told what it can do something about. It never sees a stack trace, a secret, or the
address of an endpoint: those are for the server's log. What comes here of a model has been put into
words for clients before (`failures`).
"""

import math
from collections.abc import Collection
from typing import Any

from msgspec import Struct

from slm_mux.errors import (
    InvalidRequestError,
    NoAnswerError,
    SandboxError,
    SlmMuxError,
    WeightsError,
)
from slm_mux.sampling.outcome import OTHER_KIND

NO_RETRY = ("x-should-retry", "false")
"""A header that tells OpenAI's own clients not to pay for the same failure twice more."""

_MOST = 4000
_USUAL_WAIT = 5.0
"""Seconds, where endpoints that met a limit did not say how long it holds."""
_OTHER_KIND = "set `mux.kind` for another"
_REFUSED = frozenset({"RequestRefusedError"})
_SLOW = frozenset({"RequestTimeoutError", "EngineStandsStillError"})
_LIMITED = frozenset({"RateLimitError"})
_NOT_ASKED = frozenset({"CircuitOpenError"})
_LASTING = frozenset({"AuthenticationError", "QuotaExhaustedError"})


class ApiError(Struct, frozen=True, kw_only=True):
    """One error reply."""

    status: int
    """The HTTP status, 400 to 599."""
    message: str
    """One or two sentences: what was wrong, and what to do."""
    type: str = "invalid_request_error"
    param: str | None = None
    """The field that is wrong, for instance `messages[0].content`; None where it is none."""
    code: str | None = None
    """What programs can compare."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers of the reply, such as Retry-After."""
    reasons: dict[str, str] = {}
    """By model, in pool order, what happened to its draws; empty but for a missing answer."""

    def document(self) -> dict[str, Any]:
        """Write the body of the reply; the same object ends a stream that fails."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        if self.reasons:
            error["reasons"] = self.reasons
        return {"error": error}


class RefusedError(SlmMuxError):
    """The server does not serve this request.

    Args:
        reply: what the client is told.
    """

    def __init__(self, reply: ApiError) -> None:
        super().__init__(reply.message)
        self.reply = reply


def refused(message: str, *, param: str | None = None, code: str | None = None) -> RefusedError:
    """Build the exception for a request that is wrong in itself (400)."""
    return RefusedError(ApiError(status=400, message=message, param=param, code=code))


def unknown_model(message: str) -> RefusedError:
    """Build the exception for a model name that nothing is served under (404)."""
    return RefusedError(
        ApiError(status=404, message=message, param="model", code="model_not_found")
    )


def not_served(path: str, *, served: Collection[str]) -> ApiError:
    """Build the reply for a path that is not served (404).

    Args:
        path: as the client wrote it.
        served: the paths that are.
    """
    why = next((text for end, text in _ELSEWHERE if path.rstrip("/").endswith(end)), None)
    what = why or "there is nothing at this path"
    return ApiError(
        status=404,
        message=f"{shortened(path)}: {what}. Served are {', '.join(served)}",
        code="unknown_url",
    )


_ELSEWHERE = (
    ("/embeddings", "embeddings are not served: the pool's models are asked for answers"),
    ("/responses", "the Responses API is not served; use POST /v1/chat/completions"),
    ("/chat/completions", "the path is /v1/chat/completions: the base URL ends in /v1"),
    ("/completions", "the legacy completions API is not served; use POST /v1/chat/completions"),
    ("/moderations", "moderation is not served"),
    ("/models", "the path is /v1/models: the base URL ends in /v1"),
)


def wrong_method(method: str, *, allowed: Collection[str]) -> ApiError:
    """Build the reply for a path that is served, but not by this method (405)."""
    names = ", ".join(sorted(allowed))
    return ApiError(
        status=405,
        message=f"{shortened(method)} is not served at this path; use {names}",
        code="method_not_allowed",
        headers=(("Allow", names),),
    )


def unauthorised(message: str) -> ApiError:
    """Build the reply for a missing or wrong key (401); the message must not repeat the key."""
    return ApiError(
        status=401,
        message=message,
        type="authentication_error",
        code="invalid_api_key",
        headers=(("WWW-Authenticate", "Bearer"),),
    )


def wrong_host(host: str) -> ApiError:
    """Build the reply for a Host header that is none of this server's (421)."""
    return ApiError(
        status=421,
        message=f"this server is not {shortened(host)!r}: ask it by the address it listens on, or "
        "have that name allowed in its settings",
        code="wrong_host",
    )


def too_slow() -> ApiError:
    """Build the reply for a body that did not arrive in time (408)."""
    return ApiError(status=408, message="the request's body did not arrive in time", code="timeout")


def too_large(most: int) -> ApiError:
    """Build the reply for a body over the limit (413).

    Args:
        most: the limit in bytes.
    """
    return ApiError(
        status=413,
        message=f"the request's body is longer than the {most:,} bytes that this server takes",
        code="request_too_large",
    )


def too_many(message: str, *, retry_after: float) -> ApiError:
    """Build the reply for a request over a limit of rate, concurrency or queue (429).

    Args:
        message: which limit.
        retry_after: when to try again, in seconds, > 0.
    """
    return ApiError(
        status=429,
        message=message,
        type="rate_limit_error",
        code="rate_limit_exceeded",
        headers=_retry_after(retry_after),
    )


def unavailable(message: str, *, retry_after: float | None = None) -> ApiError:
    """Build the reply of a server that cannot answer now: shutting down, or no model (503)."""
    return ApiError(
        status=503,
        message=message,
        type="server_error",
        code="unavailable",
        headers=() if retry_after is None else _retry_after(retry_after),
    )


def timed_out(seconds: float) -> ApiError:
    """Build the reply for a request that took longer than the server allows (504)."""
    return ApiError(
        status=504,
        message=f"no answer within {seconds:g} s: ask for fewer samples or tokens, or have the "
        "server's limit raised",
        type="server_error",
        code="timeout",
        headers=(NO_RETRY,),
    )


def internal(request_id: str) -> ApiError:
    """Build the reply for a mistake of the server's own (500), without its trace."""
    return ApiError(
        status=500,
        message=f"the server made a mistake; its log has it under the request id {request_id}",
        type="server_error",
        code="internal_error",
    )


def api_error(
    error: BaseException,
    *,
    request_id: str,
    failures: Collection[str] = (),
    retry_after: float | None = None,
) -> ApiError:
    """Turn an exception into what the client is told; one that nobody foresaw is `internal`.

    Args:
        error: what ended the request.
        request_id: as it stands in the log.
        failures: the error classes of the draws that failed (`Failure.error`). Where no draw came
            in and all failed for one reason, that reason is the request's.
        retry_after: where they all met limits of their endpoints, or were not asked at all, the
            seconds until the first may be asked again; None where that is not known.
    """
    if isinstance(error, RefusedError):
        return error.reply
    if isinstance(error, InvalidRequestError):
        return ApiError(status=400, message=_cut(str(error)))
    if isinstance(error, NoAnswerError):
        return _no_answer(error, frozenset(failures), retry_after)
    if isinstance(error, SandboxError):
        return unavailable(
            "a model of the pool is asked for programs, and this server cannot run any safely"
        )
    if isinstance(error, WeightsError):
        return unavailable("the file of an embedded model is not there; the server's log says why")
    return internal(request_id)


def shortened(text: str, most: int = 80) -> str:
    """Quote a client's own words: one printable line of at most so many characters."""
    line = "".join(c if c.isprintable() else "�" for c in text[: most + 1])
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _no_answer(
    error: NoAnswerError, failures: frozenset[str], retry_after: float | None
) -> ApiError:
    message = str(error).replace(OTHER_KIND, _OTHER_KIND)
    status, kind, code, lasting = 502, "upstream_error", "no_completion", False
    headers: tuple[tuple[str, str], ...] = ()
    if error.looked_for is not None:
        # Completions came in and were paid for; the same request would mostly end the same way.
        status, kind, code, lasting = 422, "no_answer_error", "no_readable_answer", True
    elif failures and failures <= _REFUSED:
        status, kind, code = 400, "invalid_request_error", "refused_by_models"
    elif failures and failures <= _NOT_ASKED:
        status, kind, code = 503, "upstream_error", "unavailable"
        headers = _retry_after(_USUAL_WAIT if retry_after is None else retry_after)
    elif failures and failures <= _LIMITED | _NOT_ASKED:
        status, kind, code = 429, "rate_limit_error", "rate_limit_exceeded"
        headers = _retry_after(_USUAL_WAIT if retry_after is None else retry_after)
    elif failures and failures <= _SLOW:
        status, kind, code, lasting = 504, "upstream_error", "timeout", True
    elif failures and failures <= _LASTING:
        # The endpoints' keys and accounts are the server's: no repeat of a client's mends them.
        lasting = True
    return ApiError(
        status=status,
        message=_cut(message),
        type=kind,
        code=code,
        headers=(NO_RETRY,) if lasting else headers,
        reasons=error.reasons,
    )


def _cut(message: str) -> str:
    return message if len(message) <= _MOST else f"{message[: _MOST - 1]}…"


def _retry_after(seconds: float) -> tuple[tuple[str, str], ...]:
    """Whole seconds, at least one, as every client can read them."""
    whole = math.ceil(seconds) if math.isfinite(seconds) else 60
    return (("Retry-After", str(max(1, whole))),)
