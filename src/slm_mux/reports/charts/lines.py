"""Lines over a number: one series each, told apart by colour, shape and dash."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.reports.charts.base import PERCENT, Spec, entries, said, silent, view
from slm_mux.reports.naming import Look

HEIGHT = 300


def lines(
    rows: Sequence[Mapping[str, Any]],
    looks: Sequence[Look],
    *,
    x_title: str,
    y_title: str,
    share: bool = True,
    whole: bool = True,
) -> Spec:
    """Draw series.

    Args:
        rows: "series" (a look's name), "x", "y", "label", and for the first look "low" and "high"
            where a band is to be drawn.
        looks: of the series, in the order of the legend.
        x_title: of the x axis.
        y_title: of the y axis.
        share: whether y is a share, else an amount.
        whole: whether x takes whole numbers only, each of which gets a tick.
    """
    there = {row["series"] for row in rows}
    looks = [look for look in looks if look.name in there]
    names = [look.name for look in looks]
    x = {
        "field": "x",
        "type": "quantitative",
        "title": x_title,
        "scale": {"zero": False, "nice": not whole, "padding": 14},
        "axis": _ticks(rows) if whole else {"format": ",d", "labelOverlap": True, "tickCount": 5},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": _domain(rows, share=share), "nice": False},
        "axis": {**(PERCENT if share else {"format": ",.2~f"}), "tickCount": 6},
    }
    colour = {
        "field": "series",
        "type": "nominal",
        "title": None,
        "scale": {"domain": names, "range": [f"@{look.colour}" for look in looks]},
    }
    shape = {
        **colour,
        "scale": {"domain": names, "range": [look.shape for look in looks]},
    }
    layers: list[Spec] = []
    if any("low" in row for row in rows):
        layers.append(
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": silent("area", opacity=0.13, color=f"@{looks[0].colour}"),
                "encoding": {
                    "x": x,
                    "y": {**y, "field": "low"},
                    "y2": {"field": "high"},
                },
            }
        )
    # A layer for each: in a legend, dashes would only be ragged edges of its symbols.
    layers += [
        {
            "transform": [{"filter": {"field": "series", "equal": look.name}}],
            "mark": silent(
                "line",
                strokeWidth=2.25,
                color=f"@{look.colour}",
                strokeDash=list(look.dash) or [1, 0],
            ),
            "encoding": {"x": x, "y": y},
        }
        for look in looks
    ]
    layers.append(
        {
            "mark": {"type": "point", "filled": True, "size": 62, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "shape": shape, **said()},
        }
    )
    return view(rows, layers, height=HEIGHT, title=above(y_title), usermeta=entries(names))


def above(y_title: str) -> Spec:
    """Name the y axis over it, where that takes no width."""
    return {
        "text": y_title,
        "anchor": "start",
        "frame": "group",
        "fontSize": 12,
        "fontWeight": 500,
        "color": "@muted",
        "offset": 8,
    }


def _ticks(rows: Sequence[Mapping[str, Any]]) -> Spec:
    values = sorted({row["x"] for row in rows})
    # Many numbers would run into each other on a narrow page.
    step = max(1, math.ceil(len(values) / 12))
    return {"values": values[::step], "format": "d"}


def _domain(rows: Sequence[Mapping[str, Any]], *, share: bool) -> list[float]:
    """Give the axis a little room, and for shares ends that are multiples of 5 %."""
    seen = [row[key] for row in rows for key in ("y", "low", "high") if row.get(key) is not None]
    low, high = min(seen), max(seen)
    if not share:
        return [0, high * 1.06 or 1]
    low, high = math.floor(low * 20 - 0.2) / 20, math.ceil(high * 20 + 0.2) / 20
    return [max(0.0, low) if low >= -0.001 else low, min(1.02, high) if high > 0.98 else high]
