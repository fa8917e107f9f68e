"""Colours and what stands beside them."""

import pytest

from slm_mux.reports.naming import METHODS, fitted
from slm_mux.reports.themes import COLOURS

DRAWN = ("blue", "vermillion", "green", "purple", "amber", "sky", "grey")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_drawn_is_seen(theme: str) -> None:
    """Lines and marks have 3:1 contrast with the page, words 4.5:1."""
    colours = COLOURS[theme]
    for name in DRAWN:
        assert contrast(colours[name], colours["page"]) >= 3, name
    for name in ("ink", "muted"):
        assert contrast(colours[name], colours["page"]) >= 4.5, name


def test_no_two_methods_look_the_same_without_colour() -> None:
    """Methods that share a chart differ in shape or dash."""
    together = ("mux", "union", "self_consistency", "self_consistency_at_k", "agent_forest")
    looks = [(METHODS[name].shape, METHODS[name].dash) for name in (*together, "single")]
    assert len(set(looks)) == len(looks)


def test_long_names_are_shortened_in_the_middle() -> None:
    """Both ends stay, since models of a family differ there; short names stay whole."""
    name = "organisation/some-long-model-name-7b-instruct"
    assert fitted(name, 20) == "organisa…7b-instruct"
    assert [len(fitted(name, most)) for most in (10, 20, 30)] == [10, 20, 30]
    assert fitted("short", 5) == "short"
