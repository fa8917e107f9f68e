"""Maths answers: what is read, what is the same, what is not, and what cannot do harm."""

import random
import threading
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slm_mux.answers.latex import normalise
from slm_mux.answers.math import MathKind, MathStatistics
from slm_mux.answers.workers import Workers
from slm_mux.provisional import watching


@pytest.fixture(scope="module")
def kind() -> Iterator[MathKind]:
    shared = MathKind()
    yield shared
    shared.close()


SAME = [
    [r"\frac12", "1/2", "0.5", ".50", r"\dfrac{1}{2}", r"\tfrac 1 2", r"$\frac{2}{4}$", "½",
     r"x = \frac{1}{2}", "x = 1/2 = 0.5", r"\(0.5\)", r"\sin 30^\circ", r"\cos\frac{\pi}{3}"],
    ["7", "x = 7", "7 = x", "7.", "7.0", r"\text{7}", r"7\text{ cm}", "7 cm", r"7^\circ", r"\$7",
     "7 dollars", "7%", r"7\%", r"7\ \text{units}^2", "7 square units", "f(x) = 7", "AB = 7",
     r"\angle ABC = 7^\circ", r"\text{Area} = 7", "**7**", "(7)", r"7\text{ m/s}^2", r"\boxed{7}"],
    ["10080", r"10,\!080", "10,080", "10{,}080", r"10\,080", "1.008e4", r"1.008 \times 10^{4}"],
    [r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt 3}", "√3/3", "sqrt(3)/3", r"\sqrt{\frac13}"],
    [r"2\sqrt2", r"\sqrt8", r"2\cdot\sqrt{2}", "2√2"],
    ["x^2+2x+1", "(x+1)^2", "1+2x+x^{2}", "x**2 + 2*x + 1", "(x+1)(x+1)"],
    ["a+b", "b+a"],
    ["6-5i", "-5i+6", "6 - 5 i"],
    [r"\frac{\pi}{2}", r"0.5\pi", "pi/2", "π/2", r"\frac\pi2", r"\arcsin 1"],
    ["y=2x+3", "2x+3 = y", "y-2x=3", "4x-2y+6=0", r"y = 2\left(x+\frac32\right)"],
    ["5x - 7y + 11z + 4 = 0", "-10x+14y-22z=8"],
    ["1,-2", "-2, 1", "x=1 or x=-2", r"x=1 \text{ or } x=-2", "x = 1, -2", r"\{1,-2\}", "{-2, 1}"],
    [r"3\pm2\sqrt2", r"3+\sqrt8, 3-\sqrt8", r"x = 3 \mp 2\sqrt2"],
    [r"\{1\pm\sqrt{5},-2\}", r"-2, 1+\sqrt5, 1-\sqrt5"],
    ["(2,4)", r"\left( 2 ,\, 4 \right)", "(x,y) = (2,4)", r"\langle 2, \frac{8}{2}\rangle"],
    ["[-2,7]", r"x \in [-2,7]", r"x\in\left[-2, 7\right]"],
    [r"(-\infty, 2) \cup (3, \infty)", r"(3,\infty)\cup(-\infty,2)", "(-∞,2) ∪ (3,+∞)"],
    [r"\begin{pmatrix} 1/5 \\ -18/5 \end{pmatrix}", r"\begin{bmatrix}0.2\\-3.6\end{bmatrix}"],
    [r"\text{(C)}", "C", "(C)", r"\textbf{(C)}", r"\mathrm{C}"],
    [r"\text{Evelyn}", "Evelyn", "evelyn.", '"Evelyn"'],
    ["1011_2", "1011_{2}", r"1011\text{ base }2", "(1011)_2"],
    ["10:15", "10 : 15"],
    ["10:15 a.m.", r"10:15\text{ a.m.}", "10:15 AM"],
    [r"1\frac45", r"\frac95", "1 4/5", "1.8"],
    [r"-1\frac12", "-1.5"],
    [r"0.1\overline{6}", r"\frac16"],
    ["x>5", "5<x", r"x \gt 5"],
    [r"-2 \le x \le 7", r"7\geq x\geqslant -2"],
    ["p(x)=x^3+3x-6", "x^3+3x-6"],
    ["f^{-1}(x)=2x", "2x"],
    ["a_n = 2n+1", "2n+1"],
    [r"\cot x", r"\frac{1}{\tan x}", r"\frac{\cos x}{\sin x}"],
    [r"\log_2 8", "3", r"\frac{\ln 8}{\ln 2}", r"\sqrt{9}", r"\sqrt[3]{27}"],
    [r"\sqrt{3+2\sqrt2}", r"1+\sqrt2", r"\frac{1}{\sqrt2-1}"],
    ["10!/9!", "10", r"\binom{5}{2}"],
    [r"e^{2}", r"\exp(2)"],
    [r"\sqrt[3]{-16}", r"-2\sqrt[3]{2}", r"-2\cdot2^{1/3}"],
    [r"12^{1/3}", r"2^{2/3}\cdot 3^{1/3}"],
    [r"\frac{1}{\pi+1}", r"\frac{\pi-1}{\pi^2-1}"],
    [r"\emptyset", r"\varnothing", r"\{\}"],
    [r"\sin^2 x", r"(\sin x)^2", r"\sin^2(x)"],
    [r"|x-2|", r"\left|x-2\right|", r"\lvert x-2\rvert"],
    [r"\frac{n(n+1)}{2}", "n(n+1)/2", r"\frac{n^2+n}{2}"],
    [r"\frac{x^2-1}{x-1}", "x+1"],
    ["x=2, y=3", "y=3, x=2"],
    ["no", "No.", r"\text{no}"],
]  # fmt: skip

DIFFERENT = [
    ["1<x<2", "(1,2)", "[1,2]", r"\{1,2\}", "[1,2)", "(1,2]", "(2,1)", r"1<x\le 2"],
    ["50%", "0.5"],
    ["1011_2", "1011", "11", "1011_3"],
    ["2x+3", "y=2x+3", "y=2x-3"],
    ["(1,234)", "1,234", "1, 234"],
    ["x", "X", "|x|", "-x", r"\sqrt{x^2}"],
    ["x=2, y=3", "x=3, y=2", "2, 3"],
    ["east", "seat"],
    ["x<5", r"x \le 5", "x>5"],
    ["1, 2, 2", "1, 2"],
    ["B, A", "A, B"],
    [r"\log x", r"\ln x", r"\log_2 x"],
    ["10:15 am", "10:15 pm", "10:15", "10/15"],
    ["5!", "5"],
    ["e", "2.718281828"],
    [r"\sqrt{2}", "1.41421356", r"\sqrt2+10^{-20}"],
    ["a_1", "a_2", "a"],
    [r"32\text{ million}", "32"],
    ["x^2=4", "2", "4"],
    [r"3\frac12", r"3\cdot\frac12"],
    ["{5}", r"\{5\}"],
    [r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"],
    ["i", "1", "-1"],
]


@pytest.mark.parametrize("answers", SAME, ids=lambda answers: answers[0])
def test_ways_of_writing_one_answer_form_one_class(kind: MathKind, answers: list[str]) -> None:
    """Answers that mean the same have one key, and the key is its own key."""
    key = kind.canonical(answers[0])
    assert {answer: kind.canonical(answer) for answer in answers} == dict.fromkeys(answers, key)
    assert key is not None
    assert kind.canonical(key) == key


@pytest.mark.parametrize("answers", DIFFERENT, ids=lambda answers: answers[0])
def test_different_answers_have_different_keys(kind: MathKind, answers: list[str]) -> None:
    """Answers that mean something else are kept apart."""
    assert len({kind.canonical(answer) for answer in answers}) == len(answers)


def test_the_rows_of_the_table_are_apart(kind: MathKind) -> None:
    """No two classes of the table above are one."""
    assert len({kind.canonical(answers[0]) for answers in SAME}) == len(SAME)


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("0.125", "1/8"),
        (r"2\sqrt{12}", "4*sqrt(3)"),
        ("(a+5)(b+2)", "a*b+2*a+5*b+10"),
        ("y = -2x", "2*x+y=0"),
        ("2x = x", "0"),
        (r"AB\pi = AB", "0"),
        (r"(-\infty, 0]", "(-infinity, 0]"),
        ("10, 9", "{9, 10}"),
        (r"\sin 1", "~0.841470984807896506652502321630"),
        (r"\text{Not enough information}", "not enough information"),
        (r"\sum_{i=1}^{n} a_i", r"\sum_{i=1}^n a_i"),
        ("4210_{5}", "4210_5"),
    ],
)
def test_keys_can_be_read_by_people(kind: MathKind, answer: str, key: str) -> None:
    """A key is written as short mathematics, or as the text itself."""
    assert kind.canonical(answer) == key


@pytest.mark.parametrize("nothing", ["", "  ", ".", "?", "$$", r"\boxed{}", r"\text{}", "--"])
def test_nothing_is_no_answer(kind: MathKind, nothing: str) -> None:
    """A text without letters and digits has no key."""
    assert kind.canonical(nothing) is None


@pytest.mark.parametrize(
    ("completion", "answer", "when_cut_off"),
    [
        (r"first \boxed{3}, no: it is \boxed{4}.", "4", "4"),
        (r"so \boxed{3} and then \boxed{", "3", "3"),
        (r"$x=\boxed{1}$ or $x=\boxed{-2}$", "{-2, 1}", "{-2, 1}"),
        (r"\boxed{1}, \boxed{2}, and \boxed{3}.", "{1, 2, 3}", "{1, 2, 3}"),
        (r"\boxed{\frac12}, \boxed{0.5}", "1/2", "1/2"),
        (r"\boxed{5} \boxed{}", "5", "5"),
        ("The answer is $7$. Done.", "7", "7"),
        ("The answer is 7 apples.\nBye", "7", "7"),
        ("The answer is \\frac{1\nAnd good bye, everybody", None, None),
        ("The answer is east.\nBye", "east", "east"),
        ("The answer is what we had found in step 3.\nBye", "bye", None),
        ("The answer is 7", "7", None),
        ("#### 12\n", "12", "12"),
        ("**Answer:** $(1, 2)$\n", "(1, 2)", "(1, 2)"),
        ("so\n\\[\nx = \\frac{1}{2}\n\\]", "1/2", None),
        ("Thus $2 + 3 = 5$.", "5", None),
        ("Hence $y = 2x$", "2*x-y=0", None),
        ("therefore $$x^2+1$$", "x^2+1", None),
        ("steps\n42", "42", None),
        ("steps\n**Evelyn**", "evelyn", None),
        ("We sold 20 of them", None, None),
        ("It costs $5 now, so $6 in all", None, None),
        ("so it is $\\boxed{3", None, None),
        (r"<think>\boxed{4}</think>\boxed{5}", "5", "5"),
        (r"<think>\boxed{4}", None, None),
        ("I am afraid that I do not know how to do this one", None, None),
        ("", None, None),
    ],
)
def test_reading_goes_from_boxes_to_markers_to_the_last_line(
    kind: MathKind, completion: str, answer: str | None, when_cut_off: str | None
) -> None:
    """The most deliberate mark of an answer counts; of a cut-off text only a complete one."""
    whole, cut = kind.read(completion), kind.read(completion, cut_off=True)
    assert (whole and whole.key, cut and cut.key) == (answer, when_cut_off)


def test_the_answer_is_kept_as_written(kind: MathKind) -> None:
    """The text of an answer is the model's, its key is ours."""
    answer = kind.read(r"So \boxed{\dfrac{2}{4}}.")
    assert answer is not None
    assert (answer.text, answer.key) == (r"\dfrac{2}{4}", "1/2")


HOSTILE = [
    "9^{9^{9}}", "(10^7)!", "2^{10^{10}}", "9!!!!!!", "((((10!)!)!)!)", "1e999999999",
    "1e" + "9" * 300, "9" * 10_000, "{" * 5_000 + "1" + "}" * 5_000, r"\frac{1}{2}" * 1_000,
    r"\frac{" * 60 + "1" + "}{2}" * 60, r"\sqrt" * 180 + "2", r"\sin" * 200 + "x", "(" * 499 + "1",
    "x" + "^x" * 400, "-" * 900 + "1", "/".join(["x"] * 300), "(x+1)^{1000}",
    "(x+y+z+w)^{40}", "x^{10^{10}}",
    r"((x+1)^{1/2})^{200}", r"(1+x)^{y+900}", r"\binom{10^9}{10^8}", "2^{2^{2^{2^{2^{2}}}}}",
    r"e^{e^{e^{e^{100}}}}", r"\sinh(\sinh(10^{100}))", r"\pi^{\pi^{\pi^{\pi}}}", r"e^{10^{300}}",
    "+".join(rf"\frac{{1}}{{x-{n}}}" for n in range(1, 60)), r"\frac{x^{1000}-1}{x-1}",
    r"\sqrt[100000]{2}", r"\lfloor 10^{300}\pi\rfloor", "1/0", "0^0", r"\frac{1}{x-x}", r"\ln 0",
    r"\tan\frac{\pi}{2}", r"0.\overline{" + "1" * 900 + "}", r"\prod_{i=1}^{10^{9}} i",
    r"(\sqrt{2}+\sqrt{3}+\sqrt{5}+\sqrt{7}+\sqrt{11}+\sqrt{13})^{7}",
]  # fmt: skip
LARGE = [
    "*".join(["2"] * 400), "+".join(f"a_{n}" for n in range(100)),
    r"\frac{1}{\sqrt2+\sqrt3+\sqrt5+\sqrt7}", r"(1+\sqrt2)^{119}",
    r"\frac{1}{\sqrt a+\sqrt b+\sqrt c+\sqrt d}", r"\sqrt{" + str(10**150 + 1) + "}",
    r"\frac{(a+b+c+d)^3}{(a-b+c-d)^3}", r"\sqrt[3]{" + str((2**200 + 235) * (2**201 + 189)) + "}",
    r"\tan(\tan(\tan(\tan x)))", "(1+i)^{60}", r"\frac{x^{50}+1}{(x+1)^7}",
    r"\cos\frac{\pi}{65537}",
]  # fmt: skip


def test_hostile_answers_are_kept_as_text(kind: MathKind) -> None:
    """What is too large or has no value gets its text as key, before any limit on time."""
    before = kind.statistics()
    assert {answer: kind.canonical(answer) for answer in HOSTILE} == {
        answer: normalise(answer) for answer in HOSTILE
    }
    after = kind.statistics()
    assert (after.wall_limit_hits, after.worker_failures) == (
        before.wall_limit_hits,
        before.worker_failures,
    )
    assert kind.canonical(r"\sqrt{18}") == "3*sqrt(2)"


def test_large_answers_below_the_limits_are_settled(kind: MathKind) -> None:
    """What the size limits let through is brought into canonical form, without hitting others."""
    before = kind.statistics()
    assert [answer for answer in LARGE if kind.canonical(answer) == normalise(answer)] == []
    after = kind.statistics()
    assert (after.wall_limit_hits, after.worker_failures) == (
        before.wall_limit_hits,
        before.worker_failures,
    )


def test_a_hit_of_the_wall_limit_is_counted_and_remembered() -> None:
    """Where the backstop ends a call, the text is the key, and stays it in this process."""
    # These workers have no warm-up, so that importing sympy takes longer than the limit.
    kind = MathKind(Workers(processes=1, wall_limit=0.02))
    try:
        keys = [kind.canonical(answer) for answer in (r"\sqrt{8}", r"\sqrt{8}", r"\sqrt{4}")]
        statistics = kind.statistics()
    finally:
        kind.close()
    assert keys == [r"\sqrt{8}", r"\sqrt{8}", "2"]
    assert statistics == MathStatistics(
        settled_by_normaliser=1, settled_by_workers=2, kept_as_text=2, wall_limit_hits=1
    )


def test_a_key_that_met_the_wall_limit_is_marked_each_time() -> None:
    """The remembered key is as provisional as the first; other keys are not."""
    kind = MathKind(Workers(processes=1, wall_limit=0.02))
    marked = []
    try:
        for answer in (r"\sqrt{8}", r"\sqrt{8}", r"\sqrt{4}"):
            with watching() as watch:
                kind.canonical(answer)
            marked.append(watch.provisional)
    finally:
        kind.close()
    assert marked == [True, True, False]


def test_the_share_of_the_normaliser_is_counted() -> None:
    """Rationals, tuples of them and words need no worker."""
    kind = MathKind()
    for answer in ("1/2", "(1, 2)", "east", "?"):
        kind.canonical(answer)
    assert kind.statistics() == MathStatistics(settled_by_normaliser=3, kept_as_text=1)
    assert kind.statistics().normaliser_share == 1.0


def test_threads_get_the_same_keys(kind: MathKind) -> None:
    """Reading in many threads at once gives what reading in one gives."""
    answers = [rf"\sqrt{{{4 * n}}}+{n}" for n in range(30)]
    keys: list[list[str | None]] = []
    threads = [
        threading.Thread(target=lambda: keys.append([kind.canonical(answer) for answer in answers]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert keys == [[kind.canonical(answer) for answer in answers]] * 4


def test_reading_after_close_starts_anew() -> None:
    """A closed kind can be used again."""
    kind = MathKind()
    kind.close()
    assert kind.canonical(r"\sqrt{20}") == "2*sqrt(5)"
    kind.close()
    assert kind.canonical(r"\sqrt{45}") == "3*sqrt(5)"
    kind.close()


Tree = tuple[str, "Tree", "Tree"] | str
LEAVES = st.sampled_from(["2", "3", "7", "x", "y", r"\pi", r"\sqrt{2}", "n"])
TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(["+", "-", "*", "/", "^"]), inner, inner),
    max_leaves=5,
)


def written(tree: Tree, style: random.Random | None) -> str:
    """The tree in LaTeX; plainly, or with what is cosmetic chosen by `style`."""
    choose = (lambda options: options[0]) if style is None else style.choice
    space = choose(["", " ", r"\,", r"\ "])
    if isinstance(tree, str):
        return choose([tree, "{" + tree + "}", f"({tree})"])
    operation, first, second = tree
    left, right = written(first, style), written(second, style)
    opening, closing = choose([("(", ")"), (r"\left(", r"\right)"), (r"\bigl(", r"\bigr)")])
    match operation:
        case "/":
            fraction = choose([r"\frac", r"\dfrac", r"\tfrac"])
            return f"{fraction}{space}{{{left}}}{space}{{{right}}}"
        case "^":
            return f"{opening}{left}{closing}^{{{choose(['2', ' 2 '])}}}"
        case "*":
            if style is not None and style.random() < 0.5:
                left, right = right, left
            sign = choose([r"\cdot ", r"\times ", "*", ""])
            return f"{opening}{left}{closing}{sign}{opening}{space}{right}{closing}"
        case "+" if style is not None and style.random() < 0.5:
            left, right = right, left
    return f"{opening}{left}{space}{operation}{space}{right}{closing}"


@settings(deadline=None, max_examples=60)
@given(tree=TREES, seed=st.integers(0, 2**32))
def test_cosmetics_and_order_do_not_change_the_key(kind: MathKind, tree: Tree, seed: int) -> None:
    """An expression written plainly and with cosmetics is one class, whose key is its own key."""
    style = random.Random(seed)
    plain = written(tree, None)
    frame = style.choice(["{}", "${}$", r"\({}\)", "{}.", r"\displaystyle {}", " {} "])
    # A division by zero, or too many terms.
    assume(not kind._settled(plain).as_text)
    key = kind.canonical(plain)
    assert key is not None
    assert kind.canonical(frame.format(written(tree, style))) == key
    assert kind.canonical(key) == key


def value(tree: Tree) -> Fraction:
    """The tree's value, computed apart from the parser."""
    if isinstance(tree, str):
        return Fraction(tree)
    first, second = value(tree[1]), value(tree[2])
    return {
        "+": first + second,
        "-": first - second,
        "*": first * second,
        "/": first / second if second else Fraction(0),
        "^": first**2,
    }[tree[0]]


RATIONAL_TREES: st.SearchStrategy[Tree] = st.recursive(
    st.sampled_from(["1", "2", "3.5", "7", "0.25", "10"]),
    lambda inner: st.tuples(st.sampled_from(["+", "-", "*", "/", "^"]), inner, inner),
    max_leaves=8,
)


@given(tree=RATIONAL_TREES)
def test_rational_arithmetic_is_exact(kind: MathKind, tree: Tree) -> None:
    """A rational expression's key is its exact value, whatever its size and shape."""
    key = kind.canonical(written(tree, None))
    assert key in (str(value(tree)), normalise(written(tree, None)))


PIECES = [
    "\\boxed{", "}", "\\frac{1}{2}", "1,234", "7", "-3.5", "$", "**", "####", "The answer is", ".",
    "A", "(B)", "x", "+", "-", "^2", "^{", "_", "\\sqrt", "\\pi", "\\left(", "\\right)", "(", ")",
    "[", "]", "\\{", "\\}", ",", ";", " or ", "=", "<", "\\cup", "\\pm", "\\in", "\\text{", " cm",
    "%", "|", "!", "'", "\\sin", "\\log", "\\infty", "\\begin{pmatrix}", "\\end{pmatrix}", "\\\\",
    "&", "{,}", "°", " a.m.", " base 2", "½", "~", "AB", "\\approx", "\x00", "\ud800", "٣", "\\",
]  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(text=st.lists(st.sampled_from(PIECES), max_size=9).map("".join), cut_off=st.booleans())
def test_any_text_is_read_or_unreadable(kind: MathKind, text: str, cut_off: bool) -> None:
    """Reading never raises, and a key is its own key."""
    answer = kind.read(text, cut_off=cut_off)
    for key in (kind.canonical(text), answer.key if answer else None):
        assert key is None or kind.canonical(key) == key


@pytest.mark.parametrize(
    "unit", ["\\(", "\\[", "$", "\\boxed{1},", "\\boxed{", "answer is ", "{", "1 ", "\\frac", "`"]
)
def test_long_texts_are_read_in_linear_time(kind: MathKind, unit: str) -> None:
    """A hundred kilobytes of what begins something are read without ado."""
    text = unit * (100_000 // len(unit))
    kind.read(text)
    kind.canonical(text)


def test_the_instruction_asks_for_a_box(kind: MathKind) -> None:
    """Models are asked for what is read first."""
    assert r"\boxed{}" in kind.instruction()
