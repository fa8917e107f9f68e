"""What went wrong with a request, as one of the errors of `slm_mux.errors`.

Every message names the model, the URL without its secrets, what the endpoint said (shortened, with
secrets and control characters taken out) and what to do about it.
"""

import re
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from slm_mux.errors import (
    AuthenticationError,
    BadReplyError,
    ConnectionLostError,
    ModelError,
    ModelNotFoundError,
    QuotaExhaustedError,
    RateLimitError,
    RequestRefusedError,
    RequestTimeoutError,
    ServerFaultError,
)
from slm_mux.models.endpoint import MAX_REPLY_BYTES, Endpoint, RawReply, ReplyTooLongError
from slm_mux.models.retry_after import retry_after
from slm_mux.models.secrecy import carry_a_key, header_secrets, hide, spellings
from slm_mux.models.wire import NotJSONError, decode_json

_MAX_WORDS = 300
_RETRIED = frozenset({408, 409, 425})
_USED_UP = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Codes of endpoints that send 429 (or 400) until somebody pays."""
_KINDS = (
    (("rate_limit", "ratelimit", "too_many", "quota"), 429),
    (("model_not_found", "modelnotfound", "notfound", "not_found"), 404),
    (("authentication", "api_key", "unauthorized", "permission"), 401),
    (("invalid_request", "badrequest", "bad_request", "context_length"), 400),
)


class Faults:
    """Turns failures of one model's requests into errors.

    Args:
        name: the model's name in the pool, as errors carry it.
        endpoint: where it is asked.
        served: the name that is asked for there; None when no model is (a list of models).
        timeout: of the whole request, in seconds.
        connect_timeout: of connecting, in seconds.
        headers: sent beside those of the endpoint.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        served: str | None = None,
        timeout: float,
        connect_timeout: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._served = served
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._secrets = endpoint.secrets
        self._has_key = endpoint.has_key or carry_a_key(headers or {})
        if headers:
            self._secrets += spellings(header_secrets(headers))
        url = endpoint.safe_url
        self._where = url if name == url else f"{name} ({url})"

    def of_exception(self, error: Exception) -> ModelError:
        """Build the error for a request that brought no whole reply.

        Args:
            error: what `Endpoint.send` raised.
        """
        where, name = self._where, self._name
        if isinstance(error, ReplyTooLongError):
            return BadReplyError(
                f"{where}: the reply is longer than {MAX_REPLY_BYTES // 2**20} MiB and was "
                "dropped; set max_tokens, and check that the URL is a chat endpoint",
                model=name,
            )
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return ConnectionLostError(
                f"{where}: no connection within {self._connect_timeout:g} s; check host and port, "
                "and whether a firewall or a proxy stands between",
                model=name,
                never_connected=True,
            )
        if isinstance(error, TimeoutError):
            return RequestTimeoutError(
                f"{where}: no whole reply within {self._timeout:g} s; raise timeout, lower "
                "max_tokens, or send fewer requests at the same time",
                model=name,
            )
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return ConnectionLostError(
                f"{where}: the proxy that the environment names answered {error.status}; check "
                "HTTPS_PROXY and HTTP_PROXY, or add the host to NO_PROXY",
                model=name,
                never_connected=True,
            )
        if isinstance(error, aiohttp.ClientResponseError):
            return BadReplyError(
                f"{where}: what answers there does not speak HTTP as it should "
                f"({self._words(error.message, 120)}); check the port, and http against https",
                model=name,
            )
        if isinstance(error, aiohttp.ClientConnectorError):
            return self._never_connected(error)
        reason = str(error)
        if isinstance(error, aiohttp.ClientPayloadError):
            reason = reason.partition(":")[0]  # what follows is aiohttp's own exception, in code
        reason = self._words(reason, 120) or type(error).__name__
        return ConnectionLostError(
            f"{where}: the connection broke before the reply was whole ({reason}); if this "
            "repeats, look into the server's log, and lower max_in_flight",
            model=name,
        )

    def of_status(self, reply: RawReply) -> ModelError:
        """Build the error for a reply whose status is not 2xx.

        Args:
            reply: the reply.
        """
        if 300 <= reply.status < 400:
            return self._redirected(reply)
        said, codes = self._said(reply.body)
        return self._classified(reply.status, said, codes, reply.headers)

    def of_error_object(self, error: Any, headers: Mapping[str, str]) -> ModelError:
        """Build the error for an error object in a reply with status 200.

        A numeric code in it counts as the status; else its type decides; else it is taken for a
        fault of the server, which is worth another try.
        """
        said, codes = _unpacked(error)
        status = 500
        for words, meant in _KINDS:
            if any(word in code for code in codes for word in words):
                status = meant
                break
        for code in codes:
            if re.fullmatch(r"[45]\d\d", code):
                status = int(code)
        return self._classified(status, self._words(said), codes, headers)

    def of_empty(self) -> ModelError:
        """Build the error for a reply without any choice."""
        return ServerFaultError(
            f"{self._where}: the reply holds no choices; if this repeats, look into the server's "
            "log",
            model=self._name,
        )

    def of_body(self, reply: RawReply, error: Exception) -> ModelError:
        """Build the error for a 2xx reply that cannot be read as what was asked for.

        Args:
            reply: the reply.
            error: NotJSONError or msgspec.ValidationError.
        """
        if isinstance(error, NotJSONError) and error.incomplete:
            return ServerFaultError(
                f"{self._where}: the reply is empty or breaks off ({len(reply.body)} bytes); if "
                "this repeats, look into the server's log",
                model=self._name,
            )
        content_type = self._words(reply.headers.get("Content-Type", "no content type"), 60)
        said = ""
        if isinstance(error, NotJSONError):
            said = repr(self._words(reply.body[:400].decode("utf-8", "replace"), 80))
            what = f"the reply is not JSON but {content_type}, and starts with {said}"
        else:
            what = f"the reply is not one of a chat endpoint ({self._words(str(error), 160)})"
        bad = BadReplyError(
            f"{self._where}: {what}; check the URL: it must be the base of an OpenAI-compatible "
            "API, which mostly ends in /v1",
            model=self._name,
        )
        bad.said = said
        return bad

    def of_encoding(self, error: Exception) -> ModelError:
        """Build the error for a request that cannot be written as JSON; nothing was sent."""
        if isinstance(error, UnicodeEncodeError):
            what = (
                f"a text has half of a surrogate pair at character {error.start}, which UTF-8 "
                "cannot carry; repair the text where it was read"
            )
        else:
            what = (
                f"the request cannot be written as JSON ({self._words(str(error), 120)}); look at "
                "its messages and extra fields"
            )
        refused = RequestRefusedError(f"{self._where}: {what}", model=self._name)
        refused.said = what
        return refused

    def _classified(
        self, status: int, said: str, codes: list[str], headers: Mapping[str, str]
    ) -> ModelError:
        said = said.rstrip(".")
        error = self._by_status(status, said, codes, headers)
        error.status, error.said = status, said
        return error

    def _by_status(
        self, status: int, said: str, codes: list[str], headers: Mapping[str, str]
    ) -> ModelError:
        name = self._name
        try:
            phrase = f"{status} ({HTTPStatus(status).phrase})"
        except ValueError:
            phrase = str(status)
        what = f"{self._where}: the endpoint answered {phrase}" + (f": {said}" if said else "")
        if not _USED_UP.isdisjoint(codes):
            return QuotaExhaustedError(
                f"{what}. The account's quota is used up: raise it where the endpoint is paid for, "
                "or take the model out of the pool",
                model=name,
            )
        if status == 429:
            return RateLimitError(
                f"{what}. Lower max_in_flight, or set requests_per_minute for it",
                model=name,
                retry_after=retry_after(headers),
            )
        if status in _RETRIED or status >= 500:
            return ServerFaultError(
                f"{what}. If this repeats, look into the server's log",
                model=name,
                retry_after=retry_after(headers),
            )
        if status in (401, 403):
            remedy = (
                "It did not accept the key: check the variable that api_key names in the pool file"
                if self._has_key
                else "No key was sent: set api_key: ${YOUR_VARIABLE} for it in the pool file"
            )
            return AuthenticationError(f"{what}. {remedy}", model=name)
        if status == 404:
            return ModelNotFoundError(f"{what}. {self._not_found(said, codes)}", model=name)
        remedy = "Change what the endpoint objects to in the request or the pool file"
        if status == 405:
            remedy = self._wrong_url()
        return RequestRefusedError(f"{what}. {remedy}", model=name)

    def _not_found(self, said: str, codes: list[str]) -> str:
        """Say what to do about a 404: the model is missing, or the URL is wrong."""
        about_model = "model" in said.lower() or any("model" in code for code in codes)
        if self._served is not None and about_model:
            return (
                f"It does not serve {self._served!r}: `slm-mux models` lists what it serves; "
                "fetch the model, or correct its name"
            )
        return self._wrong_url()

    def _wrong_url(self) -> str:
        url = self._endpoint.safe_url
        if re.search(r"/v\d+", url):
            return "Check the URL: there seems to be no OpenAI-compatible API at it"
        return f"Check the URL: most servers want {url.removesuffix('?…')}/v1"

    def _redirected(self, reply: RawReply) -> ModelError:
        """Build the error for a redirect, which is not followed: the key would go with it."""
        try:
            target = urlsplit(reply.headers.get("Location", ""))
            host = target.netloc.rpartition("@")[2]
            to = f"{target.scheme}://{host}" if host else "another path of the same host"
        except ValueError:
            to = "a URL that is none"
        return BadReplyError(
            f"{self._where}: the endpoint redirects ({reply.status}) to {self._words(to, 120)}; "
            "redirects are not followed, so that keys stay where they belong: if you trust it, "
            "write its URL in the pool file",
            model=self._name,
        )

    def _never_connected(self, error: aiohttp.ClientConnectorError) -> ModelError:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            what = (
                f"its certificate cannot be verified ({self._words(str(error), 160)}); name the "
                "authority's certificates in SSL_CERT_FILE"
            )
        elif isinstance(error, ssl.SSLError):
            what = f"no TLS connection ({self._words(str(error), 160)}); check http against https"
        elif isinstance(error, aiohttp.ClientConnectorDNSError):
            what = "the host's name is unknown; check its spelling and the network"
        elif isinstance(error, aiohttp.ClientProxyConnectionError):
            what = "the proxy that the environment names does not answer; check it, or NO_PROXY"
        else:
            reason = self._words(error.strerror or str(error), 120)
            what = f"nothing answers there ({reason}); start the server, or correct host and port"
        return ConnectionLostError(f"{self._where}: {what}", model=self._name, never_connected=True)

    def _said(self, body: bytes) -> tuple[str, list[str]]:
        """Read the endpoint's own words in the body of an error, and its codes."""
        try:
            found = decode_json(body)
        except NotJSONError:
            return self._words(body[:4096].decode("utf-8", "replace")), []
        if isinstance(found, dict) and found.get("error"):
            found = found["error"]
        said, codes = _unpacked(found)
        return self._words(said), codes

    def _words(self, text: str, most: int = _MAX_WORDS) -> str:
        """Foreign text made safe to show: one line, printable, no secret, no longer than `most`."""
        line = " ".join(text.split())
        line = "".join(c for c in line if c.isprintable())
        line = hide(line, self._secrets)  # before it is cut, which could leave half a secret
        return line if len(line) <= most else line[: most - 1] + "…"


def _unpacked(error: Any) -> tuple[str, list[str]]:
    """Read what an error object says, and its codes in lower case.

    Known shapes: a string; {"message", "type", "code"}; {"detail": ...}; {"error": ...}.
    """
    if isinstance(error, str):
        return error, []
    if not isinstance(error, dict):
        return "" if error is None else str(error), []
    fields = (error.get("message"), error.get("detail"), error.get("error"))
    said = next((f for f in fields if f), error)
    codes = [str(error.get(field)).lower() for field in ("type", "code", "status")]
    return said if isinstance(said, str) else str(said), [c for c in codes if c != "none"]
