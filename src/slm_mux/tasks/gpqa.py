"""GPQA: science at graduate level, four choices.

Two forms are read. The official CSV, with columns for the question, the correct answer and three
incorrect ones: its choices are put in an order that a seed decides. And the four-choice form, JSON
or lines, whose order is kept: {"question": …, "choices": ["A …", "B …", …], "answer": "A"}.
"""

import hashlib
import re
from pathlib import Path

from slm_mux.tasks.base import Task, TaskOptions
from slm_mux.tasks.checks import Draft, finish
from slm_mux.tasks.formats import read_rows
from slm_mux.tasks.rows import DataFile, Row
from slm_mux.tasks.sources import from_hub, from_path
from slm_mux.types import Problem

REPO = "Idavidrein/gpqa"
FILES = {"": "gpqa_diamond.csv"}

CORRECT = "Correct Answer"
INCORRECT = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
LABELS = "ABCDEFGHIJ"

_LABELLED = re.compile(r"\(?([A-J])(?:[).:]+\s*|\s+)(?=\S)")


def load(data: Path | None, options: TaskOptions) -> Task:
    """Load GPQA.

    An id is the data's own (`Record ID`, or `id`); else gpqa- and 12 hexadecimal digits made from
    the question.

    Args:
        data: a file; None: GPQA Diamond from the hub, which wants HF_TOKEN and its terms accepted.
        options: `shuffle_seed` orders the choices of the official form.

    Raises:
        TaskDataError: the data is wrong or cannot be had.
    """
    if data is None:
        found = from_hub("gpqa", REPO, FILES, split=options.split)
    else:
        found = from_path(data, split=options.split)
    rows = [(row, file) for file in found.files for row in read_rows(file)]
    official = any(CORRECT in row.values for row, _ in rows)
    read = _official if official else _four_choices
    drafts = [Draft(row, read(row, file, options.shuffle_seed)) for row, file in rows]
    notes = [f"choices shuffled with seed {options.shuffle_seed}"] if official else []
    return finish("gpqa", drafts, found, options, notes=notes)


def shuffled(question: str, correct: str, incorrect: tuple[str, ...], seed: int) -> dict[str, str]:
    """Label the choices of one question in an order decided by the seed, the question, the texts.

    Neither other questions nor the order of the incorrect answers in the file play a part. The
    correct answer comes first among equal texts.
    """

    def rank(text: str) -> bytes:
        # A length before each part: no two different triples are written alike.
        parts = (str(seed), question, text)
        written = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.blake2b(written.encode(), digest_size=16).digest()

    return dict(zip(LABELS, sorted((correct, *incorrect), key=rank), strict=False))


def _official(row: Row, file: DataFile, seed: int) -> Problem:
    question = row.text("Question").strip()
    correct, *incorrect = (row.text(field).strip() for field in (CORRECT, *INCORRECT))
    for field in (CORRECT, *INCORRECT):
        if not row.has(field):
            raise row.error(f"`{field}` is empty")
    if len({correct, *incorrect}) < 1 + len(INCORRECT):
        raise row.error("two of the four answers are the same text")
    choices = shuffled(question, correct, tuple(incorrect), seed)
    return Problem(
        id=row.text("Record ID") if row.has("Record ID") else "",
        question=question,
        kind="choice",
        target=next(label for label, text in choices.items() if text == correct),
        split=file.split,
        choices=choices,
        subject=row.text("Subdomain").strip() if row.has("Subdomain") else None,
    )


def _four_choices(row: Row, file: DataFile, _seed: int) -> Problem:
    given = row.values.get("choices")
    if not isinstance(given, list) or not 2 <= len(given) <= len(LABELS):
        row.text("question")
        raise row.error(f"`choices` must be a list of 2 to {len(LABELS)} texts")
    texts = [row.checked("choices", text).strip() for text in given]
    labels = [match[1] if (match := _LABELLED.match(text)) else None for text in texts]
    if labels == list(LABELS[: len(texts)]):
        texts = [_LABELLED.sub("", text, count=1) for text in texts]
    return Problem(
        id=row.text("id") if row.has("id") else "",
        question=row.text("question").strip(),
        kind="choice",
        target=row.text("answer").strip(" ().\n\t") or None,
        split=file.split,
        choices=dict(zip(LABELS, texts, strict=False)),
    )
