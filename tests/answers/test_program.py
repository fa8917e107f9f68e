"""Answers that a program computes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from slm_mux.answers import make_kind
from slm_mux.answers.program import ProgramKind
from slm_mux.errors import SandboxError
from slm_mux.provisional import watching
from slm_mux.sandbox import Sandbox, shared_sandbox
from slm_mux.types import Answer, KindName
from tests.sandboxes import NEEDS_SANDBOX

if TYPE_CHECKING:
    from slm_mux.answers.base import AnswerKind

CHOICES = {"A": "milk", "B": "honey"}


def program(name: KindName = "number", labels: Sequence[str] = ()) -> ProgramKind:
    inner: AnswerKind = make_kind(
        name, choices=CHOICES if name == "choice" else None, labels=labels
    )
    return ProgramKind(inner, shared_sandbox())


def returning(expression: str, before: str = "") -> str:
    return f"The code:\n```python\n{before}\ndef solution():\n    return {expression}\n```\nDone."


@NEEDS_SANDBOX
@pytest.mark.parametrize(
    ("expression", "key"),
    [
        ("12 * 8 - 75", "21"),
        ("(12 * 8 - 75) / 1", "21"),
        ("0.1 + 0.2", "3/10"),
        ("3.0000000000000004", "3"),
        ("'21 rolls'", "21"),
        ("[21]", "21"),
        ("__import__('fractions').Fraction(3, 6)", "1/2"),
        ("__import__('decimal').Decimal('2.50')", "5/2"),
    ],
)
def test_a_returned_number_is_the_answer(expression: str, key: str) -> None:
    """Whatever type the number has, it is read as the number it is."""
    answer = program().read(returning(expression))
    assert (answer and answer.key) == key


@NEEDS_SANDBOX
def test_answers_are_of_the_inner_kind() -> None:
    """Numbers, choices, labels and mathematics are keyed as if they had been written in words."""
    choice = program("choice").read(returning("'B' if 2 > 1 else 'A'"))
    by_text = program("choice").read(returning("'honey'"))
    label = program("label", ["spam", "not spam"]).read(returning("'Not spam'"))
    maths = program("math")
    half = maths.read(returning("Fraction(15, 2)", "from fractions import Fraction"))
    latex = maths.read(returning(r"'\\frac{15}{2}'"))
    not_raw = maths.read(returning(r"'\frac{15}{2}'"))
    maths.close()
    assert choice == by_text == Answer("B", "B")
    assert label == Answer("not spam", "not spam")
    assert half is not None
    assert latex is not None
    assert not_raw is not None
    assert (half.text, half.key) == ("15/2", latex.key)
    assert (not_raw.text, not_raw.key) == (latex.text, latex.key)


@NEEDS_SANDBOX
@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint('working')\nx = 6 * 7\nprint(x)\n```",
        "```python\ndef main():\n    print(42)\n\nif __name__ == '__main__':\n    main()\n```",
        "```python\ndef solution():\n    print(42)\n```",
        "```python\ndef answer():\n    return 42\n\nprint(answer())\n```\n\n```output\n41\n```",
        "def solution():\n    return 42\n\nThis returns the answer 41.",
    ],
)
def test_without_a_value_the_last_printed_line_counts(text: str) -> None:
    """A script, and a function that prints, are understood as well."""
    answer = program().read(text)
    assert (answer and answer.key) == "42"


@NEEDS_SANDBOX
@pytest.mark.parametrize(
    "text",
    [
        "42",
        "The answer is \\boxed{42}.",
        "```\n42\n```",
        "",
        returning("1 / 0"),
        returning("undefined"),
        returning("solution()"),
        returning("None"),
        returning("'no idea'"),
        returning("[1, 2, 3]"),
        returning("float('nan')"),
        returning("'9' * 10**6"),
        "```python\nimport sympy\ndef solution():\n    return 1\n```",
        "```python\ndef solution(x):\n    return x\n```",
        "```python\nimport os\ndef solution():\n    os._exit(0)\n```",
        "```python\ndef solution(\n```",
        "<think>```python\ndef solution():\n    return 1\n```",
    ],
)
def test_what_gives_no_result_is_unreadable(text: str) -> None:
    """A bare answer, a program that fails, and a value of another kind are no answer."""
    assert program().read(text) is None


@NEEDS_SANDBOX
def test_a_cut_off_program_counts_only_when_it_is_complete() -> None:
    """A closed block is complete; an open one may lack its end."""
    text = returning("42")
    assert program().read(text, cut_off=True) == Answer("42", "42")
    assert program().read(text.split("\n```\n")[0], cut_off=True) is None


@NEEDS_SANDBOX
def test_a_program_that_loops_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its completion is unreadable when its time is up."""
    monkeypatch.setattr("slm_mux.answers.program.CPU_SECONDS", 1)
    looping = "```python\ndef solution():\n    while True: pass\n```"
    assert program().read(looping) is None


@NEEDS_SANDBOX
def test_what_the_wall_time_ended_is_provisional(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that waits is marked each time it is read; one that loops used its CPU time up."""
    monkeypatch.setattr("slm_mux.answers.program.CPU_SECONDS", 1)
    monkeypatch.setattr("slm_mux.answers.program.WALL_SECONDS", 0.5)
    kind = program()
    marked = []
    waiting = "```python\nimport time\ndef solution():\n    time.sleep(60)\n```"
    for text in (waiting, waiting, returning("42")):
        with watching() as watch:
            kind.read(text)
        marked.append(watch.provisional)
    monkeypatch.setattr("slm_mux.answers.program.WALL_SECONDS", 30.0)
    with watching() as watch:
        assert kind.read("```python\ndef solution():\n    while True: pass\n```") is None
    assert [*marked, watch.provisional] == [True, True, False, False]


def test_a_program_kind_stands_for_its_inner_kind() -> None:
    """Its name, its targets' keys and its answers are the inner kind's; reading takes a thread."""
    kind = program()
    assert (kind.name, kind.may_block, kind.canonical("1,234")) == ("number", True, "1234")


@pytest.mark.parametrize("name", ["number", "choice", "label", "math", "json", "text"])
def test_the_instruction_asks_for_a_function(name: KindName) -> None:
    """Every kind is asked for with one example in one fenced block."""
    instruction = program(name, ["x"] if name == "label" else ()).instruction()
    assert "`solution()`" in instruction
    assert instruction.count("```python\n") == 1
    assert instruction.endswith("```")


def test_without_a_sandbox_reading_is_an_error(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that cannot run programs does not quietly call all of them unreadable."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="bubblewrap"):
        ProgramKind(make_kind("number"), Sandbox()).read(returning("1"))
