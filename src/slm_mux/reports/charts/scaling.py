"""What more draws, more models and more tokens buy."""

from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.reports.charts.base import Chart, Panel, Table, unavailable
from slm_mux.reports.charts.lines import lines
from slm_mux.reports.naming import METHODS, Look, look_of
from slm_mux.reports.numbers import DASH, amount, percent, share_with_interval

_ORDER = ("mux", "union", "self_consistency", "self_consistency_at_k", "agent_forest", "single")

_STOPPED = Look(name="SLM-MUX, stopped when settled", colour="green", shape="square", dash=(4, 3))

_ALONE = ("", " One model is chosen, so that its own majority is all that there is to draw.")


def against_draws(document: Mapping[str, Any]) -> Chart:
    """Draw accuracy against k, for the chosen subset."""
    name, title = "draws", "More draws of each model"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    if scale["n"] < 2:
        return unavailable(name, title, "there is one draw of each model, so nothing to vary")
    curves = _curves(scale["chosen"]["curves"])
    rows = [
        _point(method, point, point["k"], f"k = {point['k']}")
        for method, points in curves.items()
        for point in points
        if point["accuracy"] is not None
    ]
    return Chart(
        name=name,
        title=title,
        caption="Accuracy of the chosen models with k draws of each, averaged over "
        + ("every choice" if scale["exact"] else "choices")
        + f" of k of the {scale['n']} draws there are. The band is SLM-MUX's 95 % interval, by "
        "resampling problems." + _ALONE[len(scale["chosen"]["models"]) == 1],
        panels=(_panel(rows, "draws of each model (k)", "Accuracy against draws of each model"),),
        table=_table("k", [str(k) for k in range(1, scale["n"] + 1)], list(curves.items())),
    )


def against_models(document: Mapping[str, Any]) -> Chart:
    """Draw accuracy against K, for the best subset of each size."""
    name, title = "models", "More models"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    sizes = list(scale["subsets"])
    if len(sizes) < 2:
        return unavailable(name, title, "there is one model, so there is nothing to add")
    by_method: dict[str, list[Mapping[str, Any]]] = {}
    for size in sizes:
        for method, points in _curves(scale["subsets"][size]).items():
            by_method.setdefault(method, []).append(points[-1])
    rows = [
        _point(method, point, int(size), f"{size} {'model' if size == '1' else 'models'}")
        for method, points in by_method.items()
        for size, point in zip(sizes, points, strict=True)
        if point["accuracy"] is not None
    ]
    return Chart(
        name=name,
        title=title,
        caption=f"Accuracy of the best subset of each size with {scale['n']} draws of each model. "
        "With one model, SLM-MUX is its own majority. The band is SLM-MUX's 95 % interval.",
        panels=(_panel(rows, "models in the subset (K)", "Accuracy against the number of models"),),
        table=_table("K", sizes, list(by_method.items())),
    )


def against_tokens(document: Mapping[str, Any]) -> Chart:
    """Draw accuracy against tokens per problem, with all draws and with lossless stopping."""
    name, title = "tokens", "What accuracy costs"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    costs = scale["tokens"]["chosen"]
    if costs[0]["full"] is None:
        return unavailable(name, title, "the tokens of some draws are not known")
    curves = _curves(scale["chosen"]["curves"])
    best = scale["chosen"]["models"][0]
    per_draw = scale["tokens"]["per_draw"][best]
    found = [
        (look.name, cost[key], point)
        for cost, point in zip(costs, curves["mux"], strict=True)
        for look, key in ((METHODS["mux"], "full"), (_STOPPED, "frugal"))
        if cost[key] is not None
    ]
    alone = METHODS["self_consistency_at_k"]
    if per_draw is not None and len(scale["chosen"]["models"]) > 1:
        # The best model's own draws are in its curve by itself.
        by_itself = next(one for one in scale["models"] if one["model"] == best)
        found += [
            (alone.name, per_draw * point["draws"], point)
            for point in by_itself["self_consistency"]
        ]
    rows = [_costed(*one) for one in found]
    return Chart(
        name=name,
        title=title,
        caption="Accuracy of the chosen models against prompt and completion tokens per problem, "
        "for k = 1, 2, … draws of each. Stopping as soon as no further draw can change the answer "
        f"gives the same answers for less. Self-consistency is that of {best}.",
        panels=(
            Panel(
                spec=lines(
                    rows,
                    [METHODS["mux"], _STOPPED, alone],
                    x_title="tokens per problem",
                    y_title="accuracy",
                    whole=False,
                ),
                description="Accuracy against tokens per problem: "
                + "; ".join(row["label"] for row in rows),
            ),
        ),
        table=Table(
            columns=("method", "k", "tokens per problem", "accuracy"),
            rows=tuple(
                (series, str(point["k"]), amount(tokens), percent(point["accuracy"]))
                for series, tokens, point in found
            ),
        ),
    )


def _costed(series: str, tokens: float, point: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "series": series,
        "x": tokens,
        "y": point["accuracy"],
        "label": f"{series}, k = {point['k']}: {percent(point['accuracy'])} for "
        f"{amount(tokens)} tokens",
    }


def _curves(curves: Mapping[str, Any]) -> dict[str, Sequence[Mapping[str, Any]]]:
    found = {curve["method"]: curve["points"] for curve in curves["curves"]}
    return {method: found[method] for method in (*_ORDER, *found) if method in found}


def _point(method: str, point: Mapping[str, Any], x: int, where: str) -> dict[str, Any]:
    look = look_of(method)
    row = {
        "series": look.name,
        "x": x,
        "y": point["accuracy"],
        "label": f"{look.name}, {where}: {share_with_interval(point['accuracy'], point['ci95'])}",
    }
    if method == "mux" and point["ci95"] is not None:
        row |= {"low": point["ci95"][0], "high": point["ci95"][1]}
    return row


def _panel(rows: Sequence[Mapping[str, Any]], x_title: str, what: str) -> Panel:
    ours = [row for row in rows if row["series"] == METHODS["mux"].name]
    return Panel(
        spec=lines(
            rows, [look_of(method) for method in _ORDER], x_title=x_title, y_title="accuracy"
        ),
        description=f"{what}. " + "; ".join(row["label"] for row in ours),
    )


def _table(
    first: str, keys: Sequence[str], curves: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]
) -> Table:
    return Table(
        columns=(first, *(look_of(method).name for method, _ in curves)),
        rows=tuple(
            (
                key,
                *(
                    share_with_interval(points[i]["accuracy"], points[i]["ci95"])
                    if i < len(points)
                    else DASH
                    for _, points in curves
                ),
            )
            for i, key in enumerate(keys)
        ),
    )
