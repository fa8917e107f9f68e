"""What a deciding model does with proposals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.dissecting.shares import share_of
from slm_mux.dissecting.turns import Held, Said, majority
from slm_mux.dissecting.weighing import (
    KINDS,
    decided_itself,
    kind_of,
    proposals_of,
    weighing_of,
)
from tests.dissecting.making import NAMES, SIGNS, held, mixture, said


def chosen(candidates: str, pick: int | None, *, asked: bool = True, problem: str = "q") -> Held:
    """Universal self-consistency: the judge picks a candidate, or none of them."""
    turns = [said(sign, NAMES[i], step="candidate") for i, sign in enumerate(candidates)]
    final: Said | None = majority(turns, NAMES) if pick is None else turns[pick]
    if asked:
        heard = [index for index, turn in enumerate(turns) if turn.key is not None]
        key = None if pick is None else str(heard.index(pick) + 1)
        turns.append(
            Said(
                step="choice",
                speaker="x",
                key=key,
                correct=None,
                heard=tuple(heard),
                series="series of the judge",
                draw=0,
            )
        )
    return held(turns, final, problem)


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        pytest.param(mixture("..", "!.", aggregate="."), "no_answer", id="nothing readable"),
        pytest.param(mixture("bc", "bb", aggregate="b"), "never_right", id="nobody right"),
        pytest.param(mixture("bc", aggregate="d"), "never_right", id="invented, nobody right"),
        pytest.param(mixture("Ab", "bb", aggregate="b"), "lost_earlier", id="between layers"),
        pytest.param(
            mixture("Ab", aggregate="b", heard=[1]), "lost_earlier", id="cut, and so not heard"
        ),
        pytest.param(mixture("bA", aggregate="."), "outvoted", id="the aggregator was unreadable"),
        pytest.param(mixture("AA", "bA", aggregate="!"), "outvoted", id="the aggregator failed"),
        pytest.param(mixture("bb", "Ab", aggregate="b"), "overruled", id="the right one passed by"),
        pytest.param(mixture("AA", aggregate="c"), "invented", id="what nobody said"),
        pytest.param(chosen("Abb", 1), "overruled", id="a wrong pick"),
        pytest.param(chosen("Abb", None), "outvoted", id="no pick"),
        pytest.param(chosen("bbb", None, asked=False), "never_right", id="nothing to pick"),
        pytest.param(chosen("...", None, asked=False), "no_answer", id="no candidate"),
    ],
)
def test_every_kind_by_hand(one: Held, kind: str) -> None:
    """Each wrong answer is of the first kind that fits."""
    assert (one.correct, kind_of(one)) == (False, kind)


def test_what_became_of_right_proposals() -> None:
    """Kept or lost, found where nobody had it, invented; and what a plain vote had given."""
    found = [
        mixture("Ab", "AA", aggregate="A", problem="q1"),
        mixture("Ab", "Ab", aggregate="b", problem="q2"),
        mixture("bb", "bb", aggregate="A", problem="q3"),
        mixture("AA", "AA", aggregate="c", problem="q4"),
        mixture("AA", "Ab", aggregate=".", problem="q5"),
    ]
    weighing = weighing_of(found, "xy")
    assert (weighing.problems, weighing.wrong) == (5, 2)
    assert {kind.kind: kind.problems for kind in weighing.kinds if kind.count} == {
        "overruled": ("q2",),
        "invented": ("q4",),
    }
    assert weighing.kept == share_of(2, 4)
    assert weighing.found == share_of(1, 1)
    assert weighing.decided == share_of(4, 5)
    assert (weighing.invented, weighing.invented_right) == (share_of(2, 4), 1)
    assert weighing.majority == share_of(4, 5)
    against = weighing.against_majority
    assert (against.only_first, against.only_second, against.p) == (1, 2, 1.0)


def test_a_judge_invents_nothing() -> None:
    """Of universal self-consistency the proposals are all candidates, and a pick is one of them."""
    one = chosen("Ab.", 1)
    assert [turn.key for turn in proposals_of(one)] == ["a", "b", None]
    weighing = weighing_of([one, chosen("AA", 0, asked=False)], "xyz")
    assert (weighing.decided, weighing.invented) == (share_of(1, 2), share_of(0, 1))
    assert not decided_itself(chosen("Ab", None))


def test_nothing_to_weigh() -> None:
    """Without problems all counts are 0 and shares are of nothing."""
    weighing = weighing_of([], "xy")
    assert [kind.kind for kind in weighing.kinds] == list(KINDS)
    assert {weighing.kept, weighing.decided, weighing.majority} == {share_of(0, 0)}


ROW = st.text(st.sampled_from("Abc.!~"), min_size=2, max_size=2)


@given(
    st.lists(
        st.tuples(st.lists(ROW, min_size=1, max_size=2), st.sampled_from(SIGNS.replace("a", ""))),
        max_size=5,
    )
)
def test_every_failure_has_one_kind(given_ones: list[tuple[list[str], str]]) -> None:
    """Each wrong problem is in one kind, problems are with or without a right proposal."""
    found = [
        mixture(*layers, aggregate=aggregate.replace("B", "b"), problem=f"q{number}")
        for number, (layers, aggregate) in enumerate(given_ones)
    ]
    weighing = weighing_of(found, NAMES)
    wrong = sorted(one.problem for one in found if not one.correct)
    assert sorted(name for kind in weighing.kinds for name in kind.problems) == wrong
    assert weighing.kept.total + weighing.found.total == weighing.problems == len(found)
    assert weighing.kept.count + weighing.found.count == len(found) - len(wrong)
    assert weighing_of(found[::-1], NAMES) == weighing
