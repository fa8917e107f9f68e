"""Intervals from one set of resamples."""

import numpy as np
import pytest

from slm_mux import metrics
from slm_mux.errors import InvalidRequestError
from slm_mux.scaling import Resamples


def test_intervals_are_percentiles_of_resampled_means() -> None:
    """An interval is the 2.5 % to 97.5 % range of the means; close to the one of `metrics`."""
    scores = np.random.default_rng(0).random((200, 2))
    drawn = Resamples.draw(200, seed=1, resamples=2000)
    assert (drawn.often.sum(axis=1) == 200).all()
    means = drawn.often @ scores[:, 0] / 200
    assert drawn.intervals(scores)[0] == pytest.approx(tuple(np.quantile(means, (0.025, 0.975))))
    assert drawn.intervals(scores)[1] == pytest.approx(
        metrics.bootstrap_mean(scores[:, 1], seed=5, resamples=2000), abs=0.01
    )


def test_differences_are_paired() -> None:
    """A constant difference has an interval of no width, though both curves have wide ones."""
    one = np.random.default_rng(0).random(50)
    drawn = Resamples.draw(50, seed=0, resamples=300)
    found = drawn.intervals(np.stack([one, one - 0.25, one - (one - 0.25)], axis=1))
    assert found[0] is not None
    assert found[0][1] - found[0][0] > 0.05
    assert found[2] == pytest.approx((0.25, 0.25), abs=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resamples are the same however many are drawn at a time."""
    scores = np.arange(6.0)[:, None] / 6
    whole = Resamples.draw(6, seed=4, resamples=50)
    intervals = whole.intervals(scores)
    monkeypatch.setattr("slm_mux.metrics._AT_ONCE", 20)
    monkeypatch.setattr("slm_mux.scaling.resampling._BLOCK", 20)
    parts = Resamples.draw(6, seed=4, resamples=50)
    assert (whole.often == parts.often).all()
    assert parts.intervals(scores) == intervals


def test_one_problem_has_no_interval() -> None:
    """Resampling one problem says nothing."""
    assert Resamples.draw(1, seed=0).intervals(np.ones((1, 3))) == [None] * 3


@pytest.mark.parametrize(
    ("problems", "seed", "resamples", "message"),
    [(0, 0, 1, "no problem"), (1, -1, 1, "seed is -1"), (1, 0, 0, "0 resamples")],
)
def test_what_cannot_be_resampled(problems: int, seed: int, resamples: int, message: str) -> None:
    """Numbers out of range are refused."""
    with pytest.raises(InvalidRequestError, match=message):
        Resamples.draw(problems, seed=seed, resamples=resamples)
