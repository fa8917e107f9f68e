"""What can be watched while a question is being drawn."""

from collections.abc import Callable

from msgspec import Struct

from slm_mux.sampling.tally import Drawer
from slm_mux.types import KindName, Sample


class QuestionPlanned(Struct, frozen=True):
    """What will be asked, before the first request."""

    kind: KindName
    kind_reason: str | None
    """Why `auto` chose this kind; None when it was given."""
    drawers: tuple[Drawer, ...]
    """The models in pool order, each with its k."""


class RequestSent(Struct, frozen=True):
    """A request was let through to its endpoint."""

    model: str
    draws: tuple[int, ...]
    """The draw indices it asks for: one, unless the endpoint draws several at once."""


class RequestRetried(Struct, frozen=True):
    """A request failed and will be sent again after a wait."""

    model: str
    attempt: int
    """How many were made so far, >= 1."""
    wait: float
    """Seconds until the next one."""
    reason: str


class SampleDrawn(Struct, frozen=True):
    """A draw is in: read, unreadable or failed."""

    sample: Sample


class AnswerSettled(Struct, frozen=True):
    """No draw still out can change the answer; the rest are being cancelled."""

    canonical: str


class DiscussionPlanned(Struct, frozen=True):
    """The models will read each other: what is told in place of `QuestionPlanned`."""

    method: str
    kind: KindName
    kind_reason: str | None
    """Why `auto` chose this kind; None when it was given."""
    models: tuple[str, ...]
    """In pool order."""
    calls: int
    """How many turns there are at most."""


class TurnAsked(Struct, frozen=True):
    """A model is asked for a turn of a discussion."""

    index: int
    """Its place in the discussion, from 0."""
    step: str
    """The part of the method that it belongs to, for instance "round 1"."""
    model: str
    heard: tuple[int, ...]
    """Which turns it reads."""
    to_question: bool
    """Whether it is to answer the question."""


class TurnTaken(Struct, frozen=True):
    """A turn of a discussion is in: what is told in place of `SampleDrawn`."""

    index: int
    step: str
    sample: Sample
    """Its draw counts the draws of one prompt."""
    heard: tuple[int, ...]
    to_question: bool


Event = (
    QuestionPlanned
    | RequestSent
    | RequestRetried
    | SampleDrawn
    | AnswerSettled
    | DiscussionPlanned
    | TurnAsked
    | TurnTaken
)
Observer = Callable[[Event], None]
"""Called in the event loop's thread; what it raises ends the question."""
