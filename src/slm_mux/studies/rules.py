"""What makes a subset of models good, and how long to look for it."""

import math

from msgspec import Struct

from slm_mux.errors import InvalidRequestError
from slm_mux.questions import check_name
from slm_mux.selection import CRITERIA, Limits
from slm_mux.selection.objective import check_penalty


class SearchRules(Struct, frozen=True, kw_only=True):
    """What makes a subset good, and how long to look for it."""

    objective: str = "objective"
    """One of `selection.CRITERIA`."""
    penalty: float = 1.0
    """lambda of the paper's objective, finite and >= 0."""
    at_least: int | None = None
    """Draws that have to be correct for a model to count as correct; None: its candidate has."""
    max_models: int = 5
    """The largest size, >= 1."""
    limits: Limits = Limits()
    """Of the proof, for each size."""
    cost_limit: float | None = None
    """Tokens per problem, >= 0; None for no budget."""

    @property
    def correct(self) -> str:
        """As the command line writes it: modal, or at-least:R."""
        return "modal" if self.at_least is None else f"at-least:{self.at_least}"

    @property
    def notes(self) -> list[str]:
        """What is to be said of the rules themselves, in sentences."""
        if self.objective == "objective" or self.at_least is None:
            return []
        return [f"--correct is part of the paper's objective only, not of {self.objective}"]

    def check(self) -> None:
        """Refuse numbers out of range.

        Raises:
            InvalidRequestError: names the option.
        """
        check_name("objective", self.objective, CRITERIA)
        check_penalty(self.penalty)
        least = 2 if self.objective == "focal-diversity" else 1
        if self.max_models < least:
            raise InvalidRequestError(
                f"--max-models is {self.max_models}, but must be at least {least}"
            )
        if self.limits.nodes < 1:
            raise InvalidRequestError(
                f"--node-limit is {self.limits.nodes}, but must be at least 1"
            )
        seconds = self.limits.seconds
        if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
            raise InvalidRequestError(f"--time-limit is {seconds:g}, but must be above 0")
        if self.cost_limit is not None and not (
            self.cost_limit >= 0 and math.isfinite(self.cost_limit)
        ):
            raise InvalidRequestError(
                f"--cost-limit is {self.cost_limit:g}, but must be a number of tokens"
            )
