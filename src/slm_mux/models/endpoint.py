"""Where requests go: a checked URL, a key that is never shown, one pool of connections.

Redirects are not followed (the key would travel with them). HTTP_PROXY, HTTPS_PROXY and NO_PROXY
are honoured, as read when the endpoint is made, but a loopback address is never asked through a
proxy; .netrc is never read and cookies are not kept.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote

import aiohttp

from slm_mux.errors import PoolError
from slm_mux.models.deadlines import Deadline, Deadlines
from slm_mux.models.secrecy import carry_a_key, checked_headers, header_secrets, spellings
from slm_mux.models.sockets import make_socket
from slm_mux.models.urls import (
    checked_url,
    environment_proxy,
    query_values,
    without_user,
)

MAX_REPLY_BYTES = 64 * 2**20
"""A reply longer than this is not one; reading stops there."""
MAX_ERROR_BYTES = 64 * 2**10
"""As much of an error's reply as is read."""

_CHAT = "/chat/completions"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAMES_A_KEY = re.compile(r"auth|key|token|secret|cookie|password|signature", re.IGNORECASE)
"""Of a header or a field of a query. What keys a request carries decides no answer."""


class Timeouts:
    """How long a request may take.

    Args:
        total: seconds of the whole request, > 0.
        connect: seconds of connecting, > 0; None for as long as the whole may take.
    """

    def __init__(self, total: float, *, connect: float | None = None) -> None:
        self.total = total
        self.of_connecting = aiohttp.ClientTimeout(total=None, sock_connect=connect)


class ReplyTooLongError(Exception):
    """The reply passed MAX_REPLY_BYTES; its connection was closed."""


class RawReply(NamedTuple):
    """A reply as it came: nothing is read into it yet."""

    status: int
    headers: Mapping[str, str]
    """Names compare without regard to case."""
    body: bytes
    """At most MAX_REPLY_BYTES; of an error at most about MAX_ERROR_BYTES."""


class Endpoint:
    """One OpenAI-compatible server under one key; models that share it share its connections.

    Connections open at the first request, in the event loop that makes it; each event loop gets
    its own.

    Args:
        url: the base URL, for instance `http://127.0.0.1:11434/v1`. A trailing slash and a trailing
            `/chat/completions` are dropped; nothing is added. A query is kept. User and password
            in it are sent as basic authentication. The host is taken in small letters, and a port
            that the scheme has anyway is dropped.
        api_key: sent as a bearer token; None or blank for none.
        headers: further headers of every request. Their values are treated as secrets.

    Raises:
        PoolError: the URL, the key or a header cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        parts = checked_url(url)
        shown = without_user(url)
        key = (api_key or "").strip()
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        given = checked_headers(headers or {}, where=shown)
        own = {"Content-Type": "application/json", "User-Agent": "slm-mux"}
        pair = f"{user}:{password}"
        token = base64.b64encode(pair.encode()).decode() if user or password else ""
        if key:
            own["Authorization"] = f"Bearer {key}"
        if token:
            own["Authorization"] = f"Basic {token}"
        ways = bool(key) + bool(token) + any(name.lower() == "authorization" for name in given)
        if ways > 1:
            raise PoolError(
                f"{shown}: give one of a key, user:password in the URL, and an Authorization header"
            )
        self._headers = given | checked_headers(own, where=shown)
        self.has_key = carry_a_key(self._headers)
        """Whether requests carry a key of any kind."""
        self.secrets = spellings(
            dict.fromkeys([key, token, password or user, pair if token else ""], 4)
            | header_secrets(given)
            | dict.fromkeys(query_values(parts), 8)
        )
        """What must not be shown, for `slm_mux.models.secrecy.hide`."""
        host = _host(parts)
        path = parts.path.rstrip("/").removesuffix(_CHAT).rstrip("/")
        self.safe_url = f"{parts.scheme}://{host}{path}" + ("?…" if parts.query else "")
        """The URL for people: without user, password and query."""
        self.chat_url = parts._replace(netloc=host, path=path + _CHAT, fragment="").geturl()
        self.models_url = parts._replace(netloc=host, path=path + "/models", fragment="").geturl()
        self._proxy = environment_proxy(parts)
        sent = sorted(f"{name.lower()}:{value}" for name, value in self._headers.items())
        digest = hashlib.sha256("\n".join([self.chat_url, *sent]).encode()).hexdigest()
        bare = not (headers or parts.query or self.has_key)
        self.identity = self.safe_url if bare else f"{self.safe_url}#{digest[:12]}"
        """Equal for equal URL, key and headers; reveals none of them but the URL."""
        self._routing = _routing(parts.query, given)
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._deadlines: dict[asyncio.AbstractEventLoop, dict[float, Deadlines]] = {}
        self._users: set[object] = set()

    def __repr__(self) -> str:
        return f"Endpoint({self.safe_url!r})"

    def address(self, headers: Mapping[str, str] | None = None) -> str:
        """Name where requests end up: the URL and, where they may route, a hash of the rest.

        The rest is the query, and the headers of the endpoint and of the request. Fields whose name
        says that they hold a key are left out, since keys change and answers do not.

        Args:
            headers: of the request, as `send` takes them.
        """
        routing = {**self._routing, **_routing("", headers or {})}
        if not routing:
            return self.safe_url
        written = "\n".join(f"{name}={value}" for name, value in sorted(routing.items()))
        digest = hashlib.sha256(written.encode()).hexdigest()
        return f"{self.safe_url}#{digest[:12]}"

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        timeouts: Timeouts,
        headers: Mapping[str, str] | None = None,
        user: object = None,
    ) -> RawReply:
        """Send one request and read its reply. When cancelled, the connection is closed.

        Args:
            method: GET or POST.
            url: `chat_url` or `models_url`.
            body: JSON.
            timeouts: of the whole request and of connecting.
            headers: beside those of the endpoint, as `checked_headers` returns them.
            user: who asks; the connections stay open until every user has closed. None for one
                who asks in passing, for whom they do not stay open.

        Raises:
            ReplyTooLongError: more than MAX_REPLY_BYTES came.
            aiohttp.ClientError, TimeoutError, OSError: there is no whole reply.
        """
        # Without `async with`, which costs as much as two percent of a request: a reply that was
        # read to its end has given its connection back, and every other one is closed here.
        with self._deadline(timeouts.total):
            reply = await self._session(user).request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=timeouts.of_connecting,
                allow_redirects=False,
            )
            try:
                return RawReply(reply.status, reply.headers, await self._body_of(reply))
            except BaseException:
                reply.close()
                raise

    async def aclose(self, user: object = None) -> None:
        """Close the connections, unless another user than this one still has them.

        Requests still in flight on them end in ConnectionAbortedError.
        The endpoint may be used again. Connections of another event loop that still runs are left
        to it.
        """
        self._users.discard(user)
        if self._users:
            return
        here = asyncio.get_running_loop()
        for loop in list(self._sessions):
            if loop is here or loop.is_closed():
                under_way = self._deadlines.pop(loop, {})
                if loop is here:
                    # aiohttp does not wake those who wait for the rest of a reply.
                    for deadlines in under_way.values():
                        deadlines.break_off()
                session = self._sessions.pop(loop, None)
                if session is not None:
                    await session.close()

    def _arrived(self) -> None:
        """A part of a reply's body is here, and more may come."""

    async def _body_of(self, reply: aiohttp.ClientResponse) -> bytes:
        """Read a reply's body, or of an error's body as much as is wanted."""
        limit = MAX_REPLY_BYTES if reply.status < 300 else MAX_ERROR_BYTES
        length = reply.content_length
        if length is not None and "Content-Encoding" not in reply.headers:
            if length <= limit:
                return await reply.read()
            if limit == MAX_REPLY_BYTES:
                raise ReplyTooLongError
        content = reply.content
        received = await content.readany()
        self._arrived()
        if content.at_eof():
            return received
        chunks = [received]
        size = len(received)
        while chunk := await content.readany():
            self._arrived()
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                if limit == MAX_REPLY_BYTES:
                    raise ReplyTooLongError
                # The rest of a long error page is left unread, and the connection with it.
                reply.close()
                break
        return b"".join(chunks)

    def _deadline(self, seconds: float) -> Deadline:
        """Begin a deadline of the running event loop."""
        here = self._deadlines.setdefault(asyncio.get_running_loop(), {})
        if seconds not in here:
            here[seconds] = Deadlines(seconds)
        return here[seconds].deadline()

    def _session(self, user: object) -> aiohttp.ClientSession:
        """Return the session of the running event loop, made on first use."""
        if user is not None and user not in self._users:
            self._users.add(user)
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            session = aiohttp.ClientSession(
                # Limits are the sampler's, per endpoint and with its own order of waiting.
                connector=aiohttp.TCPConnector(limit=0, socket_factory=make_socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                proxy=self._proxy,
            )
            self._sessions[loop] = session
        return session


def _host(parts: SplitResult) -> str:
    """Host and port, written in one way."""
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    port = parts.port
    return name if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{name}:{port}"


def _routing(query: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What may decide who answers, beside the URL: the query and headers, without keys."""
    found = {
        f"header {name.lower()}": value
        for name, value in headers.items()
        if not _NAMES_A_KEY.search(name)
    }
    fields = [field for field in query.split("&") if field]
    kept = [field for field in fields if not _NAMES_A_KEY.search(field.partition("=")[0])]
    return found | ({"query": "&".join(kept)} if kept else {})
