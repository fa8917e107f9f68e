"""Which models err on the same problems: a heat map, with the figures in its cells."""

from collections.abc import Mapping
from typing import Any

from slm_mux.reports.charts.base import Chart, Panel, Table, said, silent, unavailable, view
from slm_mux.reports.naming import fitted
from slm_mux.reports.numbers import number

MOST = 20
"""Beyond so many models a chart cannot be read; the table has every pair."""


def correlation(document: Mapping[str, Any]) -> Chart:
    """Draw the correlation of errors of each pair of models."""
    name, title = "error-correlation", "Do the models err together?"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    found = scale["error_correlation"]
    models = found["models"]
    if len(models) < 2:
        return unavailable(name, title, "there is one model, so no pair to compare")
    table = Table(
        columns=("model", *models),
        rows=tuple(
            (model, *(number(value, 2) for value in row))
            for model, row in zip(models, found["correlation"], strict=True)
        ),
    )
    pairs = [
        (value, models[j], models[i])
        for i, row in enumerate(found["correlation"])
        for j, value in enumerate(row[:i])
        if value is not None
    ]
    if not pairs:
        why = "every model is right everywhere, or wrong everywhere, so errors do not vary"
        return unavailable(name, title, why)
    caption = (
        "Correlation of being wrong, over the measured problems: 1, two models err on the same "
        "problems; 0, independently; below 0, where one errs the other is rather right. Models "
        "help each other most where it is low. A dash: a model that is right, or wrong, everywhere."
    )
    strongest = max(pairs)
    description = (
        f"Error correlation of {len(models)} models. Highest: {strongest[1]} and {strongest[2]}, "
        f"{number(strongest[0], 2)}."
    )
    if len(models) > MOST:
        return Chart(
            name=name,
            title=title,
            caption=caption,
            table=table,
            missing=f"a chart of {len(models)} models cannot be read; the table has every pair",
        )
    names = [f"{place}  {fitted(model, _LONGEST)}" for place, model in enumerate(models, 1)]
    rows = [
        {
            "x": str(j + 1),
            "y": names[i],
            "value": value,
            "written": number(value, 2),
            "strong": value is not None and abs(value) > _STRONG,
            "label": f"{models[i]} and {models[j]}: {number(value, 2)}",
        }
        for i, row in enumerate(found["correlation"])
        for j, value in enumerate(row)
        if i != j
    ]
    x = {
        "field": "x",
        "type": "nominal",
        "title": None,
        "scale": {
            "domain": [str(place + 1) for place in range(len(models))],
            "paddingInner": 0.06,
        },
        "axis": {"orient": "top", "labelAngle": 0, "domain": False},
    }
    y = {
        "field": "y",
        "type": "nominal",
        "title": None,
        "scale": {"domain": names, "paddingInner": 0.06},
    }
    layers = [
        {
            "mark": {"type": "rect", "cornerRadius": 3},
            "encoding": {
                "x": x,
                "y": y,
                "color": {
                    "field": "value",
                    "type": "quantitative",
                    "title": None,
                    "scale": {"domain": [-1, 0, 1], "range": ["@low", "@middle", "@high"]},
                    "legend": None,
                },
                **said(),
            },
        },
        {
            "mark": silent("text", fontWeight=500),
            "encoding": {
                "x": x,
                "y": y,
                "text": {"field": "written"},
                # On a narrow page cells may have no room; the table has.
                "opacity": {"condition": {"test": "bandwidth('x') < 27", "value": 0}, "value": 1},
                "color": {"condition": {"test": "datum.strong", "value": "@page"}, "value": "@ink"},
            },
        },
    ]
    return Chart(
        name=name,
        title=title,
        caption=caption,
        panels=(
            Panel(
                spec=view(rows, layers, height=38 * len(models)),
                description=description,
            ),
        ),
        table=table,
    )


_LONGEST = 26
"""Characters of a model's name; more would leave no room for cells at 400 px."""
_STRONG = 0.62
"""Above it a cell is so dark, or so bright, that its figure is written in the page's colour."""
