r"""MATH: competition mathematics with answers in LaTeX.

Two forms are read. MATH-500: a list or lines of objects with `problem` and `answer`. The full set:
a folder of subject/123.json files, or lines, with `problem`, `type` and `solution`; there the
answer is what the last `\boxed{…}` of the solution holds.
"""

import re
from pathlib import Path

from slm_mux.answers.locate import boxed
from slm_mux.errors import TaskDataError
from slm_mux.tasks.base import Task, TaskOptions
from slm_mux.tasks.checks import Data, Draft, finish
from slm_mux.tasks.formats import read_rows
from slm_mux.tasks.rows import DataFile, Row, read_file
from slm_mux.tasks.sources import from_hub, from_path, split_named
from slm_mux.types import Problem
from slm_mux.wording import counted

REPO = "HuggingFaceH4/MATH-500"
FILES = {"test": "test.jsonl"}

_BARE = re.compile(r"\\(?:boxed|fbox)\s+([^\s${}]+)")


def load(data: Path | None, options: TaskOptions) -> Task:
    """Load MATH-500, or another part of MATH from a path.

    An id is the data's `unique_id`, or the file's path from `train` or `test` on, which is the
    same; for lines without it, math- and 12 hexadecimal digits made from the question.

    Args:
        data: a file, or a folder that holds train, test, or subjects; None: MATH-500 from the hub.
        options: `split` reads one split alone.

    Raises:
        TaskDataError: the data is wrong or cannot be had.
    """
    identities: dict[str, str] = {}
    if data is None:
        found = from_hub("math", REPO, FILES, split=options.split)
    elif data.is_dir() and (identities := _one_problem_each(data)):
        found = _read(data, identities, split_named(options.split))
    else:
        found = from_path(data, split=options.split)
    drafts = [
        Draft(row, _problem(row, file, identities.get(file.name, "")))
        for file in found.files
        for row in read_rows(file)
    ]
    return finish("math", drafts, found, options)


def last_boxed(solution: str) -> str | None:
    r"""Give what the last `\boxed{…}` holds, braces balanced; `\boxed 7` counts too."""
    boxes = [box for box in boxed(solution) if box.complete]
    if boxes:
        return boxes[-1].text.strip()
    bare = _BARE.findall(solution)
    return bare[-1].strip(".,") if bare else None


def _problem(row: Row, file: DataFile, identity: str) -> Problem:
    identity = row.text("unique_id") if row.has("unique_id") else identity
    target = row.text("answer") if "answer" in row.values else last_boxed(row.text("solution"))
    subject = next((row.text(field) for field in ("subject", "type") if row.has(field)), None)
    return Problem(
        id=identity,
        question=row.text("problem").strip(),
        kind="math",
        target=target.strip() if target is not None else None,
        split=file.split or _split(identity),
        subject=subject,
    )


def _split(identity: str) -> str | None:
    """Give the split of an id like `test/algebra/12.json`."""
    official = split_named(identity.partition("/")[0])
    return official if official in ("validation", "test") else None


def _one_problem_each(folder: Path) -> dict[str, str]:
    """Find the files subject/123.json below a folder: each path with its id, in order."""
    root = folder.resolve()
    found = []
    for path in root.rglob("*.json"):
        if path.stem.isdigit() and path.parent != root:
            *_, above, subject, name = path.parts
            identity = f"{subject}/{name}"
            if above in ("train", "test"):
                identity = f"{above}/{identity}"
            found.append((above != "train", subject, int(path.stem), str(path), identity))
    return {path: identity for *_, path, identity in sorted(found)}


def _read(folder: Path, identities: dict[str, str], split: str | None) -> Data:
    files = []
    for path, identity in identities.items():
        named = _split(identity) or split
        if split in (None, named):
            files.append(DataFile(path, read_file(Path(path)).content, named))
    if not files:
        raise TaskDataError(f"{folder}: there are no problems of the split {split!r} in it")
    return Data(tuple(files), f"{folder} ({counted(len(files), 'file')})")
