"""What an evaluation prints."""

import io
from typing import Any

from rich.console import Console

from slm_mux.cli.evaluation_display import show_document


def document(problems: int, k: int, failed: int) -> dict[str, Any]:
    """The least that is shown: one method, with failed draws."""
    row = {
        "method": "mux", "accuracy": 0.5, "ci95": [0.1, 0.9], "samples_per_problem": 1.0,
        "tokens_per_problem": None, "unreadable": 0, "failed_problems": failed,
        "bounds": [0.0, 1.0], "attribution": {}, "per_model": {},
    }  # fmt: skip
    return {
        "task": "t", "split": None, "problems": problems, "k": k, "models": ["a", "b"],
        "methods": [row], "differences": [], "validation_accuracies": [], "unscored": [],
        "union_accuracy": None, "oracle_accuracy": None, "contradiction": None, "notes": [],
    }  # fmt: skip


def printed(shown: dict[str, Any]) -> str:
    out = io.StringIO()
    show_document(Console(file=out, width=160), Console(file=io.StringIO()), shown)
    return out.getvalue()


def test_one_is_singular() -> None:
    """One problem and one draw are named as one."""
    text = printed(document(1, 1, 1))
    assert text.startswith("t: 1 problem, 1 draw of each of 2 models\n")
    assert "draws failed on 1 problem; accuracy between 0.0%" in text


def test_several_are_plural() -> None:
    """Large numbers have their commas."""
    text = printed(document(1319, 5, 2))
    assert text.startswith("t: 1,319 problems, 5 draws of each of 2 models\n")
    assert "draws failed on 2 problems; accuracy" in text
