"""Whether a web page of this server's own made a browser send a request."""

from urllib.parse import urlsplit

from starlette.types import Scope

from slm_mux.server.replies import header


def from_own_page(scope: Scope) -> bool | None:
    """Judge by what a browser says of the sender, which no page can make it say otherwise.

    Sec-Fetch-Site decides where it is sent: the browser compares the whole address that it asked,
    so a proxy before this server that speaks TLS changes nothing. Older browsers send the origin
    alone; its host and port must then be those that were asked. Its scheme is not compared, since
    such a proxy hides it.

    Returns:
        None where the request says nothing of its sender: then it is no browser's, or nothing that
        a page of another origin could send.
    """
    site = header(scope, b"sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = header(scope, b"origin")
    if origin is None:
        return None
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return host != "" and host == (header(scope, b"host") or "").lower()
