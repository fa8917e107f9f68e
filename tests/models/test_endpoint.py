"""An endpoint's URL, key, headers and proxy are checked when it is made."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import PoolError
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.secrecy import HIDDEN, hide, spellings


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the proxies of whoever runs the tests out of the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("url", "chat", "safe"),
    [
        ("http://h:1/v1", "http://h:1/v1/chat/completions", "http://h:1/v1"),
        ("http://h:1/v1/", "http://h:1/v1/chat/completions", "http://h:1/v1"),
        ("http://h:1/v1/chat/completions/", "http://h:1/v1/chat/completions", "http://h:1/v1"),
        ("http://h:1", "http://h:1/chat/completions", "http://h:1"),
        ("HTTPS://h/openai/v1#x", "https://h/openai/v1/chat/completions", "https://h/openai/v1"),
        (
            "https://h/v1?api-version=2026-01-01",
            "https://h/v1/chat/completions?api-version=2026-01-01",
            "https://h/v1?…",
        ),
        ("http://ann:secret@h:1/v1", "http://h:1/v1/chat/completions", "http://h:1/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/chat/completions", "http://[::1]:8080/v1"),
    ],
)
def test_a_url_is_normalised(url: str, chat: str, safe: str) -> None:
    """Slashes and /chat/completions at the end are dropped, a query is kept, nothing is added."""
    endpoint = Endpoint(url)
    assert endpoint.chat_url == chat
    assert endpoint.safe_url == safe
    assert endpoint.models_url == chat.replace("/chat/completions", "/models")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:11434/v1", "starts with http://"),
        ("ftp://h/v1", "starts with http://"),
        ("", "starts with http://"),
        ("http://", "names no host"),
        ("http:///v1", "names no host"),
        ("http://h:99999/v1", "a host or a port that cannot be"),
        ("http://h:x/v1", "a host or a port that cannot be"),
        ("http://h:0/v1", "port 0"),
        ("http://[::1/v1", "a host or a port that cannot be"),
        ("http://" + "a" * 70 + ".example/v1", "a host or a port that cannot be"),
        ("http://h /v1", "a blank or a control character"),
        ("http://h/v1\n", "a blank or a control character"),
    ],
)
def test_a_url_that_cannot_be_asked_is_refused(url: str, words: str) -> None:
    """The message repeats the URL, says what is wrong, and shows how one looks."""
    with pytest.raises(PoolError, match=words) as caught:
        Endpoint(url)
    assert repr(url) in str(caught.value)
    assert "write it like http://127.0.0.1:11434/v1" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["ann:hunter22@h:1/v1", "ftp://ann:hunter22@h", "http://ann:hunter22@h:x/v1?key=hunter22"],
)
def test_a_refused_url_shows_no_password(url: str) -> None:
    """User, password and query of a URL that cannot be asked are not shown."""
    with pytest.raises(PoolError) as caught:
        Endpoint(url)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-ab\ncd", "sk-äb", "sk-\x00", "sk-“ab”"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    """The message says what is wrong with the key, and does not show it."""
    with pytest.raises(PoolError, match=r"^http://h/v1: the key has a character") as caught:
        Endpoint("http://h/v1", api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("headers", [{"X-A": "b\r\nX-C: d"}, {"X A": "b"}, {"": "b"}])
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str]) -> None:
    """Line breaks in values and blanks in names are refused."""
    with pytest.raises(PoolError, match="no HTTP header can carry"):
        Endpoint("http://h/v1", headers=headers)


@pytest.mark.parametrize(
    ("url", "key", "headers"),
    [
        ("http://ann:pw@h/v1", "sk-1", {}),
        ("http://h/v1", "sk-1", {"authorization": "Bearer x"}),
        ("http://ann:pw@h/v1", None, {"Authorization": "Bearer x"}),
    ],
)
def test_two_ways_of_authentication_are_refused(
    url: str, key: str | None, headers: dict[str, str]
) -> None:
    """A key, user:password in the URL and an Authorization header exclude each other."""
    with pytest.raises(PoolError, match="give one of"):
        Endpoint(url, api_key=key, headers=headers)


def test_the_identity_tells_keys_apart() -> None:
    """Equal URL and key give equal identities; another key, another one; none reveals the key."""
    keys = ["sk-0123456789", "sk-9876543210", "k"]
    found = [Endpoint("http://h/v1", api_key=key).identity for key in keys]
    again = [Endpoint("http://h/v1/", api_key=key).identity for key in keys]
    assert found == again
    assert len({*found, Endpoint("http://h/v1").identity}) == 4
    assert [i for i, key in zip(found, keys[:2], strict=False) if key in i] == []
    assert Endpoint("http://h/v1", api_key="  ").identity == "http://h/v1"


def test_a_blank_key_is_no_key() -> None:
    """A key of blanks, or none, means that requests carry none."""
    assert not Endpoint("http://h/v1", api_key=" \n").has_key
    assert Endpoint("http://h/v1", api_key="k").has_key
    assert Endpoint("http://h/v1", headers={"api-key": "k"}).has_key
    assert Endpoint("http://ann:pw@h/v1").has_key


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=4, max_size=40),
    st.text(max_size=50),
    st.text(max_size=50),
)
def test_a_secret_is_hidden_wherever_it_stands(secret: str, before: str, after: str) -> None:
    """No text shows a secret once it is hidden in it, unless the mark itself spells it."""
    hidden = hide(f"{before}{secret}{after}", (*spellings({secret: 4}), "dd", "hidden"))
    assert HIDDEN in hidden
    assert secret not in hidden.replace(HIDDEN, " ")


def test_the_longer_secret_is_hidden_whole() -> None:
    """Where one secret starts another, nothing of the longer one is left."""
    assert hide("abcdefgh abcd", ("abcd", "abcdefgh")) == f"{HIDDEN} {HIDDEN}"


def test_percent_encoded_secrets_are_hidden() -> None:
    """A secret is hidden as written and as it would stand in a URL."""
    secrets = spellings({"a+b/c=": 4, "x": 4})
    assert hide("a+b/c= a%2Bb%2Fc%3D x", secrets) == f"{HIDDEN} {HIDDEN} x"


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("http://h/v1", {}, None),
        ("http://h/v1", {"http_proxy": "http://p:3128"}, "http://p:3128"),
        ("http://h/v1", {"http_proxy": "p:3128"}, "http://p:3128"),
        ("http://h/v1", {"all_proxy": "http://p:3128"}, "http://p:3128"),
        ("https://h/v1", {"http_proxy": "http://p:3128"}, None),
        ("https://h/v1", {"https_proxy": "http://p:3128"}, "http://p:3128"),
        ("https://h/v1", {"https_proxy": "http://p:3128", "no_proxy": "x,h"}, None),
        ("https://a.h/v1", {"https_proxy": "http://p:3128", "no_proxy": ".h"}, None),
        ("http://127.0.0.1:1/v1", {"http_proxy": "http://p:3128"}, None),
        ("http://localhost:1/v1", {"http_proxy": "http://p:3128"}, None),
        ("http://[::1]:1/v1", {"http_proxy": "http://p:3128"}, None),
    ],
)
async def test_the_environment_names_the_proxy(
    url: str,
    environment: dict[str, str],
    proxy: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proxies are used as the environment says, and never for a loopback address."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    endpoint = Endpoint(url)
    session = endpoint._session(None)
    used = session._default_proxy
    await endpoint.aclose()
    assert (used if used is None else str(used)) == proxy


def test_a_proxy_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy is refused, without its password."""
    monkeypatch.setenv("https_proxy", "socks5://ann:hunter22@p:1080")
    with pytest.raises(PoolError, match="add h to NO_PROXY") as caught:
        Endpoint("https://h/v1")
    assert "hunter22" not in str(caught.value)


def test_an_endpoint_is_made_outside_any_event_loop() -> None:
    """Nothing is opened until the first request, so an endpoint can be made anywhere."""
    endpoint = Endpoint("http://127.0.0.1:9/v1", api_key="sk-0123456789")
    asyncio.run(endpoint.aclose())
    assert repr(endpoint) == "Endpoint('http://127.0.0.1:9/v1')"
