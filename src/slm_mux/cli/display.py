"""How draws and decisions look on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slm_mux.sampling.events import (
    AnswerSettled,
    Event,
    QuestionPlanned,
    RequestRetried,
    RequestSent,
    SampleDrawn,
)
from slm_mux.types import Decision, Sample, Vote

LONGEST_CELL = 24
TIE_BREAKS = {
    "none": "the most self-consistent model",
    "validation_accuracy": "a tie, broken by validation accuracy",
    "pool_order": "a tie, broken by the order in the pool",
}


class DrawsDisplay:
    """Shows draws as they arrive: a live table on a terminal, else a line for each.

    Args:
        console: where to show them.
        lines: whether to print lines where the console is no terminal.
    """

    def __init__(self, console: Console, *, lines: bool = False) -> None:
        self._console = console
        self._lines = lines and not console.is_terminal
        self._cells: dict[str, list[Text]] = {}
        self._note = Text("")
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table while the block runs, then remove it."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=8, transient=True) as self._live:
            # A process that is ended from outside could not bring a hidden cursor back.
            self._console.show_cursor(show=True)
            yield
        self._live = None

    def observe(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case QuestionPlanned(drawers=drawers):
                self._cells = {
                    drawer.model: [Text("·", "dim") for _ in range(drawer.k)] for drawer in drawers
                }
            case RequestSent(model=model, draws=draws):
                for draw in draws:
                    self._cells[model][draw] = Text("…", "yellow")
            case RequestRetried(model=model, wait=wait, reason=reason):
                self._note = Text(f"{model}: trying again in {wait:.1f} s: {reason}", "yellow")
                if self._lines:
                    self._console.print(self._note)
            case SampleDrawn(sample=sample):
                self._cells[sample.model][sample.draw] = _cell(sample)
                if self._lines:
                    self._console.print(
                        f"  {sample.model}  draw {sample.draw + 1}  "
                        f"{_cell(sample).plain}  ({sample.seconds:.1f} s)",
                        markup=False,
                    )
            case AnswerSettled():
                self._note = Text("settled: no draw still out can change the answer", "green")
                if self._lines:
                    self._console.print(f"  {self._note.plain}")
        if self._live is not None:
            self._live.update(self._table())

    def _table(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for model, cells in self._cells.items():
            table.add_row(Text(model, "bold"), *cells)
        return Group(table, self._note)


def show_decision(console: Console, decision: Decision, *, with_text: bool = False) -> None:
    """Print the answer, then the votes as a table, then what it cost."""
    console.print(Text(decision.answer, "bold green"), soft_wrap=True)
    console.print()
    if with_text and decision.text is not None:
        console.print(Text(decision.text.strip()), soft_wrap=True)
        console.print()
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


def _cell(sample: Sample) -> Text:
    if sample.failure is not None:
        return Text("failed", "red")
    if sample.answer is None:
        return Text("unreadable", "magenta")
    return Text(_short(sample.answer.text), "cyan")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_CELL else line[: LONGEST_CELL - 1] + "…"


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
            _short(vote.answer) if vote.answer is not None else "-",
            f"{vote.confidence:.2f}",
            _spelled_out(vote),
        ]
        if len(table.columns) == len(row) + 1:
            row.append(record)
        table.add_row(*(Text(cell) for cell in row), style="bold" if won else "")
    return table


def _spelled_out(vote: Vote) -> str:
    parts = [f"{count.count} x {_short(count.answer)}" for count in vote.counts]
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
    usage = decision.usage
    planned = sum(vote.k for vote in decision.votes)
    drawn = f"{usage.samples} of {planned} draws" if usage.samples < planned else f"{planned} draws"
    tokens = usage.prompt_tokens + usage.completion_tokens
    lines = [f"decided by {TIE_BREAKS[decision.tie_break]}"]
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
