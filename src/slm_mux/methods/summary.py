"""Methods side by side on one vote table: the JSON of an evaluation.

Accuracies and failed problems are over the scored problems; draws, tokens and attribution over all.
A problem with failed draws is decided from the draws that are in and is wrong without a decision;
`bounds` gives the accuracy if all such problems were wrong, or all right. What cannot be computed
is null, with the reason.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.methods.agent_forest import AgentForest
from slm_mux.methods.base import Context, Discussed, Method, Outcome, Unavailable
from slm_mux.methods.budgeted import Spending, too_dear
from slm_mux.methods.mux import Mux
from slm_mux.methods.per_model import draw_accuracies, per_model
from slm_mux.methods.self_consistency import SelfConsistency, at_equal_tokens
from slm_mux.methods.settled import unsettled
from slm_mux.methods.single import Single
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "mux": "SLM-MUX: the most self-consistent model is believed",
        "single": "one answer of one model: the best on validation, and every model beside it",
        "self_consistency": "the majority of many draws of the best model, at mux's budget",
        "agent_forest": "the majority of all models' draws in one pool",
    }
)
"""The methods that need nothing but a vote table, by the names that `summarise` takes."""

_SPENDS_ALL = ("mux", "agent_forest")
_AT_THE_BUDGET = ("self_consistency", "self_consistency_equal_tokens")
_BASELINES = (
    "single",
    "self_consistency",
    "self_consistency_equal_tokens",
    "self_consistency_at_k",
    "agent_forest",
)


def summarise(
    table: VoteTable,
    methods: Sequence[str] = tuple(METHODS),
    *,
    k: int | None = None,
    seed: int = 0,
    resamples: int = metrics.RESAMPLES,
    discussed: Sequence[Discussed] = (),
    budget: float | None = None,
) -> dict[str, Any]:
    """Evaluate methods on a table, and compare them with the baselines.

    Args:
        table: the problems to evaluate, with all draws there are; more of the best model than k
            serve self-consistency. Its validation accuracies rank the models.
        methods: names of `METHODS`. `single` adds `single_best_on_evaluated`, chosen with
            hindsight; `self_consistency` adds its variants `_equal_tokens` and `_at_k` (the best
            model's own k draws). Baselines are compared with even where they are not listed.
        k: draws per model; by default the most that every model has on every problem. Of a budget
            the most that are looked at are those that every model has.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        discussed: methods that asked for themselves, on the same problems. Mux is compared with
            each of them, and each of them with `single`.
        budget: prompt and completion tokens that a question may cost on average, >= 0. Methods that
            count votes take as many draws as it affords, and have no variants.

    Returns:
        {"task", "problems", "k", "budget", "methods", "differences"}, plain JSON values. A method
        with too few draws, or that the budget does not afford, has null figures and a "reason".

    Raises:
        InvalidRequestError: an unknown method, no models, or no common draw.
    """
    for name in methods:
        if name not in METHODS:
            raise InvalidRequestError(
                f"there is no method {name!r} for a vote table: use {', '.join(METHODS)}"
            )
    context = Context.of(table, k)
    spending = None if budget is None else Spending.of(table, context, budget)
    if spending is not None and spending.k is not None:
        context = replace(context, k=(spending.k,) * len(context.k))
    mean_draws = draw_accuracies(table, context, seed=seed, resamples=resamples)
    entries = _entries(table, context) if spending is None else _afforded(spending)
    results = {entry.name: _Result(table, entry, context, mean_draws) for entry in entries}
    held = [_Result(table, too_dear(one, budget), context, ()) for one in discussed]
    shown = [result for name, result in results.items() if _family(name) in methods]
    compared = [
        (result, results[name])
        for result in shown
        if result.name in METHODS
        for name in _BASELINES[: 1 if result.name == "self_consistency" else None]
        if name in results and name != result.name and result.name != "single"
    ]
    # What is compared with mux comes in one group.
    at = sum(first.name == "mux" for first, _ in compared)
    compared[at:at] = [(results["mux"], other) for other in held]
    compared += [(each, results["single"]) for each in held]
    return {
        "task": table.task,
        "problems": len(table.problems),
        "k": context.k[0],
        "budget": budget,
        "methods": [result.document() for result in (*shown, *held)],
        "differences": [
            _difference(*pair, seed=seed, resamples=resamples, one_budget=budget is not None)
            for pair in compared
        ],
    }


def ceilings(table: VoteTable, *, k: int | None = None) -> dict[str, float | None]:
    """Give what no choice among these models' answers can exceed, at the same k as `summarise`.

    Returns:
        "union_accuracy" (some candidate is right), "oracle_accuracy" (some draw is right) and
        "contradiction", over the scored problems; null without any.
    """
    draws = Context.of(table, k).k[0]
    part = table.restrict(k=draws)
    right = part.candidates().correct[:, part.scored]
    wrong = part.consistently_wrong()[:, part.scored]
    figures = {
        "union_accuracy": metrics.union_accuracy(right),
        "oracle_accuracy": metrics.oracle_accuracy(part.correct[:, part.scored]),
        "contradiction": metrics.contradiction(right, wrong),
    }
    return {name: _known(value) for name, value in figures.items()}


class _Result:
    """One method's outcomes on every problem, or why there are none."""

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
        if isinstance(method, Discussed | Unavailable):
            self.reason = method.reason
            if isinstance(method, Discussed):
                self.outcomes = list(method.outcomes)
                self.breaches = method.breaches
            return
        draws = method.plan(context)
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
        return {
            "method": self.name,
            "accuracy": _known(metrics.share(correct, total)),
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


def _entries(table: VoteTable, context: Context) -> list[Method | Unavailable]:
    """List every method and variant, in the order of results."""
    best = context.ranking[0]
    alone = table.accuracies((1,) * len(context.k))
    hindsight = max(range(len(alone)), key=lambda m: alone[m] or 0.0)
    return [
        Mux(),
        Single(),
        Single(model=hindsight, name="single_best_on_evaluated"),
        SelfConsistency(),
        at_equal_tokens(table, context),
        SelfConsistency(draws=context.k[best], name="self_consistency_at_k"),
        AgentForest(),
    ]


def _afforded(spending: Spending) -> list[Method | Unavailable]:
    """List every method with the draws that a budget affords; variants would be the same again."""
    return [
        spending.of_all(Mux()),
        spending.single(Single()),
        spending.self_consistency(),
        spending.of_all(AgentForest()),
    ]


def _family(name: str) -> str:
    """Give the name in `METHODS` that a variant belongs to."""
    return next(family for family in METHODS if name.startswith(family))


def _difference(
    first: _Result, second: _Result, *, seed: int, resamples: int, one_budget: bool
) -> dict[str, Any]:
    """Compare a method with a baseline on the same problems."""
    reason = first.reason or second.reason
    document: dict[str, Any] = {
        "method": first.name,
        "baseline": second.name,
        "difference": None,
        "ci95": None,
        "mcnemar_p": None,
        "equal_budget": (reason is None if one_budget else _equal_budget(first, second)),
        "draws": [first.samples, second.samples],
        "tokens": [first.tokens, second.tokens],
        "resamples": resamples,
    }
    if reason is None and not len(first.correct):
        reason = "no problem is scored"
    if reason is not None:
        return {**document, "reason": reason}
    one, other = first.correct, second.correct
    found = metrics.paired_difference(one, other, seed=seed, resamples=resamples)
    return {
        **document,
        "difference": found.difference,
        "ci95": None if found.ci95 is None else list(found.ci95),
        "mcnemar_p": metrics.mcnemar(one, other).p,
        "reason": None if found.ci95 is not None else "one problem gives no interval",
    }


def _equal_budget(first: _Result, second: _Result) -> bool:
    """Whether the comparison is one at equal budget, in draws or in tokens."""
    if first.discussed or second.discussed:
        # What models read of each other makes their calls longer: calls do not compare.
        return first.tokens is not None and first.tokens == second.tokens
    if first.name in _SPENDS_ALL and second.name in _AT_THE_BUDGET:
        return True
    return None not in (first.samples, second.samples) and first.samples == second.samples


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _bools(values: Iterable[bool]) -> "NDArray[np.bool_]":
    import numpy as np

    return np.fromiter(values, dtype=np.bool_)
