"""How a discussion looks on a terminal: who said what, step by step, and who changed an answer."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slm_mux.cli.live_display import LiveDisplay, cell, short
from slm_mux.mux.changes import Change, changes_in
from slm_mux.sampling.events import Event, TurnAsked, TurnTaken
from slm_mux.steps import sums_up
from slm_mux.types import DiscussionRecord, Sample, TurnRecord
from slm_mux.wording import listed


class TurnsDisplay(LiveDisplay):
    """Shows turns as they arrive, a row for each step; see `LiveDisplay`."""

    def __init__(self, console: Console, *, lines: bool = False) -> None:
        super().__init__(console, lines=lines)
        self._steps: dict[str, dict[int, tuple[str, Text]]] = {}

    def _take_in(self, event: Event) -> None:
        match event:
            case TurnAsked(index=index, step=step, model=model):
                self._steps.setdefault(step, {})[index] = (model, Text("…", "yellow"))
            case TurnTaken(index=index, step=step, sample=sample, to_question=to_question):
                said = _said(sample, to_question=to_question)
                self._steps.setdefault(step, {})[index] = (sample.model, said)
                if self._lines:
                    self._console.print(
                        f"  {step}  {sample.model}  {said.plain}  ({sample.seconds:.1f} s)",
                        markup=False,
                    )

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for step, turns in self._steps.items():
            said = [Text.assemble(model, " ", words) for model, words in turns.values()]
            table.add_row(Text(step, "bold"), Text("  ").join(said))
        return table


def show_discussion(console: Console, discussion: DiscussionRecord) -> None:
    """Print what each model said in each step, then who changed an answer, and after whom."""
    console.print(_steps_table(discussion.turns))
    changes = changes_in(discussion.turns)
    if changes is None:
        return
    console.print()
    for line in [_line(change) for change in changes] or ["nobody changed an answer"]:
        console.print(Text(line), soft_wrap=True)


def _said(sample: Sample, *, to_question: bool) -> Text:
    if sample.failure is None and sample.answer is None and not to_question:
        return Text("unclear", "magenta")
    return cell(sample)


def _steps_table(turns: Sequence[TurnRecord]) -> Table:
    """A row for each step, a column for each model that said something."""
    steps: dict[str, dict[str, list[TurnRecord]]] = {}
    models = dict.fromkeys(turn.model for turn in turns)
    for turn in turns:
        steps.setdefault(turn.step, {}).setdefault(turn.model, []).append(turn)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("step", *models):
        table.add_column(Text(heading))
    for step, by_model in steps.items():
        cells = [_cell(by_model.get(model, ())) for model in models]
        table.add_row(Text(step), *map(Text, cells))
    return table


def _cell(turns: Sequence[TurnRecord]) -> str:
    """What one model said in one step; of many turns how often it said what."""
    words = Counter(_words(turn) for turn in turns)
    return ", ".join(word if count == 1 else f"{count} x {word}" for word, count in words.items())


def _words(turn: TurnRecord) -> str:
    if turn.ended is not None:
        return "failed" if turn.ended == "failed" else "said nothing"
    if turn.answer is not None:
        return short(turn.answer)
    if turn.to_question:
        return "unreadable"
    return "summed up" if sums_up(turn.step) else "unclear"


def _line(change: Change) -> str:
    before, after = (
        "no answer" if answer is None else short(answer) for answer in (change.before, change.after)
    )
    said = f"{change.model}: {before} → {after} in {change.step}"
    if change.after is None or not change.heard:
        return said
    if not change.said_by:
        return f"{said}, which nobody it read said"
    return f"{said}, as {listed(change.said_by)} had said"
