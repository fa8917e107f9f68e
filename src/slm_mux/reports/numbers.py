"""How numbers are written on the page: one way for tables, charts and sentences."""

from collections.abc import Sequence

DASH = "–"
_SPACE = "\u00a0"
"""Keeps a number and its unit on one line."""


def percent(share: float | None) -> str:
    """Write a share: 0.75 is "75.0 %"."""
    return DASH if share is None else f"{100 * share:.1f}{_SPACE}%"


def points(difference: float | None) -> str:
    """Write a difference of shares in percentage points, with its sign: "+2.5", "−2.5", "0.0"."""
    if difference is None:
        return DASH
    written = f"{100 * difference:+.1f}".replace("-", "−")
    return "0.0" if written in ("+0.0", "−0.0") else written


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with a fixed number of decimals."""
    if value is None:
        return DASH
    written = f"{value:,.{digits}f}".replace("-", "−")
    return written.removeprefix("−") if not any(c in "123456789" for c in written) else written


def amount(value: float | None) -> str:
    """Write how many: whole where it is whole or from 100 on, else with one decimal."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.1f}"


def interval(ends: Sequence[float] | None) -> str:
    """Write an interval of shares: "59.8 to 85.8 %"."""
    return DASH if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}{_SPACE}%"


def interval_of_points(ends: Sequence[float] | None) -> str:
    """Write an interval of differences: "−12.5 to +5.0"."""
    return DASH if ends is None else f"{points(ends[0])} to {points(ends[1])}"


def share_with_interval(share: float | None, ends: Sequence[float] | None) -> str:
    """Write a share and its interval: "75.0 % (59.8 to 85.8 %)"."""
    return percent(share) + ("" if ends is None or share is None else f" ({interval(ends)})")
