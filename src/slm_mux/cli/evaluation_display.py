"""How an evaluation looks on a terminal of 80 columns, and in a file."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from slm_mux.cli.console import print_json, print_line
from slm_mux.cli.tables import add_row, make_table, print_heading, print_table, share
from slm_mux.discussion.breaches import in_words
from slm_mux.store.rows import RunInfo
from slm_mux.wording import counted

_CEILINGS = (
    ("union_accuracy", "union accuracy", "some model's candidate is right"),
    ("oracle_accuracy", "oracle accuracy", "some draw is right"),
    ("contradiction", "contradiction", "some model is consistently wrong while another is right"),
)
_SPENT = ("draws", "tokens", "budget")
_MOST_UNSCORED = 5


def show_document(out: Console, notes: Console, document: dict[str, Any]) -> None:
    """Print an evaluation as `evaluate` returns it; notes go to the other console."""
    print_heading(out, document)
    if document.get("budget") is not None:
        print_line(out, f"a budget of {document['budget']:,.0f} tokens a question for each method")
    out.print()
    print_table(out, _methods(document["methods"]))
    for row in document["methods"]:
        if row.get("reason"):
            print_line(out, f"{row['method']}: {row['reason']}")
        if row.get("breaches"):
            print_line(out, f"{row['method']}: {in_words(row['breaches'])}")
    _show_attribution(out, document["methods"])
    _show_models(out, document)
    _show_differences(out, document["differences"])
    out.print()
    for name, title, words in _CEILINGS:
        if document[name] is not None:
            print_line(out, f"{title} {document[name]:.1%} ({words})")
    _show_failures(out, document["methods"])
    _show_notes(notes, document)


def show_list(out: Console, runs: Sequence[RunInfo], *, as_json: bool) -> None:
    """Print the saved runs."""
    if as_json:
        print_json({"runs": [msgspec.to_builtins(run) for run in runs]})
        return
    table = make_table("run", "saved at", "task", "methods", left=(1, 2, 3))
    for run in runs:
        # Variants come with their method, so their names would only fill the line.
        methods = [name for name in run.methods if not name.startswith(("single_", "self_cons"))]
        shown = [*methods, *(["self_consistency"] if "self_consistency" in run.methods else [])]
        add_row(table, str(run.id), run.saved_at, run.task or "", ", ".join(shown))
    print_table(out, table)


def _methods(rows: Sequence[dict[str, Any]]) -> Table:
    columns = ("method", "accuracy", "95 % interval", "draws", "tokens", "unread", "failed")
    table = make_table(*columns)
    for row in rows:
        if row.get("reason"):
            add_row(table, row["method"], "–")
            continue
        add_row(
            table,
            row["method"],
            share(row["accuracy"]),
            _interval(row["ci95"]),
            _number(row["samples_per_problem"]),
            _number(row["tokens_per_problem"]),
            f"{row['unreadable']:,}",
            f"{row['failed_problems']:,}",
        )
    return table


def _show_attribution(out: Console, rows: Sequence[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["attribution"] and any(row["attribution"].values())]
    if shown:
        out.print()
        print_line(out, "answers by model")
    for row in shown:
        shares = [f"{name} {share:.0%}" for name, share in row["attribution"].items() if share]
        print_line(out, f"  {row['method']}: {', '.join(shares)}")


def _show_models(out: Console, document: dict[str, Any]) -> None:
    wanted = ("mux", "agent_forest", "single")
    found = [row["per_model"] for row in document["methods"] if row["method"] in wanted]
    per_model = next((each for each in found if each), None)
    if per_model is None:
        return
    draws = max(row["draws"] for row in per_model.values())
    majority = f"vote of {draws}"
    records = {record["model"]: record for record in document["validation_accuracies"]}
    columns = ("one draw", "confidence", "readable", "validation")
    table = make_table("model", majority, "95 % interval", *columns)
    for name in document["models"]:
        if (row := per_model.get(name)) is None:
            continue
        count = row["readable"] + row["unreadable"] + row["failed"]
        confidence = row["mean_confidence"]
        add_row(
            table,
            name,
            share(row["accuracy"]),
            _interval(row["ci95"]),
            share(row["mean_draw_accuracy"]),
            "–" if confidence is None else f"{confidence:.2f}",
            share(row["readable"] / count if count else None),
            share(records[name]["accuracy"]) + ("*" if records[name]["leaks"] else ""),
        )
    out.print()
    print_table(out, table)
    if any(record["leaks"] for record in records.values()):
        print_line(out, "* measured on these very problems")


def _show_differences(out: Console, rows: Sequence[dict[str, Any]]) -> None:
    for method, group in groupby(rows, key=lambda row: str(row["method"])):
        compared = list(group)
        if all(row["difference"] is None for row in compared):
            continue  # Why stands below the table of methods.
        table = make_table(f"{method} less", "points", "95 % interval", "p", *_SPENT)
        for row in compared:
            spent = (
                _two(row["draws"]),
                "" if row["difference"] is None else " / ".join(map(_number, row["tokens"])),
                "equal" if row["equal_budget"] else "",
            )
            if row["difference"] is None:
                add_row(table, row["baseline"], "–", "", "", *spent)
                continue
            add_row(
                table,
                row["baseline"],
                f"{100 * row['difference']:+.1f}",
                _points(row["ci95"]),
                _probability(row["mcnemar_p"]),
                *spent,
            )
        out.print()
        print_table(out, table)
    if rows:
        print_line(out, "points of accuracy on the same problems; p by McNemar's exact test")


def _show_failures(out: Console, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        if row["failed_problems"]:
            low, high = row["bounds"]
            print_line(
                out,
                f"{row['method']}: draws failed on {counted(row['failed_problems'], 'problem')}; "
                f"accuracy between {low:.1%} (all of these wrong) and {high:.1%} (all right)",
            )


def _show_notes(notes: Console, document: dict[str, Any]) -> None:
    unscored = document["unscored"]
    if unscored:
        more = f" and {len(unscored) - _MOST_UNSCORED} more" * (len(unscored) > _MOST_UNSCORED)
        print_line(notes, f"not scored: {', '.join(unscored[:_MOST_UNSCORED])}{more}")
    for note in document["notes"]:
        print_line(notes, f"note: {note}")


def _two(pair: Sequence[float | None]) -> str:
    first, second = pair
    return "" if first is None or second is None else f"{_number(first)} / {_number(second)}"


def _interval(pair: Sequence[float] | None) -> str:
    return "" if pair is None else f"{100 * pair[0]:.1f} to {100 * pair[1]:.1f}"


def _points(pair: Sequence[float] | None) -> str:
    return "" if pair is None else f"{100 * pair[0]:+.1f} to {100 * pair[1]:+.1f}"


def _probability(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
