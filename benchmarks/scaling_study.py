"""How long a scaling study takes: 500 problems x 5 models x 9 draws, all 31 subsets, k = 1 .. 9.

    python benchmarks/scaling_study.py [PROBLEMS [MODELS [DRAWS]]]

The draws are made up (seed 0). A problem has a difficulty from the standard normal distribution; a
model of skill s is right on it with a chance of 1 / (1 + exp(difficulty * 2 - s)), and the skills
go evenly from 0 to 1.5. A wrong draw is one of 6 wrong answers of the problem, the j-th half as
likely as the one before, in an order that is the model's own with a chance of 1/2; 4 % of the draws
are unreadable. Records are the models' accuracies here.

Prints processor time, which other programs on the machine change little, and the most memory that
the process had, with Python and numpy. Exits 1 above 10 s or 500 MB at the default size.
"""

import json
import os
import platform
import random
import resource
import sys
import time
from itertools import combinations
from math import exp

import msgspec

from slm_mux.scaling import (
    Resamples,
    ScalingStudy,
    distribution,
    ranked,
    scaling_study,
    subset_curves,
)
from slm_mux.table import Record, VoteTable, build_table
from slm_mux.types import Answer, Problem

CPU_SECONDS, MEGABYTES = 10.0, 500.0


def made_up(problems: int, models: int, draws: int) -> VoteTable:
    """Make the table that the module describes."""
    chance = random.Random(0)
    records = []
    for p in range(problems):
        difficulty = 2 * chance.gauss(0, 1)
        usual = chance.sample("bcdefg", 6)
        for m in range(models):
            skill = 1.5 * m / max(models - 1, 1)
            right = 1 / (1 + exp(difficulty - skill))
            wrong = usual if chance.random() < 0.5 else chance.sample("bcdefg", 6)
            for d in range(draws):
                key: str | None = "a"
                if chance.random() < 0.04:
                    key = None
                elif chance.random() >= right:
                    key = chance.choices(wrong, (32, 16, 8, 4, 2, 1))[0]
                answer = None if key is None else Answer(key, key)
                records.append(Record(m, p, d, answer, key == "a", 100.0, 200.0))
    items = [Problem(id=f"q{p}", question="?", kind="text", target="a") for p in range(problems)]
    table = build_table("made", items, [f"m{m}" for m in range(models)], records)
    return table.with_validation_accuracy(table.accuracies())


def all_subsets(table: VoteTable) -> int:
    """Draw the curves of mux, union and self-consistency of every subset; gives their number."""
    n, order = table.common_draws, ranked(table)
    found = distribution(table.klass[:, :, :n], table.correct[:, :, :n])
    drawn = Resamples.draw(len(table.problems), seed=0)
    subsets = [subset for size in range(1, len(order) + 1) for subset in combinations(order, size)]
    for subset in subsets:
        subset_curves(table, found, subset, drawn)
    return len(subsets)


def show(study: ScalingStudy) -> None:
    """Print the figures of the study, to see that they are of the right sort."""
    for curve in study.chosen.curves.curves:
        shown = " ".join(
            "   null" if point.accuracy is None else f"{point.accuracy:7.4f}"
            for point in curve.points
        )
        print(f"  {curve.method:22}{shown}")
    forest = study.chosen.curves.curve("agent_forest").points
    print(f"  agent_forest, problems by trial: {[point.by_trial for point in forest]}")
    shares = " ".join(f"{cost.frugal_share:7.4f}" for cost in study.chosen.stopping)
    print(f"  {'frugal, share of draws':22}{shares}")


def main() -> None:
    """Make the table, study it, print the figures."""
    given = [int(argument) for argument in sys.argv[1:]]
    problems, models, draws = (*given, *(500, 5, 9)[len(given) :])
    table = made_up(problems, models, draws)
    print(f"{problems} problems x {models} models x {draws} draws, 1,000 resamples")
    print(
        f"Python {platform.python_version()}; load of the machine before: "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    )
    started = time.process_time()
    many = all_subsets(table)
    subsets = time.process_time() - started
    study = scaling_study(table)
    total = time.process_time() - started
    text = json.dumps(msgspec.to_builtins(study), allow_nan=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"curves of all {many} subsets     {subsets:6.2f} s of processor time")
    print(f"the study, {models} models chosen   {total - subsets:6.2f} s of processor time")
    print(
        f"together                    {total:6.2f} s, peak {peak:.0f} MB, JSON {len(text):,} bytes"
    )
    show(study)
    if not given and (total > CPU_SECONDS or peak > MEGABYTES):
        sys.exit(f"above {CPU_SECONDS:.0f} s or {MEGABYTES:.0f} MB")


if __name__ == "__main__":
    main()
