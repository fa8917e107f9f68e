"""A method less a baseline on the same problems, and whether the two spend the same."""

from typing import Any

from slm_mux import metrics
from slm_mux.methods.pairs import SPEND_ALL
from slm_mux.methods.results import Result

_AT_THE_BUDGET = ("self_consistency", "self_consistency_equal_tokens")


def difference(
    first: Result, second: Result, *, seed: int, resamples: int, one_budget: bool
) -> dict[str, Any]:
    """Compare a method with a baseline on the same problems.

    Args:
        first: the method.
        second: the baseline.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        one_budget: whether both were given one number of tokens to spend.

    Returns:
        A row of "differences"; null, with a "reason", where one of the two has no figures.
    """
    reason = first.reason or second.reason
    document: dict[str, Any] = {
        "method": first.name,
        "baseline": second.name,
        "difference": None,
        "ci95": None,
        "mcnemar_p": None,
        "equal_budget": (
            reason is None and _as_near_as_can_be(first, second)
            if one_budget
            else _equal_budget(first, second)
        ),
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


def _as_near_as_can_be(first: Result, second: Result) -> bool:
    """Whether two methods under one budget spend the same, as nearly as they can.

    A method that counts votes grows by rounds of draws (`Result.step`). So either the one that
    spends less would, with one round more, spend more than the other; or the one that spends more
    would, with one round less, be farther from the other than it is. Two methods of fixed cost
    spend the same only where their tokens are the same.
    """
    if first.tokens is None or second.tokens is None:
        return False
    less, more = sorted((first, second), key=lambda result: result.tokens or 0.0)
    apart = abs(first.tokens - second.tokens)
    # With its only round a method cannot do with one less.
    back = more.step / 2 if more.rounds > 1 else 0.0
    return apart <= max(less.step, back)


def _equal_budget(first: Result, second: Result) -> bool:
    """Whether the comparison is one at equal budget, in draws or in tokens."""
    if first.discussed or second.discussed:
        # What models read of each other makes their calls longer: calls do not compare.
        return first.tokens is not None and first.tokens == second.tokens
    if first.name in SPEND_ALL and second.name in _AT_THE_BUDGET:
        return True
    return None not in (first.samples, second.samples) and first.samples == second.samples
