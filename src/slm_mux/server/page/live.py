"""The live view: what happens to a question becomes changes of the page, sent as they come."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Send

from slm_mux.sampling.events import (
    AnswerSettled,
    DiscussionPlanned,
    Event,
    QuestionPlanned,
    RequestRetried,
    RequestSent,
    SampleDrawn,
    TurnAsked,
    TurnTaken,
)
from slm_mux.server.delivery import STREAM_HEADERS
from slm_mux.server.page.board import Board, Column, Draw
from slm_mux.server.page.rendering import Render
from slm_mux.server.page.talk import Spoken, Step, Talk, talk_of
from slm_mux.server.page.texts import on_one_line
from slm_mux.server.replies import EVENTS, finish, start
from slm_mux.server.wire.errors import RefusedError, unavailable
from slm_mux.server.wire.reply import draw_document
from slm_mux.server.wire.stream import HEARTBEAT, event
from slm_mux.wording import counted


class LiveBoard:
    """Watches a question and keeps what of its page has changed.

    Args:
        render: renders parts of the page.
    """

    def __init__(self, render: Render) -> None:
        self._render = render
        self._board: Board | None = None
        self._whole = False
        self._draws: dict[str, Draw] = {}
        self._columns: dict[str, Column] = {}
        self._settled = False
        self._talk: Talk | None = None
        self._steps: list[Step] = []
        self._turns: dict[str, Spoken] = {}
        self._say: str | None = None
        self.changed = asyncio.Event()
        """Set while there is something to send."""

    def observe(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, QuestionPlanned):
            self._plan(event)
        elif isinstance(event, DiscussionPlanned):
            self._begin(event)
        elif self._talk is not None:
            self._said(self._talk, event)
        elif self._board is not None:
            self._happened(self._board, event)
        self.changed.set()

    def changes(self) -> dict[str, Any]:
        """What of the page has changed since the last call.

        Returns:
            `set`: HTML by the id of the element that it replaces; `say`: what a screen reader says.
        """
        self.changed.clear()
        board, replaced = self._board, dict[str, str]()
        if board is not None:
            if self._whole:
                replaced["result"] = self._render("running", board=board, settled=self._settled)
            else:
                replaced |= {d.id: self._render("draw", draw=d) for d in self._draws.values()}
                replaced |= {
                    f"{c.id}-votes": self._render("votes", column=c) for c in self._columns.values()
                }
                replaced["progress"] = self._render("progress", board=board, settled=self._settled)
        if self._talk is not None:
            replaced |= self._of_talk(self._talk)
        say, self._say = self._say, None
        self._whole = False
        self._draws.clear()
        self._columns.clear()
        return {"set": replaced, "say": say}

    def decided(self, mux: dict[str, Any], **shown: Any) -> dict[str, Any]:
        """The last changes: the verdict, and columns to which nothing is added any more.

        Args:
            mux: the reply's `mux` object, with every draw.
            shown: what else the verdict's template needs.
        """
        if mux.get("discussion") is not None:
            return self._discussed(mux, shown)
        board = self._board or Board(())
        before = {draw.id: (draw.state, draw.key) for c in board.columns for draw in c.draws}
        board.decided(mux)
        replaced = {
            "verdict": self._render("verdict", mux=mux, board=board, **shown),
            "progress": self._render("ended"),
        }
        for column in board.columns:
            replaced[f"{column.id}-head"] = self._render("column_head", column=column)
            replaced[f"{column.id}-votes"] = self._render("votes", column=column)
            for draw in column.draws:
                if before[draw.id] != (draw.state, draw.key):
                    replaced[draw.id] = self._render("draw", draw=draw)
        return {"set": replaced, "say": _outcome(mux), "done": True}

    def _discussed(self, mux: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
        """The last changes of a discussion: a turn may have been read again, as a text."""
        talk = talk_of(mux)
        if talk is None:
            raise AssertionError("there was a discussion")
        replaced = {
            "verdict": self._render("verdict", mux=mux, board=talk, **shown),
            "progress": self._render("ended"),
        }
        replaced |= {
            turn.id: self._render("turn", turn=turn, talk=talk)
            for step in talk.steps
            for turn in step.turns
        }
        return {"set": replaced, "say": _outcome(mux), "done": True}

    def _begin(self, event: DiscussionPlanned) -> None:
        self._talk = Talk(calls=event.calls)
        self._whole = True
        self._say = f"{counted(len(event.models), 'model')} discuss it."

    def _said(self, talk: Talk, event: Event) -> None:
        match event:
            case TurnAsked():
                if step := talk.asked(event):
                    self._steps.append(step)
                    self._say = step.title
            case TurnTaken():
                turn = talk.took(event)
                self._turns[turn.id] = turn
            case RequestRetried(model=model, wait=wait, reason=reason):
                talk.note = (
                    f"{model}: trying again in {wait:.1f}\u00a0s: {on_one_line(reason, 200)}"
                )

    def _of_talk(self, talk: Talk) -> dict[str, str]:
        """What of a discussion has changed; a new step takes the place of what ends the last."""
        replaced: dict[str, str] = {}
        new = {turn.id for step in self._steps for turn in step.turns}
        if self._whole:
            replaced["result"] = self._render("discussing", talk=talk)
        else:
            for step in self._steps:
                replaced[f"{step.id}-next"] = self._render("next_step", one=step, talk=talk)
            replaced |= {
                turn.id: self._render("turn", turn=turn, talk=talk)
                for turn in self._turns.values()
                if turn.id not in new
            }
            replaced["progress"] = self._render("talk_progress", talk=talk)
        self._steps.clear()
        self._turns.clear()
        return replaced

    def _plan(self, event: QuestionPlanned) -> None:
        self._board = Board((d.model, d.k, d.validation_accuracy) for d in event.drawers)
        self._whole = True
        models = counted(len(event.drawers), "model")
        self._say = f"Asking {models}, {counted(self._board.planned, 'draw')}."

    def _happened(self, board: Board, event: Event) -> None:
        match event:
            case RequestSent(model=model, draws=draws):
                self._draws |= {draw.id: draw for draw in board.asked(model, draws)}
                self._columns[model] = board.column(model)
            case RequestRetried(model=model, wait=wait, reason=reason):
                board.column(
                    model
                ).note = f"trying again in {wait:.1f}\u00a0s: {on_one_line(reason, 200)}"
                self._columns[model] = board.column(model)
            case SampleDrawn(sample=sample):
                draw = board.drew(draw_document(sample))
                self._draws[draw.id] = draw
                self._columns[sample.model] = board.column(sample.model)
            case AnswerSettled():
                self._settled = True


def _outcome(mux: dict[str, Any]) -> str:
    return f"Done. {mux['model']} answers: {mux['answer'][:200]}"


async def send_live(
    work: Coroutine[Any, Any, dict[str, Any]],
    board: LiveBoard,
    send: Send,
    *,
    every: float,
    failed: Callable[[Exception], dict[str, Any]],
) -> None:
    """Send the changes of a page while the work goes on, then its result.

    Args:
        work: what is waited for; returns the last changes.
        board: where the other changes come from.
        send: takes the reply.
        every: seconds between heartbeats.
        failed: makes the last changes of an error, once the stream has begun.

    Raises:
        Exception: what the work raised before the stream had begun.
    """
    task = asyncio.create_task(work)
    begun = False
    try:
        while not task.done():
            await _either(task, board.changed, within=every)
            if task.done() and not begun:
                # An error still has a status of its own.
                task.result()
            if not begun:
                begun = True
                await start(send, 200, EVENTS, STREAM_HEADERS)
            told = event(board.changes()) if board.changed.is_set() else HEARTBEAT
            await send({"type": "http.response.body", "body": told, "more_body": True})
        try:
            last = task.result()
        except Exception as error:  # noqa: BLE001 - the page is told of it, whatever it is
            last = failed(error)
        pending = event(board.changes()) if board.changed.is_set() else b""
        await finish(send, pending + event(last))
    except asyncio.CancelledError:
        if begun:
            stopping = RefusedError(unavailable("the server is shutting down"))
            await finish(send, event(failed(stopping)))
        raise
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _either(task: asyncio.Task[Any], changed: asyncio.Event, *, within: float) -> None:
    """Wait until the task is done, something has changed, or the time is over."""
    waiting = asyncio.create_task(changed.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
