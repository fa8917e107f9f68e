"""Who changed an answer after reading whom, in a discussion that has just been held."""

from collections.abc import Sequence

from slm_mux.dissecting.moves import Move, moves_of
from slm_mux.dissecting.turns import Held, Said
from slm_mux.steps import LAYER, ROUND
from slm_mux.types import TurnRecord


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
