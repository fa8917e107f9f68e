"""What verifiers say of right and of wrong candidates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.dissecting.shares import share_of
from slm_mux.dissecting.turns import Held
from slm_mux.dissecting.verifying import KINDS, approvals_of, kind_of, verifying_of
from tests.dissecting.making import NAMES, held, said, verdict


def verified(candidates: str, *verdicts: str, problem: str = "q") -> Held:
    """Each candidate's verdicts by aspect, of one verifier; the first with the most wins."""
    turns = [said(sign, NAMES[i], step="candidate") for i, sign in enumerate(candidates)]
    for index, signs in enumerate(verdicts):
        if candidates[index].isalpha():
            turns += [verdict(sign, [index], aspect=f"a{n}") for n, sign in enumerate(signs)]
    one = held(turns, None, problem)
    approvals = approvals_of(one)
    winner = max(approvals, key=lambda index: (approvals[index], -index), default=None)
    return held(turns, None if winner is None else turns[winner], problem)


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        pytest.param(verified("..", "", ""), "no_answer", id="no candidate"),
        pytest.param(verified("bb", "y", "n"), "never_right", id="nobody right"),
        pytest.param(verified("bA", "yy", "yn"), "rejected", id="fewer approvals"),
        pytest.param(verified("bA", "y", "."), "rejected", id="an unclear verdict"),
        pytest.param(verified("bA", "yn", "ny"), "tied", id="as many approvals"),
        pytest.param(verified("bAA", "yy", "yn", "yy"), "tied", id="the better of two"),
    ],
)
def test_every_kind_by_hand(one: Held, kind: str) -> None:
    """Each wrong answer is of the first kind that fits."""
    assert (one.correct, kind_of(one)) == (False, kind)


def test_approvals_of_right_and_wrong_candidates() -> None:
    """By verdicts, verifiers and aspects; what is unclear is no approval."""
    turns = [said("A", "x", step="candidate"), said("b", "y", step="candidate")]
    turns += [
        verdict("y", [0], "v", "steps"),
        verdict(".", [0], "w", "steps"),
        verdict("y", [1], "v", "result"),
        verdict("n", [1], "w", "result"),
        verdict("y", [1], "w", "steps"),
    ]
    verifying = verifying_of([held(turns, turns[1])], "xy")
    assert verifying.approvals.right == share_of(1, 2)
    assert verifying.approvals.wrong == share_of(2, 3)
    assert verifying.approvals.unclear == 1
    assert [(row.of, row.right.total, row.wrong.count) for row in verifying.by_verifier] == [
        ("v", 1, 1),
        ("w", 1, 1),
    ]
    assert [(row.of, row.right.total, row.wrong.total) for row in verifying.by_aspect] == [
        ("result", 0, 2),
        ("steps", 2, 1),
    ]
    assert verifying.kept == share_of(0, 1)
    assert (verifying.majority, verifying.against_majority.only_second) == (share_of(1, 1), 1)


def test_candidates_with_the_same_text_share_verdicts() -> None:
    """A verdict on two candidates counts for both, and once among the verdicts."""
    turns = [said("b", name, step="candidate") for name in "xy"]
    turns += [said("A", "z", step="candidate"), verdict("y", [0, 1]), verdict("n", [2])]
    one = held(turns, turns[0])
    assert approvals_of(one) == {0: 1, 1: 1, 2: 0}
    assert verifying_of([one], "xyz").approvals.wrong == share_of(1, 1)


def test_nothing_to_verify() -> None:
    """Without problems all counts are 0 and shares are of nothing."""
    verifying = verifying_of([], "x")
    assert [kind.kind for kind in verifying.kinds] == list(KINDS)
    assert {verifying.kept, verifying.approvals.right, verifying.majority} == {share_of(0, 0)}
    assert (verifying.by_verifier, verifying.by_aspect) == ((), ())


VERDICTS = st.text(st.sampled_from("yn."), min_size=2, max_size=2)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("Abc."), VERDICTS), min_size=1, max_size=3), max_size=5
    )
)
def test_every_failure_has_one_kind(given_ones: list[list[tuple[str, str]]]) -> None:
    """Each wrong problem is in one kind, each verdict on a right or on a wrong candidate."""
    found = [
        verified("".join(sign for sign, _ in one), *(each for _, each in one), problem=f"q{number}")
        for number, one in enumerate(given_ones)
    ]
    verifying = verifying_of(found, NAMES)
    wrong = sorted(one.problem for one in found if not one.correct)
    assert sorted(name for kind in verifying.kinds for name in kind.problems) == wrong
    verdicts = sum(
        len(one.turns) - len(given) for one, given in zip(found, given_ones, strict=True)
    )
    for rows in ((verifying.approvals,), verifying.by_verifier, verifying.by_aspect):
        assert sum(row.right.total + row.wrong.total for row in rows) == verdicts
    assert verifying_of(found[::-1], NAMES) == verifying
