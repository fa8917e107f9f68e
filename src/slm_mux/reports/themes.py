"""Colours that colour-blind readers can tell apart, on a light and on a dark page.

The hues are those of Okabe and Ito (2008), darker or lighter where a line in them would have less
than 3:1 contrast with the page. Shapes and dashes say the same as colours everywhere.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"

COLOURS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "light": MappingProxyType(
            {
                "page": "#ffffff",
                "ink": "#1a2230",
                "muted": "#566070",
                "grid": "#e4e8ed",
                "line": "#aab2bd",
                "blue": "#0072b2",
                "vermillion": "#d55e00",
                "green": "#008a66",
                "purple": "#b0568c",
                "amber": "#9c6b00",
                "sky": "#3a8fc4",
                "grey": "#79828f",
                "low": "#c45500",
                "middle": "#f4f5f7",
                "high": "#0072b2",
            }
        ),
        "dark": MappingProxyType(
            {
                "page": "#161b22",
                "ink": "#e8ebf0",
                "muted": "#a3adba",
                "grid": "#2b323c",
                "line": "#59636f",
                "blue": "#56b4e9",
                "vermillion": "#ff8138",
                "green": "#2fc197",
                "purple": "#e294c2",
                "amber": "#e6b422",
                "sky": "#9bd4f5",
                "grey": "#98a2af",
                "low": "#e0752c",
                "middle": "#252c35",
                "high": "#3d9bd6",
            }
        ),
    }
)


def config(name: str) -> dict[str, Any]:
    """Give the Vega-Lite configuration of the theme "light" or "dark"."""
    colours = COLOURS[name]
    words = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "mark": {"tooltip": None},
        "axis": {
            **words,
            "labelColor": colours["muted"],
            "titleColor": colours["muted"],
            "titleFontWeight": 500,
            "titlePadding": 10,
            "labelPadding": 6,
            "gridColor": colours["grid"],
            "domain": False,
            "ticks": False,
        },
        "axisX": {"grid": False, "domain": True, "domainColor": colours["line"]},
        "legend": {
            **words,
            "orient": "bottom",
            "direction": "horizontal",
            "title": None,
            "labelColor": colours["ink"],
            "labelLimit": 320,
            "symbolSize": 90,
            "symbolStrokeWidth": 2,
            "rowPadding": 6,
            "columnPadding": 18,
            "offset": 14,
        },
        "text": {"font": FONT, "fontSize": 12, "color": colours["ink"]},
        "title": {"font": FONT, "fontSize": 13, "color": colours["ink"], "anchor": "start"},
    }
