"""How draws and decisions look on a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slm_mux.cli.live_display import LiveDisplay, cell, short
from slm_mux.cli.turns_display import show_discussion
from slm_mux.discussion.breaches import in_words
from slm_mux.sampling.events import (
    AnswerSettled,
    Event,
    QuestionPlanned,
    RequestSent,
    SampleDrawn,
)
from slm_mux.types import Decision, Vote
from slm_mux.wording import counted

_DECIDED_BY = {
    "single": "one draw of the model with the best record",
    "self_consistency": "the majority of the draws of the model with the best record",
    "agent_forest": "the majority of all draws",
}
TIE_BREAKS = {
    "none": "the most self-consistent model",
    "validation_accuracy": "a tie, broken by validation accuracy",
    "pool_order": "a tie, broken by the order in the pool",
}


class DrawsDisplay(LiveDisplay):
    """Shows draws as they arrive, a row for each model; see `LiveDisplay`."""

    def __init__(self, console: Console, *, lines: bool = False) -> None:
        super().__init__(console, lines=lines)
        self._cells: dict[str, list[Text]] = {}

    def _take_in(self, event: Event) -> None:
        match event:
            case QuestionPlanned(drawers=drawers):
                self._cells = {
                    drawer.model: [Text("·", "dim") for _ in range(drawer.k)] for drawer in drawers
                }
            case RequestSent(model=model, draws=draws):
                for draw in draws:
                    self._cells[model][draw] = Text("…", "yellow")
            case SampleDrawn(sample=sample):
                self._cells[sample.model][sample.draw] = cell(sample)
                if self._lines:
                    self._console.print(
                        f"  {sample.model}  draw {sample.draw + 1}  "
                        f"{cell(sample).plain}  ({sample.seconds:.1f} s)",
                        markup=False,
                    )
            case AnswerSettled():
                self._note = Text("settled: no draw still out can change the answer", "green")
                if self._lines:
                    self._console.print(f"  {self._note.plain}")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for model, cells in self._cells.items():
            table.add_row(Text(model, "bold"), *cells)
        return table


def show_decision(console: Console, decision: Decision, *, with_text: bool = False) -> None:
    """Print the answer, then the votes or the discussion as a table, then what it cost."""
    console.print(Text(decision.answer, "bold green"), soft_wrap=True)
    console.print()
    if with_text and decision.text is not None:
        console.print(Text(decision.text.strip()), soft_wrap=True)
        console.print()
    if decision.discussion is not None:
        show_discussion(console, decision.discussion)
    else:
        console.print(_vote_table(decision))
    console.print()
    for line in _summary(decision):
        console.print(Text(line, "dim"))


def show_troubles(console: Console, decision: Decision) -> None:
    """Print failed draws and warnings."""
    for issue in decision.errors:
        draws = "1 draw" if issue.draws == 1 else f"{issue.draws} draws"
        tried = f" (tried {issue.tries} times)" if issue.tries > 1 else ""
        reason = escape(f"{issue.message}{tried}")
        name = escape(issue.model)
        console.print(f"[red]{name}: {draws} failed:[/red] {reason}", soft_wrap=True)
    for warning in decision.warnings:
        console.print(f"[yellow]warning:[/yellow] {escape(warning)}", soft_wrap=True)


def _vote_table(decision: Decision) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "model", "answer", "confidence", "votes"):
        table.add_column(heading, justify="right" if heading == "confidence" else "left")
    if any(vote.validation_accuracy is not None for vote in decision.votes):
        table.add_column("record", justify="right")
    for vote in decision.votes:
        won = vote.model == decision.model
        record = "" if vote.validation_accuracy is None else f"{vote.validation_accuracy:.2f}"
        row = [
            "→" if won else "",
            vote.model,
            short(vote.answer) if vote.answer is not None else "-",
            f"{vote.confidence:.2f}",
            _spelled_out(vote),
        ]
        if len(table.columns) == len(row) + 1:
            row.append(record)
        table.add_row(*(Text(cell) for cell in row), style="bold" if won else "")
    return table


def _spelled_out(vote: Vote) -> str:
    parts = [f"{count.count} x {short(count.answer)}" for count in vote.counts]
    parts += [
        f"{count} {name}"
        for count, name in (
            (vote.unreadable, "unreadable"),
            (vote.failed, "failed"),
            (vote.not_drawn, "not drawn"),
        )
        if count
    ]
    return ", ".join(parts)


def _summary(decision: Decision) -> list[str]:
    usage, discussion = decision.usage, decision.discussion
    tokens = usage.prompt_tokens + usage.completion_tokens
    if discussion is None:
        planned = sum(vote.k for vote in decision.votes)
        some = usage.samples < planned
        drawn = f"{usage.samples} of {planned} draws" if some else counted(planned, "draw")
        by = _DECIDED_BY.get(decision.method) or TIE_BREAKS[decision.tie_break]
    else:
        drawn = counted(len(discussion.turns), "turn")
        by = f"{discussion.decided_by}; confidence {decision.confidence:.2f}"
    lines = [f"decided by {by}"]
    if discussion is not None and discussion.breaches:
        lines.append(in_words(discussion.breaches))
    if decision.answer_settled and not decision.winner_settled:
        low, high = decision.confidence_bounds
        lines.append(
            f"the answer is settled; {decision.model} would have ended with a confidence of "
            f"{low:.2f} to {high:.2f}, and another model could still have won with this answer"
        )
    if decision.kind is not None:
        reason = f": {decision.kind_reason}" if decision.kind_reason else ""
        lines.append(f"read as {decision.kind}{reason}")
    lines.append(f"{drawn}, {tokens:,} tokens, {usage.seconds:.1f} s")
    return lines
