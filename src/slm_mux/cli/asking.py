"""Ask, show the draws as they arrive, show the decision; on Ctrl-C, what it would be so far."""

import asyncio
import time
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import asdict, replace

from slm_mux.cli.console import messages, print_error_json, print_json, results
from slm_mux.cli.display import DrawsDisplay, show_decision, show_troubles
from slm_mux.cli.fetching import fetch_missing_weights
from slm_mux.cli.interrupts import close_soon, ending_while_loading, leave
from slm_mux.cli.live_display import LiveDisplay
from slm_mux.cli.turns_display import TurnsDisplay
from slm_mux.discussion.workflows import WORKFLOWS
from slm_mux.documents import decision_document
from slm_mux.errors import NoAnswerError
from slm_mux.models.pool import Pool
from slm_mux.mux import AsyncMux
from slm_mux.mux.discussing import workflow_for
from slm_mux.mux.methods import DEFAULT_METHOD, check_fits, method_named
from slm_mux.mux.pooled_vote import by_pooled_vote
from slm_mux.questions import KindRequest, check_options, understand
from slm_mux.sampling.events import (
    DiscussionPlanned,
    Event,
    QuestionPlanned,
    RequestSent,
    SampleDrawn,
)
from slm_mux.sampling.outcome import decision_of
from slm_mux.sampling.tally import Tally
from slm_mux.types import Decision, Stopping


class Question(Struct, frozen=True, kw_only=True):
    """One question as the command line takes it; None leaves the choice to the pool."""

    text: str
    method: str = DEFAULT_METHOD
    kind: KindRequest = "auto"
    choices: dict[str, str] = {}
    labels: tuple[str, ...] = ()
    samples: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stopping: str | None = None
    seed: int | None = None

    def options(self) -> dict[str, Any]:
        """The keyword arguments of `AsyncMux.ask`."""
        options = asdict(self)
        del options["text"]
        return options

    def check(self) -> None:
        """Refuse what cannot be asked, before anything is fetched for it.

        Raises:
            InvalidRequestError: as `AsyncMux.ask` does.
        """
        understand(self.text, kind=self.kind, choices=self.choices, labels=self.labels)
        check_options(
            samples=self.samples,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            stopping=self.stopping,
            seed=self.seed,
        )
        check_fits(
            method_named(self.method),
            samples=self.samples,
            stopping=cast("Stopping | None", self.stopping),
        )

    def drawing_all(self) -> "Question":
        """The same question, without stopping early."""
        return replace(self, stopping="none")


def ask_and_show(pool: Pool, question: Question, *, as_json: bool, with_text: bool = False) -> None:
    """Ask one question and print the decision.

    Raises:
        SlmMuxError: as `AsyncMux.ask` does.
    """
    question.check()
    discussed = method_named(question.method) in WORKFLOWS
    if discussed:
        # A pool that cannot do it is refused before anything is fetched for it, too.
        workflow_for(pool, question.method)
    fetch_missing_weights(pool)
    display = TurnsDisplay(messages()) if discussed else DrawsDisplay(messages())

    async def run() -> Decision:
        async with AsyncMux(pool) as mux:
            return await ask_watched(mux, question, display, as_json=as_json)

    show(asyncio.run(run()), as_json=as_json, with_text=with_text)


async def ask_watched(
    mux: AsyncMux, question: Question, display: LiveDisplay, *, as_json: bool = False
) -> Decision:
    """Ask one question under a live display; on Ctrl-C print what was decided so far and exit."""
    so_far = _SoFar(method_named(question.method))

    def observe(event: Event) -> None:
        so_far.observe(event)
        display.observe(event)

    try:
        with display.shown(), ending_while_loading(mux.pool, so_far.nothing):
            return await mux.ask(question.text, observe=observe, **question.options())
    except asyncio.CancelledError:
        so_far.show(as_json=as_json)
        await close_soon(mux.aclose())
        leave()


def show(decision: Decision, *, as_json: bool, with_text: bool = False) -> None:
    """Print a decision: the result on stdout, troubles on stderr."""
    show_troubles(messages(), decision)
    if as_json:
        print_json(decision_document(decision))
    else:
        show_decision(results(), decision, with_text=with_text)


class _SoFar:
    """Keeps the draws that are in, for when the question ends before its decision.

    Args:
        method: by which it would be decided.
    """

    def __init__(self, method: str) -> None:
        self._method = method
        self._discussing = False
        self._planned: QuestionPlanned | None = None
        self._tally: Tally | None = None
        self._requests = 0
        self._started = time.monotonic()

    def observe(self, event: Event) -> None:
        if isinstance(event, QuestionPlanned):
            self._planned = event
            self._tally = Tally(event.drawers)
        elif isinstance(event, DiscussionPlanned):
            self._discussing = True
        elif isinstance(event, RequestSent):
            self._requests += 1
        elif isinstance(event, SampleDrawn) and self._tally is not None:
            self._tally.record(event.sample)

    def nothing(self) -> bool:
        """Whether no draw is in that could decide."""
        return self._tally is None or not list(self._tally)

    def show(self, *, as_json: bool) -> None:
        if self._discussing:
            self._nothing("interrupted before the discussion was over", as_json=as_json)
            return
        if self._planned is None or self._tally is None:
            self._nothing("interrupted before the first draw", as_json=as_json)
            return
        seconds = time.monotonic() - self._started
        try:
            decision = decision_of(
                self._tally,
                kind=self._planned.kind,
                kind_reason=self._planned.kind_reason,
                usage=self._tally.usage(requests=self._requests, seconds=seconds),
                warnings=["interrupted: this is the decision by the draws that were in"],
            )
        except NoAnswerError:
            self._nothing("interrupted before a readable answer came in", as_json=as_json)
            return
        if self._method == "agent_forest":
            decision = by_pooled_vote(decision, self._tally)
        show(replace(decision, method=self._method), as_json=as_json)

    def _nothing(self, what: str, *, as_json: bool) -> None:
        messages().print(what)
        if as_json:
            print_error_json("Interrupted", what)
