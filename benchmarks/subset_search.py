"""How long the exact search for the best subset takes, against trying every subset.

    python benchmarks/subset_search.py

Structured pools: models of a few families. The log-odds of a correct draw are the model's skill
less the problem's difficulty, plus what its family and the model itself know; three draws each,
correct by majority. Where no draw is correct, half of the problems are consistently wrong. Noise:
every model is right on 60 % of the problems by chance, independently, which is the worst case for
bounds. Five hundred problems, subsets of up to five models, lambda = 1, one seed.
"""

import time
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from slm_mux.selection import Found, Limits, Records, search

PROBLEMS = 500
SIZES = 5
NODE_LIMIT = 200_000

Bools = NDArray[np.bool_]


def structured(models: int, seed: int) -> tuple[Bools, Bools]:
    """Return what is correct and consistently wrong: (models, problems)."""
    rng = np.random.default_rng(seed)
    families = 8
    difficulty = rng.normal(size=PROBLEMS)
    family = rng.normal(size=(families, PROBLEMS))[rng.integers(families, size=models)]
    skill = rng.normal(0.3, 0.5, size=models)[:, None]
    own = rng.normal(size=(models, PROBLEMS))
    odds = np.exp(2 * (skill - difficulty + 0.6 * family + 0.6 * own))
    draws = rng.random((models, PROBLEMS, 3)) < (odds / (1 + odds))[:, :, None]
    right = draws.sum(axis=2)
    return right >= 2, (right == 0) & (rng.random((models, PROBLEMS)) < 0.5)


def noise(models: int, seed: int) -> tuple[Bools, Bools]:
    """Return the same of models that have nothing in common."""
    rng = np.random.default_rng(seed)
    right = rng.random((models, PROBLEMS)) < 0.6
    return right, ~right & (rng.random((models, PROBLEMS)) < 0.3)


def timed(records: Records) -> tuple[Found, float]:
    """Search, and say how many CPU seconds it took."""
    start = time.process_time()
    found = search(records, max_models=SIZES, limits=Limits(nodes=NODE_LIMIT))
    return found, time.process_time() - start


def every_subset(records: Records) -> float:
    """CPU seconds for trying all subsets by the same bit sets."""
    start = time.process_time()
    for size in range(1, SIZES + 1):
        max(combinations(range(records.models), size), key=records.value)
    return time.process_time() - start


def main() -> None:
    """Print one table."""
    print("pool         models  CPU s   sets looked into   of all subsets   largest gap")
    for make in (structured, noise):
        for models in (20, 50, 100, 200):
            found, seconds = timed(Records.of(*make(models, 1)))
            subsets = sum(comb(models, size) for size in range(1, SIZES + 1))
            gap = max(best.gap for best in found.by_size)
            print(
                f"{make.__name__:12} {models:6} {seconds:6.2f} {found.nodes:18,} {subsets:16,}   "
                + ("proven" if gap == 0 else f"{gap:.3f}")
            )
    records = Records.of(*structured(50, 1))
    whole, seconds = every_subset(records), timed(records)[1]
    print(
        f"\n50 structured models: trying all takes {whole:.1f} s, {whole / seconds:.0f} x as long"
    )


if __name__ == "__main__":
    main()
