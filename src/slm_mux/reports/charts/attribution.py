"""Whose answers mux gave, and how often those were right."""

from collections.abc import Mapping
from typing import Any

from slm_mux.reports.charts.bars import bars
from slm_mux.reports.charts.base import Chart, Panel, Table, unavailable
from slm_mux.reports.numbers import percent
from slm_mux.wording import counted


def attribution(document: Mapping[str, Any]) -> Chart:
    """Draw for each model the problems that it answered for all, right and wrong."""
    name, title = "attribution", "Whose answers were chosen"
    found = document["attribution"]
    if len(found) < 2:
        return unavailable(name, title, "there is one model, and every answer is its own")
    if not any(row["chosen"] for row in found):
        return unavailable(name, title, "no model has an answer that can be read")
    rows = [
        {
            "name": row["model"],
            "right": row["right"],
            "wrong": row["chosen"] - row["right"] - row["unscored"],
            "not scored": row["unscored"],
            "written": f"{row['right']} of {row['chosen']} right" if row["chosen"] else "none",
            "label right": f"{row['model']}: {counted(row['right'], 'chosen answer')} right",
            "label wrong": f"{row['model']}: "
            f"{counted(row['chosen'] - row['right'] - row['unscored'], 'chosen answer')} wrong",
            "label not scored": f"{row['model']}: "
            f"{counted(row['unscored'], 'chosen answer')} not scored",
        }
        for row in found
    ]
    parts = {"right": "blue", "wrong": "vermillion"}
    if any(row["unscored"] for row in found):
        parts["not scored"] = "grey"
    total = sum(row["chosen"] for row in found)
    return Chart(
        name=name,
        title=title,
        caption=f"Of {counted(total, 'answered problem')}, how many each model answered for all, "
        "being the most self-consistent there, and how many of those answers are right.",
        panels=(
            Panel(
                spec=bars(rows, parts, x_title="problems"),
                description="Chosen answers by model: "
                + "; ".join(f"{row['name']}: {row['written']}" for row in rows),
            ),
        ),
        table=Table(
            columns=(
                "model",
                "answers chosen",
                "of them right",
                "share right",
                "share of all answers",
                "right by itself",
            ),
            rows=tuple(
                (
                    row["model"],
                    str(row["chosen"]),
                    str(row["right"]),
                    percent(_share(row["right"], row["chosen"] - row["unscored"])),
                    percent(_share(row["chosen"], total)),
                    percent(row["accuracy"]),
                )
                for row in found
            ),
        ),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
