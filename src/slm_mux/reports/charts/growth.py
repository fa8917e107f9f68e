"""The best subset of each size, the paper's Figure 7: what another model adds and spoils."""

from collections.abc import Mapping
from typing import Any

from slm_mux.reports.charts.base import Chart, Panel, Table, unavailable
from slm_mux.reports.charts.lines import lines
from slm_mux.reports.naming import Look
from slm_mux.reports.numbers import number, percent

_MEASURES = {
    "objective": Look(name="objective", colour="blue", shape="circle"),
    "union_accuracy": Look(
        name="union accuracy", colour="green", shape="triangle-up", dash=(10, 3)
    ),
    "contradiction": Look(name="contradiction", colour="vermillion", shape="diamond", dash=(2, 3)),
    "accuracy": Look(
        name="SLM-MUX, searched problems", colour="amber", shape="square", dash=(6, 3, 2, 3)
    ),
    "test_accuracy": Look(
        name="SLM-MUX, held-out problems", colour="purple", shape="triangle-down", dash=(8, 4)
    ),
}


def growth(document: Mapping[str, Any]) -> Chart:
    """Draw the measures of the best subset of each size."""
    name, title = "search", "The best subset of each size"
    search = document["search"]
    if search is None:
        return unavailable(name, title, document["missing"]["search"])
    by_size = search["best_by_size"]
    if len(by_size) < 2:
        return unavailable(name, title, "there is one model, so there is nothing to choose")
    rows = [
        {
            "series": look.name,
            "x": int(size),
            "y": found[key],
            "label": f"{size} {'model' if size == '1' else 'models'}, {look.name}: "
            f"{percent(found[key])}",
        }
        for key, look in _MEASURES.items()
        for size, found in by_size.items()
        if found[key] is not None
    ]
    penalty = "" if search["penalty"] == 1 else f"{search['penalty']:g} times "
    return Chart(
        name=name,
        title=title,
        caption="Objective = union accuracy (some model is right) minus "
        f"{penalty}contradiction (some model is right, and another is wrong in all its draws). "
        "Another model is worth it as long as the objective grows.",
        panels=(
            Panel(
                spec=lines(
                    rows,
                    list(_MEASURES.values()),
                    x_title="models in the subset",
                    y_title="share of problems",
                ),
                description="Measures of the best subset of each size: "
                + "; ".join(
                    f"{size} models, objective {percent(found['objective'])}"
                    for size, found in by_size.items()
                ),
            ),
        ),
        table=subsets_table(list(by_size.values()), held_out=search["test_split"] is not None),
    )


def subsets_table(subsets: list[Mapping[str, Any]], *, held_out: bool) -> Table:
    """Tabulate subsets, as a search describes them."""
    columns = [
        "models",
        "size",
        "objective",
        "union accuracy",
        "contradiction",
        "accuracy, searched",
    ]
    return Table(
        columns=(*columns, *(["accuracy, held out"] if held_out else [])),
        rows=tuple(
            (
                ", ".join(found["models"]),
                str(len(found["models"])),
                number(found["objective"]),
                percent(found["union_accuracy"]),
                percent(found["contradiction"]),
                percent(found["accuracy"]),
                *([percent(found["test_accuracy"])] if held_out else []),
            )
            for found in subsets
        ),
    )
