"""Problems that lack draws because their answer was settled without them.

They are the easy ones: to leave them out is to evaluate the hard ones.
"""

from collections.abc import Sequence

from slm_mux.evaluation.chosen import Chosen
from slm_mux.wording import counted


def stopped_early(found: Chosen, k: int) -> list[str]:
    """Name the problems on which a model has fewer than k draws since the answer was settled.

    Problems that lack draws for another reason, an interrupted collection for instance, are not
    among them.

    Args:
        found: samples of a task.
        k: draws of each model.
    """
    counts = found.counts
    return list(
        dict.fromkeys(problem for member, problem in found.stopped if counts[member][problem] < k)
    )


def were_stopped(where: str, early: Sequence[str], k: int) -> str:
    """Say what is wrong with samples of which problems were stopped; a remedy goes on from there.

    Args:
        where: the samples' task, or split.
        early: the problems, at least one.
        k: draws of each model that were wanted.
    """
    return (
        f"{where}: {counted(len(early), 'problem was', 'problems were')} stopped early: mux's "
        f"answer was settled before every model had {counted(k, 'draw')}. Without "
        f"{'it' if len(early) == 1 else 'them'} the hard problems would count more"
    )


def split_not_used(split: str, early: Sequence[str]) -> str:
    """Say that a split is not used because problems of it, at least one, were stopped."""
    were = counted(len(early), "of its problems was", "of its problems were")
    return (
        f"{split} is not used: {were} stopped early, so that the hard ones would count more; "
        "`slm-mux collect` draws the rest"
    )
