"""Which model wrote a file of lm-evaluation-harness samples, and for which of its tasks.

The lines name neither. The task is in the file's name; the model is in the results file that was
written with it, else the folder is called after it.
"""

import json
import re
from pathlib import Path
from typing import Any

from slm_mux.errors import TaskDataError
from slm_mux.importing.sources import Source
from slm_mux.importing.values import as_object

_FILE = re.compile(
    r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+?)\.jsonl?(?:\.gz)?", re.DOTALL
)


def task_name(path: Path) -> str:
    """The harness's name of the task, or the file's name without its endings."""
    named = _FILE.fullmatch(path.name)
    if named:
        return named["task"]
    return path.name.removesuffix(".gz").removesuffix(".jsonl").removeprefix("samples_")


def model_name(source: Source, task: str) -> str:
    """The model's name as the results file beside the samples has it, else the folder's name.

    Raises:
        TaskDataError: neither says it.
    """
    path = source.path.absolute()
    named = _FILE.fullmatch(path.name)
    found: dict[str, None] = {}
    if named:
        found = _named_in(path.parent.glob(f"*{named['date']}.json"))
    if not found:
        found = _named_in(path.parent.glob("results*.json"))
    if len(found) == 1:
        return next(iter(found))
    if len(found) > 1:
        raise TaskDataError(
            f"{source.path}: the results files beside it name several models "
            f"({', '.join(found)}); say which one with --model NAME"
        )
    others = [other for other in path.parent.glob(f"samples_{task}_*") if other != path]
    if not named or others or not path.parent.name:
        raise TaskDataError(
            f"{source.path}: does not say which model wrote it; put the results_*.json of the same "
            "run beside it, or give --model NAME"
        )
    source.notes.append(
        f"{source.path}: no results file beside it; the model is called {path.parent.name!r} after "
        'the folder, in whose name "__" may stand for "/"'
    )
    return path.parent.name


def _named_in(paths: Any) -> dict[str, None]:
    found: dict[str, None] = {}
    for path in sorted(paths):
        try:
            results = as_object(json.loads(path.read_text(encoding="utf-8", errors="replace")))
        except (OSError, ValueError):
            continue
        arguments = as_object(results.get("config")).get("model_args")
        name = results.get("model_name") or _in_arguments(arguments)
        if isinstance(name, str) and name.strip():
            found[name] = None
    return found


def _in_arguments(arguments: Any) -> str | None:
    """The model in "pretrained=org/name,dtype=float16", or in the same as an object."""
    if isinstance(arguments, str):
        pairs = (part.partition("=") for part in arguments.split(","))
        arguments = {key.strip(): value.strip() for key, _, value in pairs}
    if not isinstance(arguments, dict):
        return None
    for key in ("peft", "delta", "pretrained", "model", "path", "engine"):
        if isinstance(arguments.get(key), str):
            return str(arguments[key])
    return None
