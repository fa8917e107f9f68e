"""Charts: their numbers are the document's, and what cannot be shown says why."""

import copy
from pathlib import Path
from typing import Any

import pytest

from slm_mux.reports.charts.base import Chart, themed
from slm_mux.reports.numbers import interval, number, percent, points, share_with_interval
from slm_mux.reports.sections import charts
from tests.evaluation.making import problem, stored
from tests.reports.making import demo_document, reported
from tests.studies.making import one_split, two_splits

ALL = [
    "accuracy",
    "differences",
    "attribution",
    "search",
    "draws",
    "models",
    "majority-law",
    "question-types",
    "reliability",
    "error-correlation",
    "stopping",
    "tokens",
    "failures",
]


def by_name(document: Any) -> dict[str, Chart]:
    return {chart.name: chart for chart in charts(document)}


def labels(chart: Chart) -> list[str]:
    """What is said of each mark."""
    return [
        row["label"]
        for panel in chart.panels
        for row in panel.spec["data"]["values"]
        if "label" in row
    ]


def cells(chart: Chart) -> list[str]:
    assert chart.table is not None
    return [cell for row in chart.table.rows for cell in row]


def test_every_chart_of_the_recording_is_drawn() -> None:
    """Thirteen charts, each with words and a table of rows as wide as its head."""
    found = by_name(demo_document())
    assert list(found) == ALL
    for chart in found.values():
        assert chart.panels
        assert chart.missing is None
        assert chart.caption.endswith(".")
        assert chart.table is not None
        assert chart.table.rows
        assert {len(row) for row in chart.table.rows} == {len(chart.table.columns)}
        assert labels(chart)


def test_methods_have_the_evaluations_numbers() -> None:
    """Accuracy and interval of each method are those of the evaluation, in chart and table."""
    document = demo_document()
    chart = by_name(document)["accuracy"]
    known = [row for row in document["evaluation"]["methods"] if row["accuracy"] is not None]
    assert len(known) == 5
    for row in known:
        said = share_with_interval(row["accuracy"], row["ci95"])
        assert any(label.endswith(said) for label in labels(chart))
        assert {percent(row["accuracy"]), interval(row["ci95"])} <= set(cells(chart))


def test_differences_have_the_evaluations_numbers() -> None:
    """So have differences; one that is not known is in the table with its reason."""
    document = demo_document()
    chart = by_name(document)["differences"]
    found = [row for row in document["evaluation"]["differences"] if row["method"] == "mux"]
    for row in found:
        if row["difference"] is None:
            assert row["reason"] in cells(chart)
        else:
            assert any(f": {points(row['difference'])} points" in said for said in labels(chart))
            assert number(row["mcnemar_p"]) in cells(chart)


@pytest.mark.parametrize("name", ["draws", "models"])
def test_curves_have_the_studys_numbers(name: str) -> None:
    """Every point of every curve is in the chart and in the table, with its interval."""
    scale = demo_document()["scale"]
    chart = by_name(demo_document())[name]
    studied = [scale["chosen"]["curves"]] if name == "draws" else list(scale["subsets"].values())
    for curves in studied:
        for curve in curves["curves"]:
            points_of = curve["points"] if name == "draws" else curve["points"][-1:]
            for point in points_of:
                said = share_with_interval(point["accuracy"], point["ci95"])
                assert said in cells(chart)
                assert point["accuracy"] is None or any(s.endswith(said) for s in labels(chart))


def test_search_reliability_correlation_and_cost() -> None:
    """The other charts have the numbers of their parts of the document."""
    document = demo_document()
    found = by_name(document)
    for size, row in document["search"]["best_by_size"].items():
        where = f"{size} {'model' if size == '1' else 'models'}, objective: "
        assert where + percent(row["objective"]) in labels(found["search"])
        assert number(row["objective"]) in cells(found["search"])
    for model in document["scale"]["models"]:
        for level in model["reliability"][-1]["levels"]:
            said = f"{model['model']}, confidence {percent(level['confidence'])}: right "
            assert any(
                label.startswith(said + percent(level["accuracy"]))
                for label in labels(found["reliability"])
            )
    matrix = document["scale"]["error_correlation"]["correlation"]
    assert number(matrix[1][0], 2) in cells(found["error-correlation"])
    assert f"{number(matrix[1][0], 2)}" in labels(found["error-correlation"])[0]
    for cost in document["scale"]["chosen"]["stopping"]:
        assert number(cost["frugal"], 2) in cells(found["stopping"])
    for kind in document["scale"]["chosen"]["failures"]["kinds"]:
        assert str(kind["count"]) in cells(found["failures"])


def test_attribution_counts_every_answer() -> None:
    """Chosen answers add up to the problems, and shares to those of the evaluation."""
    document = demo_document()
    mux = next(row for row in document["evaluation"]["methods"] if row["method"] == "mux")
    found = document["attribution"]
    assert sum(row["chosen"] for row in found) == mux["total"]
    assert sum(row["right"] for row in found) == mux["correct"]
    assert {row["model"]: row["chosen"] / mux["total"] for row in found} == mux["attribution"]


def reasons(document: Any) -> dict[str, str]:
    return {chart.name: chart.missing for chart in charts(document) if chart.missing}


def test_one_model(tmp_path: Path) -> None:
    """Nothing to choose, to add or to compare: each place says so."""
    drawn = {"a": {"p1": ["7", "7"], "p2": ["7", "8"], "p3": ["9", "9"]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        found = reasons(reported(store))
    assert found["attribution"] == "there is one model, and every answer is its own"
    assert found["search"] == "there is one model, so there is nothing to choose"
    assert found["models"] == "there is one model, so there is nothing to add"
    assert found["error-correlation"] == "there is one model, so no pair to compare"


def test_one_draw(tmp_path: Path) -> None:
    """No k to vary, no confidence, nothing to save."""
    drawn = {"a": {"p1": ["7"], "p2": ["8"]}, "b": {"p1": ["8"], "p2": ["7"]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        found = reasons(reported(store))
    assert {"draws", "majority-law", "question-types", "reliability", "stopping"} <= set(found)
    assert found["reliability"].startswith("there is one draw of each model")


def test_without_tokens(tmp_path: Path) -> None:
    """What accuracy costs is not known then."""
    drawn = {"a": {"p1": ["7", "7"], "p2": ["7", "8"]}, "b": {"p1": ["9", "9"], "p2": ["7", "7"]}}
    problems = [problem("p1"), problem("p2")]
    with stored(tmp_path / "s.db", problems, drawn, tokens=None) as store:
        assert reasons(reported(store))["tokens"] == "the tokens of some draws are not known"


def test_a_part_that_cannot_be_made(tmp_path: Path) -> None:
    """Without a target on any problem there is no search and no study; the charts say why."""
    drawn = {"a": {"p1": ["7", "7"]}, "b": {"p1": ["9", "9"]}}
    with stored(tmp_path / "s.db", [problem("p1", target=None)], drawn) as store:
        document = reported(store)
    assert (document["search"], document["scale"]) == (None, None)
    found = reasons(document)
    assert found["accuracy"] == "no problem could be scored"
    assert found["search"] == document["missing"]["search"]
    assert "can be scored" in found["draws"]


def test_nothing_is_wrong(tmp_path: Path) -> None:
    """No failures is good news, not an empty chart."""
    drawn = {name: {"p1": ["7", "7"], "p2": ["7", "7"]} for name in "ab"}
    with one_split(tmp_path / "s.db", drawn) as store:
        found = reasons(reported(store))
    assert found["failures"] == "with the chosen models no answer is wrong"
    assert "errors do not vary" in found["error-correlation"]


def test_charts_leave_the_document_alone(tmp_path: Path) -> None:
    """Making charts changes nothing in it, and twice gives the same."""
    with two_splits(tmp_path / "s.db") as store:
        document = reported(store)
    before = copy.deepcopy(document)
    assert charts(document) == charts(document)
    assert document == before


def test_colours_are_not_put_into_data() -> None:
    """A model called like a colour keeps its name."""
    spec = {
        "data": {"values": [{"name": "@ink"}]},
        "scale": {"domain": ["@ink"], "range": ["@ink", "@unknown"]},
    }
    assert themed(spec, {"ink": "#111"}) == {
        "data": {"values": [{"name": "@ink"}]},
        "scale": {"domain": ["@ink"], "range": ["#111", "@unknown"]},
    }
