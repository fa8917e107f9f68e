"""Asking endpoints which models they serve."""

from typing import Any

import pytest

from slm_mux.errors import (
    AuthenticationError,
    BadReplyError,
    ConnectionLostError,
    ModelError,
    ModelNotFoundError,
    RequestTimeoutError,
)
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.probe import KNOWN, find_local_servers, names_an_embedding, served_models
from tests.endpoints import html, never_answers, raw, replies, serving, speaking, status, unused_url
from tests.models.asking import ask, model_at


async def asked(behaviour: Any, *, timeout: float = 10.0) -> list[str]:  # noqa: ASYNC109
    """Ask an endpoint whose list of models behaves like this."""
    async with serving() as fake:
        fake.listing = behaviour
        endpoint = Endpoint(fake.url)
        try:
            return await served_models(endpoint, timeout=timeout)
        finally:
            await endpoint.aclose()


async def test_an_endpoint_lists_its_models() -> None:
    """Names come in the endpoint's order, each once."""
    async with serving() as fake:
        fake.served = ["b", "a", "b", "nomic-embed-text"]
        endpoint = Endpoint(fake.url)
        assert await served_models(endpoint) == ["b", "a", "nomic-embed-text"]
        await endpoint.aclose()


async def test_asking_does_not_keep_a_models_connections_open() -> None:
    """A model whose endpoint was asked for its models closes its connections all the same."""
    async with serving() as fake:
        model = model_at(fake)
        await served_models(model.http)
        await model.complete(ask())
        session = model.http._session(None)
        await model.aclose()
        assert session.closed
    assert len(fake.connections) == 1


@pytest.mark.parametrize("data", [None, []])
async def test_an_endpoint_may_serve_nothing(data: Any) -> None:
    """An empty list, or null as Ollama says it, is a list without models."""
    assert await asked(replies({"object": "list", "data": data})) == []


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (html(), BadReplyError),
        (replies({"models": []}), BadReplyError),
        (replies([{"id": "m"}]), BadReplyError),
        (replies({"data": [{"name": "m"}]}), BadReplyError),
        (raw(b"", "text/plain"), ModelError),
        (status(401), AuthenticationError),
        (status(404), ModelNotFoundError),
    ],
)
async def test_what_is_no_list_is_an_error(behaviour: Any, error: type[ModelError]) -> None:
    """Anything else than a list of models is one of the errors of a request."""
    with pytest.raises(error) as caught:
        await asked(behaviour)
    assert caught.value.model in str(caught.value)
    assert caught.value.model.startswith("http://127.0.0.1:")


async def test_a_list_that_takes_too_long_is_an_error() -> None:
    """The timeout holds for lists of models too, and its message names the seconds."""
    with pytest.raises(RequestTimeoutError, match=r"within 0\.1 s"):
        await asked(never_answers(), timeout=0.1)


async def test_an_endpoint_that_is_down_is_an_error() -> None:
    """Where nothing listens, the connection was never made."""
    endpoint = Endpoint(unused_url())
    with pytest.raises(ConnectionLostError):
        await served_models(endpoint)
    await endpoint.aclose()


async def test_servers_are_found_where_they_answer() -> None:
    """Those that answer are named with their models; the others are left out."""
    async with serving() as one, serving() as other, serving() as slow, speaking(b"hi") as chatty:
        one.served = ["qwen2.5:7b", "nomic-embed-text:latest"]
        other.listing = html()
        slow.listing = never_answers()
        known = {
            "down": unused_url(),
            "slow": slow.url,
            "page": other.url,
            "not HTTP": chatty,
            "Ollama": one.url,
        }
        [found] = await find_local_servers(known, timeout=1.0)
    assert (found.name, found.url) == ("Ollama", one.url)
    assert found.models == ("qwen2.5:7b",)
    assert found.embedding_models == ("nomic-embed-text:latest",)
    assert found.seconds > 0


def test_the_known_servers_are_on_this_machine() -> None:
    """Nothing but the loopback is asked unless told so."""
    assert [url.rpartition(":")[0] for url in KNOWN.values()] == ["http://127.0.0.1"] * 4


@pytest.mark.parametrize(
    ("name", "embeds"),
    [
        ("nomic-embed-text:latest", True),
        ("text-embedding-3-small", True),
        ("mxbai-embed-large", True),
        ("all-minilm:22m", True),
        ("BAAI/bge-m3", True),
        ("intfloat/e5-large", True),
        ("jina-reranker-v2", True),
        ("qwen2.5:7b", False),
        ("gemma-3-270m", False),
        ("mistral-small", False),
        ("bge", False),
    ],
)
def test_embedding_models_are_told_by_their_names(name: str, embeds: bool) -> None:
    """Names of embedding and reranking models are told from those of chat models."""
    assert names_an_embedding(name) == embeds
