"""Criteria side by side: what each picks on validation, and how that does on held-out problems."""

from collections.abc import Sequence
from itertools import combinations

from msgspec import Struct

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.metrics import Difference, Interval, McNemar
from slm_mux.selection.criteria import CRITERIA, EVALUATIONS, choose
from slm_mux.selection.deciding import Standings, check_table, same_models
from slm_mux.selection.exact import Limits
from slm_mux.selection.objective import Subset
from slm_mux.table import VoteTable


class Pick(Struct, frozen=True, kw_only=True):
    """What one criterion picks."""

    criterion: str
    models: Subset
    proven: bool
    value: float
    """By the criterion, on validation."""
    validation_accuracy: float
    """Of Algorithm 1, on validation."""
    accuracy: float
    """Of Algorithm 1, held out."""
    ci95: Interval


class Contrast(Struct, frozen=True, kw_only=True):
    """Two criteria on the same held-out problems."""

    first: str
    second: str
    difference: Difference
    """Accuracy, first minus second."""
    mcnemar: McNemar


class Comparison(Struct, frozen=True, kw_only=True):
    """Criteria compared by what they pick."""

    picks: tuple[Pick, ...]
    contrasts: tuple[Contrast, ...]
    """Every pair of criteria, in the order of the picks."""
    total: int
    """Scored held-out problems."""
    shared: int
    """Problems of one name that are in both tables; where there are any, the accuracies flatter."""


def compare_criteria(
    validation: VoteTable,
    held_out: VoteTable,
    *,
    criteria: Sequence[str] = CRITERIA,
    max_models: int = 5,
    penalty: float = 1.0,
    k: int | None = None,
    at_least: int | None = None,
    seed: int = 0,
    resamples: int = metrics.RESAMPLES,
    evaluations: int = EVALUATIONS,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Comparison:
    """Let each criterion pick a subset on validation, and compare the subsets on held-out problems.

    Args:
        validation: the problems to choose by.
        held_out: other problems, the same models in the same order. In both tables the validation
            accuracies break ties of Algorithm 1.
        criteria: names of `CRITERIA`, at least one, each once.
        max_models: the largest size of a subset.
        penalty: lambda of the objective, >= 0.
        k: the first k draws of each model; by default all of them, as many in both tables.
        at_least: see `records_of`; of the objective.
        seed: of the bootstrap over problems.
        resamples: of the bootstrap.
        evaluations: see `best_by`.
        limits: see `search`.

    Raises:
        InvalidRequestError: other models, other draws per model, no criterion or one twice, or what
            `choose` refuses.
    """
    same_models(validation, held_out)
    if not criteria or len(set(criteria)) < len(criteria):
        raise InvalidRequestError("give at least one criterion, and each once")
    if check_table(validation, k) != check_table(held_out, k):
        raise InvalidRequestError(
            f"{validation.task} has {list(validation.k)} draws of each model, and {held_out.task} "
            f"{list(held_out.k)}: give k"
        )
    chosen_by, tried_on = Standings.of(validation, k), Standings.of(held_out, k)
    choices = [
        choose(
            validation,
            criterion,
            max_models=max_models,
            penalty=penalty,
            k=k,
            at_least=at_least,
            evaluations=evaluations,
            limits=limits,
        )
        for criterion in criteria
    ]
    right = {choice.criterion: tried_on.correct(choice.models) for choice in choices}
    total = tried_on.problems
    return Comparison(
        picks=tuple(
            Pick(
                criterion=choice.criterion,
                models=choice.models,
                proven=choice.proven,
                value=choice.value,
                validation_accuracy=float(chosen_by.correct(choice.models).mean()),
                accuracy=float(right[choice.criterion].mean()),
                ci95=metrics.wilson(int(right[choice.criterion].sum()), total),
            )
            for choice in choices
        ),
        contrasts=tuple(
            Contrast(
                first=first,
                second=second,
                difference=metrics.paired_difference(
                    right[first], right[second], seed=seed, resamples=resamples
                ),
                mcnemar=metrics.mcnemar(right[first], right[second]),
            )
            for first, second in combinations(criteria, 2)
        ),
        total=total,
        shared=len(set(validation.problems) & set(held_out.problems)),
    )
