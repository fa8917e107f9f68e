"""GSM8K: word problems from grade school, each answered by a number.

Its lines have `question` and `answer`; an answer ends in `#### ` and the number. The official train
file serves as validation.
"""

from pathlib import Path

from slm_mux.tasks.base import Task, TaskOptions
from slm_mux.tasks.checks import Draft, finish
from slm_mux.tasks.formats import read_rows
from slm_mux.tasks.sources import from_hub, from_path
from slm_mux.types import Problem

REPO = "openai/gsm8k"
FILES = {
    "validation": "main/train-00000-of-00001.parquet",
    "test": "main/test-00000-of-00001.parquet",
}


def load(data: Path | None, options: TaskOptions) -> Task:
    """Load GSM8K.

    The data has no ids, so each is made from the question: gsm8k- and 12 hexadecimal digits.

    Args:
        data: a file, or a folder with a file for each split; None: from the hub.
        options: `split` reads one split alone.

    Raises:
        TaskDataError: the data is wrong or cannot be had.
    """
    if data is None:
        found = from_hub("gsm8k", REPO, FILES, split=options.split)
    else:
        found = from_path(data, split=options.split)
    drafts = []
    for file in found.files:
        for row in read_rows(file):
            _, mark, number = row.text("answer").rpartition("####")
            problem = Problem(
                id="",
                question=row.text("question").strip(),
                kind="number",
                target=number.strip() if mark else None,
                split=file.split,
            )
            drafts.append(Draft(row, problem))
    return finish("gsm8k", drafts, found, options)
