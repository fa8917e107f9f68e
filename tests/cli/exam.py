"""A small imported task for the command line's tests."""

from pathlib import Path
from typing import Any

from slm_mux.importing import import_files
from slm_mux.store import Store
from tests.importing.files import write_lines

TABLE: list[dict[str, Any] | str] = [
    {"problem": "q1", "model": "m[1]", "answers": ["A", "A", None], "target": "A"},
    {"problem": "q1", "model": "m2", "answers": ["B", "B", "B"]},
    {"problem": "q2", "model": "m[1]", "answers": ["C", "D", "C"], "target": "C"},
    {"problem": "q2", "model": "m2", "answers": ["C", "C", "C"]},
]


def imported(folder: Path) -> str:
    """Import the table as the task `exam`; returns the store."""
    path = folder / "samples.db"
    with Store.open(path) as store:
        import_files(store, [write_lines(folder / "table.jsonl", TABLE)], task="exam")
    return str(path)


def figures(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what tells two equal runs apart."""
    return {name: value for name, value in document.items() if name != "run"}
