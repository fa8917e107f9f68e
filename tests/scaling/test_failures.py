"""The kinds of mux's failures."""

import pytest
from hypothesis import given, settings

from slm_mux.methods import Mux
from slm_mux.methods.base import Context
from slm_mux.scaling import Failures, failures, ranked
from slm_mux.table import VoteTable
from tests.scaling.making import made, tables


def found_in(table: VoteTable) -> Failures:
    return failures(table, ranked(table), table.k[0])


def test_every_kind_by_hand() -> None:
    """One problem of each kind, in order, and one that mux gets right."""
    table = made(
        {
            "a": ["...", "bbb", "bbb", "bbA", "bbb", "AAA"],
            "b": ["!..", "ccc", "cc.", "AAb", "AAb", "bbb"],
            "c": ["...", "...", "ccd", "Abc", "AAc", "bbb"],
        },
        records=[0.6, 0.5, 0.4],
    )
    found = found_in(table)
    assert (found.k, found.problems, found.wrong) == (3, 6, 5)
    assert [(one.kind, one.problems) for one in found.kinds] == [
        ("no_answer", ("q0",)),
        ("all_confidently_wrong", ("q1",)),
        ("all_wrong", ("q2",)),
        ("tie_break", ("q3",)),
        ("contradicted", ("q4",)),
    ]
    assert {(one.count, one.share, one.share_of_wrong) for one in found.kinds} == {(1, 1 / 6, 0.2)}
    # q3 and q4: two of three candidates are A; q5: one of three.
    alternatives = [
        (one.alternatives.majority, one.alternatives.random_model) for one in found.kinds
    ]
    assert alternatives == [(0, 0), (0, 0), (0, 0), (1, 2 / 3), (1, 2 / 3)]
    assert (found.on_wrong.majority, found.on_all.majority) == (2, 2)
    assert found.on_all.random_model == pytest.approx(5 / 3)


def test_a_split_majority_is_a_matter_of_chance() -> None:
    """Equally large classes of candidates are equally likely; a silent model has no vote."""
    table = made({"a": ["bbb"], "b": ["AAc"], "c": ["..."]})
    (contradicted,) = [one for one in found_in(table).kinds if one.count]
    assert contradicted.kind == "contradicted"
    assert contradicted.alternatives.majority == 0.5
    assert contradicted.alternatives.random_model == pytest.approx(1 / 3)


def test_one_draw_is_no_confidence() -> None:
    """With one draw each, models that are all wrong are not called confident."""
    table = made({"a": ["b"], "b": ["c"]})
    assert [one.kind for one in found_in(table).kinds if one.count] == ["all_wrong"]


def test_nothing_wrong() -> None:
    """Without failures all counts are 0 and shares of the wrong ones are None."""
    found = found_in(made({"a": ["AA"]}))
    assert found.wrong == 0
    assert {(one.count, one.share, one.share_of_wrong) for one in found.kinds} == {(0, 0.0, None)}


@given(tables(models=4, problems=3, draws=3))
@settings(max_examples=80, deadline=None)
def test_every_wrong_problem_has_one_kind(table: VoteTable) -> None:
    """The kinds hold exactly the problems that the method mux gets wrong, each once."""
    context = Context.of(table)
    wrong = [
        name for q, name in enumerate(table.problems) if not Mux().decide(table, q, context).correct
    ]
    found = found_in(table)
    assert sorted(name for one in found.kinds for name in one.problems) == wrong
    assert found.wrong == len(wrong)
    certain = next(one for one in found.kinds if one.kind == "all_confidently_wrong")
    right = table.candidates().correct
    assert not any(right[:, table.problems.index(name)].any() for name in certain.problems)
