"""Each model for itself, by the draws that a method used of it."""

import math
from collections.abc import Sequence
from typing import Any

from slm_mux import metrics
from slm_mux.methods.base import Context
from slm_mux.table import FAILED, UNREADABLE, VoteTable


def draw_accuracies(
    table: VoteTable, context: Context, *, seed: int, resamples: int
) -> list[dict[str, Any]]:
    """Give each model's accuracy of one draw: the mean over the k draws of the comparison.

    A failed or unreadable draw is wrong.

    Returns:
        Per model "mean_draw_accuracy" and, by a bootstrap over problems, "mean_draw_ci95"; null
        where nothing is scored or drawn, and the interval also for fewer than two problems.
    """
    documents: list[dict[str, Any]] = []
    for m, complete in enumerate(table.complete_draws()):
        each = table.correct[m][table.scored, : min(context.k[m], complete)]
        if each.size == 0:
            documents.append({"mean_draw_accuracy": None, "mean_draw_ci95": None})
            continue
        means = each.mean(axis=1)
        interval = metrics.bootstrap_mean(means, seed=seed, resamples=resamples)
        documents.append(
            {
                "mean_draw_accuracy": float(means.mean()),
                "mean_draw_ci95": None if interval is None else list(interval),
            }
        )
    return documents


def per_model(
    table: VoteTable,
    draws: Sequence[int],
    context: Context,
    mean_draws: Sequence[dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Describe every model of which a method used draws, in pool order.

    Args:
        table: has the draws.
        draws: how many first draws of each model were used.
        context: says which model is the best on validation.
        mean_draws: what `draw_accuracies` gives.

    Returns:
        By name: accuracy of the candidate with its Wilson interval; accuracy of a draw; mean
        confidence; draws by how they ended; tokens per problem; the record, whether the model is
        the best by it, and whether its candidates are the best here. Null where nothing is scored,
        or tokens are unknown.
    """
    found = table.candidates(draws)
    scored = table.scored
    total = int(scored.sum())
    spent = table.tokens()
    right = [int(found.correct[m, scored].sum()) for m in range(len(draws))]
    top = max((right[m] for m, k in enumerate(draws) if k), default=0)
    leader = next((m for m, k in enumerate(draws) if k and right[m] == top), None)
    documents: dict[str, dict[str, Any]] = {}
    for m, k in enumerate(draws):
        if not k:
            continue
        klass = table.klass[m, :, :k]
        tokens = float(spent[m, :, :k].sum()) / max(len(table.problems), 1)
        documents[table.models[m]] = {
            "draws": k,
            "accuracy": right[m] / total if total else None,
            "ci95": list(metrics.wilson(right[m], total)),
            "correct": right[m],
            "total": total,
            **mean_draws[m],
            "mean_confidence": float(found.count[m].mean()) / k if klass.size else None,
            "readable": int((klass >= 0).sum()),
            "unreadable": int((klass == UNREADABLE).sum()),
            "failed": int((klass == FAILED).sum()),
            "tokens_per_problem": None if math.isnan(tokens) else tokens,
            "validation_accuracy": table.validation_accuracy[m],
            "best_on_validation": m == context.ranking[0],
            "best_on_evaluated": m == leader,
        }
    return documents
