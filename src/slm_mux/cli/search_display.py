"""How a search looks on a terminal of 80 columns, and in a file."""

import textwrap
from collections.abc import Mapping, Sequence
from math import comb
from typing import Any

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.tables import add_row, make_table, print_heading, print_table, share
from slm_mux.wording import counted

_SHOWN = 5
"""Steps of the frontier of cost; the document has all."""


def show_search(out: Console, notes: Console, document: Mapping[str, Any]) -> None:
    """Print a search as `search_task` returns it; notes go to the other console."""
    print_heading(out, document)
    _show_subsets(out, "best by size", list(document["best_by_size"].values()), document)
    if document["runners_up"]:
        proven = "" if document["runners_up_proven"] else " (others may be better)"
        _show_subsets(out, f"next best{proven}", document["runners_up"], document)
    out.print()
    best = document["best"]
    print_line(out, f"best: {', '.join(best['models'])}")
    _show_proof(out, document)
    for group in document["identical"]:
        print_line(out, f"identical records, so nothing tells them apart: {', '.join(group)}")
    _show_trust(out, document)
    if document["budget"] is not None:
        _show_budget(out, document["budget"])
    for note in document["notes"]:
        print_line(notes, f"note: {note}")


def _show_subsets(
    out: Console, title: str, rows: Sequence[Mapping[str, Any]], document: Mapping[str, Any]
) -> None:
    held_out = document["test_split"] is not None
    diversity = document["objective_name"] == "focal-diversity"
    proofs = "proven" in rows[0]
    columns = ["", *(["diversity"] * diversity), "objective", "union", "contra", "accuracy"]
    table = make_table(*columns, *(["test"] * held_out), *(["proven"] * proofs))
    out.print()
    print_line(out, title)
    lines = []
    for number, row in enumerate(rows, 1):
        mark = str(len(row["models"])) if proofs else f"{number}."
        add_row(
            table,
            mark,
            *([f"{row['value']:.3f}"] * diversity),
            f"{row['objective']:.3f}",
            share(row["union_accuracy"]),
            share(row["contradiction"]),
            share(row["accuracy"]),
            *([share(row["test_accuracy"])] * held_out),
            *(["yes" if row["proven"] else "no"] if proofs else []),
        )
        lines.append(f"  {mark} {', '.join(row['models'])}")
    print_table(out, table)
    for line in lines:
        print_line(out, line)


def _show_proof(out: Console, document: Mapping[str, Any]) -> None:
    open_sizes = [
        (size, row) for size, row in document["best_by_size"].items() if not row["proven"]
    ]
    for size, row in open_sizes:
        said = (
            "not every subset was tried"
            if row["bound"] is None
            else f"no subset has more than {row['bound']:.3f}, which is {row['gap']:.3f} above"
        )
        print_line(out, f"size {size} is not proven: {said}")
    for size, row in document["best_by_size"].items():
        greedy = row["greedy"]
        if greedy is not None and greedy["objective"] < row["objective"]:
            print_line(
                out,
                f"size {size}: adding one model at a time only finds "
                f"{', '.join(greedy['models'])} ({greedy['objective']:.3f})",
            )


def _show_trust(out: Console, document: Mapping[str, Any]) -> None:
    trust = document["trust"]
    out.print()
    print_line(out, "how far to trust it")
    if (stability := trust["stability"]) is not None:
        _say(out, stability["verdict"])
        if stability["ci95"] is not None:
            _say(out, f"The objective of the best: 95 % interval {_range(stability['ci95'])}.")
    if (gain := trust["gain"]) is not None:
        _say(
            out,
            f"Held out ({counted(gain['total'], 'problem')}): {gain['accuracy']:.1%}; "
            f"{_difference(gain['over_draw'])} over one draw of {gain['best']}, "
            f"{_difference(gain['over_vote'])} over the vote of its own draws.",
        )
    if (peers := trust["peers"]) is not None:
        others = (
            f"{counted(peers['peers'], 'other subset')} of this size"
            if peers["peers"] == comb(len(document["models"]), len(peers["models"])) - 1
            else f"{counted(peers['peers'], 'random subset')} of similar models"
        )
        _say(
            out,
            f"Held out, {others}: {peers['peers_accuracy']:.1%} on average; "
            f"{peers['at_least_as_good']:.0%} of them as good or better.",
        )
    if (criteria := trust["criteria"]) is not None:
        _show_criteria(out, criteria)
    _show_correlation(out, trust["error_correlation"])
    for name, reason in trust["missing"].items():
        _say(out, f"Not known: {name}: {reason}.")


def _show_criteria(out: Console, criteria: Mapping[str, Any]) -> None:
    _say(out, "Picked by each criterion, and held out:")
    for pick in criteria["picks"]:
        proven = "" if pick["proven"] else ", not proven"
        picked = f"{pick['criterion']}: {', '.join(pick['models'])}"
        print_line(out, f"    {picked}: {pick['accuracy']:.1%}{proven}")
    if criteria["shared"]:
        shared = counted(criteria["shared"], "problem is", "problems are")
        _say(out, f"{shared} on both splits by name, so that held-out figures flatter.")


def _show_correlation(out: Console, found: Mapping[str, Any]) -> None:
    models = found["models"]
    pairs = [
        (phi, f"{models[j]} and {models[i]} ({phi:+.2f})")
        for i, row in enumerate(found["correlation"])
        for j, phi in enumerate(row[:i])
        if phi is not None
    ]
    if pairs:
        least = f", least those of {min(pairs)[1]}" if len(pairs) > 1 else ""
        _say(out, f"The errors of {max(pairs)[1]} go together most{least}.")


def _say(out: Console, sentence: str) -> None:
    """Print a sentence, broken between words, set in."""
    for line in textwrap.wrap(
        sentence,
        width=max(40, out.width),
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        print_line(out, line)


def _show_budget(out: Console, budget: Mapping[str, Any]) -> None:
    best = budget["best"]
    out.print()
    print_line(
        out,
        f"within {budget['limit']:g} tokens per question: {', '.join(best['models'])} with "
        f"{counted(best['k'], 'draw')}{' of each' * (len(best['models']) > 1)}: "
        f"{best['accuracy']:.1%} for {best['tokens']:,.0f}"
        + (f", held out {best['test_accuracy']:.1%}" if best["test_accuracy"] is not None else "")
        + ("" if budget["proven"] else " (not every subset was tried)"),
    )
    table = make_table("tokens", "k", "accuracy", "test", "models", left=(4,))
    frontier = budget["frontier"]
    for row in frontier[-_SHOWN:]:
        add_row(
            table,
            f"{row['tokens']:,.0f}",
            str(row["k"]),
            share(row["accuracy"]),
            share(row["test_accuracy"]),
            ", ".join(row["models"]),
        )
    shown = "all" if len(frontier) <= _SHOWN else f"the last {_SHOWN} of {len(frontier)}"
    print_line(out, f"accuracy against tokens, {shown} steps of the frontier")
    print_table(out, table)


def _difference(against: Mapping[str, Any]) -> str:
    difference = against["difference"]
    points = f"{100 * difference['difference']:+.1f} points"
    interval = difference["ci95"]
    if interval is None:
        return points
    low, high = interval
    return f"{points} ({100 * low:+.1f} to {100 * high:+.1f})"


def _range(interval: Sequence[float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"
