"""Which kind reads whose completions, and how readings are told apart."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from msgspec.structs import replace

from slm_mux.answers.program import ProgramKind
from slm_mux.errors import InvalidRequestError
from slm_mux.readers import Readers, code_that_reads, reader_fingerprint
from slm_mux.types import CodeSpec, Problem, ProblemKind, Style

NUMBER = Problem(id="n", question="How many?", kind="number")
CHOICE = Problem(id="c", question="Which?", kind="choice", choices={"A": "stone", "B": "pear"})
LABEL = Problem(id="l", question="Mood?", kind="label", labels=("good", "bad"))
CODE = Problem(
    id="h",
    question="Write add.",
    kind="code",
    code=CodeSpec(prompt='def add(a, b):\n    """Add."""\n', entry_point="add"),
)


@pytest.mark.parametrize("problem", [NUMBER, CHOICE, LABEL, CODE])
def test_the_kind_of_a_problem(problem: Problem) -> None:
    """A problem is read as its kind says, whatever the style."""
    readers = Readers()
    assert readers.of_problem(problem).name == problem.kind
    assert readers.of_problem(problem, "program").name == problem.kind


@pytest.mark.parametrize("problem", [NUMBER, CHOICE, LABEL])
def test_a_program_is_asked_for_and_read_by_another_kind(problem: Problem) -> None:
    """In program style the instruction asks for a function; in words it does not."""
    readers = Readers()
    words, program = readers.of_problem(problem), readers.of_problem(problem, "program")
    assert isinstance(program, ProgramKind)
    assert "solution()" in program.instruction()
    assert "solution()" not in words.instruction()


def test_code_is_code_in_both_styles() -> None:
    """A program that is asked for as the answer is not wrapped in another."""
    readers = Readers()
    assert not isinstance(readers.of_problem(CODE, "program"), ProgramKind)


def test_what_can_be_shared_is_shared() -> None:
    """Kinds with processes of their own are made once; those of one problem's choices are not."""
    readers = Readers()
    assert readers.of("math") is readers.of_problem(replace(NUMBER, kind="math"))
    assert readers.of("math") is not readers.of("math", style="program")
    other = replace(CHOICE, choices={"A": "x", "B": "y"})
    read = [readers.of_problem(problem).read("\\boxed{pear}") for problem in (CHOICE, other)]
    assert [answer and answer.key for answer in read] == ["B", None]


def test_closing_ends_processes_and_allows_more() -> None:
    """After close a reader of the same form is made anew."""
    readers = Readers()
    first = readers.of("math")
    answer = first.read("\\boxed{x^2 - 1}")
    readers.close()
    second = readers.of("math")
    assert second is not first
    assert second.read("\\boxed{(x - 1)(x + 1)}") is not None
    assert answer is not None
    readers.close()


def test_a_kind_that_lacks_what_it_needs_is_refused() -> None:
    """A choice without choices is an invalid request."""
    with pytest.raises(InvalidRequestError):
        Readers().of("choice")


def test_fingerprints_tell_readers_apart() -> None:
    """Equal readers have equal fingerprints; kind, style, choices, labels and code change them."""
    base = reader_fingerprint(CHOICE)
    assert base.startswith("choice:")
    assert base == reader_fingerprint(replace(CHOICE, id="x", question="?", target="A", split="t"))
    others = [
        reader_fingerprint(CHOICE, "program"),
        reader_fingerprint(replace(CHOICE, choices={"A": "stone", "B": "apple"})),
        reader_fingerprint(NUMBER),
        reader_fingerprint(replace(NUMBER, kind="math")),
        reader_fingerprint(LABEL),
        reader_fingerprint(replace(LABEL, labels=("bad", "good"))),
        reader_fingerprint(CODE),
    ]
    assert len({base, *others}) == len(others) + 1


@pytest.mark.parametrize("module", ["readers.py", "types.py", "answers/number.py"])
def test_a_change_of_what_reads_changes_the_fingerprint(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of what chooses the reader, and of what says that a completion was cut off."""
    package = tmp_path / "slm_mux"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(str(files("slm_mux")), package, ignore=ignored)
    monkeypatch.setattr("slm_mux.readers.files", lambda _name: package)
    before = code_that_reads.__wrapped__()
    assert before == code_that_reads()
    (package / module).write_text((package / module).read_text() + "# changed\n")
    assert code_that_reads.__wrapped__() != before


@pytest.mark.parametrize("kind", ["number", "math", "text", "json"])
@pytest.mark.parametrize("style", ["words", "program"])
def test_all_problems_without_choices_share_a_fingerprint(kind: ProblemKind, style: Style) -> None:
    """So the readings of a whole task can be looked up at once."""
    one, two = (Problem(id=name, question=name, kind=kind) for name in "ab")
    assert reader_fingerprint(one, style) == reader_fingerprint(two, style)
