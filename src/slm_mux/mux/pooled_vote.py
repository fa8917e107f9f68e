"""One vote of all draws of all models, as Agent Forest has it."""

from typing import Any

from msgspec.structs import replace

from slm_mux.sampling.tally import Tally
from slm_mux.types import ClassCount, Decision, Vote
from slm_mux.voting import rank_by_record


def by_pooled_vote(decision: Decision, tally: Tally) -> Decision:
    """Decide by one vote of all draws, as `slm_mux.methods.AgentForest` does.

    Args:
        decision: mux's, with the votes of all models.
        tally: the draws.

    Returns:
        The same decision with another answer; its confidence is a share of all draws.
    """
    total = sum(vote.k for vote in decision.votes)
    counts: dict[str, int] = {}
    first: dict[str, tuple[tuple[int, int], Vote, ClassCount]] = {}
    ranking = rank_by_record([drawer.validation_accuracy for drawer in tally.drawers])
    for place, position in enumerate(ranking):
        vote = decision.votes[position]
        for found in vote.counts:
            key = found.canonical
            counts[key] = counts.get(key, 0) + found.count
            # All draws in one row: by index, and those of one index by the models' records.
            seen = ((found.first_draw, place), vote, found)
            if key not in first or seen[0] < first[key][0]:
                first[key] = seen
    canonical = min(counts, key=lambda key: (-counts[key], first[key][0]))
    _, vote, found = first[canonical]
    sample = tally.sample(vote.model, found.first_draw)
    completion = None if sample is None else sample.completion
    share = counts[canonical] / total
    changes: dict[str, Any] = {
        "answer": found.answer,
        "canonical": canonical,
        "model": vote.model,
        "confidence": share,
        "confidence_bounds": (share, share),
        "tie_break": "none",
        "completion": completion,
        "text": completion.text if completion else None,
    }
    return replace(decision, **changes)
