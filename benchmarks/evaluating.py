"""How long an offline evaluation takes: first with everything to read, then with all of it known.

    python benchmarks/evaluating.py [PROBLEMS [MODELS [DRAWS]]]

500 problems x 5 models x 9 draws of the kind number by default, in a store made up for it. Every
evaluation is a process of its own, `slm-mux eval --json`; what counts is its processor time (user
and system), which other programs on the machine change little, beside the time on the clock.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from slm_mux.collecting.asking import Settings, asking
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.store import Draw, Store
from slm_mux.types import Completion, Problem

FILLER = "We take the numbers one after another and keep the sum in mind as we go on. " * 9
"""Completions have about 700 characters, as small models write."""


def pool_of(folder: Path, models: int, draws: int) -> Path:
    """Write a pool file; nobody answers there."""
    path = folder / "pool.yaml"
    lines = ["samples: " + str(draws), "models:"]
    for number in range(models):
        lines += [
            f"  - name: model-{number}",
            "    url: http://127.0.0.1:9/v1",
            f"    model: m{number}",
            f"    temperature: {0.3 + number / 10}",
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def fill(path: Path, pool: Pool, problems: int, draws: int) -> int:
    """Make a store as `collect` would: each model is right with a probability of its own."""
    chance = random.Random(0)
    items = [
        Problem(
            id=f"q{number}",
            question=f"What is {number} plus {number * 7 % 113}, times {number % 9 + 1}?",
            kind="number",
            target=str((number + number * 7 % 113) * (number % 9 + 1)),
            split="test" if number >= problems // 5 else "validation",
        )
        for number in range(problems)
    ]
    readers = Readers()
    asked = []
    made: list[Draw] = []
    for place, member in enumerate(pool):
        for problem in items:
            one = asking(member, problem, k=draws, seed=0, settings=Settings(), readers=readers)
            asked.append((problem.id, one.series))
            for draw in range(draws):
                right = chance.random() < 0.45 + 0.1 * place
                value = int(str(problem.target)) + (0 if right else chance.randint(1, 4))
                text = f"{FILLER}So the answer is \\boxed{{{value}}}."
                made.append(
                    Draw(
                        series=one.series.digest,
                        draw=draw,
                        completion=Completion(
                            text=text, finish_reason="stop", prompt_tokens=90, completion_tokens=170
                        ),
                    )
                )
    with Store.open(path) as store, store.transaction():
        store.put_task("made", items, source="made up", sha256="0" * 64)
        store.put_asked("made", asked)
        store.put_draws(made)
    return len(made)


def measured(*arguments: str) -> tuple[float, float, dict[str, object]]:
    """Run a command; returns seconds of processor time, of the clock, and its document."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "slm_mux", *arguments], check=True, capture_output=True
    )
    clock = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return spent, clock, json.loads(done.stdout)


def main() -> None:
    """Make the store, evaluate it, print the figures."""
    problems, models, draws = (*map(int, sys.argv[1:]), *(500, 5, 9)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        store, pool = Path(folder) / "samples.db", pool_of(Path(folder), models, draws)
        rows = fill(store, Pool.load(pool), problems, draws)
        load = os.getloadavg()[0]
        print(f"{problems} problems x {models} models x {draws} draws = {rows} samples;")
        print(f"load of the machine before: {load:.1f} on {os.cpu_count()} processors")
        start, _, _ = measured("store", "info", str(store), "--json")
        print(f"the program's own start (store info): {start:.2f} s")
        every = ("eval", "made", "--store", str(store), "--split", "all", "--json")
        for name, options in (
            ("first run, everything to be read", ()),
            ("second run", ()),
            ("third run", ()),
            ("with --pool, offline", ("--pool", str(pool), "--offline")),
        ):
            spent, clock, _ = measured(*every, *options)
            print(f"{name:34} {spent:6.2f} s of processor time, {clock:6.2f} s on the clock")


if __name__ == "__main__":
    main()
