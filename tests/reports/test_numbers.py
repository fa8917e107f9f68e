"""How numbers are written."""

import pytest

from slm_mux.reports.numbers import amount, interval, interval_of_points, number, percent, points


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.75), "75.0\u00a0%"),
        (percent(None), "–"),
        (points(-0.125), "−12.5"),
        (points(0.05), "+5.0"),
        (points(-0.0001), "0.0"),
        (interval([0.5981, 0.858]), "59.8 to 85.8\u00a0%"),
        (interval_of_points([-0.125, 0.05]), "−12.5 to +5.0"),
        (interval_of_points(None), "–"),
        (number(-0.0004), "0.000"),
        (number(-0.5, 2), "−0.50"),
        (amount(20.0), "20"),
        (amount(20.25), "20.2"),
        (amount(5289.3), "5,289"),
        (amount(295.025), "295"),
        (amount(None), "–"),
    ],
)
def test_one_way_for_all(written: str, expected: str) -> None:
    """Shares have one decimal and a unit, differences a sign, what is unknown a dash."""
    assert written == expected
