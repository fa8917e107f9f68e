"""How well the calls of one question overlap: 3 models x 5 draws, each call taking 200 ms.

    python benchmarks/overlap.py [--rounds 10]

Prints the time of a whole `AsyncMux.ask` with all draws, as a ratio to one call.
"""

import argparse
import asyncio
import platform
import statistics
import time

from local_endpoint import local_endpoint
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Pool
from slm_mux.mux import AsyncMux

CALL = 0.2
MODELS, DRAWS = 3, 5


async def run(url: str, rounds: int) -> list[float]:
    """Ask so many questions one after another; returns the seconds of each."""
    models = [OpenAIModel(f"model-{i}", url=f"{url}?i={i}", model="m") for i in range(MODELS)]
    took = []
    async with AsyncMux(Pool.of(*models, samples=DRAWS)) as mux:
        for turn in range(rounds):
            start = time.perf_counter()
            decision = await mux.ask(f"{turn}: how many?", kind="number", stopping="none")
            took.append(time.perf_counter() - start)
            assert decision.usage.samples == MODELS * DRAWS
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with local_endpoint(delay=CALL) as url:
        first, *later = asyncio.run(run(url, rounds))
    print(
        f"{MODELS} models x {DRAWS} draws, {CALL * 1000:.0f} ms a call, "
        f"Python {platform.python_version()}"
    )
    print(f"first question (connections are made)  {first / CALL:.3f} x one call")
    print(
        f"later questions, median of {len(later)}        "
        f"{statistics.median(later) / CALL:.3f} x one call, worst {max(later) / CALL:.3f}"
    )


if __name__ == "__main__":
    main()
