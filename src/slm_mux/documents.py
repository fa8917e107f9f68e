"""The JSON form of a decision: one object, wherever a decision is shown."""

from typing import Any

import msgspec

from slm_mux.types import Decision, Vote


def decision_document(decision: Decision) -> dict[str, Any]:
    """Turn a decision into plain JSON values; docs/decision.md explains every key."""
    return {
        "method": decision.method,
        "answer": decision.answer,
        "canonical": decision.canonical,
        "model": decision.model,
        "confidence": decision.confidence,
        "confidence_bounds": list(decision.confidence_bounds),
        "tie_break": decision.tie_break,
        "kind": decision.kind,
        "kind_reason": decision.kind_reason,
        "text": decision.text,
        "stopped_early": decision.stopped_early,
        "answer_settled": decision.answer_settled,
        "winner_settled": decision.winner_settled,
        "votes": [_vote_document(vote) for vote in decision.votes],
        "usage": msgspec.to_builtins(decision.usage),
        "errors": [msgspec.to_builtins(issue) for issue in decision.errors],
        "warnings": list(decision.warnings),
        "discussion": msgspec.to_builtins(decision.discussion),
    }


def _vote_document(vote: Vote) -> dict[str, Any]:
    return {
        "model": vote.model,
        "k": vote.k,
        "answer": vote.answer,
        "confidence": vote.confidence,
        "counts": [
            {"answer": count.answer, "canonical": count.canonical, "count": count.count}
            for count in vote.counts
        ],
        "unreadable": vote.unreadable,
        "failed": vote.failed,
        "not_drawn": vote.not_drawn,
        "validation_accuracy": vote.validation_accuracy,
    }
