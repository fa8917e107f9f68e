"""Questions whose draws were stopped early: which of them are settled all the same."""

from collections.abc import Sequence

from slm_mux.stopping import Progress, settle
from slm_mux.table import NOT_DRAWN, VoteTable
from slm_mux.types import Answer, Missing


def unsettled(table: VoteTable, draws: Sequence[int], ranking: Sequence[int]) -> list[int]:
    """Find the problems on which draws are missing that could still change mux's answer.

    Args:
        table: what was drawn.
        draws: k of each model.
        ranking: positions of the models, best record first.

    Returns:
        Their positions, in order. A problem with all its draws is settled.
    """
    return [
        problem
        for problem in range(len(table.problems))
        if _missing(table, problem, draws)
        and not settle([_progress(table, m, problem, draws[m]) for m in ranking]).settled
    ]


def _missing(table: VoteTable, problem: int, draws: Sequence[int]) -> bool:
    return any(
        k > table.klass.shape[2] or bool((table.klass[m, problem, :k] == NOT_DRAWN).any())
        for m, k in enumerate(draws)
    )


def _progress(table: VoteTable, model: int, problem: int, k: int) -> Progress:
    drawn = table.drawn(model, problem, k)
    return Progress(
        k,
        {
            draw: answer.key if isinstance(answer, Answer) else None
            for draw, answer in enumerate(drawn)
            if answer is not Missing.NOT_DRAWN
        },
    )
