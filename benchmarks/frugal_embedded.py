"""How many draws lossless stopping saves on real completions of the embedded models.

    python benchmarks/frugal_embedded.py [--questions 12] [--samples 5] [--full] [--save FILE]

Asks the questions below with every draw made, then replays the draws in each way of stopping (see
frugal_draws.py, which also reads what --save writes). Fetches the weights first if need be. On two
cores allow half a minute for each question; run it with nothing beside it. Exits 1 when any way of
stopping changed an answer.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from frugal_draws import COLUMNS, Draws, line, measure
from slm_mux.errors import NoAnswerError
from slm_mux.models.pool import BUILTIN_POOL, Pool
from slm_mux.mux import AsyncMux
from slm_mux.sampling.events import Event, QuestionPlanned, SampleDrawn
from slm_mux.sampling.tally import Tally

QUESTIONS = (
    "A baker fills 12 trays with 8 rolls each and sells 75 rolls. How many rolls are left?",
    "Mia reads 14 pages a day. How many pages does she read in two weeks?",
    "A ticket costs 9 dollars. How much do 7 tickets cost?",
    "Tom has 50 marbles. He loses 18 and then wins 25. How many marbles does he have now?",
    "A train goes 60 miles an hour for 2 and a half hours. How many miles does it go?",
    "Five boxes hold 24 pens each. Three pens of each box are dry. How many pens write?",
    "A garden is 15 m long and 8 m wide. What is its area in square metres?",
    "Lena saves 35 dollars a week. How many weeks does she need to save 280 dollars?",
    "A shirt costs 40 dollars and is reduced by 25 %. How many dollars does it cost now?",
    "There are 28 pupils in a class; 4 of every 7 are girls. How many girls are there?",
    "A pump fills 18 litres a minute. How many litres does it fill in a quarter of an hour?",
    "Sam is 3 times as old as Kim. Together they are 48. How old is Kim?",
)


async def draw_all(pool: Pool, questions: int, samples: int) -> list[Draws]:
    """Ask the questions; returns each one's class keys, best record first."""
    problems: list[Draws] = []
    async with AsyncMux(pool) as mux:
        for question in QUESTIONS[:questions]:
            tallies: list[Tally] = []

            def observe(event: Event, tallies: list[Tally] = tallies) -> None:
                if isinstance(event, QuestionPlanned):
                    tallies.append(Tally(event.drawers))
                elif isinstance(event, SampleDrawn):
                    tallies[0].record(event.sample)

            try:
                decision = await mux.ask(
                    question, kind="number", samples=samples, stopping="none", observe=observe
                )
                answer, model = decision.answer, decision.model
            except NoAnswerError:
                answer, model = "no readable answer", "-"
            print(f"{question[:60]:60}  {answer} ({model})", file=sys.stderr, flush=True)
            progress = tallies[0].progress
            problems.append([[row.drawn[draw] for draw in range(row.k)] for row in progress])
    return problems


def main() -> int:
    """Ask, replay, print; 1 when an answer changed."""
    parser = argparse.ArgumentParser(description="draws taken on real completions")
    parser.add_argument("--questions", type=int, default=len(QUESTIONS))
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="with the 1.5B model")
    parser.add_argument("--save", type=Path, help="write the draws as JSON")
    options = parser.parse_args()
    names = ("qwen2.5-coder-1.5b", *BUILTIN_POOL) if options.full else BUILTIN_POOL
    pool = Pool.builtin(names)
    problems = asyncio.run(draw_all(pool, options.questions, options.samples))
    if options.save:
        options.save.write_text(json.dumps(problems))
    measured = measure(problems)
    print("  ".join(heading.rjust(width) for heading, width in COLUMNS))
    print(line(str(len(names)), str(options.samples), measured))
    return 1 if measured.changed else 0


if __name__ == "__main__":
    sys.exit(main())
