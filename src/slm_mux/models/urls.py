"""Checks on an endpoint's URL, and the URL as it may be shown."""

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from slm_mux.errors import PoolError

_LOOPBACK = re.compile(r"localhost|.*\.localhost|127(\.\d+){3}|::1", re.IGNORECASE)


def checked_url(url: str) -> SplitResult:
    """Take a URL apart.

    Raises:
        PoolError: it cannot be asked; the message shows neither user, password nor query.
    """
    shown = without_user(url)
    example = "write it like http://127.0.0.1:11434/v1"
    if not re.match(r"https?://", url, re.IGNORECASE):
        raise PoolError(f"{shown!r} is not a URL that starts with http:// or https://; {example}")
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise PoolError(f"{shown!r} has a blank or a control character in it; {example}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if not host:
            raise PoolError(f"{shown!r} names no host; {example}")
        host.encode("idna" if ":" not in host else "ascii")
    except ValueError:
        raise PoolError(f"{shown!r} has a host or a port that cannot be; {example}") from None
    if port == 0:
        raise PoolError(f"{shown!r} has port 0; {example}")
    return parts


def without_user(url: str) -> str:
    """Drop user, password and query, also where the URL is not a valid one."""
    return re.sub(r"^([^/?#]*//)?[^/?#]*@", r"\1", url).partition("?")[0]


def query_values(parts: SplitResult) -> Iterator[str]:
    """Yield the values in the URL's query, as written."""
    return (pair.partition("=")[2] for pair in parts.query.split("&"))


def environment_proxy(parts: SplitResult) -> str | None:
    """Find the proxy that the environment names for this URL.

    Raises:
        PoolError: there is one, and it cannot be used.
    """
    host = parts.hostname or ""
    proxies = getproxies_environment()
    proxy = proxies.get(parts.scheme.lower()) or proxies.get("all")
    address = f"{host}:{parts.port}" if parts.port else host
    if not proxy or _LOOPBACK.fullmatch(host) or proxy_bypass(address):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    if not proxy.lower().startswith(("http://", "https://")):
        raise PoolError(
            f"the environment asks for the proxy {without_user(proxy)}, but only http:// and "
            f"https:// proxies can be used; unset it, or add {host} to NO_PROXY"
        )
    return proxy
