"""Ours beside the paper's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.metrics import wilson
from slm_mux.paper.figures import Stated
from slm_mux.paper.sections import Row

shares = st.floats(0, 1)


@given(ours=shares, low=shares, high=shares, paper=shares)
def test_the_interval_is_shifted(ours: float, low: float, high: float, paper: float) -> None:
    """By a figure on an unknown number of problems: it holds 0 where ours holds that figure."""
    low, high = sorted((low, high))
    row = Row(label="", value=ours, ci95=(low, high), paper=Stated(value=paper, where="Table 1"))
    document = row.document()
    assert document["difference"] == ours - paper
    shifted = document["difference_ci95"]
    assert shifted == [low - paper, high - paper]
    assert document["inside"] == (shifted[0] <= 0 <= shifted[1])


def test_two_accuracies() -> None:
    """Where the paper's has its number of problems, both intervals count."""
    paper = Stated(value=0.6, where="Table 2", problems=80)
    assert paper.ci95 == wilson(48, 80)
    document = Row(label="", value=0.8, ci95=wilson(56, 70), paper=paper).document()
    assert document["difference_ci95"] == pytest.approx([0.0524, 0.3339], abs=5e-5)
    assert (document["inside"], document["paper"]["problems"]) == (False, 80)
    near = Row(label="", value=0.62, ci95=(0.61, 0.63), paper=paper).document()
    assert near["inside"] is True


@pytest.mark.parametrize(
    "row",
    [
        Row(label="x", value=0.5, ci95=(0.4, 0.6)),
        Row(label="x", paper=Stated(value=0.5, where="Table 1"), reason="no draws"),
    ],
)
def test_one_of_the_two_alone(row: Row) -> None:
    """Without ours, or the paper's, there is no difference, and nothing is inside."""
    document = row.document()
    assert [document[key] for key in ("difference", "difference_ci95", "inside")] == [None] * 3


def test_ours_without_an_interval() -> None:
    """One problem gives none; the difference stands."""
    document = Row(label="x", value=1.0, paper=Stated(value=0.5, where="Table 1")).document()
    assert (document["difference"], document["inside"]) == (0.5, None)
