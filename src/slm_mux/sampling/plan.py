"""What one model is to draw on one question."""

from msgspec import Struct

from slm_mux.answers.base import AnswerKind
from slm_mux.models.base import Generation, Model
from slm_mux.sampling.tally import Drawer
from slm_mux.types import Message


class Plan(Struct, frozen=True, kw_only=True):
    """What one model is to draw on one question."""

    model: Model
    messages: tuple[Message, ...]
    generation: Generation
    seeds: tuple[int, ...]
    """One per draw, so its length is k >= 1."""
    validation_accuracy: float | None = None
    kind: AnswerKind | None = None
    """Reads this model's completions; None leaves them unread."""
    address: str = ""
    """Under which a keeper files the samples; empty where nothing is kept."""

    @property
    def drawer(self) -> Drawer:
        """What voting needs to know of it."""
        return Drawer(self.model.name, len(self.seeds), self.validation_accuracy)
