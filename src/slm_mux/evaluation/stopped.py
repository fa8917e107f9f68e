"""Problems that lack draws because their answer was settled without them.

They are the easy ones: to leave them out is to evaluate the hard ones.
"""

from slm_mux.evaluation.chosen import Chosen


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
