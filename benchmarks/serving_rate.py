"""How many questions a second the server answers, against a bare forwarder of the same calls.

    python benchmarks/serving_rate.py [--requests 2400] [--clients 32] [--fan-out 9] [--rounds 8]

Four processes: these clients, an endpoint that answers at once, `slm-mux serve` as it stands (log
lines included) with a pool of three models and fan-out / 3 draws of each, and a bare Starlette and
aiohttp server that makes as many calls for each request and returns the first reply
(bare_forwarder.py). The two servers take turns in rounds of requests / rounds each, so that
whatever else the machine does falls on both; the first round of each warms up and is not counted.
`stopping` is none, so that both wait for all replies. A third row has the server with its default,
eager, which stops waiting when no further draw can change the answer.

Prints for each the requests a second, the median and the 99th percentile of how long one took, the
processor time of the server's process for each request, and the ratios to the bare forwarder.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from local_endpoint import local_endpoint
from server_processes import Process, ask_at_once, pool_of, question, started

BARE = "bare forwarder"
MODELS = 3


class Measured:
    """What the counted rounds of one server came to."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        """Requests a second, by round."""
        self.seconds: list[float] = []
        """Of every request."""
        self.cpu_seconds = 0.0

    def quantile(self, share: float) -> float:
        """The time within which that share of the requests was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def rate(self) -> float:
        """Requests a second over all rounds of the same number of requests."""
        return statistics.harmonic_mean(self.rates)


async def compare(
    servers: dict[str, Process], *, requests: int, clients: int, rounds: int
) -> dict[str, Measured]:
    """Ask the servers in turns."""
    body = json.dumps(question(temperature=0.3)).encode()
    measured = {name: Measured() for name in servers}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for turn in range(rounds + 1):
            order = list(servers) if turn % 2 else list(reversed(servers))
            for name in order:
                server, found = servers[name], measured[name]
                cpu = server.cpu_seconds()
                loop = asyncio.get_running_loop()
                begin = loop.time()
                seconds = await ask_at_once(
                    session, server, requests=requests // rounds, clients=clients, body=body
                )
                took = loop.time() - begin
                if turn:
                    found.rates.append(len(seconds) / took)
                    found.seconds += seconds
                    found.cpu_seconds += server.cpu_seconds() - cpu
    return measured


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=2400)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--fan-out", type=int, default=9)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(local_endpoint())
        forwarder = str(Path(__file__).with_name("bare_forwarder.py"))
        servers = {BARE: stack.enter_context(started(forwarder, url, str(given.fan_out)))}
        for name, stopping in (("slm-mux serve", "none"), ("slm-mux serve, eager", "eager")):
            samples = given.fan_out // MODELS
            pool = stack.enter_context(
                pool_of(url, models=MODELS, samples=samples, stopping=stopping)
            )
            servers[name] = stack.enter_context(
                started("-m", "slm_mux", "serve", "--pool", str(pool), "--port", "0")
            )
        measured = asyncio.run(
            compare(servers, requests=given.requests, clients=given.clients, rounds=given.rounds)
        )
    print(
        f"{given.requests} requests each, {given.clients} clients, fan-out {given.fan_out}, "
        f"{given.rounds} rounds in turns; Python {platform.python_version()}, aiohttp "
        f"{aiohttp.__version__}, {platform.machine()}, {os.cpu_count()} cores"
    )
    bare = measured[BARE]
    for name, found in measured.items():
        ratios = [ours / base for ours, base in zip(found.rates, bare.rates, strict=True)]
        print(
            f"{name:22} {found.rate:6.1f} requests/s  ratio {found.rate / bare.rate:.3f} "
            f"({min(ratios):.3f} .. {max(ratios):.3f})   median {found.quantile(0.5) * 1000:.0f} "
            f"ms, p99 {found.quantile(0.99) * 1000:.0f} ms, "
            f"ratio {found.quantile(0.99) / bare.quantile(0.99):.2f}   processor "
            f"{found.cpu_seconds / len(found.seconds) * 1000:.2f} ms/request"
        )


if __name__ == "__main__":
    main()
