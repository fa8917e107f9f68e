"""The tables of `slm-mux collect`: what it would take, and what came of it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from slm_mux.cli.console import messages, print_json, print_line, results
from slm_mux.collecting.counts import Collected
from slm_mux.collecting.shortfall import Estimate, MemberNeeds
from slm_mux.evaluation.summary import ModelSummary
from slm_mux.types import Problem
from slm_mux.wording import counted

_REASONS = 3
"""Of failures, shown at most for each model."""


def show_estimates(
    name: str,
    problems: Sequence[Problem],
    estimates: Sequence[Estimate],
    notes: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Print what each model's missing draws would take."""
    if as_json:
        print_json(
            {
                "task": name,
                "problems": len(problems),
                "models": [msgspec.to_builtins(each) for each in estimates],
                "notes": list(notes),
            }
        )
        return
    table = _table(name, problems, "calls", "prompt tokens", "completion tokens", "at most", "cost")
    for each in estimates:
        table.add_row(
            Text(each.member),
            f"{each.draws:,}",
            f"{each.prompt_tokens:,.0f}",
            _count(each.completion_tokens),
            _count(each.completion_tokens_at_most),
            "" if each.cost is None else f"{each.cost:,.4f}",
        )
    results().print(table)
    if any(each.draws and not each.measured for each in estimates):
        messages().print(
            "For models without stored samples, prompt tokens are the characters / 4 and "
            "completion tokens the token limit.",
            soft_wrap=True,
        )


def show_collected(
    name: str,
    problems: Sequence[Problem],
    store: Path,
    outcome: Sequence[Collected],
    summaries: Sequence[ModelSummary],
    needs: Sequence[MemberNeeds],
    notes: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Print what was drawn, why draws failed, and what each model's samples are worth."""
    tell_failures(messages(), outcome, again="the next collect")
    if failed := sum(summary.failed for summary in summaries):
        them = "it" if failed == 1 else "them"
        messages().print(
            f"{counted(failed, 'draw')} in the store failed; --retry-failed makes {them} again"
        )
    if as_json:
        print_json(
            {
                "task": name,
                "store": str(store),
                "problems": len(problems),
                "collected": [msgspec.to_builtins(member) for member in outcome],
                "models": [msgspec.to_builtins(summary) for summary in summaries],
                "notes": list(notes),
            }
        )
        return
    columns = ("new", "failed", "stored", "readable", "accuracy", "confidence", "tokens")
    table = _table(name, problems, *columns)
    for member, summary, need in zip(outcome, summaries, needs, strict=True):
        table.add_row(
            Text(member.member),
            f"{member.completed:,}",
            f"{member.failed:,}",
            f"{summary.completed:,} of {need.total:,}",
            _share(summary.readable),
            _share(summary.accuracy),
            "" if summary.confidence is None else f"{summary.confidence:.2f}",
            _count(summary.tokens),
        )
    results().print(table)


def tell_failures(console: Console, outcome: Sequence[Collected], *, again: str) -> None:
    """Say for each model why draws failed, and whether it was given up.

    Args:
        console: where to say it.
        outcome: by model.
        again: what makes the draws that are missing.
    """
    for member in outcome:
        for reason, draws in list(member.reasons.items())[:_REASONS]:
            failed = f"{member.member}: {counted(draws, 'draw')} failed: {reason}"
            print_line(console, failed, style="yellow")
        if (more := len(member.reasons) - _REASONS) > 0:
            print_line(console, f"{member.member}: … and for {counted(more, 'more reason')}")
        if member.given_up is not None:
            print_line(
                console,
                f"{member.member}: given up after failing again and again; the draws that are "
                f"missing are made by {again}",
                style="red",
            )


def _table(name: str, problems: Sequence[Problem], *columns: str) -> Table:
    table = Table(title=Text(f"{name}: {counted(len(problems), 'problem')}"), title_justify="left")
    table.add_column("model")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _count(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "?" if value is None else f"{value:.1%}"
