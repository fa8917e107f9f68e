"""What one method came to on the problems of a table: its row in an evaluation."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from slm_mux import metrics
from slm_mux.methods.base import Context, Discussed, Method, Outcome, Unavailable
from slm_mux.methods.pairs import SPEND_ALL
from slm_mux.methods.per_model import per_model
from slm_mux.methods.settled import unsettled
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GROWING = (*SPEND_ALL, "self_consistency")


class Result:
    """One method's outcomes on every problem, or why there are none.

    Args:
        table: the problems, with the draws.
        method: which.
        context: the same for every method of a comparison.
        mean_draws: what `draw_accuracies` gives; nothing for a discussion.
    """

    def __init__(
        self,
        table: VoteTable,
        method: Method | Discussed | Unavailable,
        context: Context,
        mean_draws: Sequence[dict[str, Any]],
    ) -> None:
        self.name = method.name
        self.table = table
        self.reason: str | None = None
        self.outcomes: list[Outcome] = []
        self.per_model: dict[str, Any] = {}
        self.breaches: dict[str, int] = {}
        self.discussed = isinstance(method, Discussed)
        self.rounds = 0
        """Draws of each model that the method draws of, where it can have more; else 0."""
        if isinstance(method, Discussed | Unavailable):
            self.reason = method.reason
            if isinstance(method, Discussed):
                self.outcomes = list(method.outcomes)
                self.breaches = method.breaches
            return
        draws = method.plan(context)
        if self.name in _GROWING:
            self.rounds = max(draws)
        # The row of `single` stands for every model, each with the one draw it has there.
        each = (1,) * len(draws) if method.name == "single" else draws
        lacking = self.reason = table.lacking(each)
        if lacking and method.name == "mux" and not unsettled(table, draws, context.ranking):
            # Stopped early: what was not drawn could not have changed an answer. What each model
            # would have answered by itself is not known then.
            self.reason = None
        if self.reason is None:
            self.outcomes = [
                method.decide(table, problem, context) for problem in range(len(table.problems))
            ]
        if lacking is None:
            self.per_model = per_model(table, each, context, mean_draws)

    @property
    def correct(self) -> "NDArray[np.bool_]":
        """Per scored problem."""
        return _bools(one.correct for one in self.outcomes if one.correct is not None)

    @property
    def samples(self) -> float | None:
        """Draws per problem."""
        return _mean([one.samples for one in self.outcomes])

    @property
    def tokens(self) -> float | None:
        """Tokens per problem; None as soon as those of one draw are unknown."""
        known = [one.tokens for one in self.outcomes if one.tokens is not None]
        return _mean(known) if len(known) == len(self.outcomes) else None

    @property
    def step(self) -> float:
        """Mean tokens per problem of one more round of draws, by which the method can grow.

        A round is one draw of each model that the method draws of. 0 where the cost is fixed (one
        draw, or a discussion), and where tokens are unknown.
        """
        return (self.tokens or 0.0) / self.rounds if self.rounds else 0.0

    def document(self) -> dict[str, Any]:
        """Give the method's row."""
        names = ("accuracy", "ci95", "correct", "total", "samples_per_problem")
        more = ("calls_per_problem", "tokens_per_problem", "unreadable", "breaches")
        last = ("failed_problems", "bounds", "attribution", "per_model")
        if self.reason is not None:
            empty = dict.fromkeys((*names, *more, *last))
            return {"method": self.name, **empty, "reason": self.reason}
        right = self.correct
        failed = _bools(one.failed > 0 for one in self.outcomes if one.correct is not None)
        total, correct = len(right), int(right.sum())
        answered = [one.model for one in self.outcomes if one.model is not None]
        accuracy = metrics.share(correct, total)
        return {
            "method": self.name,
            "accuracy": None if math.isnan(accuracy) else accuracy,
            "ci95": list(metrics.wilson(correct, total)),
            "correct": correct,
            "total": total,
            "samples_per_problem": self.samples,
            "calls_per_problem": self.samples,
            "tokens_per_problem": self.tokens,
            "unreadable": sum(one.unreadable for one in self.outcomes),
            "breaches": self.breaches,
            "failed_problems": int(failed.sum()),
            "bounds": list(metrics.failure_bounds(right, failed)),
            "attribution": {
                name: answered.count(name) / len(answered) if answered else 0.0
                for name in self.table.models
            },
            "per_model": self.per_model,
        }


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _bools(values: Iterable[bool]) -> "NDArray[np.bool_]":
    import numpy as np

    return np.fromiter(values, dtype=np.bool_)
