"""What a method is: which draws it wants, and what it answers when they are in.

Every method decides with `slm_mux.voting`; what is here turns its choice into an outcome.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from slm_mux.errors import InvalidRequestError, NoAnswerError
from slm_mux.table import FAILED, NOT_DRAWN, UNREADABLE, VoteTable
from slm_mux.voting import decide, rank_by_record


class Context(Struct, frozen=True, kw_only=True):
    """What every method of one comparison is given."""

    k: tuple[int, ...]
    """Draws per model that mux uses, in pool order: the budget that equal budgets are equal to."""
    ranking: tuple[int, ...]
    """Positions of the models, best record first; the first is the best single model."""

    @classmethod
    def of(cls, table: VoteTable, k: int | None = None) -> "Context":
        """Rank the table's models by their validation accuracies.

        Args:
            table: >= 1 model.
            k: draws of each model; by default the most that every model has on every problem.

        Raises:
            InvalidRequestError: no models, or k below 1.
        """
        if not table.models:
            raise InvalidRequestError(f"{table.task}: there is no model to evaluate")
        draws = table.common_draws if k is None else k
        if draws < 1:
            raise InvalidRequestError(
                f"{table.task}: k is {draws}, but must be at least 1"
                + ("" if k is not None else "; collect at least one draw of each model everywhere")
            )
        ranking = tuple(rank_by_record(table.validation_accuracy))
        return cls(k=(draws,) * len(table.models), ranking=ranking)


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """What a method made of one problem."""

    answer: str | None
    """As written; None: no decision, since no draw was readable."""
    canonical: str | None
    """The key of the answer's class."""
    correct: bool | None
    """None: the problem is not scored. Without a decision False."""
    model: str | None
    """The model whose answer it is."""
    samples: int
    """Draws used, failed ones included."""
    tokens: float | None
    """Prompt and completion tokens of the draws used; None where one of them is unknown."""
    unreadable: int
    """Draws used whose completion could not be read."""
    failed: int
    """Draws used that brought no completion."""


class Unavailable(Struct, frozen=True, kw_only=True):
    """A method that the table has too few draws for."""

    name: str
    reason: str


class Discussed(Struct, frozen=True, kw_only=True):
    """A method in which models read each other: it asks for itself, so its outcomes are given."""

    name: str
    outcomes: tuple[Outcome, ...] = ()
    """One for each problem of the table, in order."""
    breaches: dict[str, int] = {}
    """How often the method's format was broken or something was cut, by name."""
    reason: str | None = None
    """Why there are no outcomes; None: there are."""


class Method(Protocol):
    """A way from draws to an answer. An instance is immutable and knows no table."""

    @property
    def name(self) -> str:
        """The name in results."""
        ...

    def plan(self, context: Context) -> tuple[int, ...]:
        """How many first draws of each model it wants, in pool order; 0 for none."""
        ...

    def decide(self, table: VoteTable, problem: int, context: Context) -> Outcome:
        """Decide one problem by the planned draws, failed ones among them.

        Args:
            table: has the planned draws.
            problem: its position in the table.
            context: the same for every method of a comparison.
        """
        ...


def by_votes(table: VoteTable, problem: int, draws: Sequence[int]) -> Outcome:
    """Decide one problem by the models' votes; the verdict is that of the winner's lowest draw.

    Args:
        table: what was drawn.
        problem: its position.
        draws: how many first draws of each model count; a model with 0 gives no vote.
    """
    try:
        decision = decide(table.votes(problem, draws))
    except NoAnswerError:
        return outcome(table, problem, draws, None)
    winner = next(vote for vote in decision.votes if vote.model == decision.model)
    chosen = (table.models.index(winner.model), winner.counts[0].first_draw)
    return outcome(table, problem, draws, chosen)


def outcome(
    table: VoteTable, problem: int, draws: Sequence[int], chosen: tuple[int, int] | None
) -> Outcome:
    """Describe what was chosen and what it cost.

    Args:
        table: what was drawn.
        problem: its position.
        draws: how many first draws of each model were used.
        chosen: model and draw of the answer; None: no decision.
    """
    used: list[int] = []
    tokens = 0.0
    for m, k in enumerate(draws):
        if k:
            classes = table.klass[m, problem, :k].tolist()
            prompts = table.prompt_tokens[m, problem, :k].tolist()
            completions = table.completion_tokens[m, problem, :k].tolist()
            tokens += sum(
                prompt + completion
                for c, prompt, completion in zip(classes, prompts, completions, strict=True)
                if c >= UNREADABLE
            )
            used += classes
    scored = bool(table.scored[problem])
    answer = None
    right = False
    if chosen is not None:
        m, draw = chosen
        answer = table.answers[problem][table.klass[m, problem, draw]]
        right = bool(table.correct[m, problem, draw])
    return Outcome(
        answer=None if answer is None else answer.text,
        canonical=None if answer is None else answer.key,
        correct=right if scored else None,
        model=None if chosen is None else table.models[chosen[0]],
        samples=len(used) - used.count(NOT_DRAWN),
        tokens=None if math.isnan(tokens) else tokens,
        unreadable=used.count(UNREADABLE),
        failed=used.count(FAILED),
    )
