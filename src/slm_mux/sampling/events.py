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


Event = QuestionPlanned | RequestSent | RequestRetried | SampleDrawn | AnswerSettled
Observer = Callable[[Event], None]
"""Called in the event loop's thread; what it raises ends the question."""
