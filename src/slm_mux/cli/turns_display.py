"""How a discussion looks on a terminal: who said what, step by step, and who changed an answer."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slm_mux.cli.live_display import LiveDisplay, cell, short
from slm_mux.dissecting.moves import Move
from slm_mux.mux.changes import moves_in
from slm_mux.sampling.events import Event, TurnAsked, TurnTaken
from slm_mux.steps import SUMMARY
from slm_mux.types import DiscussionRecord, Sample, TurnRecord


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
    moves = moves_in(discussion.turns)
    if not moves:
        return
    console.print()
    changes = [line for move in moves if (line := _change(move, discussion.turns))]
    for line in changes or ["nobody changed an answer"]:
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
    return "summed up" if turn.step.endswith(SUMMARY) else "unclear"


def _change(move: Move, turns: Sequence[TurnRecord]) -> str | None:
    """What became of an answer, in words; None where it was kept or there was none."""
    if move.change in ("kept", "none"):
        return None
    written = {turn.canonical: short(turn.answer) for turn in turns if turn.answer is not None}
    before = "no answer" if move.before is None else written[move.before.key]
    after = "no answer" if move.after.key is None else written[move.after.key]
    said = f"{move.after.speaker}: {before} → {after} in {move.after.step}"
    if move.after.key is None or not move.heard:
        return said
    by = dict.fromkeys(heard.turn.speaker for heard in move.said_by)
    return f"{said}, as {' and '.join(by)} had said" if by else f"{said}, which nobody it read said"
