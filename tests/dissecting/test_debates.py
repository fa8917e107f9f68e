"""Rounds of debates, and the kinds of their failures."""

import pytest
from hypothesis import given

from slm_mux.dissecting.debates import (
    KINDS,
    failures_of,
    first_against_last,
    kind_of,
    rounds_of,
    surrenders,
)
from slm_mux.dissecting.shares import share_of
from slm_mux.dissecting.turns import Held, majority
from tests.dissecting.making import NAMES, debate, debates


@pytest.mark.parametrize(
    ("rounds", "kind"),
    [
        pytest.param(["..!", "~~."], "no_answer", id="nothing readable"),
        pytest.param(["bbc", "bbb"], "never_right", id="nobody ever right"),
        pytest.param(["b.!", "..."], "never_right", id="one wrong answer alone"),
        pytest.param(["Abb", "bbb"], "capitulation", id="to the majority"),
        pytest.param(["AAb", "bbb"], "capitulation", id="a right majority to one"),
        pytest.param(["bbb", "Abb", "bbb"], "capitulation", id="right only in round 2"),
        pytest.param(["AAbb", "Abbb"], "capitulation", id="while another stayed right"),
        pytest.param(["Abb", ".bb", "bbb"], "capitulation", id="after an unreadable turn"),
        pytest.param(["Abb", "Abb"], "outvoted", id="stayed right"),
        pytest.param(["Abb", "bbb", "Abb"], "outvoted", id="gave in, and came back"),
        pytest.param(["bbb", "Abb"], "outvoted", id="right in the end only"),
        pytest.param(["bA"], "outvoted", id="one round, a tie lost by record"),
        pytest.param(["Abb", "cbb"], "drifted", id="to what nobody said"),
        pytest.param(["A!!", "c.."], "drifted", id="with nobody to read"),
        pytest.param(["Abb", ".bb"], "unreadable", id="no longer readable"),
        pytest.param(["Abb", "!bb"], "unreadable", id="failed"),
        pytest.param(["Abb", "~bb", "!bb"], "unreadable", id="said nothing more"),
    ],
)
def test_every_kind_by_hand(rounds: list[str], kind: str) -> None:
    """Each failed debate is of the first kind that fits."""
    one = debate(*rounds)
    assert (one.correct, kind_of(one)) == (False, kind)


def test_a_capitulation_is_to_what_was_just_read() -> None:
    """An answer that was heard in an earlier round only was not given up for this time."""
    one = debate("Abc", "Acc", "bcc")
    assert (kind_of(one), len(surrenders(one))) == ("drifted", 1)


def test_the_failures_of_some_debates() -> None:
    """Each kind has its count, its share of the failures, and its problems."""
    found = [
        debate("Abb", "bbb", problem="q1"),
        debate("AAb", "bbb", problem="q2"),
        debate("Abb", "Abb", problem="q3"),
        debate("bbb", "bbb", problem="q4"),
        debate("bbA", "AAA", problem="q5"),
    ]
    failures = failures_of(found, "xyz")
    assert (failures.debates, failures.wrong) == (5, 4)
    assert {kind.kind: (kind.count, kind.problems) for kind in failures.kinds if kind.count} == {
        "never_right": (1, ("q4",)),
        "capitulation": (2, ("q1", "q2")),
        "outvoted": (1, ("q3",)),
    }
    assert failures.capitulations == share_of(2, 4)
    assert (failures.somebody_right_first, failures.group_right_first) == (3, 1)
    assert [kind.share_of_wrong for kind in failures.kinds] == [0, 0.25, 0.5, 0.25, 0, 0]


def test_nothing_failed() -> None:
    """Without failures the counts are 0 and shares are of nothing; so it is without debates."""
    for found in ([debate("AA", "AA")], []):
        failures = failures_of(found, "xy")
        assert [(kind.kind, kind.count, kind.share_of_wrong) for kind in failures.kinds] == [
            (kind, 0, None) for kind in KINDS
        ]
        assert failures.capitulations == share_of(0, 0)
    assert rounds_of([], "xy") == ()


def test_the_group_round_by_round() -> None:
    """Its majority, its agents, who knew, who agreed; without an answer the last one counts."""
    found = [debate("Abb", "AAb", "AAA"), debate("AAb", "bbb", "..."), debate("bA.", "Ab!", "...")]
    first, second, third = rounds_of(found, "xyz")
    assert first.group == share_of(1, 3)
    assert first.agents == share_of(4, 9)
    assert (first.somebody, first.agreed) == (share_of(3, 3), share_of(0, 3))
    assert second.group == share_of(2, 3)
    assert second.agreed == share_of(1, 3)
    assert (third.group, third.agents) == (share_of(2, 3), share_of(3, 9))
    test = first_against_last(found, "xyz")
    assert (test.only_first, test.only_second) == (1, 2)
    # With the records the other way round, ties are decided the other way round.
    assert [each.group.count for each in rounds_of(found[2:], "zyx")] == [1, 0, 0]


@given(debates())
def test_every_failure_has_one_kind(found: list[Held]) -> None:
    """Shares sum to 1, each wrong problem is in one kind, and the order does not matter."""
    failures = failures_of(found, NAMES)
    wrong = sorted(one.problem for one in found if not one.correct)
    assert sorted(name for kind in failures.kinds for name in kind.problems) == wrong
    assert sum(kind.count for kind in failures.kinds) == failures.wrong == len(wrong)
    if wrong:
        shares = [kind.share_of_wrong for kind in failures.kinds]
        assert sum(share for share in shares if share is not None) == pytest.approx(1)
    assert failures_of(found[::-1], NAMES) == failures
    assert rounds_of(found[::-1], NAMES) == rounds_of(found, NAMES)
    assert first_against_last(found[::-1], NAMES) == first_against_last(found, NAMES)


@given(debates())
def test_the_last_round_is_what_the_debates_came_to(found: list[Held]) -> None:
    """The group is right in the last round as often as the debates are."""
    rounds = rounds_of(found, NAMES)
    if rounds:
        assert rounds[-1].group == share_of(sum(one.correct for one in found), len(found))
    for each in rounds:
        assert each.somebody.count >= each.group.count - len(found) * (each.round > 1)


@given(debates())
def test_kinds_mean_what_they_say(found: list[Held]) -> None:
    """Never right has no right turn; outvoted ends with one; given up was right, and not again."""
    for one in found:
        if one.correct:
            continue
        kind, right = kind_of(one), [turn for turn in one.turns if turn.right]
        assert (kind in ("no_answer", "never_right")) == (not right)
        if kind == "outvoted":
            assert one.turns[-1].step == right[-1].step
        if kind in ("capitulation", "drifted"):
            assert surrenders(one)
        for move in surrenders(one):
            assert move.before is not None
            assert (move.before.right, move.after.right) == (True, False)
        assert (one.answer_key is None) == (majority(one.turns, NAMES) is None)
