"""Who changed an answer after reading whom, in a discussion that has just been held."""

from collections.abc import Sequence

from msgspec import Struct

from slm_mux.dissecting.moves import Move, moves_of
from slm_mux.dissecting.turns import Held, Said
from slm_mux.steps import LAYER, ROUND
from slm_mux.types import TurnRecord


class Change(Struct, frozen=True, kw_only=True):
    """One model's answer to the question was another one than before."""

    model: str
    step: str
    before: str | None
    """As it was written last; None where there was no readable answer."""
    after: str | None
    heard: bool
    """Whether it had read an answer of others."""
    said_by: tuple[str, ...]
    """The models among those that it had read which had given the new answer, each once."""


def changes_in(turns: Sequence[TurnRecord]) -> tuple[Change, ...] | None:
    """Find who changed an answer, in order; None where nobody answers twice."""
    moves = moves_in(turns)
    written = {turn.canonical: turn.answer for turn in turns}
    return (
        tuple(
            Change(
                model=move.after.speaker,
                step=move.after.step,
                before=None if move.before is None else written[move.before.key],
                after=written[move.after.key] if move.after.key is not None else None,
                heard=bool(move.heard),
                said_by=tuple(dict.fromkeys(heard.turn.speaker for heard in move.said_by)),
            )
            for move in moves
            if move.differs
        )
        if moves
        else None
    )


def moves_in(turns: Sequence[TurnRecord]) -> tuple[Move, ...]:
    """Find what became of each answer in rounds of a debate, or layers of a mixture of agents.

    Args:
        turns: of one discussion, in order.

    Returns:
        By agent and round; none for methods in which nobody answers twice.
    """
    said = tuple(
        Said(
            step=turn.step,
            speaker=turn.model,
            key=turn.canonical if turn.to_question else None,
            correct=None,
            heard=turn.heard,
            ended=turn.ended,
            # Nothing is looked up in a store.
            series="",
            draw=0,
        )
        for turn in turns
    )
    held = Held(problem="", turns=said, answer_key=None, correct=False)
    word = ROUND if any(turn.step.startswith(f"{ROUND} ") for turn in turns) else LAYER
    return moves_of(held, word)
