"""The paper's figures agree with each other where it states one twice."""

import pytest

from slm_mux.paper import figures
from slm_mux.paper.figures import BENCHMARKS


@pytest.mark.parametrize("task", BENCHMARKS)
def test_table_3_is_the_ends_of_figure_9(task: str) -> None:
    """Group 2 with 2 draws, and with the best number, as read off the plot."""
    for method in ("mux", "agent_forest"):
        line = [figures.figure9(task, method, 2, k) for k in range(2, 10)]
        values = [point.value for point in line if point is not None]
        assert len(values) == 8
        for best, seen in ((False, values[0]), (True, max(values))):
            stated = figures.table3(task, method, 2, best=best)
            assert stated is not None
            assert seen == pytest.approx(stated.value, abs=0.0005)


@pytest.mark.parametrize("task", BENCHMARKS)
def test_table_4_is_the_best_of_figure_9(task: str) -> None:
    """The best after scaling is group 1 with its best number of draws."""
    line = [figures.figure9(task, "mux", 1, k) for k in range(2, 10)]
    stated = figures.table4(task, large=False)
    assert stated is not None
    assert max(point.value for point in line if point is not None) == stated.value


@pytest.mark.parametrize("task", BENCHMARKS)
def test_figure_7_grows_and_contradicts(task: str) -> None:
    """Union accuracy and contradiction grow with the number of models; one model has none."""
    for line in ("union", "contradiction"):
        points = [figures.figure7(task, line, size) for size in range(1, 6)]
        values = [point.value for point in points if point is not None]
        assert len(values) == 5
        assert values == sorted(values)
    first = figures.figure7(task, "contradiction", 1)
    assert first == figures.Stated(value=0.0, where="Figure 7", read_off=True)


def test_differences_are_those_of_the_table() -> None:
    """What mux has more than a method in table 1, in shares."""
    found = figures.table1_less("math", "debate")
    assert found == figures.Stated(value=0.102, where="Table 1")
    assert figures.table2("gsm8k", 2, composed=True) == figures.Stated(
        value=0.852, where="Table 2", problems=500
    )


@pytest.mark.parametrize("task", BENCHMARKS)
def test_the_best_single_model_of_table_1(task: str) -> None:
    """It is the best of the three that the paper states alone, to 0.1 points."""
    each = [figures.single(task, name) for name in figures.SINGLES[task]]
    best = figures.table1(task, "single")
    assert best is not None
    assert max(one.value for one in each if one is not None) == pytest.approx(
        best.value, abs=0.0011
    )
    assert {one.problems for one in each if one is not None} == {figures.PROBLEMS[task]}


def test_what_the_paper_does_not_have() -> None:
    """Other tasks, other groups, other sizes: nothing, and no error."""
    assert figures.table1("demo", "mux") is None
    assert figures.single("math", "qwen2.5-7b") is None
    assert figures.table1_less("math", "universal_self_consistency") is None
    assert figures.table2("demo", 1, composed=True) is None
    assert figures.table3("math", "mux", 1, best=False) is None
    assert figures.table4("demo", large=True) is None
    assert figures.figure7("math", "union", 6) is None
    assert figures.figure8("math", "mux", 0) is None
    assert figures.figure9("math", "agent_forest", 1, 3) is None
    assert figures.figure9("math", "mux", 1, 1) is None
    assert figures.figure9("math", "mux", 1, 10) is None
