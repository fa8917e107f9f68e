"""Confidence against correctness: whether agreeing with oneself means being right."""

from collections.abc import Mapping
from typing import Any

from slm_mux.reports.charts.base import (
    PERCENT,
    Chart,
    Panel,
    Spec,
    Table,
    said,
    silent,
    unavailable,
    view,
)
from slm_mux.reports.charts.lines import above
from slm_mux.reports.naming import METHODS
from slm_mux.reports.numbers import amount, number, percent

_MUX = METHODS["chosen"].name


def reliability(document: Mapping[str, Any]) -> Chart:
    """Draw one small chart for mux and one for each model, at the most draws."""
    name, title = "reliability", "Does confidence mean anything?"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    n = scale["n"]
    if n < 2:
        why = "there is one draw of each model, so every confidence is 1"
        return unavailable(name, title, why)
    found = [(who, one) for who, one in at_most_draws(scale) if one["levels"]]
    if not found:
        return unavailable(name, title, "no model has an answer that can be read")
    most = max(level["problems"] for _, one in found for level in one["levels"])
    return Chart(
        name=name,
        title=title,
        caption=f"With {n} draws: how often an answer is right on which a model agrees with itself "
        "in so many of its draws. On the diagonal, confidence is accuracy; below it, the model is "
        "surer than it should be. Larger marks stand for more problems.",
        panels=tuple(
            Panel(
                title=who, spec=_spec(who, one, most, mux=who == _MUX), description=_said(who, one)
            )
            for who, one in found
        ),
        table=Table(
            columns=(
                "model",
                "confidence",
                "problems",
                "right",
                "calibration error",
                "correlation",
            ),
            rows=tuple(
                (
                    who,
                    percent(level["confidence"]),
                    amount(level["problems"]),
                    percent(level["accuracy"]),
                    percent(one["expected_calibration_error"]),
                    number(one["correlation"], 2),
                )
                for who, one in found
                for level in one["levels"]
            ),
        ),
    )


def at_most_draws(scale: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """List the reliability of mux, where it chooses, and of each model, at the most draws."""
    found = [(model["model"], model["reliability"][-1]) for model in scale["models"]]
    if len(scale["chosen"]["models"]) > 1:
        found.insert(0, (_MUX, scale["chosen"]["reliability"][-1]))
    return found


def _said(who: str, one: Mapping[str, Any]) -> str:
    levels = "; ".join(
        f"confidence {percent(level['confidence'])}, right {percent(level['accuracy'])} of "
        f"{amount(level['problems'])} problems"
        for level in one["levels"]
    )
    error = percent(one["expected_calibration_error"])
    return f"{who}: {levels}. Expected calibration error {error}."


def _spec(who: str, one: Mapping[str, Any], most: float, *, mux: bool) -> Spec:
    rows = [
        {
            "x": level["confidence"],
            "y": level["accuracy"],
            "problems": level["problems"],
            "label": f"{who}, confidence {percent(level['confidence'])}: right "
            f"{percent(level['accuracy'])} of {amount(level['problems'])} problems",
        }
        for level in one["levels"]
    ]
    axis = {**PERCENT, "values": [0, 0.25, 0.5, 0.75, 1], "labelOverlap": True}
    x = {
        "field": "x",
        "type": "quantitative",
        "title": "confidence",
        "scale": {"domain": [0, 1.06]},
        "axis": {**axis, "labelFlush": False},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, 1.06]},
        "axis": axis,
    }
    colour = "@blue" if mux else "@grey"
    layers: list[Spec] = [
        {
            "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
            "mark": silent("line", strokeDash=[3, 4], color="@line", strokeWidth=1.5),
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": silent("line", color=colour, strokeWidth=2),
            "encoding": {"x": x, "y": y},
        },
        {
            "mark": {"type": "point", "filled": True, "opacity": 1, "color": colour},
            "encoding": {
                "x": x,
                "y": y,
                "size": {
                    "field": "problems",
                    "type": "quantitative",
                    "legend": None,
                    "scale": {"domain": [0, most], "range": [24, 340]},
                },
                **said(),
            },
        },
    ]
    return view(rows, layers, height=190, title=above("right"))
