"""Which models an endpoint serves, and which servers run on this machine."""

import asyncio
import re
import time
from collections.abc import Mapping
from types import MappingProxyType

import aiohttp
import msgspec
from msgspec import Struct

from slm_mux.errors import ModelError
from slm_mux.models.endpoint import Endpoint, ReplyTooLongError, Timeouts
from slm_mux.models.faults import Faults
from slm_mux.models.wire import NotJSONError, decode_models

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "Ollama": "http://127.0.0.1:11434/v1",
        "LM Studio": "http://127.0.0.1:1234/v1",
        "vLLM": "http://127.0.0.1:8000/v1",
        "llama.cpp": "http://127.0.0.1:8080/v1",
    }
)
"""The programs that serve models on one's own machine, each with its usual address."""

_EMBEDDING = re.compile(r"embed|rerank|minilm|(^|[/_-])(bge|gte|e5)[_-]", re.IGNORECASE)


class FoundServer(Struct, frozen=True, kw_only=True):
    """A server that answered."""

    name: str
    """The program that usually has this address; another may have taken it."""
    url: str
    models: tuple[str, ...]
    """What it serves for chats, in its order."""
    embedding_models: tuple[str, ...] = ()
    """What it serves besides and is left out above: models whose names say that they embed."""
    seconds: float
    """From the question to its answer."""


def names_an_embedding(model: str) -> bool:
    """Whether a model's name says that it embeds or reranks and cannot chat.

    By name alone, since no endpoint tells: it contains "embed", "rerank" or "minilm", or a part of
    it is "bge", "gte" or "e5".
    """
    return _EMBEDDING.search(model) is not None


async def served_models(endpoint: Endpoint, *, timeout: float = 10.0) -> list[str]:  # noqa: ASYNC109
    """Ask an endpoint for the names it serves (GET /models).

    Args:
        endpoint: stays open; close it when done.
        timeout: of the whole request, in seconds.

    Returns:
        The names in its order, embedding models among them.

    Raises:
        ModelError: one of its subclasses; `model` is the URL, as no model was asked.
    """
    faults = Faults(endpoint.safe_url, endpoint, timeout=timeout, connect_timeout=timeout)
    try:
        raw = await endpoint.send("GET", endpoint.models_url, timeouts=Timeouts(timeout))
    except (aiohttp.ClientError, TimeoutError, OSError, ReplyTooLongError) as error:
        raise faults.of_exception(error) from None
    if not 200 <= raw.status < 300:
        raise faults.of_status(raw)
    try:
        return decode_models(raw.body)
    except (NotJSONError, msgspec.ValidationError) as error:
        raise faults.of_body(raw, error) from None


async def find_local_servers(
    known: Mapping[str, str] = KNOWN,
    *,
    timeout: float = 1.5,  # noqa: ASYNC109
) -> list[FoundServer]:
    """Ask every known address at the same time which models it serves.

    An address where nothing answers, or something else than such a server, is left out.

    Args:
        known: URLs by the name of the program.
        timeout: for each address, in seconds.

    Returns:
        Those that answered, in the order of `known`.
    """
    found = await asyncio.gather(*(_ask(name, url, timeout) for name, url in known.items()))
    return [server for server in found if server is not None]


async def _ask(name: str, url: str, seconds: float) -> FoundServer | None:
    endpoint = Endpoint(url)
    start = time.perf_counter()
    try:
        served = await served_models(endpoint, timeout=seconds)
    except ModelError:
        return None
    finally:
        await endpoint.aclose()
    return FoundServer(
        name=name,
        url=url,
        models=tuple(model for model in served if not names_an_embedding(model)),
        embedding_models=tuple(model for model in served if names_an_embedding(model)),
        seconds=time.perf_counter() - start,
    )
