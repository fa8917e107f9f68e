"""Numbers: which one of a completion is the answer, and when two are the same."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers import number
from slm_mux.answers.number import NumberKind
from slm_mux.answers.numerals import numerals
from slm_mux.types import Answer

NUMBER = NumberKind()
PROSE_PIECES = (
    "12|3.5|1,234|-5|- |3/4|½|$7|3x|3:45|2024-05-06|1.2.3|\\frac{1}{2}|10^3|5 million|20 %"
    "|step 2|Step (3|4. Add|5) Sum|six|. |, |: |= |) |; |! |? |.|,|:|)|(| |\n|\n- "
    "|so the shop has some more of it |which makes apples and pears and plums"
)
PROSE = st.lists(st.sampled_from(PROSE_PIECES.split("|")), max_size=80).map("".join)
WRITTEN = {
    "72": "72 | 72."
    " | 72.0 | 72.00 | +72 | 072 | **72** | $72$ | \\(72\\) | \\boxed{72} | x = 7 = 72"
    " | 72 km | 72km | 72 apples"
    " | $72 | \\$72 | €72 | 72 dollars | US$72 | 72% | 72\\% | 72 %"
    " | 72 percent | seventy-two | Seventy two | 144/2"
    " | \\text{Total: } 72 | 72\\text{ cm}^2 | 72 m²"
    " | 72 km/h | 72° | 72^\\circ | about 72 | ≈ 72 | 7.2e1 | 0.72 × 10^2"
    " | 6 dozen | １２ + 60 = 72"
    " | The total is 72 apples | n = 72 | 72 (seventy two)",
    "1234": "1234 | 1,234 | 1 234 | 1{,}234 | 1\\,234 | 1'234 | 1_234 | $1,234.00 | 1,234 people"
    " | one thousand two hundred and thirty-four | 1.234k | 1.234 \\times 10^{3} | 1.234·10³",
    "-5": "-5 | −5 | - 5 | –5 | -5.0 | minus five | negative 5 | -$5 | $-5 | x=-5 | -10/2"
    " | \\frac{-10}{2}",
    "1/2": "1/2 | 0.5 | .5 | 0.50 | ½ | \\frac{1}{2} | \\dfrac{1}{2} | \\frac12 | 2/4 | one half"
    " | half | $\\frac{1}{2}$ | 5e-1 | 1/2 cup",
    "3/2": "3/2 | 1.5 | 1 1/2 | 1½ | 1 ½ | 1\\frac{1}{2} | one and a half | 1 and a half"
    " | three halves",
    "105": "105 | one hundred and five | one hundred five | a hundred and five",
    "12": "12 | a dozen | twelve | 1 dozen",
    "25/2": "$12.50 | 12.5 | twelve and a half | 12 1/2",
    "1200": "1.2 × 10^3 | 1.2 \\times 10^{3} | 1.2e3 | 1.2E+3 | 12 hundred | 1.2 thousand",
    "5000000": "5 million | $5M | 5,000,000 | five million | 5 000 000",
    "0": "0 | -0 | 0.0 | zero | $0",
}
NOT_ONE_NUMBER = [
    "", " ", "A", "x", "3x + 5", "3x", "(3, 4)", "3, 4", "{1, 2}", "5-7", "5–7", "$5-$7", "1,23",
    "1,2345", "1,234,56", "2024-05-06", "5/6/2024", "3:45", "1.2.3", "3rd", "2^10", "2\\pi",
    "\\sqrt{2}", "1/0", "12 or 13", "5 ± 1", "x - 5", "two three", "nineteen ninety", "the third",
    "1e999999999", "1e-999999999", "10^99999", "9" * 500, "> 5", "12 + 3", "None",
    "x = 3, y = 4", "x = 3 and y = 4", "\\boxed{}",
]  # fmt: skip
READ = [
    # the last complete box
    (r"So \boxed{7}.", "7", "7"),
    (r"\boxed{3} no, \boxed{9}. Check: 3 + 4 = 7", "9", "9"),
    (r"\boxed{12} and \boxed{13", "12", "12"),
    (r"#### 3" + "\n" + r"\boxed{4}", "4", "4"),
    (r"Then \boxed{x = 7}", "7", "7"),
    (r"Answer: \boxed{\$1,234.50}", "2469/2", "2469/2"),
    (r"12 apples \boxed{}", "12", None),
    (r"\boxed{number} is 5", "5", None),
    # the last marker: four hashes
    ("3 + 4 = 7\n#### 7", "7", None),
    ("#### 7\n", "7", "7"),
    ("#### 1,234\nok", "1234", "1234"),
    ("#### 1\n\n#### 2\n#### 5", "5", "2"),
    ("#### $18 per day", "18", None),
    ("#### Step 2: do it\nso there are 5 apples", "5", None),
    ("#### 2. Add them\nso there are 5 apples", "5", None),
    ("#### 6\nThe answer is 8", "8", "6"),
    ("The answer is 8.\n#### 6", "6", "8"),
    ("#### 1\nThe final answer is 400.\n#### 2\nThe final answer is 400", "400", "2"),
    # the last marker: a phrase
    ("The answer is 12.", "12", None),
    ("The answer is 12. I checked 99 times.", "12", "12"),
    ("The answer is 12.5", "25/2", None),
    ("The answer is **12**", "12", "12"),
    ("**Answer:** 72 km\nIt took 3 hours.", "72", "72"),
    ("**Final Answer**\n\n$$\n12\n$$\nas of 2024", "12", "12"),
    ("The answer is 5 + 7 = 12 apples. Done in 2 steps", "12", "12"),
    ("The answer is seventy-two.\nOf 80.", "72", "72"),
    ("Answer:\n1. First do 3", "3", None),
    ("Answer: 5 or 6. It has 7", "7", None),
    ("The answer is 42 (see step 3). Done", "42", "42"),
    ("The answer is 12 because 3 plus 9 is that. Done", "12", "12"),
    ("The answer is 12 out of 20.", "12", None),
    # the last number
    ("She has 3 and buys 4, so she has 7 apples.", "7", None),
    ("So 36 + 36 = 72", "72", None),
    ("She has 1,234 apples.", "1234", None),
    ("It is $1 234$.", "1234", None),
    ("Step 1: add.\nSo there are 12.\nStep 2: done", "12", None),
    ("1. There are 9 birds.\n2. Done", "9", None),
    ("The area is 24 cm^2.", "24", None),
    ("The area is 24 cm^{2}.", "24", None),
    ("It is 7, says GPT-4 and Qwen2.5 and x_1", "7", None),
    ("It is 7, on the 3rd of 2024-05-06 at 3:45", "7", None),
    ("Half of 10 is five", "10", None),
    ("There are seventy-two of them.", "72", None),
    ("It fell to -3", "-3", None),
    ("10 -3", "3", None),
    ("So 20%", "20", None),
    ("```python\nprint(3)\n```\n```output\n8\n```", "8", None),
    ("It is 8.\n```python\nx = 3\n```", "8", None),
    ("It is 7. " + "9" * 20_000, None, None),
    ("9" * 20_000 + " is much, 7 is not", "7", None),
    # nothing to read
    ("", None, None),
    ("No idea.", None, None),
    ("Only one of them", None, None),
    ("<think>12</think>", None, None),
    (r"<think>\boxed{12}", None, None),
    (r"\boxed{12}</think>13", "13", None),
    ("so far 1,23", None, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "written"), [(k, w.strip()) for k, v in WRITTEN.items() for w in v.split(" | ")]
)
def test_ways_to_write_one_number_share_its_key(key: str, written: str) -> None:
    """Separators, units, currency, percent signs, words and fractions do not change the class."""
    assert NUMBER.canonical(written) == key


@pytest.mark.parametrize("text", NOT_ONE_NUMBER)
def test_what_is_not_one_number_has_no_key(text: str) -> None:
    """Lists, ranges, dates, expressions and numbers too large to write out are not answers."""
    assert NUMBER.canonical(text) is None


@pytest.mark.parametrize(("text", "whole", "cut"), READ)
def test_the_answer_is_found_by_rule(text: str, whole: str | None, cut: str | None) -> None:
    """Box, marker, last number, in this order; cut off, only what is complete."""
    answers = [NUMBER.read(text), NUMBER.read(text, cut_off=True)]
    assert [answer and answer.key for answer in answers] == [whole, cut]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("So it is 3. The answer is 1,234.50 apples. Done", "2469/2"),
        ("We get 3.\n#### 1,234\nDone", "1234"),
        ("**Answer:** 12.5 km\n", "25/2"),
        (r"4 + 8 = 12, so \boxed{\frac{12}{25}} of it", "12/25"),
        ("The final answer is **12.5**. Done", "25/2"),
        ("The answer is $12.50$ in all.\n", "25/2"),
        ("**Final Answer**\n\n$$\n1\\,234\n$$\n", "1234"),
    ],
)
def test_no_beginning_of_a_completion_gives_half_an_answer(text: str, key: str) -> None:
    """Cut off anywhere, a completion is unreadable until its answer is whole."""
    answers = {NUMBER.read(text[:end], cut_off=True) for end in range(len(text) + 1)}
    assert {answer and answer.key for answer in answers} == {None, key}


def test_solutions_of_different_text_vote_by_their_answer() -> None:
    """Long solutions that end in 7 and in 9 differ, and two that end in 7 agree."""
    seven, also_seven, nine = (
        NUMBER.read(text)
        for text in (
            "First 3 + 4. So the answer is 7.",
            r"We add 4 to 3 and get \boxed{7}",
            "First 3 + 4. So the answer is 9.",
        )
    )
    assert seven is not None
    assert also_seven is not None
    assert nine is not None
    assert (seven.key == also_seven.key, seven.key == nine.key) == (True, False)


def test_percent_is_a_unit() -> None:
    """50 % and 50 are one class; 0.5 is another."""
    assert [NUMBER.canonical(text) for text in ("50%", "50", "0.5")] == ["50", "50", "1/2"]


@given(st.fractions())
def test_a_key_is_its_own_key(value: Fraction) -> None:
    """A key read as an answer gives itself."""
    assert NUMBER.canonical(str(value)) == str(value)


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=3))
def test_cosmetic_variants_share_a_key(value: object) -> None:
    """Separators, trailing zeros, boxes and units leave the key alone."""
    key = str(Fraction(str(value)))
    variants = [f"{value:,}", f"{value}00", f"\\boxed{{{value}}}", f"{value} apples", f"${value}$"]
    assert [NUMBER.canonical(text) for text in variants] == [key] * len(variants)


@given(st.integers(-(10**6), 10**6), st.text(alphabet="abc .,\n", max_size=40))
def test_a_boxed_number_is_read_in_any_surroundings(value: int, around: str) -> None:
    """Prose around a box does not change what is read, cut off or not."""
    answer = NUMBER.read(f"{around}\\boxed{{{value}}}{around}", cut_off=True)
    assert answer is not None
    assert answer.key == str(value)


@given(PROSE)
def test_the_last_number_is_the_same_from_the_end_as_from_the_start(prose: str) -> None:
    """Reading longer and longer ends of a text gives the last number of the whole."""
    every = numerals(number._NUMBERED.sub(" ", prose.rstrip()))
    valued = [numeral for numeral in every if numeral.value is not None]
    last = number._last_number(prose)
    if valued:
        assert last == Answer(text=valued[-1].text, key=str(valued[-1].value))


@given(st.text(alphabet=st.characters(categories=["Nd"]), min_size=1, max_size=30))
def test_digits_alone_are_read_like_digits_in_company(digits: str) -> None:
    """The short way for digits gives the key that the whole grammar gives."""
    assert NUMBER.canonical(digits) == NUMBER.canonical(f"about {digits} apples")


@given(
    st.lists(
        st.sampled_from(
            [
                "\\boxed{12}", "\\boxed{007}", "\\boxed{3 cm}", "\\boxed{}", "\\fbox{5}",
                "\\boxed{\\boxed{8}}", "\\boxed{1", "box", "a box of 4", "\\boxed {6}", "}", "{",
                "9", " ", "\n", "\\boxed{12}{}", "<think>\\boxed{2}</think>", "\\text{boxed{3}}",
            ]
        ),
        max_size=6,
    ).map("".join),
    st.booleans(),
)  # fmt: skip
def test_the_shortcut_for_digits_in_the_last_box_is_the_same_rule(text: str, cut_off: bool) -> None:
    """A completion is read alike with the shortcut and without it."""
    kind = NumberKind()
    answer = kind.read(text, cut_off=cut_off)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(number, "_digits_in_the_last_box", lambda _: None)
        assert kind.read(text, cut_off=cut_off) == answer
