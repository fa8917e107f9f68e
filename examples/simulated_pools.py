"""The shapes of the paper's Figures 7, 8 and 9 on made-up pools (arXiv 2510.05077).

    python examples/simulated_pools.py

Five models have the single-model accuracies of the paper. How their errors go together the paper
does not say, so that is assumed, in three ways, and what follows is set beside its figures.

The generator. Model m knows problem q by z = sqrt(r) * D(q) + sqrt(1 - r) * E(m, q), both standard
normal: D is how easy the problem is for all, E what is the model's own, and r, the shared part, is
what is assumed. A draw is right with the chance 1 / (1 + exp(-(c(m) + 4 z))); c(m) makes the mean
chance over the problems the model's accuracy. A problem has 12 wrong answers (GPQA: the 3 other
choices). Half of the time a model's favourite among them is the one that attracts all models, else
it is any. A wrong draw falls on the favourite with the chance `sticking`, else on another. Every
draw can be read. Everything is counted by the library, on vote tables made of two arrays.
"""

import sys
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from slm_mux.paper import figures
from slm_mux.scaling import (
    Point,
    Resamples,
    agent_forest,
    distribution,
    ranked,
    scaling_study,
    subset_curves,
)
from slm_mux.selection import Standings, error_correlation, records_of, search
from slm_mux.table import VoteTable
from slm_mux.types import Answer

MODELS = ("gemma-2-27b", "llama-3.1-8b", "mistral-small-24b", "mixtral-8x7b", "qwen2.5-7b")
SHARED = (0.3, 0.6, 0.9)
"""What is assumed of r."""
STICKING = (0.35, 0.5, 0.65, 0.8, 0.95)
DECIDED = 4.0
"""How much a chance depends on z. With 4, the majority of 3 draws of the best model is 1.5 to 3.5
points above one draw; in the paper's Table 1 it is 1 to 3.5."""
TRAP = 0.5
SEARCHED, K, DRAWS = 500, 3, 9
POOLS = 20
"""One pool of the paper's size is too noisy to tell one shape from another."""

Floats = NDArray[np.float64]


class Benchmark(Struct, frozen=True, kw_only=True):
    """What is simulated, and what the paper's figures show (read off them, to about 0.2 points)."""

    name: str
    accuracy: tuple[float, ...]
    """Of one draw, in the order of MODELS, in [0, 1]: as in the paper's Table 2 (temperature 0.5)
    where it has the model, else at temperature 0."""
    problems: int
    """On which the chosen subsets are measured."""
    wrong_answers: int
    sticking: float
    """Assumed."""
    closest: float
    """The one of SHARED whose union accuracies are closest to the paper's."""
    groups: tuple[tuple[str, str], tuple[str, str]]
    """The paper's two pairs of models."""
    paper: dict[str, tuple[float, ...]]
    """By the label of the line that it is to be compared with; %."""


def papers(task: str) -> dict[str, tuple[float, ...]]:
    """Give the lines of the paper's Figures 7 to 9 for a task, by their labels here."""
    draws = figures.FIGURE9[task]
    return {
        "7 union": figures.FIGURE7[task]["union"],
        "7 objective": figures.FIGURE7[task]["objective"],
        "8 union": figures.FIGURE8[task]["union"],
        "8 mux": figures.FIGURE8[task]["mux"],
        "9 mux, group 1": draws["mux, group 1"],
        "9 mux, group 2": draws["mux, group 2"],
        "9 Agent Forest": draws["agent_forest, group 2"],
    }


MATH = Benchmark(
    name="MATH",
    # Mistral Small: assumed; the paper has it below 75.5.
    accuracy=(0.568, 0.486, 0.700, 0.316, 0.755),
    problems=500,
    wrong_answers=12,
    sticking=0.5,
    closest=0.9,
    groups=figures.PAIRS["math"],
    paper=papers("math"),
)
GPQA = Benchmark(
    name="GPQA",
    # Qwen2.5: assumed; no figure of the paper has it.
    accuracy=(0.388, 0.237, 0.451, 0.319, 0.330),
    problems=198,
    wrong_answers=3,
    sticking=0.8,
    closest=0.3,
    groups=figures.PAIRS["gpqa"],
    paper=papers("gpqa"),
)
GSM8K = Benchmark(
    name="GSM8K",
    # Mistral Small: assumed; the paper has one of it and Qwen2.5 at 88.5 and the other below.
    accuracy=(0.816, 0.808, 0.860, 0.634, 0.885),
    problems=500,
    wrong_answers=12,
    sticking=0.6,
    closest=0.9,
    groups=figures.PAIRS["gsm8k"],
    paper=papers("gsm8k"),
)
BENCHMARKS = (MATH, GPQA, GSM8K)


def simulated(
    benchmark: Benchmark, shared: float, sticking: float, problems: int, draws: int, seed: list[int]
) -> VoteTable:
    """Make a table of the five models; see the generator above.

    Args:
        benchmark: gives accuracies and wrong answers.
        shared: r, in [0, 1].
        sticking: in [0, 1].
        problems: how many, >= 1.
        draws: of each model on each, >= 1.
        seed: numbers >= 0; the same ones give the same table.
    """
    rng, models = np.random.default_rng(seed), len(MODELS)
    own = rng.normal(size=(models, problems))
    z = np.sqrt(shared) * rng.normal(size=problems) + np.sqrt(1 - shared) * own
    chance = _calibrated(DECIDED * z, np.asarray(benchmark.accuracy))
    correct = rng.random((models, problems, draws)) < chance[:, :, None]
    wrong = benchmark.wrong_answers
    trapped = rng.random((models, problems)) < TRAP
    any_of_them = rng.integers(wrong, size=(models, problems))
    favourite = np.where(trapped, rng.integers(wrong, size=problems), any_of_them)[:, :, None]
    other = (favourite + rng.integers(1, wrong, size=correct.shape)) % wrong
    chosen = np.where(rng.random(correct.shape) < sticking, favourite, other)
    unknown = np.full(correct.shape, np.nan)
    classes = tuple(Answer(str(number), str(number)) for number in range(wrong + 1))
    return VoteTable(
        task=benchmark.name,
        models=MODELS,
        problems=tuple(f"q{number}" for number in range(problems)),
        splits=(None,) * problems,
        klass=np.where(correct, 0, chosen + 1).astype(np.int32),
        correct=correct,
        scored=np.ones(problems, dtype=np.bool_),
        prompt_tokens=unknown,
        completion_tokens=unknown,
        k=(draws,) * models,
        answers=(classes,) * problems,
        validation_accuracy=(None,) * models,
    )


def _calibrated(known: Floats, accuracy: Floats) -> Floats:
    """Give chances whose mean over the problems is each model's accuracy, by bisection."""
    low, high = np.full(len(known), -40.0), np.full(len(known), 40.0)
    for _ in range(50):
        middle = (low + high) / 2
        chance: Floats = 1 / (1 + np.exp(-(middle[:, None] + known)))
        below = chance.mean(axis=1) < accuracy
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return chance


class Sizes(Struct, frozen=True, kw_only=True, eq=False):
    """What the best subsets of 1 .. 5 models come to, in %; each is (pools, 5) but phi."""

    phi: float
    """Mean correlation of two models' errors, in [-1, 1]."""
    searched: dict[str, Floats]
    """On the problems that were searched: Figure 7. "all" counts a model as correct only where all
    its draws are."""
    measured: dict[str, Floats]
    """On other problems: Figure 8."""


def by_size(benchmark: Benchmark, shared: float, sticking: float, pools: int = POOLS) -> Sizes:
    """Search pools on 500 problems each, and measure what is found on others."""
    phi = []
    names = ("union", "contradiction", "objective", "all: union", "all: objective")
    searched: dict[str, list[list[float]]] = {name: [] for name in names}
    measured: dict[str, list[list[float]]] = {"union": [], "mux": []}
    for pool in range(pools):
        table = simulated(benchmark, shared, sticking, SEARCHED, K, [pool, 0])
        records = table.accuracies()
        table = table.with_validation_accuracy(records)
        other = simulated(benchmark, shared, sticking, benchmark.problems, K, [pool, 1])
        other = other.with_validation_accuracy(records)
        found = search(records_of(table)).by_size
        strict = search(records_of(table, at_least=K)).by_size
        for name in ("union", "contradiction", "objective"):
            field = "union_accuracy" if name == "union" else name
            searched[name].append([getattr(best.quality, field) for best in found])
        searched["all: union"].append([best.quality.union_accuracy for best in strict])
        searched["all: objective"].append([best.quality.objective for best in strict])
        decided, alone = Standings.of(other), other.correctness()
        measured["mux"].append([float(decided.correct(best.models).mean()) for best in found])
        measured["union"].append(
            [float(alone[list(best.models)].any(axis=0).mean()) for best in found]
        )
        pairs = np.asarray(error_correlation(table).correlation, dtype=float)
        phi.append(pairs[np.triu_indices(len(MODELS), 1)].mean())
    return Sizes(
        phi=float(np.mean(phi)),
        searched={name: 100 * np.asarray(rows) for name, rows in searched.items()},
        measured={name: 100 * np.asarray(rows) for name, rows in measured.items()},
    )


def by_draws(benchmark: Benchmark, shared: float) -> dict[str, Floats]:
    """Give accuracies in % of the paper's pairs for k = 2 .. 9, exact over choices of draws."""
    table = simulated(benchmark, shared, benchmark.sticking, benchmark.problems, DRAWS, [0, 2])
    table = table.with_validation_accuracy(benchmark.accuracy)
    first, second = (ranked(table, group) for group in benchmark.groups)
    found = distribution(table.klass, table.correct)
    curves = subset_curves(
        table, found, first, Resamples.draw(benchmark.problems, seed=0, resamples=1)
    )
    study = scaling_study(
        table.restrict(models=benchmark.groups[1]), subsets={2: benchmark.groups[1]}, resamples=1
    )
    forest = _accuracies(study.chosen.curves.curve("agent_forest").points)
    # Where classes are equally large, the pool believes the first draw. With the models in the
    # other order it is the weaker one's; half of each is a coin.
    weaker = agent_forest(table.klass, table.correct, second[::-1]).accuracy.mean(axis=0)
    return {
        "mux, group 1": _accuracies(curves.curve("mux").points),
        "mux, group 2": _accuracies(study.chosen.curves.curve("mux").points),
        "Agent Forest": forest,
        "Agent Forest, ties by a coin": (forest + 100 * weaker[1:]) / 2,
    }


def _accuracies(points: Sequence[Point]) -> Floats:
    """Give accuracies in % for k >= 2."""
    return 100 * np.asarray([point.accuracy for point in points if point.k >= 2])


def line(label: str, values: Floats | tuple[float, ...]) -> str:
    """Write a row of percentages."""
    return f"  {label:31}" + "".join(f"{value:7.1f}" for value in values)


def of_sizes(benchmark: Benchmark) -> list[str]:
    """Give the lines about Figures 7 and 8, each with those of the paper."""
    text = [f"{benchmark.name}, a wrong draw falls on the favourite: {benchmark.sticking:.0%}"]
    names = ("7 union", "7 objective", "8 union", "8 mux")
    text += [line(f"paper, Figure {name}", benchmark.paper[name]) for name in names]
    for shared in SHARED:
        found = by_size(benchmark, shared, benchmark.sticking)
        text.append(f" shared {shared}: errors correlate by {found.phi:.2f}")
        text += [line(f"7 {name}", rows.mean(axis=0)) for name, rows in found.searched.items()]
        text += [line(f"8 {name}", rows.mean(axis=0)) for name, rows in found.measured.items()]
        mux = found.measured["mux"]
        more = mux[:, 4] - mux[:, 1]
        text.append(
            f"  8 mux, 5 models less 2: {more.mean():+.1f}, pools differ by {more.std():.1f}"
        )
    return text


def of_draws(benchmark: Benchmark) -> list[str]:
    """Give the lines about Figure 9."""
    text = [f"{benchmark.name}, shared {benchmark.closest}"]
    for name, values in by_draws(benchmark, benchmark.closest).items():
        if (seen := benchmark.paper.get(f"9 {name}")) is not None:
            text.append(line(f"paper, {name}", seen))
        text.append(line(name, values))
    return text


def of_sticking(sticking: float) -> str:
    """Give the line about one share of wrong draws that fall on the favourite."""
    found = by_size(GPQA, 0.6, sticking)
    contradiction = found.searched["contradiction"][:, 4].mean()
    best = 1 + int(found.searched["objective"].mean(axis=0).argmax())
    mux = "".join(f"{value:6.1f}" for value in found.measured["mux"].mean(axis=0))
    return f"  {sticking:8.2f}{contradiction:18.1f} %{best:20}    {mux}"


def tables() -> list[str]:
    """Give all tables as lines."""
    return [
        f"Best subsets of 1 .. 5 models, %, mean of {POOLS} pools; k = {K}",
        *(text for benchmark in BENCHMARKS for text in of_sizes(benchmark)),
        f"Figure 9: accuracy, %, for k = 2 .. {DRAWS}, pairs of the paper",
        *(text for benchmark in BENCHMARKS for text in of_draws(benchmark)),
        f"GPQA, shared 0.6, by how often a wrong draw falls on the favourite; k = {K}",
        "  sticking   contradiction of 5   best size by objective   mux with 1 .. 5 models",
        *(of_sticking(sticking) for sticking in STICKING),
    ]


def main() -> None:
    """Print the tables."""
    sys.stdout.write("\n".join(tables()) + "\n")


if __name__ == "__main__":
    main()
