"""What a chart is: specs to draw, the same numbers as a table, and words for both."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct

Spec = dict[str, Any]
"""A Vega-Lite 6 view without `width`; colours are names of the theme behind an @."""

PERCENT: Mapping[str, str] = MappingProxyType(
    {"labelExpr": "format(100 * datum.value, '.0f') + '\u00a0%'"}
)
"""How an axis of shares is labelled; as `numbers.percent` writes them."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


class Table(Struct, frozen=True, kw_only=True):
    """Cells as they are shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = frozenset({0})
    """Columns that hold words, not figures; the first one names the row."""


class Panel(Struct, frozen=True, kw_only=True):
    """One drawing of a chart."""

    spec: Spec
    description: str
    """For those who do not see it."""
    title: str | None = None
    """Where a chart has several."""


class Chart(Struct, frozen=True, kw_only=True):
    """A figure of the report. One without panels says in `missing` why."""

    name: str
    """For files and links."""
    title: str
    caption: str
    """What is seen, in sentences."""
    panels: tuple[Panel, ...] = ()
    table: Table | None = None
    missing: str | None = None


def unavailable(name: str, title: str, why: str) -> Chart:
    """Stand in the place of a chart that cannot be drawn."""
    return Chart(name=name, title=title, caption="", missing=why)


def view(rows: Sequence[Mapping[str, Any]], layers: Sequence[Spec], **more: Any) -> Spec:
    """Make a spec of layers over one set of rows; each row's `label` says it in words."""
    return {
        "$schema": SCHEMA,
        "data": {"values": [dict(row) for row in rows]},
        "layer": list(layers),
        **more,
    }


def entries(names: Sequence[str]) -> Spec:
    """Say how wide an entry of the legend is, so that as many stand side by side as fit."""
    return {"entry": 44 + 7 * max(map(len, names), default=0)}


def said(field: str = "label") -> Spec:
    """Give the encoding by which a mark is read out, and explained under the pointer."""
    return {"description": {"field": field}, "tooltip": {"field": field}}


def silent(mark: str, **more: Any) -> Spec:
    """Give a mark that repeats what another one says, so that it is not read out twice."""
    return {"type": mark, "aria": False, **more}


def themed(value: Any, colours: Mapping[str, str]) -> Any:
    """Put a theme's colours in the place of their names, but not into data."""
    if isinstance(value, str):
        return colours.get(value[1:], value) if value.startswith("@") else value
    if isinstance(value, list | tuple):
        return [themed(item, colours) for item in value]
    if isinstance(value, dict):
        return {
            key: item if key in ("data", "domain", "description") else themed(item, colours)
            for key, item in value.items()
        }
    return value
