"""Figures of discussions on a terminal: rounds, moves, cues, choices and approvals."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.tables import add_row, make_table, print_table, share
from slm_mux.wording import counted

CUES = {
    "majority": "the majority of the others",
    "last": "the last one that was read",
    "most_confident": "the most self-consistent model",
}

Row = Mapping[str, Any]

_CHANGES = ("kept", "changed", "lost", "found", "right_to_wrong", "wrong_to_right")
_ADOPTIONS = ("heard", "adopted", "right_to_wrong", "wrong_to_right")


def show_rounds(out: Console, method: str, found: Row) -> None:
    """Print what the group knew, round by round."""
    columns = ("majority right", "agents right", "somebody right", "all agree")
    table = make_table("round" if method == "debate" else "layer", *columns)
    for row in found["rounds"]:
        add_row(
            table,
            str(row["round"]),
            interval(row["group"]),
            *(share(row[key]["share"]) for key in ("agents", "somebody", "agreed")),
        )
    print_table(out, table)
    if (test := found.get("first_against_last")) is not None:
        print_line(
            out,
            "from the majority of round 1 to the answer: "
            f"{test['only_first']} right to wrong, {test['only_second']} wrong to right "
            f"(p {_probability(test['p'])})",
        )


def show_moves(out: Console, found: Row) -> None:
    """Print what became of answers, and who took over whose."""
    title(out, "what became of answers after reading")
    table = make_table("agent", *(name.replace("_", " ") for name in _CHANGES), "p")
    everybody = {"agent": "all", "model": "", **found["moves"]}
    for row in (*found["agents"], everybody):
        add_row(
            table,
            f"{row['agent']} {row['model']}".strip(),
            *(str(row[name]) for name in _CHANGES),
            _probability(row["p"]),
        )
    print_table(out, table)
    adopted = [pair for pair in found["pairs"] if pair["adopted"]]
    if adopted:
        out.print()
        table = make_table(
            "reader",
            "took over from",
            "heard another",
            "took it over",
            "right to wrong",
            "wrong to right",
            left=(1,),
        )
        for pair in adopted:
            add_row(table, pair["reader"], pair["read"], *(str(pair[name]) for name in _ADOPTIONS))
        print_table(out, table)


def show_following(out: Console, rows: Sequence[Row]) -> None:
    """Print how often each cue was followed."""
    title(out, "whom agents followed, where that one said something else than they")
    table = make_table("", "followed", "of all", "95 %", "of changes", "where cues differ")
    for row in rows:
        opposed = row["opposed"]
        add_row(
            table,
            CUES[row["cue"]],
            of(opposed),
            share(opposed["share"]),
            "" if opposed["share"] is None else ends(opposed["ci95"]),
            of(row["changes"]),
            of(row["apart"]),
        )
    print_table(out, table)


def show_choosing(out: Console, found: Row) -> None:
    """Print what became of right answers that could be chosen."""
    out.print()
    print_line(
        out,
        f"a right answer was there on {counted(found['kept']['total'], 'problem')}, and chosen on "
        f"{interval(found['kept'])}",
    )
    if "decided" in found:
        decided, invented = found["decided"], found["invented"]
        print_line(
            out,
            f"the deciding model's word decided {of(decided)}; on {invented['count']} it gave "
            f"what nobody had proposed, {found['invented_right']} of them right",
        )
        if found["found"]["count"]:
            print_line(out, f"without a right proposal it found the answer {of(found['found'])}")
    test = found["against_majority"]
    print_line(
        out,
        f"a plain majority of the same answers: {of(found['majority'])} right (it alone "
        f"{test['only_second']}, the method alone {test['only_first']}; p "
        f"{_probability(test['p'])})",
    )


def show_approvals(out: Console, found: Row) -> None:
    """Print how often verifiers approve right and wrong candidates."""
    title(out, "approvals of right and of wrong candidates")
    table = make_table("", "of right ones", "95 %", "of wrong ones", "95 %", "unclear")
    groups = (
        *({**row, "of": f"by {row['of']}"} for row in found["by_verifier"]),
        *({**row, "of": f"on {row['of']}"} for row in found["by_aspect"]),
        {**found["approvals"], "of": "all verdicts"},
    )
    for row in groups:
        right, wrong = row["right"], row["wrong"]
        add_row(
            table,
            row["of"],
            share(right["share"]),
            "" if right["share"] is None else ends(right["ci95"]),
            share(wrong["share"]),
            "" if wrong["share"] is None else ends(wrong["ci95"]),
            str(row["unclear"]),
        )
    print_table(out, table)


def title(out: Console, words: str) -> None:
    """Print a heading."""
    out.print()
    print_line(out, words)


def of(found: Row) -> str:
    """Write a share's two numbers."""
    return f"{found['count']} of {found['total']}"


def interval(found: Row) -> str:
    """Write a share with its interval."""
    if found["share"] is None:
        return of(found)
    return f"{of(found)}, {found['share']:.1%} ({ends(found['ci95'])})"


def ends(interval: Sequence[float]) -> str:
    """Write an interval in per cent."""
    return f"{100 * interval[0]:.0f}–{100 * interval[1]:.0f}"


def _probability(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"
