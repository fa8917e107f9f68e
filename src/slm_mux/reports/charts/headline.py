"""Methods side by side: accuracies with their intervals, and what SLM-MUX gains over each."""

from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.reports.charts.bars import intervals
from slm_mux.reports.charts.base import Chart, Panel, Table, unavailable
from slm_mux.reports.naming import look_of
from slm_mux.reports.numbers import (
    DASH,
    amount,
    interval,
    interval_of_points,
    number,
    percent,
    points,
    share_with_interval,
)
from slm_mux.wording import counted

_BY_RESAMPLING = "chosen"
_INTERVALS = " (Wilson's; by resampling problems for the chosen models)"


def accuracies(document: Mapping[str, Any]) -> Chart:
    """Draw each method's accuracy; that of the chosen models too, where those are not all."""
    name, title = "accuracy", "Accuracy of each method"
    methods = method_rows(document)
    known = [row for row in methods if row["accuracy"] is not None]
    if not known:
        return unavailable(name, title, "no problem could be scored")
    rows = [
        {
            "name": row["title"],
            **_marked(row["method"], row["accuracy"], row["ci95"]),
            "written": percent(row["accuracy"]),
            "label": f"{row['title']}: {share_with_interval(row['accuracy'], row['ci95'])}",
        }
        for row in known
    ]
    chosen = any(row["method"] == _BY_RESAMPLING for row in known)
    low = min(row["value"] if row["low"] is None else row["low"] for row in rows)
    high = max(row["value"] if row["high"] is None else row["high"] for row in rows)
    domain = (max(0.0, int(low * 10 - 0.3) / 10), min(1.0, int(high * 10 + 1.3) / 10))
    return Chart(
        name=name,
        title=title,
        caption="Share of the problems that each method answers correctly; the bar is the 95 % "
        f"interval{_INTERVALS if chosen else ''}. Methods do not cost the same: the table says "
        "what each spends.",
        panels=(
            Panel(
                spec=intervals(rows, x_title="problems answered correctly", domain=domain),
                description="Accuracy of each method with its 95 % interval: "
                + "; ".join(row["label"] for row in rows),
            ),
        ),
        table=Table(
            columns=(
                "method",
                "accuracy",
                "95 % interval",
                "draws per problem",
                "tokens per problem",
            ),
            rows=tuple(
                (
                    row["title"],
                    percent(row["accuracy"]),
                    interval(row["ci95"]),
                    amount(row["draws"]),
                    amount(row["tokens"]),
                )
                for row in methods
            ),
        ),
    )


def method_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the methods with their titles; those of the evaluation, and the chosen models' mux."""
    evaluation = document["evaluation"]
    many = len(evaluation["models"])
    rows = []
    for row in evaluation["methods"]:
        title = look_of(row["method"]).name
        if row["method"] == "mux" and many > 1:
            title = f"{title} (all {many} models)"
        rows.append(
            {
                "method": row["method"],
                "title": title,
                "accuracy": row["accuracy"],
                "ci95": row["ci95"] if row["accuracy"] is not None else None,
                "draws": row["samples_per_problem"],
                "tokens": row["tokens_per_problem"],
                "reason": row.get("reason"),
            }
        )
    chosen = chosen_row(document)
    if chosen is not None:
        place = next((i for i, row in enumerate(rows, 1) if row["method"] == "mux"), 0)
        rows.insert(place, chosen)
    return rows


def chosen_row(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Describe the chosen models' mux with all draws; None: all are chosen, or unknown."""
    scale = document["scale"]
    if scale is None or len(scale["chosen"]["models"]) >= len(document["evaluation"]["models"]):
        return None
    chosen = scale["chosen"]
    last = next(c for c in chosen["curves"]["curves"] if c["method"] == "mux")["points"][-1]
    return {
        "method": _BY_RESAMPLING,
        "title": f"SLM-MUX ({counted(len(chosen['models']), 'chosen model')})",
        "accuracy": last["accuracy"],
        "ci95": last["ci95"],
        "draws": last["draws"],
        "tokens": scale["tokens"]["chosen"][-1]["full"],
        "reason": None,
    }


def differences(document: Mapping[str, Any]) -> Chart:
    """Draw mux minus each baseline, paired on the same problems."""
    name, title = "differences", "What SLM-MUX gains or loses"
    many = len(document["evaluation"]["models"])
    found = [row for row in document["evaluation"]["differences"] if row["method"] == "mux"]
    known = [row for row in found if row["difference"] is not None]
    if not known:
        why = next((row["reason"] for row in found if row["reason"]), "no baseline was evaluated")
        return unavailable(name, title, why)
    rows = [
        {
            "name": f"minus {look_of(row['baseline']).name}",
            **_marked(row["baseline"], row["difference"], row["ci95"], filled=row["equal_budget"]),
            "written": points(row["difference"]),
            "label": f"SLM-MUX minus {look_of(row['baseline']).name}: "
            f"{points(row['difference'])} points"
            + (f" ({interval_of_points(row['ci95'])})" if row["ci95"] else ""),
        }
        for row in known
    ]
    ends = [abs(row[key]) for row in rows for key in ("value", "low", "high") if row[key]]
    reach = (int(20 * max(ends, default=0.05) * 1.02) + 1) / 20
    return Chart(
        name=name,
        title=title,
        caption=f"SLM-MUX with {'its one model' if many == 1 else f'all {many} models'} minus each "
        "baseline on the same problems, in percentage points; right of the line SLM-MUX is better. "
        "The bar is the 95 % interval: where it crosses the line, these problems do not tell the "
        "two apart. Filled marks are comparisons at an equal budget, hollow ones are not.",
        panels=(
            Panel(
                spec=intervals(
                    rows, x_title="percentage points", domain=(-reach, reach), signed=True
                ),
                description="Differences with their 95 % intervals: "
                + "; ".join(row["label"] for row in rows),
            ),
        ),
        table=Table(
            columns=(
                "SLM-MUX minus",
                "points",
                "95 % interval",
                "McNemar p",
                "draws",
                "tokens",
                "budget",
            ),
            words=frozenset({0, 6}),
            rows=tuple(
                (
                    look_of(row["baseline"]).name,
                    points(row["difference"]),
                    interval_of_points(row["ci95"]),
                    number(row["mcnemar_p"]),
                    _both(row["draws"]),
                    _both(row["tokens"]),
                    "equal" if row["equal_budget"] else "not equal",
                )
                if row["difference"] is not None
                else (look_of(row["baseline"]).name, DASH, DASH, DASH, DASH, DASH, row["reason"])
                for row in found
            ),
        ),
    )


def _marked(
    method: str, value: float, ends: Sequence[float] | None, *, filled: bool = True
) -> dict[str, Any]:
    look = look_of(method)
    low, high = ends or (None, None)
    return {
        "value": value,
        "low": low,
        "high": high,
        "colour": look.colour,
        "fill": look.colour if filled else "page",
        "shape": look.shape,
    }


def _both(pair: list[float | None]) -> str:
    return f"{amount(pair[0])} : {amount(pair[1])}"
