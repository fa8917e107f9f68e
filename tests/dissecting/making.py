"""Discussions for the tests of dissecting, written as strings.

A letter is the class of an answer, and a capital says that it is right; "." cannot be read, "!"
failed, "~" said nothing. A round is a string with one sign for each agent.
"""

from collections.abc import Sequence
from typing import Any, Literal

from hypothesis import strategies as st

from slm_mux.dissecting.turns import Held, Said, majority
from slm_mux.steps import APPROVED, REJECTED, VERIFY

NAMES = "xyzuvw"
SIGNS = "AaBbc.!~"
_ENDED: dict[str, Literal["failed", "silent"]] = {"!": "failed", "~": "silent"}


def said(
    sign: str, speaker: str = "x", *, step: str = "round 1", heard: Sequence[int] = ()
) -> Said:
    """One turn."""
    answered = sign.isalpha()
    return Said(
        step=step,
        speaker=speaker,
        key=sign.lower() if answered else None,
        correct=sign.isupper() if answered else None,
        heard=tuple(heard),
        ended=_ENDED.get(sign),
        series=f"series of {speaker} for {step}",
        draw=0,
    )


def verdict(sign: str, on: Sequence[int], speaker: str = "v", aspect: str = "steps") -> Said:
    """A verdict: "y", "n", or "." for neither."""
    return Said(
        step=VERIFY + aspect,
        speaker=speaker,
        key={"y": APPROVED, "n": REJECTED}.get(sign),
        correct=None,
        heard=tuple(on),
        series=f"series of {speaker} for {aspect}",
        draw=0,
    )


def held(turns: Sequence[Said], final: Said | None, problem: str = "q") -> Held:
    """A discussion that came to the answer of one turn, or to none."""
    return Held(
        problem=problem,
        turns=tuple(turns),
        answer_key=None if final is None else final.key,
        correct=final is not None and final.right,
    )


def rows(
    *rounds: str, names: str = NAMES, word: str = "round", own_too: bool = False
) -> list[Said]:
    """The turns of rounds in which everybody hears what the others said in the round before."""
    turns: list[Said] = []
    for number, signs in enumerate(rounds, 1):
        start = len(turns)
        before = range(start - len(signs), start) if number > 1 else range(0)
        for agent, sign in enumerate(signs):
            turns.append(
                said(
                    sign,
                    names[agent],
                    step=f"{word} {number}",
                    heard=[
                        index
                        for place, index in enumerate(before)
                        if turns[index].ended is None and (own_too or place != agent)
                    ],
                )
            )
    return turns


def debate(*rounds: str, problem: str = "q", names: str = NAMES) -> Held:
    """A debate whose last readable round's majority decides; records are as the names are."""
    turns = rows(*rounds, names=names)
    for number in range(len(rounds), 0, -1):
        row = [turn for turn in turns if turn.step == f"round {number}"]
        if (final := majority(row, names)) is not None:
            return held(turns, final, problem)
    return held(turns, None, problem)


def mixture(
    *layers: str, aggregate: str, problem: str = "q", heard: Sequence[int] | None = None
) -> Held:
    """A mixture of agents; "." and the like as aggregate leave the answer to the last layer."""
    turns = rows(*layers, word="layer", own_too=True)
    width = len(layers[-1])
    last = range(len(turns) - width, len(turns))
    readable = [index for index in last if turns[index].ended is None]
    turns.append(said(aggregate, "x", step="aggregate", heard=readable if heard is None else heard))
    final = turns[-1] if aggregate.isalpha() else majority([turns[i] for i in last], NAMES)
    return held(turns, final, problem)


def saved(one: Held, **changes: Any) -> dict[str, Any]:
    """A discussion as an evaluation's document has it."""
    return {
        "turns": [
            {
                "step": turn.step,
                "speaker": turn.speaker,
                "key": turn.key,
                "correct": turn.correct,
                "heard": list(turn.heard),
                "ended": turn.ended,
                "series": turn.series,
                "draw": turn.draw,
            }
            for turn in one.turns
        ],
        "decided_by": "a vote",
        "confidence": 0.5,
        "answer_key": one.answer_key,
        "correct": one.correct,
        **changes,
    }


@st.composite
def debates(draw: st.DrawFn, *, agents: int = 3, rounds: int = 3, most: int = 5) -> list[Held]:
    """Debates of one shape, each under a name of its own."""
    width, depth = draw(st.integers(1, agents)), draw(st.integers(1, rounds))
    row = st.text(st.sampled_from(SIGNS), min_size=width, max_size=width)
    given = draw(st.lists(st.lists(row, min_size=depth, max_size=depth), max_size=most))
    # Within a problem, a class is right or it is not.
    return [
        debate(*(signs.replace("B", "b").replace("a", "A") for signs in one), problem=f"q{number}")
        for number, one in enumerate(given)
    ]
