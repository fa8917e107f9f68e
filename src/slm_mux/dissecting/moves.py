"""Who changed an answer after reading whom, in methods whose agents answer again and again.

An agent's *move* is one of its turns from the second round on: what it had said before, what it
says now, and what it heard in between. Its answer before is the last one of it that could be read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from slm_mux.dissecting.shares import paired
from slm_mux.dissecting.turns import Held, Said
from slm_mux.errors import StoreError
from slm_mux.steps import ROUND

Change = Literal["kept", "changed", "lost", "found", "none"]
"""What became of the answer: the same class, another class, no longer readable, readable for the
first time, or not readable then or now."""


class Heard(Struct, frozen=True):
    """A turn of another agent that was heard."""

    agent: int
    """From 0."""
    turn: Said


class Move(Struct, frozen=True, kw_only=True):
    """One agent's turn after it has read others."""

    problem: str
    agent: int
    """From 0, in the order of the agents."""
    round: int
    """From 2."""
    before: Said | None
    """Its last turn with an answer; None: it had none."""
    after: Said
    heard: tuple[Heard, ...]
    """Others' turns, in the order in which it heard them; of a summary those that were summed
    up."""

    @property
    def change(self) -> Change:
        """What became of the answer."""
        if self.before is None:
            return "none" if self.after.key is None else "found"
        if self.after.key is None:
            return "lost"
        return "kept" if self.after.key == self.before.key else "changed"

    @property
    def differs(self) -> bool:
        """Whether the answer is changed, lost or found."""
        return self.change not in ("kept", "none")

    @property
    def said_by(self) -> tuple[Heard, ...]:
        """Those of the heard that gave the answer that it gives now."""
        return tuple(
            one for one in self.heard if one.turn.key is not None and one.turn.key == self.after.key
        )


def rounds_in(held: Held, word: str = ROUND) -> tuple[tuple[Said, ...], ...]:
    """Sort the turns of a discussion by round.

    Returns:
        The rounds in order, of each its turns by agent.

    Raises:
        StoreError: the rounds have unequal numbers of turns.
    """
    return tuple(tuple(held.turns[index] for index in row) for row in _places(held, word))


def agents_in(held: Held, word: str = ROUND) -> list[tuple[int, int, int]]:
    """Give agent (from 0), round (from 1) and index of each turn in the rounds, in order.

    Raises:
        StoreError: the rounds have unequal numbers of turns.
    """
    return [
        (agent, number, index)
        for number, row in enumerate(_places(held, word), 1)
        for agent, index in enumerate(row)
    ]


def moves_of(held: Held, word: str = ROUND) -> tuple[Move, ...]:
    """Find the moves of a discussion, by agent and round.

    Raises:
        StoreError: the rounds have unequal numbers of turns.
    """
    rounds = _places(held, word)
    agent_of = {index: agent for row in rounds for agent, index in enumerate(row)}
    moves = []
    for agent in range(len(rounds[0]) if rounds else 0):
        before: Said | None = None
        for number, row in enumerate(rounds, 1):
            after = held.turns[row[agent]]
            if number > 1:
                sources = _sources(held, row[agent], agent_of)
                others = tuple(
                    Heard(agent_of[index], held.turns[index])
                    for index in sources
                    if agent_of[index] != agent
                )
                moves.append(
                    Move(
                        problem=held.problem,
                        agent=agent,
                        round=number,
                        before=before,
                        after=after,
                        heard=others,
                    )
                )
            if after.key is not None:
                before = after
    return tuple(moves)


class MoveCounts(Struct, frozen=True, kw_only=True):
    """What became of answers: `kept + changed + lost + found + none == moves`.

    The four from right or wrong to right or wrong are of those that were kept or changed.
    """

    moves: int
    kept: int
    changed: int
    lost: int
    found: int
    none: int
    right_to_right: int
    right_to_wrong: int
    wrong_to_right: int
    wrong_to_wrong: int
    p: float
    """Of the exact McNemar test that right to wrong and wrong to right are equally likely. Agents
    of one debate move together, so it is rather too small."""


class Pair(Struct, frozen=True, kw_only=True):
    """How often one model took over the answer that another one had given."""

    reader: str
    read: str
    heard: int
    """Readable answers of `read`, of another class than its own, that it heard."""
    adopted: int
    """How many of them it gave itself in the next turn."""
    right_to_wrong: int
    """How many of those made a right answer wrong."""
    wrong_to_right: int


def counts_of(moves: Sequence[Move]) -> MoveCounts:
    """Count what became of answers."""
    changes = [move.change for move in moves]
    both = [
        (move.before.right, move.after.right)
        for move in moves
        if move.before is not None and move.after.key is not None
    ]
    test = paired(both)
    return MoveCounts(
        moves=len(moves),
        kept=changes.count("kept"),
        changed=changes.count("changed"),
        lost=changes.count("lost"),
        found=changes.count("found"),
        none=changes.count("none"),
        right_to_right=both.count((True, True)),
        right_to_wrong=test.only_first,
        wrong_to_right=test.only_second,
        wrong_to_wrong=both.count((False, False)),
        p=test.p,
    )


def pairs_of(moves: Iterable[Move], models: Sequence[str]) -> tuple[Pair, ...]:
    """Count who took over whose answer.

    A change to an answer that several gave counts for each of them.

    Args:
        moves: of any number of discussions.
        models: names, in the order of the rows.
    """
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for move in moves:
        if move.before is None:
            continue
        turned = (move.before.right, move.after.right)
        for one in move.heard:
            if one.turn.key in (None, move.before.key):
                continue
            row = counts[move.after.speaker, one.turn.speaker]
            row["heard"] += 1
            if one.turn.key == move.after.key:
                row["adopted"] += 1
                row["right_to_wrong"] += turned == (True, False)
                row["wrong_to_right"] += turned == (False, True)
    return tuple(
        Pair(
            reader=reader,
            read=read,
            heard=row["heard"],
            adopted=row["adopted"],
            right_to_wrong=row["right_to_wrong"],
            wrong_to_right=row["wrong_to_right"],
        )
        for reader in models
        for read in models
        if (row := counts[reader, read])
    )


def _places(held: Held, word: str) -> list[list[int]]:
    """Indices of the turns by round and agent; steps of other names are left out."""
    step = re.compile(rf"{word} ([1-9]\d*)")
    rounds: dict[int, list[int]] = {}
    for index, turn in enumerate(held.turns):
        if found := step.fullmatch(turn.step):
            rounds.setdefault(int(found[1]), []).append(index)
    if len({len(row) for row in rounds.values()}) > 1 or list(rounds) != [
        *range(1, len(rounds) + 1)
    ]:
        raise StoreError(
            f"the run's discussions cannot be read: on {held.problem}, the {word}s do not hold "
            "one turn of every agent"
        )
    return list(rounds.values())


def _sources(held: Held, index: int, answers: Iterable[int]) -> list[int]:
    """The answers that a turn heard, be it through another turn that sums them up."""
    found: dict[int, None] = {}
    for heard in held.turns[index].heard:
        if heard in answers:
            found[heard] = None
        else:
            found |= dict.fromkeys(_sources(held, heard, answers))
    return list(found)
