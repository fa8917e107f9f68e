"""Weights from the Hugging Face hub: one HTTPS download that resumes where it broke off.

HF_ENDPOINT names another hub, HF_TOKEN is sent to that hub and to no other host, HF_HUB_OFFLINE
switches the hub off, and the usual proxy variables apply.
"""

import http.client
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from slm_mux.models.catalogue import HubFile
from slm_mux.models.files import CHUNK, Progress, SourceError, full_disk_explained, quiet

_CONNECT_SECONDS = 2.0
_READ_SECONDS = 30.0
_TRIES = 5
_DEFAULT_ENDPOINT = "https://huggingface.co"


def download(
    hub: HubFile,
    partial: Path,
    *,
    size: int | None = None,
    environment: Mapping[str, str] = os.environ,
    progress: Progress = quiet,
) -> None:
    """Download a file, going on from what `partial` already holds.

    Args:
        hub: which file.
        partial: where it is written; stays there when the download breaks off.
        size: the bytes expected, where known.
        environment: where HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are looked up.
        progress: bytes in hand.

    Raises:
        SourceError: the hub does not answer, refuses, or the connection keeps breaking.
        WeightsError: the disk is full.
    """
    if environment.get("HF_HUB_OFFLINE", "").lower() in {"1", "on", "yes", "true"}:
        raise SourceError("the hub: HF_HUB_OFFLINE is set")
    endpoint = (environment.get("HF_ENDPOINT") or _DEFAULT_ENDPOINT).rstrip("/")
    host = urlsplit(endpoint).hostname
    if urlsplit(endpoint).scheme not in {"http", "https"} or not host:
        raise SourceError(f"the hub: HF_ENDPOINT is {endpoint!r}, which is not an http(s) address")
    url = f"{endpoint}/{quote(hub.repo)}/resolve/{quote(hub.revision, safe='')}/{quote(hub.file)}"
    _check_reachable(endpoint)
    token = environment.get("HF_TOKEN", "").strip()
    opener = urllib.request.build_opener(_Redirects(endpoint, token))
    tries = 0
    while True:
        had = _size(partial)
        try:
            with full_disk_explained(partial.parent, size or 0):
                _receive(opener, url, partial, size=size, progress=progress, token=token)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and had:
                # Nothing is left to send; or what is here is longer than the file. The hash tells.
                return
            if error.code < 500:
                raise SourceError(f"the hub: {_refusal(error.code, hub)}") from None
            reason = f"it answered {error.code}"
        except (http.client.HTTPException, OSError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        else:
            return
        tries = 1 if _size(partial) > had else tries + 1
        if tries >= _TRIES:
            raise SourceError(f"the hub: {host} broke off the download of {hub.file} ({reason})")


def _receive(
    opener: urllib.request.OpenerDirector,
    url: str,
    partial: Path,
    *,
    size: int | None,
    progress: Progress,
    token: str,
) -> None:
    """Send one request and append what comes to `partial`."""
    had = _size(partial)
    version = partial.with_suffix(".etag")
    request = urllib.request.Request(url, headers={"User-Agent": "slm-mux"})  # noqa: S310 (checked)
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    if had and version.exists():
        request.add_header("Range", f"bytes={had}-")
    with opener.open(request, timeout=_READ_SECONDS) as reply:
        tag = reply.headers.get("ETag", "")
        resumes = reply.status == 206 and _start(reply.headers.get("Content-Range")) == had
        if resumes and tag != version.read_text():
            # The file behind the name has changed: two halves of two files would make none.
            version.unlink()
            raise http.client.HTTPException("the file changed on the hub")
        if not resumes:
            had = 0
            version.write_text(tag)
        length = reply.headers.get("Content-Length")
        total = size or (had + int(length) if length and length.isdigit() else None)
        with partial.open("ab" if resumes else "wb") as file:
            while chunk := reply.read1(CHUNK):
                file.write(chunk)
                had += len(chunk)
                progress(had, total, "from the hub")
        if total is not None and had < total:
            raise http.client.IncompleteRead(b"", total - had)
    version.unlink()


def _start(content_range: str | None) -> int | None:
    """Read the first byte's position in `bytes 100-199/200`."""
    try:
        return int((content_range or "").removeprefix("bytes ").partition("-")[0])
    except ValueError:
        return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _refusal(status: int, hub: HubFile) -> str:
    if status in (401, 403):
        return (
            f"it refuses {hub.repo} ({status}); accept its terms there and set HF_TOKEN, "
            "if it exists at all"
        )
    if status == 404:
        return f"it has no {hub.file} in {hub.repo} at {hub.revision}"
    return f"it answered {status}"


def _check_reachable(endpoint: str) -> None:
    """Find out soon whether anything answers, where a proxy does not answer for it."""
    parts = urlsplit(endpoint)
    host = str(parts.hostname)
    if parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    outcome: list[str] = []

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
        except OSError as error:
            outcome.append(error.strerror or str(error))
        else:
            outcome.append("")

    # In a thread, since looking a name up knows no timeout.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_CONNECT_SECONDS)
    reason = outcome[0] if outcome else f"no answer in {_CONNECT_SECONDS:.0f} seconds"
    if reason:
        raise SourceError(f"the hub: {host} cannot be reached ({reason})")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and shows the token to the hub alone."""

    def __init__(self, endpoint: str, token: str) -> None:
        self._endpoint = urlsplit(endpoint)
        self._token = token

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Make the next request."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        there = urlsplit(newurl)
        same = (there.scheme, there.netloc) == (self._endpoint.scheme, self._endpoint.netloc)
        if following is not None and self._token and same:
            following.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return following
