"""Rows with their names above them, so that long names fit on a narrow page: intervals and bars."""

from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.reports.charts.base import PERCENT, Spec, entries, said, silent, view
from slm_mux.reports.naming import fitted

STEP = 50
_TEXT_ABOVE = -13
_LONGEST = 36
"""Characters of a name that fit beside figures at 400 px."""
_POINTS = "datum.value == 0 ? '0' : replace(format(100 * datum.value, '+.0f'), '-', '−')"


def intervals(
    rows: Sequence[Mapping[str, Any]],
    *,
    x_title: str,
    domain: Sequence[float],
    signed: bool = False,
) -> Spec:
    """Draw a point with its interval for each row.

    Args:
        rows: "name", "value", "low" and "high" (may be None), "colour" and "shape", "filled",
            "written" (the figures, at the right), "label".
        x_title: of the x axis; values are shares, or differences of shares.
        domain: of the x axis.
        signed: whether zero is marked, and values have signs.
    """
    rows = [
        {"place": place, **row, "name": fitted(row["name"], _LONGEST)}
        for place, row in enumerate(rows)
    ]
    y = _places(len(rows))
    x = {
        "field": "value",
        "type": "quantitative",
        "title": x_title,
        "scale": {"domain": list(domain), "nice": False},
        "axis": {
            **({"labelExpr": _POINTS} if signed else PERCENT),
            "grid": True,
            "tickCount": 6,
            "labelOverlap": True,
        },
    }
    zero: list[Spec] = []
    if signed:
        zero = [
            {
                "data": {"values": [{"zero": 0}]},
                "mark": silent("rule", color="@ink", strokeWidth=1.25),
                "encoding": {"x": {"field": "zero", "type": "quantitative"}},
            }
        ]
    colour = _as_is("colour", rows)
    layers = [
        *zero,
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": silent("rule", strokeWidth=3, opacity=0.55, strokeCap="round", yOffset=9),
            "encoding": {
                "x": {**x, "field": "low"},
                "x2": {"field": "high"},
                "y": y,
                "color": colour,
            },
        },
        {
            "mark": {"type": "point", "size": 110, "opacity": 1, "strokeWidth": 2.25, "yOffset": 9},
            "encoding": {
                "x": x,
                "y": y,
                "color": colour,
                "fill": _as_is("fill", rows),
                "shape": {"field": "shape", "type": "nominal", "scale": None},
                **said(),
            },
        },
        *_names(y, _widest(rows)),
    ]
    return view(rows, layers, height=STEP * len(rows))


def bars(
    rows: Sequence[Mapping[str, Any]],
    parts: Mapping[str, str],
    *,
    x_title: str,
    share: bool = False,
    legend: bool = True,
) -> Spec:
    """Draw a bar of several parts for each row.

    Args:
        rows: "name", "written", and for each part its size by the part's name, with its words
            under "label " and that name.
        parts: the theme's colours by name, from left to right.
        x_title: of the x axis.
        share: whether sizes are shares.
        legend: whether the parts are explained.
    """
    names = list(parts)
    folded = [
        {
            "place": place,
            "name": fitted(row["name"], _LONGEST),
            "written": row["written"],
            "part": part,
            "order": names.index(part),
            "size": row[part],
            "label": row[f"label {part}"],
            "first": part == names[0],
        }
        for place, row in enumerate(rows)
        for part in names
    ]
    y = _places(len(rows))
    top = max((sum(row[part] for part in names) for row in rows), default=0)
    layers = [
        {
            "transform": [{"filter": "datum.size > 0"}],
            "mark": {
                "type": "bar",
                "height": 15,
                "yOffset": 9,
                "stroke": "@page",
                "strokeWidth": 1,
            },
            "encoding": {
                "x": {
                    "field": "size",
                    "type": "quantitative",
                    "title": x_title,
                    "stack": "zero",
                    "scale": {"domain": [0, 1 if share else top or 1], "nice": False},
                    "axis": {
                        **(PERCENT if share else {"format": ",d"}),
                        "grid": True,
                        "tickCount": 5,
                        "tickMinStep": 0 if share else 1,
                        "labelOverlap": True,
                    },
                },
                "y": y,
                "order": {"field": "order"},
                "color": {
                    "field": "part",
                    "type": "nominal",
                    "title": None,
                    "scale": {"domain": names, "range": [f"@{parts[part]}" for part in names]},
                    **({} if legend else {"legend": None}),
                },
                **said(),
            },
        },
        *_names(y, _widest(rows), "datum.first"),
    ]
    return view(folded, layers, height=STEP * len(rows), usermeta=entries(names))


def _places(count: int) -> Spec:
    return {
        "field": "place",
        "type": "ordinal",
        "axis": None,
        "scale": {"domain": list(range(count)), "paddingInner": 0, "paddingOuter": 0},
    }


def _as_is(field: str, rows: Sequence[Mapping[str, Any]]) -> Spec:
    """Take a row's colour by its name in the theme."""
    names = sorted({row[field] for row in rows})
    return {
        "field": field,
        "type": "nominal",
        "legend": None,
        "scale": {"domain": names, "range": [f"@{name}" for name in names]},
    }


def _widest(rows: Sequence[Mapping[str, Any]]) -> int:
    """Count the characters of the longest figures."""
    return max((len(row["written"]) for row in rows), default=0)


def _names(y: Spec, widest: int, only: str | None = None) -> list[Spec]:
    """Write each row's name at the left and its figures at the right, over what is drawn."""
    chosen: Spec = {} if only is None else {"transform": [{"filter": only}]}
    room = 16 + 7 * widest
    layers: list[Spec] = []
    # First in the page's colour and thick, so that no line is seen through the letters.
    for halo in ({"stroke": "@page", "strokeWidth": 5, "strokeJoin": "round"}, {}):
        layers += [
            {
                **chosen,
                "mark": silent(
                    "text",
                    align="left",
                    dy=_TEXT_ABOVE,
                    fontWeight=500,
                    limit={"expr": f"width - {room}"},
                    **halo,
                ),
                "encoding": {"x": {"value": 0}, "y": y, "text": {"field": "name"}},
            },
            {
                **chosen,
                "mark": silent("text", align="right", dy=_TEXT_ABOVE, color="@muted", **halo),
                "encoding": {"x": {"value": "width"}, "y": y, "text": {"field": "written"}},
            },
        ]
    return layers
