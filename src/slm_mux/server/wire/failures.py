"""What clients are told of a model that failed.

An error of a model is written for whoever runs the pool: it names the URL, files, and what stands
in the pool file. Clients get other words, which go by the class of the error alone. What an
endpoint itself said is told in one case: it refused the request, which a client can mend.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from slm_mux import errors
from slm_mux.errors import ModelError
from slm_mux.models.pulse import EngineStandsStillError

ADDRESS = "[address]"
"""In place of every address in an endpoint's words."""

_WORDS: Mapping[type[ModelError], str] = MappingProxyType(
    {
        errors.RateLimitError: "its endpoint takes no more requests for now",
        errors.ServerFaultError: "its endpoint failed",
        errors.ConnectionLostError: "the connection to its endpoint broke",
        errors.RequestTimeoutError: "its endpoint did not answer in time",
        errors.RequestRefusedError: "its endpoint refused the request",
        errors.AuthenticationError: "its endpoint does not accept this server's key",
        errors.QuotaExhaustedError: "the quota of its endpoint's account is used up",
        errors.ModelNotFoundError: "its endpoint does not serve it",
        errors.BadReplyError: "its endpoint gave no reply that can be read",
        errors.EmbeddedEngineError: "it cannot be loaded",
        EngineStandsStillError: "its engine has come to a stand",
    }
)
_ADDRESS = re.compile(
    "|".join(
        (
            r"\b[a-z][a-z0-9+.-]{0,15}://[^\s'\"<>,;)]+",  # a URL
            r"'[^'\s]{1,253}', ?\d{1,5}\b",  # host and port as Python writes them
            r"\[[0-9a-f.]*:[0-9a-f:.]*(?:%\w+)?\](?::\d{1,5})?",  # IPv6 in brackets
            r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",  # and without
            r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b",  # IPv4
            r"\b(?=[\w.-]*[a-z])[a-z0-9](?:[\w.-]{0,251}\w)?:\d{2,5}\b",  # a name with a port
            r"\blocalhost\b",
        )
    ),
    re.IGNORECASE,
)


def told(error: ModelError, name: str, *, endpoint: str = "") -> str:
    """Say what became of a request to a model, for everybody.

    Args:
        error: what it ended in.
        name: the model's.
        endpoint: as for `words_of`.
    """
    return f"{name}: {words_of(error, endpoint=endpoint)}"


def words_of(error: ModelError, *, endpoint: str = "") -> str:
    """Say the same without the model's name.

    Args:
        error: what a request ended in.
        endpoint: the model's `endpoint`, whose host must not be shown; need not be a URL.
    """
    words = next((_WORDS[kind] for kind in type(error).__mro__ if kind in _WORDS), "it failed")
    if isinstance(error, errors.ConnectionLostError) and error.never_connected:
        words = "its endpoint cannot be reached"
    if error.status is not None:
        words += f" ({error.status})"
    if isinstance(error, errors.RequestRefusedError) and error.said:
        words += f": {without_addresses(error.said, endpoint=endpoint)}"
    return words


def without_addresses(text: str, *, endpoint: str = "") -> str:
    """Take addresses out of an endpoint's own words.

    A bare name cannot be told from any other word, but for the endpoint's own.

    Args:
        text: its words.
        endpoint: as for `words_of`.
    """
    text = _ADDRESS.sub(ADDRESS, text)
    host = urlsplit(endpoint).hostname
    if host:
        text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", ADDRESS, text, flags=re.IGNORECASE)
    return text
