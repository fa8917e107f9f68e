"""Small tasks for the command line's tests."""

from pathlib import Path
from typing import Any

from slm_mux.importing import import_files
from slm_mux.store import Store
from tests.importing.files import write_lines

RECORDED = Path(__file__).parent / "data" / "recorded.jsonl"
"""A real model's draws on four problems of the demo task."""

TABLE: list[dict[str, Any] | str] = [
    {"problem": "q1", "model": "m[1]", "answers": ["A", "A", None], "target": "A"},
    {"problem": "q1", "model": "m2", "answers": ["B", "B", "B"]},
    {"problem": "q2", "model": "m[1]", "answers": ["C", "D", "C"], "target": "C"},
    {"problem": "q2", "model": "m2", "answers": ["C", "C", "C"]},
]

ANSWERS = {
    "steady": ["AA", "AA", "AB", "BB", "AA", "AA", "AA", "BB"],
    "wide m[0]": ["AB", "BA", "AA", "AB", "BA", "AB", "AA", "AA"],
    "same": ["AA", "AA", "AB", "BB", "AA", "AA", "AA", "BB"],
    "wrong": ["BB", "BB", "BB", "AA", "BB", "BA", "BB", "BA"],
}
"""Two draws on each of eight problems, of which "A" is right; the last four are held out."""


def exam_of() -> list[dict[str, Any] | str]:
    """The rows of a plain table of several models and two splits."""
    return [
        {
            "problem": f"q{number}",
            "model": model,
            "answers": list(draws),
            "target": "A",
            "split": "validation" if number < 4 else "test",
        }
        for model, rows in ANSWERS.items()
        for number, draws in enumerate(rows)
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
