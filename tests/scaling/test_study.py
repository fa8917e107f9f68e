"""The whole study, its JSON, and what it refuses."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from slm_mux.errors import InvalidRequestError
from slm_mux.methods import summarise
from slm_mux.scaling import ScalingStudy, scaling_study
from slm_mux.table import VoteTable
from tests.scaling.making import made, tables


def document(study: ScalingStudy) -> dict[str, Any]:
    """The study as JSON, without NaN, read again."""
    found: dict[str, Any] = json.loads(json.dumps(msgspec.to_builtins(study), allow_nan=False))
    return found


@pytest.fixture
def table() -> VoteTable:
    """Two models at 2 draws on four problems, one of them not scored; the better has 4 draws."""
    return made(
        {"a": ["AAAA", "BBBb", "abAA", "AAAA"], "b": ["Ab", "AA", ".B", "cc"]},
        records=[0.6, 0.4],
        unscored=[3],
    )


def test_a_small_study_by_hand(table: VoteTable) -> None:
    """The common minimum is n, unscored problems are left out, and both are said."""
    study = scaling_study(table, resamples=50)
    assert (study.n, study.problems, study.unscored, study.exact) == (2, 3, 1, True)
    assert study.draws == {"a": 4, "b": 2}
    assert (study.ranking, study.choices) == (("a", "b"), (2, 1))
    assert study.notes == (
        "models have from 2 to 4 draws; the first 2 of each are studied",
        "1 of 4 problems are not scored and left out",
    )
    pair = study.subsets[2]
    mux = pair.curve("mux").points
    # k = 1: a always wins. k = 2: AA; BB; a ties with b's one B at 1/2 and is wrong by its lowest.
    assert [point.accuracy for point in mux] == pytest.approx([2 / 3, 2 / 3])
    # At equal draws a has 2 of its 4 draws at k = 1: always right on the two first problems, and on
    # the third in one of six pairs (AA; where a or b is the lowest draw it is wrong).
    equal = pair.curve("self_consistency").points
    assert [point.draws for point in equal] == [2, 4]
    assert [point.accuracy for point in equal] == pytest.approx([13 / 18, 2 / 3])
    assert pair.attribution[1] == {"a": 1.0, "b": 0.0}
    assert [point.draws for point in study.against_models("mux", 2)] == [2, 4]
    assert study.models[1].mean_draw_accuracy == pytest.approx(2 / 3)
    assert study.chosen.models == ("a", "b")


@given(tables(models=3, problems=3, draws=3))
@settings(max_examples=25, deadline=None)
def test_at_all_draws_the_study_agrees_with_the_comparison_of_methods(table: VoteTable) -> None:
    """At k = n accuracies and differences are exactly those of `summarise`."""
    if not (table.klass >= 0).any():
        return
    study = scaling_study(table, resamples=20)
    names = ("mux", "self_consistency", "self_consistency_at_k", "agent_forest")
    summary = summarise(table, resamples=20)
    rows = {row["method"]: row["accuracy"] for row in summary["methods"]}
    last = {name: study.chosen.curves.curve(name).points[-1] for name in names}
    assert {name: last[name].accuracy for name in names} == {name: rows[name] for name in names}
    for row in summary["differences"]:
        if row["method"] == "mux" and row["baseline"] in names:
            expected = row["difference"]
            found = last[row["baseline"]].mux_minus
            assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_self_consistency_at_equal_draws_needs_the_draws() -> None:
    """Where the best model has too few draws for the budget the point is null, with the reason."""
    study = scaling_study(made({"a": ["AAA", "AbA"], "b": ["AbA", "bbb"]}), resamples=10)
    points = study.chosen.curves.curve("self_consistency").points
    assert [point.accuracy is None for point in points] == [False, True, True]
    assert points[1].reason == "a: 4 draws are needed, and there are 3"
    assert (points[1].ci95, points[1].mux_minus, points[1].mux_minus_ci95) == (None, None, None)


def test_all_curves_share_their_resamples() -> None:
    """One model is its own baseline: every paired difference is 0, with an interval of no width."""
    study = scaling_study(made({"a": ["AAb", "Abc", "bbb", ".AA"]}), resamples=100)
    curves = study.subsets[1]
    for method in ("self_consistency", "self_consistency_at_k", "agent_forest"):
        for point, mux in zip(curves.curve(method).points, curves.curve("mux").points, strict=True):
            assert point.accuracy == pytest.approx(mux.accuracy, abs=1e-12)
            assert point.ci95 == pytest.approx(mux.ci95, abs=1e-12)
            assert point.mux_minus_ci95 == pytest.approx((0, 0), abs=1e-12)


def test_the_json_is_whole_and_repeatable(table: VoteTable) -> None:
    """Plain JSON without NaN, also where tokens are unknown, and the same for the same seed."""
    found = document(scaling_study(table, seed=5, resamples=30))
    assert found == document(scaling_study(table, seed=5, resamples=30))
    assert found != document(scaling_study(table, seed=6, resamples=30))
    assert list(found["subsets"]) == ["1", "2"]
    unknown = made({"a": ["AAb", "..A"], "b": ["bbb", "bAA"]}, tokens=None)
    assert document(scaling_study(unknown, resamples=10))["problems"] == 2


def test_given_subsets_and_a_chosen_one() -> None:
    """Subsets are put in order of rank, and the chosen one need not be among them."""
    table = made({name: ["AAb", "bbA"] for name in "abc"}, records=[0.1, 0.3, 0.2])
    study = scaling_study(table, subsets={2: ["a", "b"]}, chosen=["c"], resamples=10)
    assert {size: curves.models for size, curves in study.subsets.items()} == {2: ("b", "a")}
    assert study.chosen.curves.models == study.chosen.models == ("c",)
    by_default = scaling_study(table, subsets={1: ["a"], 2: ["a", "b"]}, resamples=10)
    assert by_default.chosen.models == ("b", "a")


def test_one_problem_one_draw() -> None:
    """One problem has figures and no interval; one draw has a note."""
    study = scaling_study(made({"a": ["A"], "b": ["b"]}))
    assert study.chosen.curves.curve("mux").points[0].accuracy == 1.0
    assert study.chosen.curves.curve("mux").points[0].ci95 is None
    assert study.notes[-2:] == (
        "one draw of each model: every confidence is 1, the best model with an answer decides",
        "one problem gives no interval",
    )


def test_more_than_nine_draws() -> None:
    """Beyond 9 draws choices are sampled where they are too many, and the study says where."""
    study = scaling_study(made({"a": ["AbAbAbAbAbAbAb"] * 2}), resamples=10)
    assert not study.exact
    assert study.choices[:3] == (14, 91, 364)
    assert study.choices[6] == 2000
    points = study.chosen.curves.curve("mux").points
    assert [point.by_trial for point in points] == [0] * 4 + [2] * 5 + [0] * 5
    assert "seeded samples" in study.notes[0]


@pytest.mark.parametrize(
    ("drawn", "options", "message"),
    [
        ({}, {}, "no model to study"),
        ({"a": ["A-"], "b": ["AA"]}, {}, "collect them first"),
        ({"a": ["..", "!."], "b": ["..", ".."]}, {}, "could be read"),
        ({"a": ["AA"]}, {"subsets": {}}, "no subset"),
        ({"a": ["AA"]}, {"subsets": {1: ["x"]}}, "no model 'x' in the table: it has a"),
        ({"a": ["AA"]}, {"subsets": {2: ["a"]}}, "subset of 2 models has 1"),
        ({"a": ["AA"]}, {"subsets": {2: ["a", "a"]}}, "'a' is in a subset twice"),
        ({"a": ["AA"]}, {"subsets": {1: "a"}}, "not the text 'a'"),
        ({"a": ["AA"]}, {"chosen": []}, "at least one model"),
        ({"a": ["AA"]}, {"chosen": ["b"]}, "no model 'b'"),
        ({"a": ["AA"]}, {"resamples": 0}, "0 resamples"),
        ({"a": ["AA"]}, {"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_studied(
    drawn: dict[str, list[str]], options: dict[str, Any], message: str
) -> None:
    """Each refusal is one clear sentence."""
    with pytest.raises(InvalidRequestError, match=message):
        scaling_study(made(drawn), **options)


def test_nothing_scored() -> None:
    """Without a scored problem there is nothing to study; k outside the draws is refused."""
    with pytest.raises(InvalidRequestError, match="none of the 2 problems is scored"):
        scaling_study(made({"a": ["AA", "AA"]}, unscored=[0, 1]))
    with pytest.raises(InvalidRequestError, match=r"k is 3, but must be in 1 \.\. 2"):
        scaling_study(made({"a": ["AA"]})).against_models("mux", 3)
