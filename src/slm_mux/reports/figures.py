"""A report's charts as SVG and PNG, drawn without a browser."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slm_mux.errors import InvalidRequestError
from slm_mux.reports.charts.base import Chart, Panel, Spec, themed
from slm_mux.reports.sections import charts
from slm_mux.reports.texts import plain_values
from slm_mux.reports.themes import COLOURS, config

WIDTH = 620
SMALL = 240
"""Of each panel where a chart has several."""
COLUMNS = 3
_THEME = "light"
_VERSION = "6.4"
"""Of Vega-Lite, the newest that the converter has."""


def check_figures() -> None:
    """Refuse to draw where the converter is not installed.

    Raises:
        InvalidRequestError: says how to install it.
    """
    try:
        import vl_convert  # noqa: F401
    except ImportError:
        raise InvalidRequestError(
            "--figures draws by vl-convert-python, which is not installed: "
            "pip install 'slm-mux[figures]'"
        ) from None


def write_figures(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write each chart as SVG and as PNG (for 144 dots per inch), in the light theme.

    Args:
        document: as `studies.reporting.report_task` returns it.
        folder: where they go; it is made where it is not, and files of their names are replaced.

    Returns:
        The files, in the order of the page.

    Raises:
        InvalidRequestError: the converter is not installed.
        OSError: they cannot be written.
    """
    check_figures()
    import vl_convert

    drawn = [chart for chart in charts(plain_values(document)) if chart.panels]
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for chart in drawn:
        spec = figure_spec(chart)
        svg = vl_convert.vegalite_to_svg(spec, vl_version=_VERSION)
        png = vl_convert.svg_to_png(svg, scale=2)
        for path, content in (
            (folder / f"{chart.name}.svg", svg.encode()),
            (folder / f"{chart.name}.png", png),
        ):
            path.write_bytes(content)
            written.append(path)
    return written


def figure_spec(chart: Chart) -> Spec:
    """Give one complete Vega-Lite spec of a chart: its title, colours and sizes set."""
    if len(chart.panels) == 1:
        spec = _sized(chart.panels[0], WIDTH, text=chart.title)
    else:
        spec = {
            "title": {"text": chart.title},
            "columns": COLUMNS,
            "concat": [
                _sized(panel, SMALL, text=panel.title, fontSize=12, anchor="start")
                for panel in chart.panels
            ],
        }
    colours = COLOURS[_THEME]
    settings = config(_THEME)
    settings["background"] = colours["page"]
    settings["padding"] = 16
    entry = spec.get("usermeta", {}).get("entry", WIDTH)
    settings["legend"] = {**settings["legend"], "columns": max(1, WIDTH // entry)}
    settings["title"] = {
        **settings["title"],
        "fontSize": 16,
        "offset": 16,
        "subtitleColor": colours["muted"],
        "subtitleFontSize": 12,
        "subtitlePadding": 6,
    }
    found: Spec = themed({**spec, "config": settings}, colours)
    return found


def _sized(panel: Panel, width: int, **title: Any) -> Spec:
    """Give a panel a width, and a title over what its y axis is called."""
    above = panel.spec.get("title")
    if above is not None:
        title["subtitle"] = above["text"]
    return {**panel.spec, "width": width, "title": title}
