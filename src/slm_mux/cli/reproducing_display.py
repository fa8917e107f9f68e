"""How a table or figure of the paper looks beside ours on a terminal, and in a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.tables import add_row, make_table, print_table
from slm_mux.paper.estimating import Part, PlanEstimate
from slm_mux.paper.exhibits import Exhibit
from slm_mux.paper.planning import Plan
from slm_mux.wording import counted

Section = Mapping[str, Any]

NONE = "–"


def show_exhibit(out: Console, notes: Console, document: Section) -> None:
    """Print an exhibit with its conditions; notes go to the other console."""
    print_line(out, f"{document['exhibit']}: {document['title']}")
    for each in document["tasks"]:
        out.print()
        _show_task(out, notes, each)
    papers = [
        row["paper"]
        for each in document["tasks"]
        for block in each["blocks"]
        for row in block["rows"]
        if row["paper"] is not None
    ]
    if papers:
        out.print()
        print_line(
            out,
            "in %; ours - paper with the 95 % interval of ours, shifted; inside: whether the "
            "paper's figure is in ours",
        )
    if any(stated["read_off"] for stated in papers):
        print_line(out, "~ read off a plot of the paper, to about 0.2 points")


def _show_task(out: Console, notes: Console, task: Section) -> None:
    if task["gap"] is not None:
        print_line(out, f"{task['task']}: no figures: {task['gap']}")
        return
    unknown = "" if task["paper_has_it"] else " (the paper has no figures for it)"
    print_line(out, f"{task['task']}{unknown}")
    said: set[tuple[str, str]] = set()
    for block in task["blocks"]:
        _show_block(out, block, said, paper=task["paper_has_it"])
    out.print()
    for line in _conditions(task["conditions"]):
        print_line(out, line)
    if task["run"] is not None:
        run = f"{task['run']} --store {task['store']}"
        print_line(out, f"saved: `slm-mux runs {run}` shows it, `slm-mux explain` says why")
    for note in task["notes"]:
        print_line(notes, f"note: {task['task']}: {note}")


def _show_block(out: Console, block: Section, said: set[tuple[str, str]], *, paper: bool) -> None:
    rows = block["rows"]
    models = any(row["models"] for row in rows)
    draws = any(row["draws"] is not None for row in rows)
    tokens = any(row["tokens"] is not None for row in rows)
    columns = [
        *("ours", "95 % interval"),
        *(("paper", "ours - paper", "95 % interval", "inside") if paper else ()),
        *(("draws",) if draws else ()),
        *(("tokens",) if tokens else ()),
    ]
    table = make_table(
        "", *columns, *(("models",) if models else ()), left=(len(columns) + 1,) if models else ()
    )
    for row in rows:
        add_row(
            table,
            row["label"],
            _figure(row["ours"], row["unit"]),
            _interval(row["ci95"], row["unit"]),
            *(_beside(row) if paper else ()),
            *((_number(row["draws"]),) if draws else ()),
            *((_number(row["tokens"]),) if tokens else ()),
            *((", ".join(row["models"]),) if models else ()),
        )
    out.print()
    print_line(out, block["title"])
    print_table(out, table)
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["ours"] is None and row["reason"]:
            reasons.setdefault(row["reason"], []).append(row["label"])
    for reason, labels in reasons.items():
        who = ", ".join(label for label in labels if label)
        if (who, reason) not in said:
            print_line(out, f"{who}: {reason}" if who else reason)
        said.add((who, reason))


def _beside(row: Section) -> tuple[str, str, str, str]:
    stated = row["paper"]
    if stated is None:
        return NONE, "", "", ""
    mark = "~" if stated["read_off"] else ""
    inside = {None: "", True: "yes", False: "no"}[row["inside"]]
    return (
        mark + _figure(stated["value"], row["unit"]),
        _figure(row["difference"], "points") if row["difference"] is not None else "",
        _interval(row["difference_ci95"], "points"),
        inside,
    )


def _conditions(conditions: Section) -> list[str]:
    paper = conditions["paper"]
    members = conditions["models"]
    each = dict.fromkeys(member["temperature"] for member in members)
    temperatures = " and ".join("not set" if one is None else f"{one:g}" for one in each)
    lines = [
        f"models: {_models(members)}",
        f"  the paper: {paper['models']}",
        f"temperature {temperatures} (the paper: {paper['temperature']:g})",
        f"seed {conditions['seed']}",
    ]
    if conditions["problems"] is not None:
        split = "" if conditions["split"] is None else f", split {conditions['split']}"
        lines.append(
            f"measured: {counted(conditions['problems'], 'problem')}{split}, "
            f"{counted(conditions['k'], 'draw')} of each (the paper: up to {paper['k']})"
        )
    if conditions["validation_problems"] is not None:
        lines.append(
            f"validation: {counted(conditions['validation_problems'], 'problem')}, "
            f"{counted(conditions['validation_k'], 'draw')} of each"
        )
    if conditions["ranking"]:
        by_source: dict[str, list[str]] = {}
        for one in conditions["ranking"]:
            accuracy = NONE if one["accuracy"] is None else f"{one['accuracy']:.1%}"
            by_source.setdefault(one["source"], []).append(f"{one['model']} {accuracy}")
        for source, models in by_source.items():
            lines.append(f"ranked by {source}: {', '.join(models)}")
    return lines


def _models(members: Sequence[Section]) -> str:
    """Name the models with their weights; once, where these are alike."""
    weights = {_weights(one) for one in members}
    if len(weights) == 1:
        return f"{', '.join(one['name'] for one in members)} ({weights.pop()})"
    return ", ".join(f"{one['name']} ({_weights(one)})" for one in members)


def _weights(member: Section) -> str:
    quantised = member["quantisation"]
    words = "quantisation not known" if quantised == "not known" else quantised
    return words if member["style"] == "words" else f"{words}, {member['style']}"


def show_exhibit_estimates(
    out: Console, notes: Console, exhibit: Exhibit, found: Sequence[tuple[Plan, PlanEstimate]]
) -> None:
    """Print what an exhibit would take: each task's draws and discussions, and all together."""
    print_line(out, f"{exhibit.name}: {exhibit.title}")
    for made, each in found:
        out.print()
        if made.gap is not None:
            print_line(out, f"{made.name}: no figures: {made.gap}")
            continue
        print_line(out, made.name)
        table = make_table(
            "", "model", "calls", "prompt tokens", "completion tokens", "cost", left=(1,)
        )
        for part in each.parts:
            for place, one in enumerate(part.estimates):
                add_row(
                    table,
                    _part_title(part) if place == 0 else "",
                    one.member,
                    f"{one.draws:,}",
                    f"{one.prompt_tokens:,.0f}",
                    _count(one.completion_tokens),
                    _cost(one.cost),
                )
        for method in each.discussions:
            add_row(
                table,
                f"{method.method}, at most",
                "",
                f"{method.calls:,}",
                f"{method.prompt_tokens:,.0f}",
                _count(method.completion_tokens),
                _cost(method.cost),
            )
        add_row(
            table,
            "all, at most",
            "",
            f"{each.calls:,}",
            f"{each.prompt_tokens:,.0f}",
            _count(each.completion_tokens),
            _cost(each.cost),
        )
        print_table(out, table)
    estimates = [each for _, each in found]
    measured = [
        one.measured or not one.draws
        for each in estimates
        for part in each.parts
        for one in part.estimates
    ]
    if not all(measured):
        print_line(
            notes,
            "For models without stored samples, prompt tokens are the characters / 4 and "
            "completion tokens the token limit.",
        )
    if any(part.at_most for each in estimates for part in each.parts):
        print_line(
            notes,
            "Who is asked where it says at most is known when the validation draws are in.",
        )
    if any(each.discussions for each in estimates):
        print_line(
            notes,
            "Discussions are an estimate: their calls at most, each with the mean prompt and "
            "completion of plain draws, reading one completion of every model.",
        )


def _part_title(part: Part) -> str:
    title = f"{part.what}: {counted(part.problems, 'problem')}, k = {part.k}"
    return f"{title}, at most" if part.at_most else title


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return NONE
    return f"{100 * value:+.1f}" if unit == "points" else f"{100 * value:.1f}"


def _interval(pair: Sequence[float] | None, unit: str) -> str:
    if pair is None:
        return ""
    return f"{_figure(pair[0], unit)} to {_figure(pair[1], unit)}"


def _number(value: float | None) -> str:
    return (
        ""
        if value is None
        else f"{value:,.0f}"
        if value == round(value) or value >= 100
        else f"{value:,.1f}"
    )


def _count(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _cost(value: float | None) -> str:
    return "" if value is None else f"{value:,.4f}"
