"""One failed discussion on a terminal: word by word, and who changed an answer after whom."""

from collections.abc import Sequence

from rich.console import Console

from slm_mux.cli.console import print_line
from slm_mux.cli.explain_figures import Row, title
from slm_mux.steps import CHOICE, LAYER, ROUND, VERIFY
from slm_mux.wording import listed

_LONGEST = 60
"""Characters of a class."""
_VERDICTS = {True: " (right)", False: " (wrong)", None: ""}


def show_worst(out: Console, one: Row, kind: str, changes: Sequence[Row] | None) -> None:
    """Print what was said, and what it came to.

    Args:
        out: where.
        one: of the `worst` of an explanation.
        kind: of the failure, in words.
        changes: of the same question; None of a method in which nobody answers twice.
    """
    target = "" if one["target"] is None else f"; right is {one['target']}"
    title(out, f"{one['problem']}: {kind}{target}")
    if one["question"] is not None:
        print_line(out, one["question"].strip())
    for turn in one["turns"]:
        judges = turn["step"] == CHOICE or turn["step"].startswith(VERIFY)
        nothing = turn["ended"] or ("unclear" if judges else "unreadable")
        answer = _said(turn["answer"], turn["correct"], without=nothing)
        print_line(out, f"-- {turn['step']}, {turn['model']}: {answer}", style="bold")
        if turn["text"] is not None:
            print_line(out, turn["text"].strip())
    word = ROUND if any(turn["step"].startswith(f"{ROUND} ") for turn in one["turns"]) else LAYER
    for change in changes or ():
        print_line(out, f"=> {word} {_in_words(change)}", style="bold")
    if changes is not None and not changes:
        print_line(out, "=> nobody changed an answer", style="bold")
    answer = _said(one["answer"], None, without="no answer")
    print_line(out, f"=> {answer}, {one['decided_by']}", style="bold")


def _in_words(change: Row) -> str:
    before = _said(change["before"], change["before_correct"], without="no answer")
    after = _said(change["after"], change["after_correct"], without="no answer")
    who = f"{change['round']}, agent {change['agent']} ({change['model']})"
    said = f"{who}: {before} to {after}, having read "
    if not change["heard"]:
        return f"{said}nobody"
    said += _agents(change["heard"])
    if change["after"] is None:
        return said
    if not change["said_by"]:
        return f"{said}; none said so"
    return f"{said}; so said {_agents(change['said_by'])}"


def _agents(numbers: Sequence[int]) -> str:
    return f"agent{'s' if len(numbers) > 1 else ''} {listed(tuple(map(str, numbers)))}"


def _said(answer: str | None, correct: bool | None, *, without: str) -> str:
    """A class in a line; that of a text or a program is as long as it is."""
    if answer is None:
        return without
    line = " ".join(answer.split())
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    return line + _VERDICTS[correct]
