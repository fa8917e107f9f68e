"""How a table or figure of the paper looks beside ours on a terminal, and in a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.tables import add_row, make_table, print_table
from slm_mux.discussion.breaches import in_words
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
        print_line(out, "in %; ours - paper with its 95 % interval; inside: whether 0 is in that")
        print_line(out, f"that interval: {_interval_of(papers)}")
    if any(stated["read_off"] for stated in papers):
        print_line(out, "~ read off a plot of the paper, to about 0.2 points")


def _interval_of(papers: Sequence[Section]) -> str:
    """Say how the differences' intervals are made."""
    newcombe = "Newcombe's for two independent accuracies"
    shifted = "ours, shifted as if the paper's figure were exact"
    exact = {stated["problems"] is None for stated in papers}
    if len(exact) == 2:
        return f"{newcombe}; of gains and other figures {shifted}"
    return shifted if True in exact else newcombe


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
    for row in rows:
        if row["breaches"]:
            print_line(out, f"{row['label']}: {in_words(row['breaches'])}")


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
    for name, settings in conditions["discussions"].items():
        each_set = [f"{key} {_setting(key, value)}" for key, value in settings.items()]
        lines.append(f"{name}: {', '.join(each_set)}")
    if conditions["discussions"] and paper["discussions"] is not None:
        lines.append(f"  the paper: {paper['discussions']}")
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


_UNSET = {
    "aggregator": "the best by record",
    "agents": "one for each model",
    "candidates": "one of each generator",
    "aspects": "those of the question's kind",
}
"""What a method of discussion does where its setting is left out; else it takes all models."""


def _setting(key: str, value: object) -> str:
    """A setting of a discussion for people."""
    if value is None:
        return _UNSET.get(key, "all models")
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


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
