"""Who changed an answer after reading whom."""

from collections import Counter

import pytest
from hypothesis import given
from msgspec.structs import asdict, replace

from slm_mux.dissecting.moves import Move, counts_of, moves_of, pairs_of, rounds_in
from slm_mux.dissecting.turns import Held
from slm_mux.errors import StoreError
from tests.dissecting.making import NAMES, debate, debates, held, rows, said


def told(move: Move) -> tuple[int, int, str | None, str | None, str, list[int]]:
    before = None if move.before is None else move.before.key
    return (
        *(move.agent, move.round, before, move.after.key, move.change),
        [one.agent for one in move.said_by],
    )


def test_what_became_of_answers() -> None:
    """One move of every sort; an answer before is the last that could be read."""
    moves = moves_of(debate("Ab.!A", "AA.c.", "AbAb!"))
    assert [told(move) for move in moves] == [
        (0, 2, "a", "a", "kept", [4]),
        (0, 3, "a", "a", "kept", [1]),
        (1, 2, "b", "a", "changed", [0, 4]),
        (1, 3, "a", "b", "changed", []),
        (2, 2, None, None, "none", []),
        (2, 3, None, "a", "found", [0, 1]),
        (3, 2, None, "c", "found", []),
        (3, 3, "c", "b", "changed", []),
        (4, 2, "a", None, "lost", []),
        (4, 3, "a", None, "lost", []),
    ]
    counts = counts_of(moves)
    assert (counts.moves, counts.kept, counts.changed) == (10, 2, 3)
    assert (counts.lost, counts.found, counts.none) == (2, 2, 1)
    assert (counts.right_to_right, counts.right_to_wrong) == (2, 1)
    assert (counts.wrong_to_right, counts.wrong_to_wrong, counts.p) == (1, 1, 1.0)


def test_who_took_over_whose_answer() -> None:
    """An answer that several gave was taken over from each of them."""
    moves = [
        *moves_of(debate("Abb", "bbA")),
        *moves_of(debate("Acb", "cAb", problem="q2")),
    ]
    found = {(pair.reader, pair.read): pair for pair in pairs_of(moves, "xyz")}
    figures = {
        who: (pair.heard, pair.adopted, pair.right_to_wrong, pair.wrong_to_right)
        for who, pair in found.items()
    }
    assert figures == {
        ("x", "y"): (2, 2, 2, 0),
        ("x", "z"): (2, 1, 1, 0),
        ("y", "x"): (2, 1, 0, 1),
        ("y", "z"): (1, 0, 0, 0),
        ("z", "x"): (2, 1, 0, 1),
        ("z", "y"): (1, 0, 0, 0),
    }
    assert list(found) == sorted(found)


def test_agents_of_one_model_read_each_other() -> None:
    """Agents are told apart by their places, so that a model can take over its own other draw."""
    (first, second) = moves_of(debate("Ab", "bb", names="xx"))
    assert [one.agent for one in first.said_by] == [1]
    assert second.change == "kept"
    (pair, *_) = pairs_of([first, second], "x")
    assert (pair.reader, pair.read, pair.adopted) == ("x", "x", 1)


def test_a_summary_stands_for_what_it_sums_up() -> None:
    """Who reads a summary has heard the replies in it; the summary is nobody's answer."""
    turns = rows("Abb")
    turns.append(said("c", "x", step="round 2: summary", heard=[1, 2]))
    turns.append(said("b", "x", step="round 2", heard=[3]))
    turns += [
        said("b", name, step="round 2", heard=heard)
        for name, heard in (("y", [0, 2]), ("z", [0, 1]))
    ]
    one = held(turns, turns[-1])
    assert [len(row) for row in rounds_in(one)] == [3, 3]
    assert [one.agent for one in moves_of(one)[0].heard] == [1, 2]


def test_an_agents_own_words_are_nobodys_elses() -> None:
    """In a layer that reads its own words too, only others' answers are taken over."""
    one = held(rows("Ab", "Ab", word="layer", own_too=True), None)
    assert [[heard.agent for heard in move.heard] for move in moves_of(one, "layer")] == [[1], [0]]
    assert moves_of(one) == ()


def test_nothing_to_count() -> None:
    """Without moves everything is 0 and nothing is told apart."""
    found = asdict(counts_of([]))
    assert found.pop("p") == 1.0
    assert set(found.values()) == {0}
    assert pairs_of([], "xy") == ()
    assert moves_of(debate("Ab")) == ()
    assert moves_of(held([], None)) == ()


@pytest.mark.parametrize("broken", [slice(0, 3), slice(2, 4)])
def test_rounds_have_a_turn_of_every_agent(broken: slice) -> None:
    """A run that lost a turn, or a round, is refused."""
    turns = [replace(turn, heard=()) for turn in debate("Ab", "Ab").turns[broken]]
    with pytest.raises(StoreError, match="on q, the rounds do not hold one turn of every agent"):
        moves_of(held(turns, None))


@given(debates())
def test_every_move_is_counted_once(found: list[Held]) -> None:
    """What became of answers sums up to all moves, and right and wrong to those kept or changed."""
    moves = [move for one in found for move in moves_of(one)]
    counts = counts_of(moves)
    assert counts.moves == sum(
        getattr(counts, change) for change in ("kept", "changed", "lost", "found", "none")
    )
    assert counts.kept + counts.changed == (
        counts.right_to_right
        + counts.right_to_wrong
        + counts.wrong_to_right
        + counts.wrong_to_wrong
    )
    assert counts.moves == sum((len(rounds_in(one)) - 1) * len(rounds_in(one)[0]) for one in found)
    adopted = Counter(
        (move.problem, move.agent, move.round)
        for move in moves
        if move.change == "changed"
        for _ in move.said_by
    )
    assert sum(pair.adopted for pair in pairs_of(moves, NAMES)) == adopted.total()
    assert counts_of(moves[::-1]) == counts
    assert pairs_of(moves[::-1], NAMES) == pairs_of(moves, NAMES)
