"""What the figures say, in sentences: who is ahead, by how much, and whether that is known."""

from collections.abc import Mapping
from math import comb
from typing import Any

from slm_mux.reports.charts.headline import chosen_row, method_rows
from slm_mux.reports.charts.reliability import at_most_draws
from slm_mux.reports.naming import look_of
from slm_mux.reports.numbers import (
    interval,
    interval_of_points,
    percent,
    points,
    share_with_interval,
)
from slm_mux.wording import counted, listed

_LEVEL = 0.05
_LEAST = 0.001
"""The least p that is written as a number."""

_NAMED = {
    "single": "one draw of {best}",
    "self_consistency": "the majority of as many draws of {best}",
    "self_consistency_equal_tokens": "the majority of as many tokens' worth of draws of {best}",
    "self_consistency_at_k": "the majority of {k} draws of {best} alone",
    "agent_forest": "the pooled majority of the same draws (Agent Forest)",
}


def verdict(document: Mapping[str, Any]) -> list[str]:
    """Say who wins, by how much, and whether chance may do it.

    A difference counts as more than chance where its interval excludes 0 and McNemar's exact test
    gives p < 0.05. With few problems that differ the bootstrap's interval is too narrow, so the
    test has the last word.
    """
    evaluation = document["evaluation"]
    mux = next((row for row in evaluation["methods"] if row["method"] == "mux"), None)
    if mux is None or mux["accuracy"] is None:
        reason = mux.get("reason") if mux else None
        return [f"SLM-MUX's accuracy is not known{f': {reason}' if reason else ''}."]
    many, k = len(evaluation["models"]), evaluation["k"]
    who = "one model" if many == 1 else f"each of {many} models"
    answered = f"SLM-MUX answers {percent(mux['accuracy'])} of {counted(mux['total'], 'problem')}"
    known = f"(95 % interval {interval(mux['ci95'])})"
    said = [f"With {counted(k, 'draw')} of {who}, {answered} correctly {known}."]
    found = [row for row in evaluation["differences"] if row["method"] == "mux"]
    ranked = sorted(
        evaluation["validation_accuracies"],
        key=lambda one: -1 if one["accuracy"] is None else one["accuracy"],
        reverse=True,
    )
    best = ranked[0]["model"] if ranked else "the best model"
    single = next((row for row in found if row["baseline"] == "single"), None)
    if single is not None and single["difference"] is not None and many > 1:
        said.append(_against(single, best, k))
    if many > 1:
        others = [row for row in found if row is not single and row["difference"] is not None]
        said += _beside(others, best, k)
        said += _equal_budget(found, best, k)
    return said + _chosen(document)


def leader(document: Mapping[str, Any]) -> str | None:
    """Name the method with the highest accuracy, as a heading has it."""
    known = [row for row in method_rows(document) if row["accuracy"] is not None]
    if len(known) < 2:
        return None
    top = max(row["accuracy"] for row in known)
    names = list(dict.fromkeys(row["title"] for row in known if row["accuracy"] == top))
    return f"The highest accuracy here is {percent(top)}: {listed(names)}."


def _against(row: Mapping[str, Any], best: str, k: int) -> str:
    difference = row["difference"]
    if not round(difference, 6):
        how = "exactly as many as"
    else:
        size = points(abs(difference)).lstrip("+")
        unit = "point" if size == "1.0" else "points"
        how = f"{size} {unit} {'more' if difference > 0 else 'fewer'} than"
    said = f"That is {how} {_name(row, best, k)}, the best single model on validation"
    if row["ci95"] is None:
        return f"{said}."
    if not _excludes_zero(row):
        known = "includes 0, so these problems do not tell the two apart"
    elif _by_chance(row):
        known = f"excludes 0, but {_test(row)}, so chance may do it"
    else:
        known = f"excludes 0, and {_test(row)}, so the difference is not chance alone"
    return f"{said}; the 95 % interval of the difference, {_points(row)}, {known}."


def _beside(rows: list[Mapping[str, Any]], best: str, k: int) -> list[str]:
    """Sort the other baselines: ahead of, behind, not told apart."""
    apart = [row for row in rows if _excludes_zero(row)]
    level = [_name(row, best, k) for row in rows if row["ci95"] and not _excludes_zero(row)]
    said = []
    for where, sign in (("ahead of", 1), ("behind", -1)):
        there = [row for row in apart if sign * row["difference"] > 0]
        if names := [_name(row, best, k) for row in there if not _by_chance(row)]:
            said.append(
                f"It is {where} {listed(names)}; the interval excludes 0, and McNemar's p is "
                "below 0.05."
            )
        said += [
            f"It is {where} {_name(row, best, k)}, and the interval excludes 0, but {_test(row)}, "
            "so chance may do it."
            for row in there
            if _by_chance(row)
        ]
    if level:
        said.append(f"It cannot be told apart from {listed(level)}: the interval includes 0.")
    return said


def _by_chance(row: Mapping[str, Any]) -> bool:
    """Whether McNemar's exact test does not rule chance out."""
    return bool(row["mcnemar_p"] >= _LEVEL)


def _test(row: Mapping[str, Any]) -> str:
    p = row["mcnemar_p"]
    return f"McNemar's test gives p {f'= {p:.3f}' if p >= _LEAST else f'< {_LEAST}'}"


def _points(row: Mapping[str, Any]) -> str:
    return f"{interval_of_points(row['ci95'])} points"


def _equal_budget(found: list[Mapping[str, Any]], best: str, k: int) -> list[str]:
    """Say what the fair comparison comes to, or why there is none."""
    equal = next((row for row in found if row["baseline"] == "self_consistency"), None)
    if equal is None:
        return []
    if equal["difference"] is None:
        return [f"Against self-consistency at equal draws nothing is known: {equal['reason']}."]
    return [
        f"At equal draws it is {points(equal['difference'])} points against {_name(equal, best, k)}"
        + (f" ({_points(equal)})." if equal["ci95"] else ".")
    ]


def _chosen(document: Mapping[str, Any]) -> list[str]:
    scale, row = document["scale"], chosen_row(document)
    if row is None:
        return []
    models = scale["chosen"]["models"]
    how = "named by --models" if scale["settings"]["models"] else "that the search chose"
    which = "one model" if len(models) == 1 else f"{len(models)} models"
    found = (
        f"With the {which} {how}, {listed(models)}, "
        f"it is {share_with_interval(row['accuracy'], row['ci95'])}"
    )
    if scale["search"]["same_problems"] and not scale["settings"]["models"]:
        found += ", which flatters, since they were chosen on these problems"
    return [f"{found}."]


def _name(row: Mapping[str, Any], best: str, k: int) -> str:
    pattern = _NAMED.get(row["baseline"])
    return look_of(row["baseline"]).name if pattern is None else pattern.format(best=best, k=k)


def _excludes_zero(row: Mapping[str, Any]) -> bool:
    ends = row["ci95"]
    return row["difference"] is not None and ends is not None and (ends[0] > 0 or ends[1] < 0)


def trust(search: Mapping[str, Any]) -> list[str]:
    """Say how far the outcome of the search is to be trusted."""
    found = search["trust"]
    said = []
    if (stability := found["stability"]) is not None:
        said.append(stability["verdict"])
    if (gain := found["gain"]) is not None:
        said.append(
            f"On the {counted(gain['total'], 'held-out problem')} the best subset scores "
            f"{share_with_interval(gain['accuracy'], gain['ci95'])}: "
            f"{_gained(gain['over_draw'])} over one draw of {gain['best']}, and "
            f"{_gained(gain['over_vote'])} over the majority of that model's own draws."
        )
    if (peers := found["peers"]) is not None:
        every = comb(len(search["models"]), len(peers["models"])) - 1
        others = (
            f"{counted(peers['peers'], 'other subset')} of its size"
            if peers["peers"] == every
            else f"{counted(peers['peers'], 'random subset')} of similar models"
        )
        said.append(
            f"Held out, {others}: {percent(peers['peers_accuracy'])} on average; "
            f"{percent(peers['at_least_as_good'])} of them are as good or better."
        )
    if (criteria := found["criteria"]) is not None:
        picks = "; ".join(
            f"{pick['criterion']}: {listed(pick['models'])}, {percent(pick['accuracy'])}"
            for pick in criteria["picks"]
        )
        said.append(f"Picked by other criteria, and scored on held-out problems: {picks}.")
    said += [f"Not known ({name}): {reason}." for name, reason in found["missing"].items()]
    return said


def _gained(against: Mapping[str, Any]) -> str:
    difference = against["difference"]
    found = f"{points(difference['difference'])} points"
    return f"{found} ({interval_of_points(difference['ci95'])})" if difference["ci95"] else found


def calibration(scale: Mapping[str, Any]) -> list[str]:
    """Sum the reliability up: one figure per model."""
    known = [
        f"{name} {percent(one['expected_calibration_error'])}"
        for name, one in at_most_draws(scale)
        if one["expected_calibration_error"] is not None
    ]
    return [f"Expected calibration error: {'; '.join(known)}."] if known else []
