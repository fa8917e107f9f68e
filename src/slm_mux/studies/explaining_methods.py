"""What a saved run's discussions say of a method, as plain JSON values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.dissecting import debates, verifying, weighing
from slm_mux.dissecting.following import Confidences, cues_of, following
from slm_mux.dissecting.moves import Move, counts_of, moves_of, pairs_of, rounds_in
from slm_mux.dissecting.turns import Held, Said
from slm_mux.steps import AGGREGATE, CANDIDATE, LAYER, ROUND


class Around(Struct, frozen=True, kw_only=True):
    """What is known beside the discussions."""

    ranking: tuple[str, ...]
    """Names of the models, best record first."""
    models: tuple[str, ...]
    """In pool order."""
    confidences: Confidences
    mux_right: Mapping[str, bool] | None
    """By problem; None where mux's answers are not known."""


def explained(method: str, discussions: Sequence[Held], around: Around) -> dict[str, Any]:
    """Explain the failures of one method.

    Args:
        method: one of `EXPLAINED`.
        discussions: on scored problems.
        around: what is known beside them.

    Returns:
        Counts, `failures` and `questions`; docs/explaining.md explains every key.
    """
    rules = EXPLAINED[method]
    document = rules.count(discussions, around)
    for kind in document["failures"]["kinds"]:
        kind["mux_right"] = _right(kind["problems"], around.mux_right)
    right = [held for held in discussions if held.correct]
    return {
        "problems": len(discussions),
        "right": len(right),
        **document,
        "questions": [
            {
                "problem": held.problem,
                "correct": held.correct,
                "kind": None if held.correct else rules.kind_of(held),
                "answer": held.answer_key,
                "decided_by": held.decided_by,
                "confidence": held.confidence,
                "mux_correct": None
                if around.mux_right is None
                else around.mux_right.get(held.problem),
                **rules.tell(held, around),
            }
            for held in (*failed_first(method, discussions), *right)
        ],
    }


def failed_first(method: str, discussions: Iterable[Held]) -> list[Held]:
    """The failed discussions, those on which somebody was right first.

    By kind, in the method's order but for the two kinds without a right answer, which come last; of
    one kind the most confident first.
    """
    rules = EXPLAINED[method]
    order = (*rules.kinds[2:], *rules.kinds[:2])
    return sorted(
        (held for held in discussions if not held.correct),
        key=lambda held: (order.index(rules.kind_of(held)), -held.confidence, held.problem),
    )


def _debate(discussions: Sequence[Held], around: Around) -> dict[str, Any]:
    failures = debates.failures_of(discussions, around.ranking)
    return {
        "rounds": _plain(debates.rounds_of(discussions, around.ranking)),
        "first_against_last": _plain(debates.first_against_last(discussions, around.ranking)),
        **_moves(discussions, ROUND, around),
        "failures": _plain(failures),
        "paper": {
            "failures": debates.PAPER_FAILURES,
            "groupthink": debates.PAPER_GROUPTHINK,
            "share": debates.PAPER_GROUPTHINK / debates.PAPER_FAILURES,
        },
    }


def _mixture(discussions: Sequence[Held], around: Around) -> dict[str, Any]:
    return {
        "rounds": _plain(debates.rounds_of(discussions, around.ranking, LAYER)),
        **_moves(discussions, LAYER, around),
        **_weighing(discussions, around),
    }


def _weighing(discussions: Sequence[Held], around: Around) -> dict[str, Any]:
    return _with_failures(weighing.weighing_of(discussions, around.ranking))


def _verifying(discussions: Sequence[Held], around: Around) -> dict[str, Any]:
    return _with_failures(verifying.verifying_of(discussions, around.ranking))


def _with_failures(found: Struct) -> dict[str, Any]:
    document: dict[str, Any] = _plain(found)
    failures = {key: document.pop(key) for key in ("wrong", "kinds")}
    del document["problems"]
    return {**document, "failures": failures}


def _moves(discussions: Sequence[Held], word: str, around: Around) -> dict[str, Any]:
    by_question = [moves_of(held, word) for held in discussions]
    moves = [move for each in by_question for move in each]
    agents = sorted({(move.agent, move.after.speaker) for move in moves})
    return {
        "moves": _plain(counts_of(moves)),
        "agents": [
            {
                "agent": agent + 1,
                "model": model,
                **_plain(counts_of([one for one in moves if one.agent == agent])),
            }
            for agent, model in agents
        ],
        "pairs": _plain(pairs_of(moves, around.models)),
        "following": _plain(following(moves, around.confidences)),
    }


def _tell_debate(held: Held, around: Around) -> dict[str, Any]:
    return _rounds(held, ROUND, around)


def _tell_mixture(held: Held, around: Around) -> dict[str, Any]:
    return {
        **_rounds(held, LAYER, around),
        "aggregate": [_said(turn) for turn in held.turns if turn.step == AGGREGATE],
    }


def _tell_candidates(held: Held, around: Around) -> dict[str, Any]:  # noqa: ARG001 - of a kind
    return {"candidates": [_said(turn) for turn in weighing.proposals_of(held)]}


def _tell_approvals(held: Held, around: Around) -> dict[str, Any]:  # noqa: ARG001 - of a kind
    approvals = verifying.approvals_of(held)
    return {
        "candidates": [
            {**_said(turn), "approvals": approvals.get(index)}
            for index, turn in enumerate(held.turns)
            if turn.step == CANDIDATE
        ]
    }


def _rounds(held: Held, word: str, around: Around) -> dict[str, Any]:
    return {
        "rounds": [[_said(turn) for turn in row] for row in rounds_in(held, word)],
        "changes": [_change(move, around) for move in moves_of(held, word) if move.differs],
    }


def _said(turn: Said) -> dict[str, Any]:
    return {
        "model": turn.speaker,
        "answer": turn.key,
        "correct": turn.correct,
        "ended": turn.ended,
    }


def _change(move: Move, around: Around) -> dict[str, Any]:
    before = move.before
    return {
        "agent": move.agent + 1,
        "model": move.after.speaker,
        "round": move.round,
        "change": move.change,
        "before": None if before is None else before.key,
        "after": move.after.key,
        "before_correct": None if before is None else before.correct,
        "after_correct": move.after.correct,
        "heard": [one.agent + 1 for one in move.heard],
        "said_by": [one.agent + 1 for one in move.said_by],
        "cues": cues_of(move, around.confidences),
    }


def _right(problems: Sequence[str], mux_right: Mapping[str, bool] | None) -> int | None:
    if mux_right is None:
        return None
    return sum(mux_right.get(name) is True for name in problems)


def _plain(value: Any) -> Any:
    # Tuples become lists, so that the document is what its JSON reads as.
    return msgspec.json.decode(msgspec.json.encode(value))


class Explaining(Struct, frozen=True, kw_only=True):
    """How one method's failures are explained."""

    count: Callable[[Sequence[Held], Around], dict[str, Any]]
    """Gives the figures, `failures` with their `kinds` among them."""
    kinds: tuple[str, ...]
    """Of failures, in order; the first two are those without an answer, or a right one."""
    kind_of: Callable[[Held], str]
    """Names the kind of one failure."""
    tell: Callable[[Held, Around], dict[str, Any]]
    """Says what happened on one question."""


EXPLAINED: Mapping[str, Explaining] = MappingProxyType(
    {
        "debate": Explaining(
            count=_debate, kinds=debates.KINDS, kind_of=debates.kind_of, tell=_tell_debate
        ),
        "mixture_of_agents": Explaining(
            count=_mixture, kinds=weighing.KINDS, kind_of=weighing.kind_of, tell=_tell_mixture
        ),
        "multi_agent_verification": Explaining(
            count=_verifying, kinds=verifying.KINDS, kind_of=verifying.kind_of, tell=_tell_approvals
        ),
        "universal_self_consistency": Explaining(
            count=_weighing, kinds=weighing.KINDS, kind_of=weighing.kind_of, tell=_tell_candidates
        ),
    }
)
"""By method."""
