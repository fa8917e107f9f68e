"""A model behind any OpenAI-compatible chat endpoint.

Ollama, llama.cpp, vLLM, SGLang, LM Studio and the hosted services all speak this format. One call
sends one request; retries, limits and seeds are the sampler's.
"""

import math
from collections.abc import Mapping

import aiohttp
import msgspec

from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.base import Limits, Request
from slm_mux.models.endpoint import Endpoint, ReplyTooLongError, Timeouts
from slm_mux.models.faults import Faults
from slm_mux.models.secrecy import checked_headers
from slm_mux.models.wire import NotJSONError, completions, decode_reply, encode_request
from slm_mux.types import Completion


class OpenAIModel:
    """One model name at one endpoint.

    A text with half of a surrogate pair, which UTF-8 cannot carry, is refused before anything is
    sent: what a model is asked is always what was written.

    Args:
        name: the name in the pool.
        model: the name the endpoint serves it under.
        url: the endpoint's base URL, for instance `http://127.0.0.1:11434/v1`. It may be left out
            where `endpoint` is given.
        api_key: sent as a bearer token; None or blank for none. Not with `endpoint`, which has its
            own.
        headers: further headers of every request; their values are treated as secrets.
        endpoint: one that other models use too, to share its connections and its limits.
        limits: what the endpoint can take.
        draws_at_once: whether one request may ask for several draws (`n`).
        timeout: of a whole request, in seconds, > 0.
        connect_timeout: of connecting, in seconds, > 0.
        context: tokens of prompt and completion together that the endpoint takes, >= 1; None where
            that is not known. Nothing is refused here: what it is to read of others is cut by it.

    Raises:
        PoolError: one of these cannot be used.
    """

    def __init__(
        self,
        name: str,
        *,
        model: str,
        url: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        endpoint: Endpoint | None = None,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        draws_at_once: bool = False,
        timeout: float = 600.0,
        connect_timeout: float = 10.0,
        context: int | None = None,
    ) -> None:
        if context is not None and context < 1:
            raise PoolError(f"{name}: context is {context}; give 1 or more")
        if not model:
            raise PoolError(f"{name}: model is empty; give the name its endpoint serves it under")
        for option, seconds in (("timeout", timeout), ("connect_timeout", connect_timeout)):
            if not (seconds > 0 and math.isfinite(seconds)):
                raise PoolError(f"{name}: {option} is {seconds}; give seconds, more than 0")
        own: dict[str, str] | None = None
        if endpoint is None:
            if url is None:
                raise PoolError(f"{name}: there is no url; give one, or an endpoint")
            endpoint = Endpoint(url, api_key=api_key, headers=headers)
        else:
            if api_key or (url is not None and Endpoint(url).chat_url != endpoint.chat_url):
                raise PoolError(f"{name}: the endpoint has a url and a key of its own; give none")
            own = checked_headers(headers or {}, where=name) or None
        self.name = name
        self.model = model
        self.endpoint = endpoint.identity
        self.identity = f"openai:{endpoint.address(own)}|{model}"
        """Where and as what it is served, without any secret; see `Endpoint.address`."""
        self.limits = limits
        self.draws_at_once = draws_at_once
        self.context = context
        self._at = endpoint
        self._timeouts = Timeouts(timeout, connect=connect_timeout)
        self._faults = Faults(
            name,
            endpoint,
            served=model,
            timeout=timeout,
            connect_timeout=connect_timeout,
            headers=own,
        )
        self._headers = own

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r}, model={self.model!r}, url={self._at.safe_url!r})"

    @property
    def http(self) -> Endpoint:
        """Where the requests go."""
        return self._at

    async def complete(self, request: Request) -> list[Completion]:
        """Ask once, without retries.

        Returns:
            1 .. n completions in the order of the reply. An empty text is a completion.

        Raises:
            InvalidRequestError: n > 1 without `draws_at_once`, n < 1, or an extra field that is
                set for each draw.
            TransientError: trying again may help.
            PermanentError: it would not.
            asyncio.CancelledError: the connection was closed, so that the server stops generating.
        """
        n = request.n
        if n != 1 and (n < 1 or not self.draws_at_once):
            raise InvalidRequestError(
                f"{self.name}: n is {n}; it must be 1 unless draws_at_once is set"
            )
        faults = self._faults
        try:
            body = encode_request(self.model, request)
        except (UnicodeEncodeError, TypeError, RecursionError) as error:
            raise faults.of_encoding(error) from None
        try:
            raw = await self._at.send(
                "POST",
                self._at.chat_url,
                body=body,
                timeouts=self._timeouts,
                headers=self._headers,
                user=self,
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ReplyTooLongError) as error:
            # Without the cause: aiohttp's exceptions carry the request, and its key.
            raise faults.of_exception(error) from None
        if not 200 <= raw.status < 300:
            raise faults.of_status(raw)
        try:
            reply = decode_reply(raw.body)
        except (NotJSONError, msgspec.ValidationError) as error:
            raise faults.of_body(raw, error) from None
        found = completions(reply, n)
        if found:
            return found
        wrong = reply.error or next((c.error for c in reply.choices or () if c.error), None)
        if wrong:
            raise faults.of_error_object(wrong, raw.headers)
        if reply.choices is msgspec.UNSET:
            raise faults.of_body(raw, msgspec.ValidationError("it has no field `choices`"))
        raise faults.of_empty()

    async def aclose(self) -> None:
        """Close the connections, unless another model shares them; it may be used again.

        Requests still in flight then end in ConnectionLostError.
        """
        await self._at.aclose(self)
