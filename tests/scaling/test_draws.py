"""The distribution of candidates over choices of draws, against trying every one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from slm_mux.errors import InvalidRequestError
from slm_mux.scaling import choose, distribution
from slm_mux.scaling.scored import first_alike
from slm_mux.table import VoteTable
from tests.scaling.making import counted, made, tables


@given(tables(models=2, draws=5))
@settings(max_examples=60, deadline=None)
def test_the_distribution_is_that_of_all_choices(table: VoteTable) -> None:
    """Counts and correctness of candidates are those of counting every choice with `vote`."""
    found = distribution(table.klass, table.correct)
    assert all(found.exact)
    for s, k in enumerate(found.sizes):
        every = list(combinations(range(table.k[0]), k))
        assert found.choices[s] == len(every)
        for m in range(len(table.models)):
            for q in range(len(table.problems)):
                count = np.zeros(table.k[0] + 1)
                right = np.zeros(table.k[0] + 1)
                for chosen in every:
                    best = counted(table, m, q, chosen).candidate
                    count[best.count if best else 0] += 1 / len(every)
                    if best and table.correct[m, q, chosen[best.first_draw]]:
                        right[best.count] += 1 / len(every)
                assert found.count[m, q, s] == pytest.approx(count, abs=1e-12)
                assert found.right[m, q, s] == pytest.approx(right, abs=1e-12)


@given(tables())
@settings(max_examples=40, deadline=None)
def test_all_draws_give_the_candidates_of_the_table(table: VoteTable) -> None:
    """At k = n the distribution is certain, and exactly `VoteTable.candidates`."""
    found = distribution(table.klass, table.correct, [table.k[0]])
    there = table.candidates()
    assert (found.accuracy[:, :, 0] == there.correct).all()
    assert (found.count[:, :, 0].argmax(axis=2) == there.count).all()
    assert (found.count.max(axis=3) == 1).all()


def test_one_draw_is_right_as_often_as_draws_are() -> None:
    """At k = 1 the expected accuracy is the share of correct draws."""
    table = made({"m": ["AAb", "Ab.", "a!C"]})
    found = distribution(table.klass, table.correct)
    assert found.accuracy[0, :, 0] == pytest.approx([2 / 3, 1 / 3, 1 / 3], abs=1e-15)


def test_nine_draws_are_always_counted_out() -> None:
    """Up to 9 draws all choices are taken, however few trials are allowed."""
    chosen, exact = choose(9, 4, seed=0, trials=5)
    assert (exact, chosen.shape, set(chosen.sum(axis=1).tolist())) == (True, (126, 9), {4})
    assert len({tuple(row) for row in chosen.tolist()}) == 126


def test_many_draws_are_tried_and_said_so() -> None:
    """Beyond that seeded choices stand for all, the same for a seed, and close to the truth."""
    signs = ["AAAAABBBccdd", "AbAbAbAbAb..", "aaaaaaaaaaaa", "AAAAAAAAAAAA"]
    table = made({"m": signs})
    whole = distribution(table.klass, table.correct)
    tried = distribution(table.klass, table.correct, [3, 6], trials=400, seed=1)
    again = distribution(table.klass, table.correct, [3, 6], trials=400, seed=1)
    assert all(whole.exact)
    assert (tried.exact, tried.choices) == ((True, False), (220, 400))
    assert (tried.right == again.right).all()
    assert (tried.count[:, :, 0] == whole.count[:, :, 2]).all()
    assert tried.accuracy[:, :, 1] == pytest.approx(whole.accuracy[:, :, 5], abs=0.1)
    assert tried.accuracy[0, 2:, 1].tolist() == [0.0, 1.0]


def test_large_tables_are_worked_off_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures do not depend on how many rows are worked on at once."""
    table = made({"a": ["AAbB", "cAAb", "...A"], "b": ["bbbb", "AbAb", ".b.A"]})
    whole = distribution(table.klass, table.correct)
    monkeypatch.setattr("slm_mux.scaling.draws._PRODUCTS", 1)
    parts = distribution(table.klass, table.correct)
    assert (whole.count == parts.count).all()
    assert (whole.right == parts.right).all()


@pytest.mark.parametrize("k", [0, 4, -1])
def test_k_is_among_the_draws(k: int) -> None:
    """A k that the draws do not have is refused, as is a sample of nothing."""
    with pytest.raises(InvalidRequestError, match=r"k is .* 1 \.\. 3"):
        choose(3, k, seed=0)
    with pytest.raises(InvalidRequestError, match="0 trials"):
        choose(3, 2, seed=0, trials=0)


def test_classes_are_named_by_their_first_draw() -> None:
    """Equal patterns become equal rows whatever the classes are called."""
    assert first_alike(np.array([[7, -1, 3, 7], [0, -3, 1, 0]])).tolist() == [[0, -1, 2, 0]] * 2
