"""Each way a connection fails is one error, with its remedy."""

import asyncio
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from slm_mux.errors import (
    BadReplyError,
    ConnectionLostError,
    ModelError,
    RequestTimeoutError,
)
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.faults import Faults
from slm_mux.models.openai import OpenAIModel
from tests.endpoints import (
    Behaviour,
    breaks_off,
    completion,
    hangs_up,
    html,
    never_answers,
    replies,
    serving,
    speaking,
    stalls,
    status,
    unused_url,
)
from tests.models.asking import ask, fault

KEY = "sk-proj-0123456789abcdef"
PEER = ConnectionKey("h", 443, True, True, None, None, None)
PEER_REQUEST = aiohttp.RequestInfo(
    URL("https://h/v1"), "CONNECT", CIMultiDictProxy(CIMultiDict({"Authorization": KEY}))
)


async def test_a_server_that_is_down() -> None:
    """Where nothing listens, the connection was never made, and the message says so."""
    url = unused_url()
    model = OpenAIModel("qwen", url=url, model="m")
    with pytest.raises(ConnectionLostError, match="nothing answers there") as caught:
        await model.complete(ask())
    await model.aclose()
    assert caught.value.never_connected
    assert "start the server, or correct host and port" in str(caught.value)


async def test_a_host_that_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved is a connection that was never made."""

    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.delenv("all_proxy", raising=False)
    monkeypatch.delenv("ALL_PROXY", raising=False)
    model = OpenAIModel("qwen", url="http://no-such-host.invalid/v1", model="m")
    with pytest.raises(ConnectionLostError, match="the host's name is unknown") as caught:
        await model.complete(ask())
    await model.aclose()
    assert caught.value.never_connected


async def test_a_server_without_tls() -> None:
    """TLS to a server that speaks plain HTTP names the mix-up."""
    async with serving() as fake:
        model = OpenAIModel("qwen", url=fake.url.replace("http:", "https:"), model="m")
        with pytest.raises(ConnectionLostError, match="check http against https") as caught:
            await model.complete(ask())
        await model.aclose()
    assert caught.value.never_connected


async def test_what_is_not_http() -> None:
    """A server that speaks another protocol gives no reply of a chat endpoint."""
    async with speaking(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as url:
        model = OpenAIModel("qwen", url=url, model="m")
        with pytest.raises(BadReplyError, match="does not speak HTTP"):
            await model.complete(ask())
        await model.aclose()


@pytest.mark.parametrize("behaviour", [hangs_up(), breaks_off()])
async def test_a_connection_that_breaks(behaviour: Behaviour) -> None:
    """A connection lost before or within the reply is lost, not unmade."""
    found = await fault(behaviour)
    assert isinstance(found, ConnectionLostError)
    assert not found.never_connected
    assert "the connection broke before the reply was whole" in str(found)


@pytest.mark.parametrize("behaviour", [never_answers(), stalls()])
async def test_a_reply_that_takes_too_long(behaviour: Behaviour) -> None:
    """The timeout counts the whole request, and its message names the seconds."""
    found = await fault(behaviour, timeout=0.1)
    assert type(found) is RequestTimeoutError
    assert "no whole reply within 0.1 s" in str(found)


async def test_a_timeout_closes_the_connection() -> None:
    """After a timeout the server sees that nobody waits any more."""
    async with serving() as fake:
        fake.then(never_answers())
        model = OpenAIModel("qwen", url=fake.url, model="m", timeout=0.1)
        with pytest.raises(RequestTimeoutError):
            await model.complete(ask())
        await fake.left.wait()
        await model.aclose()
    assert fake.disconnects == 1


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (aiohttp.ConnectionTimeoutError("Connection timeout"), "no connection within 3 s; check"),
        (aiohttp.ClientProxyConnectionError(PEER, OSError(111, "refused")), "the proxy that the"),
        (
            aiohttp.ClientConnectorCertificateError(PEER, ssl.CertificateError("self-signed")),
            "its certificate cannot be verified",
        ),
        (
            aiohttp.ClientHttpProxyError(PEER_REQUEST, (), status=407, message="who?"),
            "the proxy that the environment names answered 407",
        ),
    ],
)
def test_a_connection_that_is_never_made(raised: Exception, words: str) -> None:
    """Timeouts of connecting, certificates and proxies are connections that were never made."""
    endpoint = Endpoint("https://h/v1", api_key=KEY)
    found = Faults("qwen", endpoint, timeout=9, connect_timeout=3).of_exception(raised)
    assert isinstance(found, ConnectionLostError)
    assert found.never_connected
    assert words in str(found)
    assert KEY not in str(found)


async def test_a_proxy_is_asked_in_place_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """With http_proxy set, a request goes to the proxy; one that is down is named."""
    async with serving(key=KEY) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        model = OpenAIModel("qwen", url="http://models.invalid/v1", model="m", api_key=KEY)
        assert [c.text for c in await model.complete(ask())] == ["42"]
        await model.aclose()
        assert proxy.headers[0]["Host"] == "models.invalid"
    with pytest.raises(ConnectionLostError, match="proxy that the environment names") as caught:
        await model.complete(ask())
    await model.aclose()
    assert caught.value.never_connected


async def test_closing_under_a_request_breaks_it() -> None:
    """A request in flight when its model is closed ends as a lost connection."""
    async with serving() as fake:
        fake.then(never_answers())
        model = OpenAIModel("qwen", url=fake.url, model="m")
        call = asyncio.create_task(model.complete(ask()))
        await fake.arrived.wait()
        await model.aclose()
        with pytest.raises(ConnectionLostError):
            await call


async def test_a_whole_reply_follows_a_failed_one() -> None:
    """The request after a failed one is answered: nothing of the failure stays."""
    async with serving() as fake:
        for behaviour in (never_answers(), hangs_up(), breaks_off(), status(500), html()):
            fake.then(behaviour)
        fake.always = replies(completion("42"))
        endpoint = Endpoint(fake.url)
        hasty = OpenAIModel("qwen", endpoint=endpoint, model="m", timeout=0.1)
        model = OpenAIModel("qwen", endpoint=endpoint, model="m")
        for failing in (hasty, model, model, model, model):
            with pytest.raises(ModelError):
                await failing.complete(ask())
        assert [c.text for c in await model.complete(ask())] == ["42"]
        await hasty.aclose()
        await model.aclose()
