"""examples/simulated_pools.py does what it says, and docs/results.md shows what it prints."""

import re
from pathlib import Path

import numpy as np
import pytest
from examples.simulated_pools import (
    BENCHMARKS,
    GPQA,
    MATH,
    SHARED,
    Benchmark,
    by_size,
    simulated,
    tables,
)

RESULTS = Path(__file__).parent.parent / "docs" / "results.md"
TITLE = "## Simulated pools with the paper's accuracies\n"


def shown() -> list[str]:
    """The lines of the section's text blocks."""
    section = RESULTS.read_text().partition(TITLE)[2].partition("\n## ")[0]
    blocks = re.findall(r"^```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_the_results_show_what_is_printed() -> None:
    """Every line of the tables in docs/results.md is printed, in that order."""
    lines = shown()
    assert len(lines) > 40
    printed = iter(tables())
    assert [line for line in lines if line not in printed] == []


@pytest.mark.parametrize("shared", SHARED)
@pytest.mark.parametrize("paper", BENCHMARKS, ids=lambda one: one.name)
def test_single_models_have_the_accuracies_of_the_paper(paper: Benchmark, shared: float) -> None:
    """One draw of each model is right as often as stated, whatever the models share."""
    table = simulated(paper, shared, paper.sticking, 500, 9, [1])
    assert table.correct.mean(axis=(1, 2)) == pytest.approx(paper.accuracy, abs=0.015)


def test_the_same_seed_gives_the_same_pool() -> None:
    """A pool is a function of its seed."""
    one, same, other = (simulated(GPQA, 0.6, 0.8, 50, 3, seed) for seed in ([1, 0], [1, 0], [2, 0]))
    assert np.array_equal(one.klass, same.klass)
    assert not np.array_equal(one.klass, other.klass)


def test_a_draw_is_correct_where_its_class_is_the_right_one() -> None:
    """Class 0 is the right answer, and the others are the benchmark's wrong ones."""
    table = simulated(GPQA, 0.6, 0.8, 200, 3, [1])
    assert np.array_equal(table.klass == 0, table.correct)
    assert set(np.unique(table.klass).tolist()) == {0, 1, 2, 3}


def test_wrong_draws_that_always_stick_are_all_alike() -> None:
    """With sticking 1 a model has one wrong answer for a problem."""
    table = simulated(MATH, 0.6, 1.0, 100, 9, [1])
    wrong = np.where(table.correct, -1, table.klass)
    for row in wrong.reshape(-1, 9).tolist():
        assert len(set(row) - {-1}) <= 1


def test_the_more_models_share_the_more_their_errors_correlate() -> None:
    """What is assumed of the models shows in the correlation that the library measures."""
    found = [by_size(MATH, shared, 0.5, pools=2).phi for shared in SHARED]
    assert found == sorted(found)
    assert found[-1] - found[0] > 0.2


@pytest.mark.parametrize("paper", BENCHMARKS, ids=lambda one: one.name)
def test_the_closest_assumption_has_the_nearest_union_accuracies(paper: Benchmark) -> None:
    """What is called closest to the paper's Figure 8 is closest in how union accuracy grows."""
    grown = np.diff(paper.paper["8 union"])

    def distance(shared: float) -> float:
        union = by_size(paper, shared, paper.sticking, pools=5).measured["union"].mean(axis=0)
        return float(np.abs(np.diff(union) - grown).sum())

    assert min(SHARED, key=distance) == paper.closest
