"""How many draws lossless stopping saves, on simulated pools or on draws from a file.

    python benchmarks/frugal_draws.py                     # under a minute
    python benchmarks/frugal_draws.py --draws draws.json  # your own completions

The file holds a list of problems; each is a list of models, best record first; each model is the
list of its class keys in draw order, with null for an unreadable or failed draw. `measure` takes
the same in Python.

Shares are of all n * k draws. "patient" is the frugal rule with longer waves, up to the point where
the model could no longer win at all: fewer waves, more draws. Exits 1 when any way of stopping
changed an answer.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from slm_mux.stopping import (
    Policy,
    Progress,
    Scenario,
    Wave,
    best_online_draws,
    clairvoyant_draws,
    expected_draws,
    next_wave,
    settle,
)
from slm_mux.stopping.frugal import draws_to_settle, front_runner
from slm_mux.stopping.settle import scales

Draws = Sequence[Sequence[str | None]]
"""One problem: for each model, best record first, the class key of each draw."""


class Measured(Struct, frozen=True):
    """Draws over a set of problems."""

    problems: int
    every: int
    frugal: int
    frugal_waves: int
    patient: int
    patient_waves: int
    eager: int
    clairvoyant: int
    mean_ratio: float
    """The mean over problems of frugal / clairvoyant, beside the ratio of the sums."""
    changed: int
    """Answers that differ from those of all draws."""


def measure(problems: Sequence[Draws], *, seed: int = 0) -> Measured:
    """Stop early on each problem in every way, and compare with all draws.

    Args:
        problems: at least one; each model's k is the length of its row.
        seed: of the order in which eager's draws arrive.
    """
    rng = random.Random(seed)
    every = frugal = frugal_waves = patient = patient_waves = eager = clairvoyant = changed = 0
    ratios = 0.0
    for draws in problems:
        answer = settle([Progress(len(row), dict(enumerate(row))) for row in draws]).answer
        frugal_here, waves, frugal_answer = follow(next_wave, draws)
        patient_here, longer, patient_answer = follow(patient_wave, draws)
        eager_here, eager_answer = arrive(draws, rng)
        least = clairvoyant_draws(draws)
        every += sum(len(row) for row in draws)
        frugal += frugal_here
        frugal_waves += waves
        patient += patient_here
        patient_waves += longer
        eager += eager_here
        clairvoyant += least
        ratios += frugal_here / least
        changed += sum(a != answer for a in (frugal_answer, patient_answer, eager_answer))
    return Measured(
        problems=len(problems),
        every=every,
        frugal=frugal,
        frugal_waves=frugal_waves,
        patient=patient,
        patient_waves=patient_waves,
        eager=eager,
        clairvoyant=clairvoyant,
        mean_ratio=ratios / len(problems),
        changed=changed,
    )


def follow(policy: Policy, draws: Draws) -> tuple[int, int, str | None]:
    """Draw as a policy says: the draws and the waves it took, and the answer."""
    models = [Progress(len(row)) for row in draws]
    spent = waves = 0
    while (wave := policy(models)) is not None:
        for draw in wave.draws:
            models[wave.model].record(draw, draws[wave.model][draw])
        spent += len(wave.draws)
        waves += 1
    return spent, waves, settle(models).answer


def arrive(draws: Draws, rng: random.Random) -> tuple[int, str | None]:
    """Let all draws come in, in random order, until the answer is settled."""
    models = [Progress(len(row)) for row in draws]
    arrivals = [(i, draw) for i, row in enumerate(draws) for draw in range(len(row))]
    rng.shuffle(arrivals)
    for spent, (model, draw) in enumerate(arrivals, start=1):
        models[model].record(draw, draws[model][draw])
        settlement = settle(models)
        if settlement.settled:
            return spent, settlement.answer
    raise AssertionError("a question with all draws in is settled")


def patient_wave(models: Sequence[Progress]) -> Wave | None:
    """Choose as `next_wave` does, but stay with a model until it could no longer win."""
    if settle(models).settled:
        return None
    front = front_runner(models)
    model = models[front]
    scale = scales(models)
    surely = max(
        (other.least * scale[i] - i for i, other in enumerate(models) if i != front),
        default=-len(models),
    )
    out = (
        draws
        for draws in range(1, model.remaining)
        if (model.most - draws) * scale[front] - front < surely
    )
    longest = next(out, model.remaining)
    wave = draws_to_settle(models, front, at_most=longest) or longest
    return Wave(front, model.missing[:wave])


# Simulated pools. A problem is easy, middling or hard. A model knows the right answer, or favours a
# wrong one, which others may share; and it is always, mostly or hardly ever of its own opinion.

HARDNESS = {"easy": 0.40, "middling": 0.35, "hard": 0.25}
KNOWS = {"easy": 0.95, "middling": 0.70, "hard": 0.30}
STEADINESS = {  # chances of: always its favourite, 60 to 95 %, 20 to 50 %
    "easy": (0.70, 0.25, 0.05),
    "middling": (0.30, 0.50, 0.20),
    "hard": (0.10, 0.40, 0.50),
}
UNREADABLE = (0.0, 0.02, 0.0, 0.08, 0.15)
"""Each model's share of unreadable draws, best record first."""


def simulate(problems: int, models: int, k: int, *, seed: int) -> list[Draws]:
    """Draw problems for a pool whose models get weaker from first to last."""
    rng = random.Random(seed)
    return [_problem(rng, models, k) for _ in range(problems)]


def _problem(rng: random.Random, models: int, k: int) -> Draws:
    hardness = rng.choices(list(HARDNESS), list(HARDNESS.values()))[0]
    wrong = [f"wrong {i}" for i in range(8)]
    rows = []
    for model in range(models):
        if rng.random() < KNOWS[hardness] * (1 - 0.06 * model):
            favourite = "right"
        else:
            favourite = wrong[0] if rng.random() < 0.3 else rng.choice(wrong)
        bounds = rng.choices([(1.0, 1.0), (0.6, 0.95), (0.2, 0.5)], STEADINESS[hardness])[0]
        steady = rng.uniform(*bounds)
        rows.append([_draw(rng, model, favourite, steady, wrong) for _ in range(k)])
    return rows


def _draw(
    rng: random.Random, model: int, favourite: str, steady: float, wrong: Sequence[str]
) -> str | None:
    if rng.random() < UNREADABLE[model]:
        return None
    return favourite if rng.random() < steady else rng.choice(["right", *wrong])


def small_scenarios(models: int) -> list[Scenario]:
    """List kinds of problems with few enough outcomes for the best online policy to be found."""

    def chances(right: float, wrong: float) -> dict[str | None, float]:
        return {"right": right, "wrong": wrong, None: 1 - right - wrong}

    sure, mostly, torn, astray = (
        chances(0.98, 0.01),
        chances(0.75, 0.20),
        chances(0.45, 0.45),
        chances(0.10, 0.85),
    )
    rest = models - 1
    return [
        Scenario(0.35, (sure,) * models),
        Scenario(0.20, (mostly,) * models),
        Scenario(0.15, (torn, *(sure,) * rest)),
        Scenario(0.10, (sure, *(torn,) * rest)),
        Scenario(0.10, (astray, *(mostly,) * rest)),
        Scenario(0.10, (torn,) * models),
    ]


def microbenchmark() -> tuple[float, float]:
    """Time `settle` and `next_wave` with 5 models and k = 9, in microseconds per call."""
    settles: list[float] = []
    waves: list[float] = []
    rng = random.Random(0)
    for draws in simulate(100, 5, 9, seed=1):
        models = [Progress(len(row)) for row in draws]
        arrivals = [(i, draw) for i, row in enumerate(draws) for draw in range(len(row))]
        rng.shuffle(arrivals)
        for model, draw in arrivals:
            models[model].record(draw, draws[model][draw])
            start = time.perf_counter()
            settle(models)
            middle = time.perf_counter()
            next_wave(models)
            settles.append(middle - start)
            waves.append(time.perf_counter() - middle)
    return 1e6 * sum(settles) / len(settles), 1e6 * sum(waves) / len(waves)


COLUMNS = (
    ("models", 6),
    ("k", 2),
    ("frugal", 7),
    ("waves", 6),
    ("patient", 7),
    ("waves", 6),
    ("eager", 6),
    ("hindsight", 9),
    ("frugal/h.", 9),
    ("mean", 6),
    ("patient/h.", 10),
    ("changed", 7),
)
"""Headings with their widths; "mean" is that of frugal/h. over problems."""


def line(models: str, k: str, m: Measured) -> str:
    """Format one row of the table."""
    cells = (
        models,
        k,
        f"{m.frugal / m.every:.1%}",
        f"{m.frugal_waves / m.problems:.2f}",
        f"{m.patient / m.every:.1%}",
        f"{m.patient_waves / m.problems:.2f}",
        f"{m.eager / m.every:.1%}",
        f"{m.clairvoyant / m.every:.1%}",
        f"{m.frugal / m.clairvoyant:.3f}",
        f"{m.mean_ratio:.3f}",
        f"{m.patient / m.clairvoyant:.3f}",
        str(m.changed),
    )
    return "  ".join(cell.rjust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True))


def main() -> int:
    """Print the tables; 1 when an answer changed."""
    parser = argparse.ArgumentParser(description="draws taken by lossless stopping")
    parser.add_argument("--problems", type=int, default=500, help="simulated problems per row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=Path, help="a JSON file of real draws")
    options = parser.parse_args()
    print("  ".join(heading.rjust(width) for heading, width in COLUMNS))
    if options.draws:
        measured = measure(json.loads(options.draws.read_text()), seed=options.seed)
        print(line("file", "", measured))
        return 1 if measured.changed else 0
    changed = 0
    for models in (2, 3, 5):
        for k in (3, 5, 9):
            problems = simulate(options.problems, models, k, seed=options.seed)
            measured = measure(problems, seed=options.seed)
            changed += measured.changed
            print(line(str(models), str(k), measured), flush=True)
    print("\nExpected draws on small cases, exactly\n")
    print(" k of each model | best online |  frugal  ratio | patient ratio")
    for ks in ((3, 3), (5, 5), (5, 3), (3, 3, 3)):
        scenarios = small_scenarios(len(ks))
        best = best_online_draws(ks, scenarios)
        frugal = expected_draws(ks, scenarios)
        patient = expected_draws(ks, scenarios, patient_wave)
        print(
            f"{', '.join(map(str, ks)):>16} | {best:>11.3f} | {frugal:>7.3f} {frugal / best:>6.3f} "
            f"| {patient / best:.3f}",
            flush=True,
        )
    settling, choosing = microbenchmark()
    print(f"\n5 models, k = 9: settle {settling:.1f} us a call, next_wave {choosing:.1f} us a call")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
