"""A debate round by round, and why debates failed.

Every debate whose final answer is wrong is of exactly one kind, the first that fits:

    no_answer      no answer could be read in any round
    never_right    no agent was right in any round
    capitulation   an agent gave up its right answer for a wrong one that somebody it had just read
                   gave, and was not right again
    outvoted       an agent is right in the last round, and lost
    drifted        an agent gave up its right answer for a wrong one that nobody it had read gave,
                   and was not right again
    unreadable     of every agent that was right, nothing could be read after that

They are computed from answers. The paper's groupthink is what a model called so on reading failed
debates, so the two shares are neighbours, not the same figure.
"""

from collections.abc import Sequence

from msgspec import Struct

from slm_mux.dissecting.moves import Move, moves_of, rounds_in
from slm_mux.dissecting.shares import Kind, Paired, Share, kinds_of, paired, share_of
from slm_mux.dissecting.turns import Held, Said, majority
from slm_mux.steps import ROUND

KINDS = ("no_answer", "never_right", "capitulation", "outvoted", "drifted", "unreadable")
PAPER_GROUPTHINK, PAPER_FAILURES = 144, 242
"""The failed debates that arXiv 2510.05077 puts down to groupthink, and all that it looked at."""


class Round(Struct, frozen=True, kw_only=True):
    """What the group knew in one round."""

    round: int
    """From 1."""
    group: Share
    """Debates whose majority is right; without an answer in this round the one before counts."""
    agents: Share
    """Turns of agents that hold a right answer, of all."""
    somebody: Share
    """Debates in which some agent is right."""
    agreed: Share
    """Debates in which every agent gives the same answer."""


class DebateFailures(Struct, frozen=True, kw_only=True):
    """The debates that came to a wrong answer."""

    debates: int
    wrong: int
    kinds: tuple[Kind, ...]
    """All of `KINDS`, in that order."""
    capitulations: Share
    """Of the wrong ones."""
    somebody_right_first: int
    """Wrong debates in which some agent was right in round 1."""
    group_right_first: int
    """Wrong debates in which the majority of round 1 was right."""


def rounds_of(
    debates: Sequence[Held], ranking: Sequence[str], word: str = ROUND
) -> tuple[Round, ...]:
    """Follow the groups round by round.

    Args:
        debates: with equally many rounds.
        ranking: names of the models, best record first.
        word: what the steps of rounds are called.
    """
    by_debate = [rounds_in(held, word) for held in debates]
    found = []
    for place in range(max(map(len, by_debate), default=0)):
        turns = [rounds[place] for rounds in by_debate]
        found.append(
            Round(
                round=place + 1,
                group=_share([_group_right(rounds[: place + 1], ranking) for rounds in by_debate]),
                agents=_share([turn.right for row in turns for turn in row]),
                somebody=_share([any(turn.right for turn in row) for row in turns]),
                agreed=_share([_agreed(row) for row in turns]),
            )
        )
    return tuple(found)


def first_against_last(debates: Sequence[Held], ranking: Sequence[str]) -> Paired:
    """Compare the majority of round 1 with what the debate came to."""
    return paired((_group_right(rounds_in(held)[:1], ranking), held.correct) for held in debates)


def failures_of(debates: Sequence[Held], ranking: Sequence[str]) -> DebateFailures:
    """Sort the debates that came to a wrong answer; see the module."""
    wrong = [held for held in debates if not held.correct]
    kinds = kinds_of(KINDS, ((held.problem, kind_of(held)) for held in wrong))
    first = [rounds_in(held)[:1] for held in wrong]
    capitulated = next(kind.count for kind in kinds if kind.kind == "capitulation")
    return DebateFailures(
        debates=len(debates),
        wrong=len(wrong),
        kinds=kinds,
        capitulations=share_of(capitulated, len(wrong)),
        somebody_right_first=sum(any(turn.right for row in rows for turn in row) for rows in first),
        group_right_first=sum(_group_right(rows, ranking) for rows in first),
    )


def kind_of(held: Held) -> str:
    """Say why a debate that came to a wrong answer did; one of `KINDS`."""
    rounds = rounds_in(held)
    if held.answer_key is None:
        return "no_answer"
    if not any(turn.right for row in rounds for turn in row):
        return "never_right"
    given_up = surrenders(held)
    if any(move.said_by for move in given_up):
        return "capitulation"
    if any(turn.right for turn in rounds[-1]):
        return "outvoted"
    return "drifted" if given_up else "unreadable"


def surrenders(held: Held) -> tuple[Move, ...]:
    """The moves by which agents gave up a right answer for a wrong one, never to be right again."""
    rounds = rounds_in(held)
    last_right = {agent: turn for row in rounds for agent, turn in enumerate(row) if turn.right}
    return tuple(
        move
        for move in moves_of(held)
        if move.before is not None
        and move.before is last_right.get(move.agent)
        and move.after.key is not None
    )


def _group_right(rounds: Sequence[Sequence[Said]], ranking: Sequence[str]) -> bool:
    """Whether the majority of the last of some rounds that holds an answer is right."""
    for row in reversed(rounds):
        if (speaks := majority(row, ranking)) is not None:
            return speaks.right
    return False


def _agreed(row: Sequence[Said]) -> bool:
    return None not in (keys := {turn.key for turn in row}) and len(keys) == 1


def _share(which: Sequence[bool]) -> Share:
    return share_of(sum(which), len(which))
