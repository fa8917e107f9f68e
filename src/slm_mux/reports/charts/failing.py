"""Why answers were wrong, and what simpler ways of choosing would have given."""

from collections.abc import Mapping
from typing import Any

from slm_mux.reports.charts.bars import bars
from slm_mux.reports.charts.base import Chart, Panel, Table, unavailable
from slm_mux.reports.naming import FAILURES
from slm_mux.reports.numbers import amount, percent
from slm_mux.wording import counted


def failing(document: Mapping[str, Any]) -> Chart:
    """Draw the wrong problems by kind."""
    name, title = "failures", "Why answers were wrong"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    found = scale["chosen"]["failures"]
    if not found["wrong"]:
        return unavailable(name, title, "with the chosen models no answer is wrong")
    rows = [
        {
            "name": FAILURES[kind["kind"]][0],
            "problems": kind["count"],
            "written": counted(kind["count"], "problem"),
            "label problems": f"{FAILURES[kind['kind']][0]}: {counted(kind['count'], 'problem')}",
        }
        for kind in found["kinds"]
    ]
    everything = found["on_all"]
    return Chart(
        name=name,
        title=title,
        caption=f"With {found['k']} draws of each chosen model, {found['wrong']} of "
        f"{counted(found['problems'], 'problem')} are wrong; each is of the first kind that fits. "
        "The table says what a plain majority of the models' answers, or a model chosen at random, "
        "would have got right among them.",
        panels=(
            Panel(
                spec=bars(rows, {"problems": "vermillion"}, x_title="wrong problems", legend=False),
                description="Wrong problems by kind: "
                + "; ".join(row["label problems"] for row in rows),
            ),
        ),
        table=Table(
            columns=(
                "kind",
                "problems",
                "share of all",
                "right by majority",
                "right by a random model",
                "what it means",
            ),
            words=frozenset({0, 5}),
            rows=(
                *(
                    (
                        FAILURES[kind["kind"]][0],
                        str(kind["count"]),
                        percent(kind["share"]),
                        amount(kind["alternatives"]["majority"]),
                        amount(kind["alternatives"]["random_model"]),
                        FAILURES[kind["kind"]][1],
                    )
                    for kind in found["kinds"]
                ),
                (
                    "all wrong problems",
                    str(found["wrong"]),
                    percent(found["wrong"] / found["problems"]),
                    amount(found["on_wrong"]["majority"]),
                    amount(found["on_wrong"]["random_model"]),
                    "",
                ),
                (
                    "right, of all problems",
                    str(found["problems"] - found["wrong"]),
                    percent(1 - found["wrong"] / found["problems"]),
                    amount(everything["majority"]),
                    amount(everything["random_model"]),
                    "SLM-MUX, and the other two, on every problem",
                ),
            ),
        ),
    )
