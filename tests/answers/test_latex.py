"""Normalising: cosmetic differences vanish, meaning stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers.latex import LONGEST, normalise

CASES = [
    (r"\left( \dfrac{1}{2} , 3 \right]", r"(\frac{1}{2},3]"),
    (r"\frac12", r"\frac{1}{2}"),
    (r"\frac1{72}", r"\frac{1}{72}"),
    (r"\frac 34", r"\frac{3}{4}"),
    (r"\sqrt2", r"\sqrt{2}"),
    ("x^{2}", "x^2"),
    ("x^{10}", "x^{10}"),
    ("a_{1}", "a_1"),
    (r"$x$", "x"),
    (r"$$x$$", "x"),
    (r"\(x\)", "x"),
    (r"\[ x \]", "x"),
    ("7.", "7"),
    ("7.0", "7.0"),
    ("5!", "5!"),
    (r"\text{Evelyn}", "Evelyn"),
    (r"\textbf{(C)}", "(C)"),
    (r"x=1 \text{ or } x=2", "x=1 or x=2"),
    (r"30^\circ", "30"),
    (r"30^{\circ}", "30"),
    ("30°", "30"),
    (r"\sin 30^\circ", r"\sin30\degree"),
    (r"50\%", "50"),
    (r"\$18.90", "18.90"),
    ("$18.90", "18.90"),
    (r"\$32,\!348", "32348"),
    (r"11,\! 111,\! 111,\! 100", "11111111100"),
    ("10{,}000", "10000"),
    ("58,500", "58500"),
    ("1,234,567.8", "1234567.8"),
    ("(1,234)", "(1,234)"),
    ("1, 234", "1, 234"),
    ("3, 5, 7", "3,5,7"),
    (r"5\text{ cm}", "5"),
    (r"15\mbox{ cm}^2", "15"),
    (r"7\text{ m/s}^2", "7"),
    ("12 square units", "12"),
    ("5.4 cents", "5.4"),
    (r"\frac{270}7\text{ degrees}", r"\frac{270}{7}"),
    (r"3\pi \text{ cm}", r"3\pi"),
    (r"32\text{ million}", "32million"),
    ("2ab", "2ab"),
    ("2xyz", "2xyz"),
    ("5 x", "5x"),
    (r"2\pi r", r"2\pi r"),
    ("10:15 a.m.", "10:15am"),
    (r"10:15\text{ PM}", "10:15pm"),
    ("137 1/2", r"137\frac{1}{2}"),
    ("1011 base 2", "1011_2"),
    (r"2 \cdot 3 \times 4", "2*3*4"),
    ("2**3", "2^3"),
    ("**7**", "7"),
    ('"even"', "even"),
    ("√3/2", r"\sqrt{3}/2"),
    ("x ≤ 2π", r"x\le2\pi"),
    ("−3", "-3"),
    (r"\begin{pmatrix} 1 \\[4pt] 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
    (r"\boxed{5}", "5"),
    (r"x \leqslant 3", r"x\le3"),
    (r"\left.5\right.", "5"),
    ("  ", ""),
    (r"\text{}", ""),
    ("...", ""),
]


@pytest.mark.parametrize(("written", "normal"), CASES)
def test_what_is_cosmetic_is_taken_off(written: str, normal: str) -> None:
    """Each way of writing has one normal form, which is its own normal form."""
    assert normalise(written) == normal
    assert normalise(normal) == normal


PIECES = [
    "\\frac", "{", "}", "1", "2", ",", "123", "\\!", " ", "\\text{", " cm", "^", "_", "\\circ", "$",
    "\\\\", "[", "]", "(", ")", "%", ".", "x", "\\left", "**", "a.m.", "base 2", "~", "½", "\ud800",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_normalising_again_changes_nothing(text: str) -> None:
    """The normal form of any text is its own normal form."""
    normal = normalise(text)
    assert normalise(normal) == normal


@pytest.mark.parametrize(
    "unit",
    ["\\frac", "{", "`", "*", "5 ", "1,234", "\\text{", "a ", "$", "\\left", ".", "^{", "\\\\"],
)
def test_length_is_no_trouble(unit: str) -> None:
    """Texts at and far above the limit are normalised in a moment."""
    normalise(unit * (LONGEST // len(unit)))
    assert normalise(unit * 100_000).split() == (unit * 100_000).split()
