"""Programs in completions, and the inputs that a prompt gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers.code import find_program
from slm_mux.answers.code_examples import examples_in
from slm_mux.answers.code_inputs import MOST_INPUTS, inputs_for
from slm_mux.answers.code_text import fenced_blocks, find_function
from slm_mux.types import CodeSpec
from tests.answers.programs import REFUSES, RIGHT, SAME, SHOUT, SORTED, TALLY, WIDEST, fenced


@pytest.mark.parametrize(
    "text",
    [
        SAME,
        fenced(SAME),
        fenced(SAME, ""),
        fenced(SAME, "py"),
        f"```python\n{SAME}",
        "1. Like this:\n   ```python\n   " + SAME.strip().replace("\n", "\n   ") + "\n   ```",
        fenced(SAME) + "\n\n```python\nprint(widest_gap([1, 2]))\n```\n```\n1\n```",
        fenced("def widest_gap(heights):\n    return 1\n") + fenced(SAME),
        f"Sure! Here is the function.\n\n{SAME}\nThis function returns the gap.",
        f"<think>```python\ndef widest_gap(h): return 0\n```</think>{fenced(SAME)}",
        f"~~~~python\n{SAME}~~~~",
    ],
)
def test_a_function_is_found_where_it_stands(text: str) -> None:
    """Prose, fences, usage examples and earlier attempts around the last function are left out."""
    assert (find_function(text, "widest_gap") or "").strip() == SAME.strip()


@pytest.mark.parametrize(
    "text",
    [RIGHT, fenced(RIGHT), fenced(RIGHT.strip() + "\n"), RIGHT + "\nprint(widest_gap([1]))\n"],
)
def test_the_rest_of_the_prompt_is_a_program(text: str) -> None:
    """A body alone is put after the prompt."""
    program = find_program(WIDEST, text)
    assert program is not None
    assert program.startswith(WIDEST.prompt.rstrip() + "\n" + RIGHT.rstrip())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot do that.",
        fenced("def something_else(x):\n    return x\n"),
        fenced("print(widest_gap([1, 2]))\n"),
        fenced(WIDEST.prompt),
        fenced("def widest_gap(heights:\n"),
        "widest_gap",
        "\x00" + SAME,
        "```python\n" + "(" * 5000,
        "def widest_gap(x):\n    return " + "-" * 200_000 + "1",
    ],
)
def test_no_function_is_no_program(text: str) -> None:
    """A stub, broken code, another function and prose are unreadable."""
    assert find_program(WIDEST, text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (fenced(SAME) + "\nLet me explain", True),
        (f"```python\n{SAME}", False),
        (f"```python\n{SAME}\nprint(widest_gap([1", True),
        (SAME, False),
        (SAME + "\nprint(", True),
    ],
)
def test_a_cut_off_function_counts_when_something_follows_it(text: str, found: bool) -> None:
    """Half a function may be valid Python, so its end has to be visible."""
    assert (find_function(text, "widest_gap", cut_off=True) is not None) == found


@given(text=st.text(alphabet=st.characters()) | st.text("`\n def:(x)~#'\"\\").map(lambda t: t * 3))
def test_looking_for_a_program_never_raises(text: str) -> None:
    """Any text at all is searched."""
    find_program(WIDEST, text)
    assert all(block.source.strip() for block in fenced_blocks(text))


def test_examples_of_any_notation_are_found() -> None:
    """Doctest lines, equations, arrows and sentences show calls; other code does not."""
    prompt = (
        "def f(a, b=2):\n"
        '    """f(1) == 2, f((1, 2), [3]) ➞ "x)". >>> f("a)(", -1)\n'
        "    f(x) and f([y]) are none, nor is g.f(4) or half(5); f({'k': None}) returns 1."
        '"""\n'
    )
    assert examples_in(prompt, "f") == [[1], [(1, 2), [3]], ["a)(", -1], [{"k": None}]]


@pytest.mark.parametrize(
    "text",
    ["For lst = [1, 2] the result is 3", "Input: [1, 2]\n    Output: 3", "fn_name([1, 2]) == 3"],
)
def test_examples_without_the_functions_name_are_found(text: str) -> None:
    """Arguments may be given by name, as input, or under a misspelt name."""
    assert examples_in(f'def f(lst):\n    """{text}\n    """\n', "f") == [[[1, 2]]]


@pytest.mark.parametrize(
    "spec", [WIDEST, SHOUT, TALLY, SORTED, REFUSES], ids=lambda s: s.entry_point
)
def test_inputs_are_a_function_of_the_prompt(spec: CodeSpec) -> None:
    """The same prompt gives the same inputs, the examples first, and enough of them."""
    inputs = inputs_for(spec)
    examples = [", ".join(map(repr, one)) for one in examples_in(spec.prompt, spec.entry_point)]
    assert inputs == inputs_for(spec)
    assert list(inputs[: len(examples)]) == examples
    assert 15 <= len(inputs) <= MOST_INPUTS


def test_a_prompt_that_says_nothing_has_one_input() -> None:
    """Without signature and example the function is called with nothing."""
    assert inputs_for(CodeSpec(prompt="Write go().", entry_point="run")) == ("",)
