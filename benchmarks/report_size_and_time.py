"""How long a report takes, and how large it is: 500 problems x 5 models x 9 draws, all sizes.

    python benchmarks/report_size_and_time.py [PROBLEMS [MODELS [DRAWS]]]

The store is made up as for `evaluating.py`: completions of about 700 characters. Everything runs in
this process; what counts is its processor time, which other programs on the machine change little.
The document (evaluation, search, study of scaling, worst questions) is put together twice: first
with every sample to read, then with all of them known. Exits 1 where the page takes 5 s or more to
render, or is 3 MB or larger, at the default size.
"""

import os
import platform
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from evaluating import fill, pool_of
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.scorers import make_scorer
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.reports import render
from slm_mux.store import Store
from slm_mux.studies.reporting import report_task

SECONDS, MEGABYTES = 5.0, 3.0


def document_of(path: Path) -> tuple[dict[str, Any], float]:
    """Put the document together; gives the processor time too."""
    started = time.process_time()
    with closing(Readers()) as readers, make_scorer() as scorer, Store.open(path) as store:
        asked = Question(task="made", split="all")
        document = report_task(store, asked, readers=readers, scorer=scorer)
    return document, time.process_time() - started


def main() -> None:
    """Make the store, report on it, print the figures."""
    given = [int(argument) for argument in sys.argv[1:]]
    problems, models, draws = (*given, *(500, 5, 9)[len(given) :])
    print(
        f"Python {platform.python_version()}; load of the machine before: "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.db"
        made = fill(path, Pool.load(pool_of(Path(folder), models, draws)), problems, draws)
        print(f"{problems} problems x {models} models x {draws} draws: {made:,} samples")
        _, first = document_of(path)
        document, second = document_of(path)
    started = time.process_time()
    page = render(document)
    seconds = time.process_time() - started
    size = len(page.encode())
    texts = sum(
        draw["text"] is not None
        for row in document["worst"]
        for model in row["models"]
        for draw in model["draws"]
    )
    print(f"the document, everything to read  {first:7.2f} s of processor time")
    print(f"the document, all of it known     {second:7.2f} s")
    print(f"the page                          {seconds:7.2f} s")
    print(f"{size:,} bytes, with {len(document['worst'])} questions and {texts:,} texts")
    if not given and (seconds >= SECONDS or size >= MEGABYTES * 1e6):
        sys.exit(f"{SECONDS:.0f} s or {MEGABYTES:.0f} MB, or more")


if __name__ == "__main__":
    main()
