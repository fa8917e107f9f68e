"""How many draws a question needs when drawing ends as soon as its answer is settled."""

from collections.abc import Mapping
from typing import Any

from slm_mux.reports.charts.base import Chart, Panel, Table, unavailable
from slm_mux.reports.charts.lines import lines
from slm_mux.reports.naming import Look
from slm_mux.reports.numbers import amount, number, percent

_SERIES = {
    "full": Look(name="all draws", colour="grey", shape="square", dash=(2, 3)),
    "frugal": Look(name="stopped when settled", colour="blue", shape="circle"),
    "clairvoyant": Look(
        name="fewest possible, in hindsight", colour="green", shape="triangle-up", dash=(8, 4)
    ),
}


def stopping(document: Mapping[str, Any]) -> Chart:
    """Draw the draws per problem against k."""
    name, title = "stopping", "Draws that are really needed"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    costs = scale["chosen"]["stopping"]
    if scale["n"] < 2:
        return unavailable(name, title, "there is one draw of each model, so nothing to save")
    rows = [
        {
            "series": look.name,
            "x": cost["k"],
            "y": cost[key],
            "label": f"k = {cost['k']}, {look.name}: {number(cost[key], 2)} draws per problem",
        }
        for key, look in _SERIES.items()
        for cost in costs
    ]
    last = costs[-1]
    return Chart(
        name=name,
        title=title,
        caption="Draws of the chosen models per problem, by the frugal rule: draw next from the "
        "model that can still be the most confident, and stop as soon as no further draw can "
        f"change the answer. The answers are the same. At k = {last['k']} that takes "
        f"{percent(last['frugal_share'])} of the draws.",
        panels=(
            Panel(
                spec=lines(
                    rows,
                    list(_SERIES.values()),
                    x_title="draws of each model (k)",
                    y_title="draws per problem",
                    share=False,
                ),
                description="Draws per problem: "
                + "; ".join(row["label"] for row in rows if row["x"] == last["k"]),
            ),
        ),
        table=Table(
            columns=(
                "k",
                "all draws",
                "stopped when settled",
                "share",
                "fewest possible",
                "tokens, all draws",
                "tokens, stopped",
            ),
            rows=tuple(
                (
                    str(cost["k"]),
                    str(cost["full"]),
                    number(cost["frugal"], 2),
                    percent(cost["frugal_share"]),
                    number(cost["clairvoyant"], 2),
                    amount(spent["full"]),
                    amount(spent["frugal"]),
                )
                for cost, spent in zip(costs, scale["tokens"]["chosen"], strict=True)
            ),
        ),
    )
