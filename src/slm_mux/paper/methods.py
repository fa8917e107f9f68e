"""Table 1: mux beside the single model, its self-consistency, and methods of discussion."""

from collections.abc import Mapping
from typing import Any

from slm_mux.paper import figures
from slm_mux.paper.exhibits import DISCUSSIONS
from slm_mux.paper.planning import Plan
from slm_mux.paper.sections import Block, Row, picked
from slm_mux.wording import listed

COUNTING = ("mux", "single", "self_consistency")
"""The methods of table 1 that count votes."""

NOT_SCORED = "no problem is scored"


def table1(made: Plan, document: Mapping[str, Any]) -> tuple[Block, ...]:
    """Set an evaluation beside the paper's table.

    Args:
        made: the plan.
        document: as `slm_mux.evaluation.evaluate.describe` returns it, of `COUNTING` and of
            discussions.
    """
    rows = {row["method"]: row for row in document["methods"]}
    task, k = made.benchmark or "", document["k"]
    accuracies = [
        (line, _row(label, figures.table1(task, line), rows.get(method)))
        for line, method, label in (
            *((name, name, name) for name in DISCUSSIONS),
            ("mux", "mux", "mux"),
            ("single", "single", "single: one draw of the best on validation"),
        )
    ]
    accuracies += [("single", row) for row in _singles(made, rows.get("single"))]
    accuracies += [
        (line, _row(label, figures.table1(task, line), rows.get(method)))
        for line, method, label in _self_consistencies(k, len(document["models"]))
    ]
    found = [Block(title="accuracy", rows=picked(accuracies, made.lines))]
    less = {row["baseline"]: row for row in document["differences"] if row["method"] == "mux"}
    differences = [
        (line, _difference(label, figures.table1_less(task, line), less.get(method)))
        for line, method, label in (
            *((name, name, name) for name in DISCUSSIONS),
            ("single", "single", "single"),
            *_self_consistencies(k, len(document["models"])),
        )
    ]
    if "mux" in made.lines and (shown := picked(differences, made.lines)):
        found.append(Block(title="mux less each, in points", rows=shown))
    return tuple(found)


def temperatures(made: Plan) -> list[str]:
    """Say that the paper's single models are at another temperature than ours, where they are."""
    each = dict.fromkeys(member.generation.temperature for member in made.pool)
    if made.benchmark is None or "single" not in made.lines:
        return []
    if set(each) == {figures.SINGLE_TEMPERATURE}:
        return []
    ours = listed(["one that is not set" if one is None else f"{one:g}" for one in each])
    theirs = f"{figures.SINGLE_TEMPERATURE:g}"
    return [f"the paper's single models are at temperature {theirs}, ours at {ours}, as for mux"]


def _singles(made: Plan, row: Mapping[str, Any] | None) -> list[Row]:
    """One draw of each of the pool's models that the paper states alone."""
    each: Mapping[str, Mapping[str, Any]] = (row or {}).get("per_model") or {}
    return [
        Row(
            label=f"single: {name}",
            value=one["accuracy"],
            ci95=None if one["accuracy"] is None else (one["ci95"][0], one["ci95"][1]),
            paper=paper,
            draws=float(one["draws"]),
            tokens=one["tokens_per_problem"],
            reason=None if one["accuracy"] is not None else NOT_SCORED,
        )
        for name, one in each.items()
        if (paper := figures.single(made.benchmark or "", name)) is not None
    ]


def _self_consistencies(k: int, models: int) -> tuple[tuple[str, str, str], ...]:
    """Both budgets: as many draws as mux has of one model, and as many as of all."""
    return (
        ("self_consistency", "self_consistency_at_k", f"self_consistency of its {k} draws"),
        (
            "self_consistency",
            "self_consistency",
            f"self_consistency of {k * models} draws, as mux",
        ),
    )


def _row(label: str, paper: figures.Stated | None, row: Mapping[str, Any] | None) -> Row:
    if row is None or row["accuracy"] is None:
        return Row(label=label, paper=paper, reason=_reason(row))
    low, high = row["ci95"]
    return Row(
        label=label,
        value=row["accuracy"],
        ci95=(low, high),
        paper=paper,
        draws=row["samples_per_problem"],
        tokens=row["tokens_per_problem"],
        breaches=row["breaches"] if row["method"] in DISCUSSIONS else None,
    )


def _difference(label: str, paper: figures.Stated | None, row: Mapping[str, Any] | None) -> Row:
    if row is None or row["difference"] is None:
        return Row(label=label, unit="points", paper=paper, reason=_reason(row))
    interval = row["ci95"]
    return Row(
        label=label,
        unit="points",
        value=row["difference"],
        ci95=None if interval is None else (interval[0], interval[1]),
        paper=paper,
    )


def _reason(row: Mapping[str, Any] | None) -> str:
    return "it was not evaluated" if row is None else row.get("reason") or NOT_SCORED
