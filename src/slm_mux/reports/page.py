"""The page: one file of HTML that needs nothing else, made from a document and nothing else."""

from collections.abc import Mapping
from typing import Any

from slm_mux.plain_text import plain
from slm_mux.reports import bundled
from slm_mux.reports.charts.base import Chart, Panel
from slm_mux.reports.numbers import amount, interval, interval_of_points, percent, points
from slm_mux.reports.sections import Section, sections
from slm_mux.reports.texts import json_for_script, plain_values
from slm_mux.reports.themes import COLOURS, config
from slm_mux.reports.words import leader, verdict
from slm_mux.reports.worst import MARKS, question_title


def render(document: Mapping[str, Any]) -> str:
    """Make the page of a report; the same document gives the same page.

    Args:
        document: as `studies.reporting.report_task` returns it.

    Returns:
        HTML that can be written as UTF-8. It makes no request, and runs no script but its own.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    document = plain_values(document)
    environment = Environment(
        loader=PackageLoader("slm_mux.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, amount=amount)
    parts = sections(document)
    scripts, style = bundled.scripts(), bundled.style()
    return environment.get_template("report.html").render(
        document=document,
        task=document["task"],
        evaluation=document["evaluation"],
        verdict=verdict(document),
        leader=leader(document),
        tiles=tiles(document),
        sections=parts,
        worst=document["worst"],
        question_title=question_title,
        marks=MARKS,
        notes=_notes(document),
        charts_json=json_for_script(_for_drawing(parts)),
        scripts=scripts,
        style=style,
        policy=bundled.policy(scripts, style),
        libraries=bundled.versions(),
        licences=bundled.read("LICENSES.txt"),
    )


def tiles(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """The few figures that stand above everything."""
    evaluation = document["evaluation"]
    rows = {row["method"]: row for row in evaluation["methods"]}
    found = []
    mux, single = rows.get("mux"), rows.get("single")
    if mux and mux["accuracy"] is not None:
        found.append(_tile("SLM-MUX", percent(mux["accuracy"]), interval(mux["ci95"])))
    if single and single["accuracy"] is not None:
        found.append(
            _tile(
                "One draw of the best model", percent(single["accuracy"]), interval(single["ci95"])
            )
        )
    gain = next(
        (
            row
            for row in evaluation["differences"]
            if (row["method"], row["baseline"]) == ("mux", "single")
        ),
        None,
    )
    if gain and gain["difference"] is not None:
        found.append(
            _tile(
                "Difference, in points",
                points(gain["difference"]),
                interval_of_points(gain["ci95"]),
            )
        )
    if evaluation["union_accuracy"] is not None:
        found.append(
            _tile("Ceiling", percent(evaluation["union_accuracy"]), "some model's answer is right")
        )
    if mux and mux["samples_per_problem"] is not None:
        tokens = mux["tokens_per_problem"]
        said = "tokens are not known" if tokens is None else f"{amount(tokens)} tokens"
        found.append(_tile("Draws per problem", amount(mux["samples_per_problem"]), said))
    return found


def _tile(name: str, value: str, more: str) -> dict[str, str]:
    return {"name": name, "value": value, "more": more}


def _notes(document: Mapping[str, Any]) -> list[str]:
    """Every note of every part, once."""
    parts = (document["evaluation"], document["search"], document["scale"])
    return list(dict.fromkeys(note for part in parts if part for note in part["notes"]))


def _for_drawing(parts: list[Section]) -> dict[str, Any]:
    """Give the page's script what it draws, and in which colours."""
    return {
        "themes": {
            name: {"colours": dict(colours), "config": config(name)}
            for name, colours in COLOURS.items()
        },
        "charts": {
            f"{chart.name}-{number}": _drawn(chart, panel)
            for part in parts
            for chart in part.charts
            for number, panel in enumerate(chart.panels)
        },
    }


def _drawn(chart: Chart, panel: Panel) -> dict[str, Any]:
    title = chart.title if panel.title is None else f"{chart.title}: {panel.title}"
    return {**panel.spec, "description": plain(f"{title}. {panel.description}")}
