"""How many draws lossless stopping needs for a subset, on the draws in their recorded order."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from slm_mux.scaling.scored import distinct, first_alike
from slm_mux.stopping import Progress, clairvoyant_draws, settle
from slm_mux.stopping.frugal import front_runner
from slm_mux.table import VoteTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class StoppingCost(Struct, frozen=True, kw_only=True):
    """Draws per problem at one k, with the same answers as without stopping."""

    k: int
    full: int
    """Draws per problem without stopping: models * k."""
    frugal: float
    """Mean draws per problem of the frugal rule (`slm_mux.stopping.next_wave`)."""
    frugal_share: float
    """Of `full`, in (0, 1]."""
    clairvoyant: float
    """Mean of the fewest draws that settle the answer, for one who knows them all."""
    clairvoyant_share: float


def stopping_costs(table: VoteTable, subset: Sequence[int], n: int) -> tuple[StoppingCost, ...]:
    """Follow the frugal rule on the first k draws of each model, for k = 1 .. n.

    Eager stopping is not here: what it saves depends on the order in which replies arrive.

    Args:
        table: complete; its problems need not be scored.
        subset: positions of the models, best record first.
        n: draws of each model, at least 1 and at most what the models have.
    """
    import numpy as np

    members, problems = list(subset), len(table.problems)
    costs = []
    for k in range(1, n + 1):
        patterns, sort = draw_patterns(table, members, k)
        full, frugal, clairvoyant = len(members) * k, 0, 0
        for times, draws in zip(np.bincount(sort).tolist(), patterns, strict=True):
            frugal += times * sum(frugal_draws(draws))
            clairvoyant += times * clairvoyant_draws(draws)
        costs.append(
            StoppingCost(
                k=k,
                full=full,
                frugal=frugal / problems,
                frugal_share=frugal / (problems * full),
                clairvoyant=clairvoyant / problems,
                clairvoyant_share=clairvoyant / (problems * full),
            )
        )
    return tuple(costs)


def frugal_draws(draws: Sequence[Sequence[str | None]]) -> list[int]:
    """Count the draws of each model until the question is settled.

    One at a time from the front runner: `next_wave` takes the same draws, several at once where
    none of them could be the last or lose the front.

    Args:
        draws: each model's classes, in rank order; None for a draw that votes for nothing.
    """
    models = [Progress(len(row)) for row in draws]
    while not settle(models).settled:
        front = front_runner(models)
        models[front].record_next([draws[front][len(models[front].drawn)]])
    return [len(model.drawn) for model in models]


def draw_patterns(
    table: VoteTable, subset: Sequence[int], k: int
) -> tuple[list[list[list[str | None]]], "Ints"]:
    """Sort the problems by which of the first k draws are alike: all that stopping depends on.

    Args:
        table: complete.
        subset: positions of the models.
        k: draws of each model.

    Returns:
        The different patterns, each with a list of classes per model; and per problem the place of
        its pattern.
    """
    joint = table.klass[list(subset), :, :k].transpose(1, 0, 2).reshape(len(table.problems), -1)
    labels = first_alike(joint.astype("int64"))
    # The names of classes do not matter, only which draws are alike.
    places, sort = distinct(labels)
    patterns = []
    for row in labels[places].tolist():
        keys = [None if label < 0 else str(label) for label in row]
        patterns.append([keys[start : start + k] for start in range(0, len(keys), k)])
    return patterns, sort
