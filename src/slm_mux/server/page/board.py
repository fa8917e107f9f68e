"""The board: a column for each model, with its draws and what they come to so far."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from slm_mux.answers.text import TextKind
from slm_mux.server.page.marks import Mark, Marks
from slm_mux.server.page.texts import on_one_line, share
from slm_mux.wording import counted

LONGEST_ANSWER = 160
"""Characters of an answer in a column; its draw has all of it."""

State = Literal["planned", "asked", "read", "unreadable", "failed", "not_drawn"]


class Draw(Struct, kw_only=True):
    """One draw, as it is shown."""

    id: str
    """Of its element."""
    number: int
    """From 1."""
    state: State = "planned"
    key: str | None = None
    """Its class."""
    mark: Mark | None = None
    answer: str | None = None
    text: str | None = None
    """The completion, or the calls in its place; None where there is none."""
    note: str = ""
    """What it cost, or why it failed."""


class Group(Struct, frozen=True, kw_only=True):
    """Draws of one model with the same answer."""

    mark: Mark
    answer: str
    count: int


class Bar(Struct, frozen=True, kw_only=True):
    """A part of a column's bar; left and width are shares of it, in per cent."""

    css: str
    left: float
    width: float


class Column(Struct, kw_only=True):
    """One model."""

    id: str
    model: str
    k: int
    record: float | None
    draws: list[Draw]
    groups: Sequence[Group] = ()
    note: str = ""
    """Why it waits, where it does."""
    won: bool = False
    ended: bool = False
    """Whether no more draws come."""

    @property
    def unreadable(self) -> int:
        """Draws in which no answer could be read."""
        return self._count("unreadable")

    @property
    def failed(self) -> int:
        """Draws that brought no completion."""
        return self._count("failed")

    @property
    def open(self) -> int:
        """Draws that are not in."""
        return self.k - self.unreadable - self.failed - sum(group.count for group in self.groups)

    @property
    def leading(self) -> int:
        """Draws of the largest class."""
        return self.groups[0].count if self.groups else 0

    @property
    def said(self) -> str:
        """The column's state in words."""
        if not self.groups:
            return "no answer" if self.ended or not self.open else "no answer yet"
        return f"{self.leading} of {counted(self.k, 'draw')} agree: {share(self.leading, self.k)}"

    @property
    def bars(self) -> list[Bar]:
        """The bar: the largest class first, what is not in last."""
        parts = [(f"mark-{group.mark.colour}", group.count) for group in self.groups]
        parts += [("lost", self.unreadable + self.failed), ("open", self.open)]
        found, left = [], 0.0
        for css, count in parts:
            width = 100 * count / self.k
            if count:
                found.append(Bar(css=css, left=round(left, 3), width=round(width, 3)))
            left += width
        return found

    def _count(self, state: State) -> int:
        return sum(draw.state == state for draw in self.draws)


class Board:
    """All columns, kept up to date as draws come in.

    Args:
        models: name, k and validation accuracy of each, in pool order.
    """

    def __init__(self, models: Iterable[tuple[str, int, float | None]]) -> None:
        self.marks = Marks()
        self.columns = [
            Column(
                id=f"model-{place}",
                model=model,
                k=k,
                record=record,
                draws=[Draw(id=f"draw-{place}-{draw}", number=draw + 1) for draw in range(k)],
            )
            for place, (model, k, record) in enumerate(models)
        ]
        self._of = {column.model: column for column in self.columns}

    @property
    def planned(self) -> int:
        """Draws of all models together."""
        return sum(column.k for column in self.columns)

    @property
    def drawn(self) -> int:
        """Those that are in, however they ended."""
        return self.planned - sum(column.open for column in self.columns)

    def column(self, model: str) -> Column:
        """The column of a model."""
        return self._of[model]

    def asked(self, model: str, draws: Iterable[int]) -> list[Draw]:
        """Note that draws were asked for."""
        column = self._of[model]
        column.note = ""
        found = [column.draws[draw] for draw in draws]
        for draw in found:
            draw.state = "asked"
        return found

    def drew(self, document: Mapping[str, Any], *, key: str | None = None) -> Draw:
        """Take in one draw.

        Args:
            document: as `wire.reply.draw_document` writes it.
            key: its class, where that is not the document's `canonical`.
        """
        column = self._of[document["model"]]
        draw: Draw = column.draws[document["draw"]]
        key = document["canonical"] if key is None else key
        column.note = ""
        draw.text = said_in(document)
        draw.note = note_of(document)
        if document["error"] is not None:
            draw.state = "failed"
        elif key is None:
            draw.state = "unreadable"
        else:
            draw.state, draw.key = "read", key
            draw.mark = self.marks.of(key)
            written = document["answer"]
            draw.answer = on_one_line(
                (draw.text or "") if written is None else written, LONGEST_ANSWER
            )
            _count(column)
        return draw

    def decided(self, mux: Mapping[str, Any]) -> None:
        """Take in the decision, with all that it rests on.

        Args:
            mux: the reply's `mux` object, with every draw.
        """
        for column in self.columns:
            column.ended, column.note = True, ""
            column.won = column.model == mux["model"]
        again = _read_again(mux)
        for document in mux["draws"]:
            self.drew(document, key=again.get((document["model"], document["draw"])))
        for column in self.columns:
            for draw in column.draws:
                if draw.state in ("planned", "asked"):
                    draw.state = "not_drawn"


def board_of(mux: Mapping[str, Any]) -> Board:
    """Make the board of a question that is decided; an empty one of a discussion.

    Args:
        mux: the reply's `mux` object, with every draw.
    """
    if mux.get("discussion") is not None:
        return Board(())
    board = Board((vote["model"], vote["k"], vote["validation_accuracy"]) for vote in mux["votes"])
    # The answer has the first mark, the runners-up the next ones.
    for canonical in (mux["canonical"], *(other["canonical"] for other in mux["runners_up"])):
        board.marks.of(canonical)
    board.decided(mux)
    return board


def _count(column: Column) -> None:
    """Count a draw that was read: groups are by size, then by their lowest draw."""
    classes: dict[str, list[Draw]] = {}
    for draw in column.draws:
        if draw.key is not None:
            classes.setdefault(draw.key, []).append(draw)
    column.groups = [
        Group(mark=draws[0].mark, answer=draws[0].answer or "", count=len(draws))
        for draws in sorted(classes.values(), key=len, reverse=True)
        if draws[0].mark is not None
    ]


def _read_again(mux: Mapping[str, Any]) -> dict[tuple[str, int], str]:
    """The classes of draws that were read again as texts, by model and draw.

    That is done where none of them could be read in another way, so it is all of them or none.
    """
    if mux["kind"] != "text" or any(draw["canonical"] is not None for draw in mux["draws"]):
        return {}
    classes = {vote["model"]: {c["canonical"] for c in vote["counts"]} for vote in mux["votes"]}
    found = {}
    for draw in mux["draws"]:
        again = None if draw["text"] is None else TextKind(cut_off_too=True).read(draw["text"])
        if again is not None and again.key in classes[draw["model"]]:
            found[draw["model"], draw["draw"]] = again.key
    return found


def said_in(document: Mapping[str, Any]) -> str | None:
    """The text of a draw, or the calls in its place."""
    calls = [f"{call['name']}({call['arguments']})" for call in document["tool_calls"]]
    text: str | None = document["text"]
    return "\n".join(calls) if calls and not text else text


def note_of(document: Mapping[str, Any]) -> str:
    """What a draw cost, or why it failed."""
    if document["error"] is not None:
        return str(document["message"] or document["error"])
    parts = [] if document["seconds"] is None else [f"{document['seconds']:.1f}\u00a0s"]
    if document["completion_tokens"] is not None:
        parts.append(counted(document["completion_tokens"], "token"))
    if document["finish_reason"] == "length":
        parts.append("cut off by the token limit")
    return ", ".join(parts)
