"""Servers as processes of their own, and clients that ask them as fast as they answer."""

import asyncio
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil

QUESTION = (
    "A shop sold 48 notebooks in April, and half as many in May. In June it raised the price of a "
    "notebook from 25 cents to 40 cents, after which only a third of the people who had bought one "
    "in April came back, each for two notebooks. In July nobody bought anything, since everyone "
    "was away. How many notebooks did the shop sell altogether from April to July, and how much "
    "money did it take, if it gave every tenth notebook away for nothing?"
)
HEADERS = {"Content-Type": "application/json"}
_STARTS_WITHIN = 60.0


class Process:
    """A server that takes requests.

    Args:
        url: its base URL.
        pid: its process.
        seconds: from its start to the line with its address.
    """

    def __init__(self, url: str, pid: int, seconds: float) -> None:
        self.url = url
        self.seconds = seconds
        self._process = psutil.Process(pid)

    @property
    def chat_url(self) -> str:
        """Where questions go."""
        return f"{self.url}/chat/completions"

    def path(self, path: str) -> str:
        """The address of another path of the server."""
        return self.url.removesuffix("/v1") + path

    def cpu_seconds(self) -> float:
        """The processor time that it has had."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Bytes of memory that it has now."""
        return int(self._process.memory_info().rss)

    def connections(self) -> tuple[int, int]:
        """Its open connections: to clients, and to endpoints."""
        port = int(self.url.removesuffix("/v1").rpartition(":")[2])
        found = self._process.net_connections(kind="tcp")
        own = [one.laddr.port == port for one in found if one.status == psutil.CONN_ESTABLISHED]
        return sum(own), len(own) - sum(own)


@contextlib.contextmanager
def started(*command: str) -> Iterator[Process]:
    """Start a server that writes `at http://...` once it takes requests; end it afterwards."""
    with tempfile.TemporaryFile() as out:
        begin = time.perf_counter()
        process = subprocess.Popen([sys.executable, *command], stdout=out, stderr=out)
        try:
            while not (found := re.search(rb"at (http://[^ \n]+/v1)", _written(out))):
                if process.poll() is not None or time.perf_counter() - begin > _STARTS_WITHIN:
                    raise SystemExit(f"it did not start: {_written(out).decode()}")
                time.sleep(0.005)
            seconds = time.perf_counter() - begin
            yield Process(found[1].decode(), process.pid, seconds)
        finally:
            process.terminate()
            process.wait()


def _written(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read(4096))


@contextlib.contextmanager
def pool_of(url: str, *, models: int, samples: int, stopping: str) -> Iterator[Path]:
    """Write a pool file with so many models at one endpoint.

    Args:
        url: the endpoint's base URL.
        models: how many.
        samples: draws of each.
        stopping: eager, frugal or none.
    """
    lines = [f"samples: {samples}", f"stopping: {stopping}", "models:"]
    for index in range(models):
        lines += [f"  - name: model-{index}", f"    url: {url}", "    model: m"]
        lines += ["    max_in_flight: 1000"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield path


def question(model: str = "mux", **fields: Any) -> dict[str, Any]:
    """The body of a request with one message."""
    return {"model": model, "messages": [{"role": "user", "content": QUESTION}], **fields}


async def ask_at_once(
    session: aiohttp.ClientSession, server: Process, *, requests: int, clients: int, body: bytes
) -> list[float]:
    """Ask, each client one request after the other.

    Returns:
        The seconds that each request took.
    """
    left = iter(range(requests))
    seconds: list[float] = []

    async def client() -> None:
        for _ in left:
            begin = time.perf_counter()
            async with session.post(server.chat_url, data=body, headers=HEADERS) as reply:
                text = await reply.read()
                assert reply.status == 200, text
            seconds.append(time.perf_counter() - begin)

    await asyncio.gather(*(client() for _ in range(clients)))
    return seconds
