"""Methods side by side on one vote table: the JSON of an evaluation.

Accuracies and failed problems are over the scored problems; draws, tokens and attribution over all.
A problem with failed draws is decided from the draws that are in and is wrong without a decision;
`bounds` gives the accuracy if all such problems were wrong, or all right. What cannot be computed
is null, with the reason.
"""

import math
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.methods.agent_forest import AgentForest
from slm_mux.methods.base import Context, Discussed, Method, Unavailable
from slm_mux.methods.budgeted import Spending, too_dear
from slm_mux.methods.differences import difference
from slm_mux.methods.mux import Mux
from slm_mux.methods.pairs import METHODS, SPEND_ALL, family, pairs
from slm_mux.methods.per_model import draw_accuracies
from slm_mux.methods.results import Result
from slm_mux.methods.self_consistency import SelfConsistency, at_equal_tokens
from slm_mux.methods.single import Single
from slm_mux.table import VoteTable


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
            count votes take as many draws as it affords, and have no variants; for `single` and the
            discussions, whose cost is fixed, it is a cap. Two rows of one budget are at equal
            budget where neither could come nearer to the other's tokens by a round of draws.

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
    results = {entry.name: Result(table, entry, context, mean_draws) for entry in entries}
    held = {one.name: Result(table, too_dear(one, budget), context, ()) for one in discussed}
    shown = [result for name, result in results.items() if family(name) in methods]
    known = results | held
    return {
        "task": table.task,
        "problems": len(table.problems),
        "k": context.k[0],
        "budget": budget,
        "methods": [result.document() for result in (*shown, *held.values())],
        "differences": [
            difference(
                known[first],
                known[second],
                seed=seed,
                resamples=resamples,
                one_budget=budget is not None,
            )
            for first, second in pairs(methods, results, list(held))
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
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def affordable_draws(
    table: VoteTable,
    methods: Sequence[str] = tuple(METHODS),
    *,
    budget: float,
    k: int | None = None,
    discussing: Sequence[str] = (),
) -> dict[str, int]:
    """Say how many draws of each model a budget affords the methods that are asked for.

    What they are compared with counts too, as in `summarise`.

    Args:
        table: what was drawn. Where that does not reach the budget, the draws there are give the
            mean cost of a draw, and that the draws that are affordable.
        methods: names of `METHODS`.
        budget: tokens a question, >= 0.
        k: draws per model before there was a budget.
        discussing: methods in which models read each other.

    Returns:
        By model, those of which draws are needed and whose cost is known; >= 1.

    Raises:
        InvalidRequestError: no models, or no common draw.
    """
    context = Context.of(table, k)
    spending = Spending.of(table, context, budget)
    needed = set(methods).union(*pairs(methods, METHODS, discussing))
    draws: dict[str, int] = {}
    if needed.intersection(SPEND_ALL) and (each := spending.each.attainable):
        draws = dict.fromkeys(table.models, each)
    if "self_consistency" in needed and (alone := spending.best.attainable):
        best = table.models[context.ranking[0]]
        draws[best] = max(draws.get(best, 0), alone)
    return draws


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
