"""How an explanation of a run looks on a terminal of 100 columns, and in a file."""

from collections.abc import Mapping

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.explain_figures import (
    Row,
    ends,
    interval,
    of,
    show_approvals,
    show_choosing,
    show_following,
    show_moves,
    show_rounds,
    title,
)
from slm_mux.cli.explain_worst import show_worst
from slm_mux.cli.scale_display import show_failures
from slm_mux.cli.tables import add_row, make_table, print_heading, print_table, share
from slm_mux.discussion.breaches import in_words
from slm_mux.wording import counted

KINDS: Mapping[str, str] = {
    "no_answer": "nothing could be read",
    "never_right": "nobody was ever right",
    "capitulation": "capitulation",
    "outvoted": "outvoted",
    "drifted": "drifted off alone",
    "unreadable": "the right answer got lost",
    "lost_earlier": "lost between layers",
    "overruled": "a wrong proposal preferred",
    "invented": "a wrong answer invented",
    "rejected": "a wrong candidate approved more",
    "tied": "lost a tie of approvals",
}
"""Words for kinds of failure; docs/explaining.md defines them."""


def show_explanation(out: Console, notes: Console, document: Row) -> None:
    """Print an explanation as `explain_run` returns it; notes go to the other console."""
    print_heading(out, document)
    if document["mux"] is not None:
        show_failures(out, document["mux"])
    else:
        title(out, f"mux: not explained: {document['mux_reason']}")
    for method, found in document["discussions"].items():
        if not found["problems"]:
            title(out, f"{method}: not explained: {found['reason'] or 'no problem is scored'}")
            continue
        right = f"{found['right']} of {counted(found['problems'], 'problem')} right"
        title(out, f"{method}: {right}")
        if found["breaches"]:
            print_line(out, in_words(found["breaches"]))
        if "rounds" in found:
            show_rounds(out, method, found)
        if "moves" in found and found["moves"]["moves"]:
            show_moves(out, found)
            show_following(out, found["following"])
        if "kept" in found:
            show_choosing(out, found)
        if "approvals" in found:
            show_approvals(out, found)
        _show_kinds(out, method, found)
        if "labels" in found:
            _show_labels(out, found["labels"])
        changes = {one["problem"]: one.get("changes") for one in found["questions"]}
        for one in document["worst"][method]:
            show_worst(out, one, KINDS[one["kind"]], changes[one["problem"]])
    for note in document["notes"]:
        print_line(notes, f"note: {note}")


def _show_kinds(out: Console, method: str, found: Row) -> None:
    failures, problems = found["failures"], found["problems"]
    wrong = counted(problems, "problem")
    title(out, f"where {method} is wrong: {failures['wrong']} of {wrong}")
    if not failures["wrong"]:
        return
    table = make_table("", "problems", "of wrong", "95 %", "mux right")
    for kind in failures["kinds"]:
        right = kind["mux_right"]
        add_row(
            table,
            KINDS[kind["kind"]],
            str(kind["count"]),
            share(kind["share_of_wrong"]),
            ends(kind["ci95"]),
            "–" if right is None else str(right),
        )
    print_table(out, table)
    if (paper := found.get("paper")) is not None:
        print_line(
            out,
            f"somebody was right in round 1 on {failures['somebody_right_first']} of these, the "
            f"majority on {failures['group_right_first']}",
        )
        print_line(
            out,
            f"capitulations, from answers: {interval(failures['capitulations'])} of failures",
        )
        print_line(
            out,
            f"the paper, as a model labelled its debates: {paper['groupthink']} of "
            f"{paper['failures']}, {paper['share']:.1%} groupthink; the definitions differ",
        )


def _show_labels(out: Console, labels: Row) -> None:
    title(out, f"as {labels['labeller']} labels them: computed kinds in rows, labels in columns")
    if labels["reason"] is not None:
        print_line(out, f"no labels: {labels['reason']}")
        return
    rows = [row for row in labels["table"] if row["unlabelled"] or any(row["labelled"].values())]
    if rows:
        names = [name for name in rows[0]["labelled"] if any(row["labelled"][name] for row in rows)]
        table = make_table("", *(name.replace("_", " ") for name in names), "no label")
        for row in rows:
            counts = (row["labelled"][name] for name in names)
            add_row(table, KINDS[row["kind"]], *map(str, counts), str(row["unlabelled"]))
        print_table(out, table)
    print_line(
        out,
        f"labelled {of(labels['labelled'])}; the computed kind {interval(labels['same'])}; "
        f"a capitulation {interval(labels['capitulations'])}",
    )
    if labels["cut"]:
        print_line(
            out,
            f"{counted(labels['cut'], 'debate')} too long for {labels['labeller']}: it read texts "
            "without their beginnings",
        )
