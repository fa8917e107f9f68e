"""GPQA's two forms, with questions of our own."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import TaskDataError
from slm_mux.tasks import Task, TaskOptions, load_task
from slm_mux.tasks.gpqa import shuffled
from tests.tasks.files import jsonl

COLUMNS = (
    "Pre-Revision Question",
    "Question",
    "Correct Answer",
    "Incorrect Answer 1",
    "Incorrect Answer 2",
    "Incorrect Answer 3",
    "Explanation",
)
ROWS = [
    ("", f"What is {n}, squared?\nGive a number.", str(n * n), str(n), str(n + 1), "none\n", "x,y")
    for n in range(5, 45)
]


def write(path: Path, rows: Sequence[tuple[str, ...]], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def load(path: Path, seed: int = 0) -> Task:
    return load_task("gpqa", data=path, options=TaskOptions(shuffle_seed=seed))


def test_official_form(tmp_path: Path) -> None:
    """The target is the label under which the correct answer came to stand."""
    task = load(write(tmp_path / "gpqa.csv", ROWS))
    assert task.notes == ("choices shuffled with seed 0",)
    for problem, row in zip(task.problems, ROWS, strict=True):
        assert problem.question == row[1]
        assert problem.target is not None
        assert problem.choices[problem.target] == row[2]
        assert list(problem.choices) == ["A", "B", "C", "D"]
        assert sorted(problem.choices.values()) == sorted(text.strip() for text in row[2:6])


def test_the_seed_decides(tmp_path: Path) -> None:
    """One seed gives one order, another another; every label is right somewhere."""
    path = write(tmp_path / "gpqa.csv", ROWS)
    assert load(path, 0).problems == load(path, 0).problems
    assert load(path, 0).problems != load(path, 1).problems
    assert load(path, 1).notes == ("choices shuffled with seed 1",)
    targets = [problem.target for problem in load(path).problems]
    assert {label: targets.count(label) >= 4 for label in "ABCD"} == dict.fromkeys("ABCD", True)


def test_other_rows_play_no_part(tmp_path: Path) -> None:
    """A row alone has the order and the id that it has among others."""
    all_rows = load(write(tmp_path / "a.csv", ROWS)).problems
    alone = load(write(tmp_path / "b.csv", ROWS[7:8])).problems
    assert alone == all_rows[7:8]


texts = st.text(max_size=6)


@given(texts, st.lists(texts, min_size=4, max_size=4, unique=True), st.integers(), st.data())
def test_shuffling_keeps_the_texts(
    question: str, answers: list[str], seed: int, data: st.DataObject
) -> None:
    """Nothing is lost or doubled, and the order of the incorrect answers plays no part."""
    correct, *incorrect = answers
    choices = shuffled(question, correct, tuple(incorrect), seed)
    assert sorted(choices.values()) == sorted(answers)
    other = data.draw(st.permutations(incorrect))
    assert shuffled(question, correct, tuple(other), seed) == choices


def test_ids_of_the_data(tmp_path: Path) -> None:
    """`Record ID` and `Subdomain` are used where they are there."""
    columns = (*COLUMNS, "Record ID", "Subdomain")
    [found] = load(write(tmp_path / "g.csv", [(*ROWS[0], "rec1", "Squares")], columns)).problems
    assert (found.id, found.subject) == ("rec1", "Squares")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("", "1?", "", "2", "3", "4", ""), "`Correct Answer` is empty"),
        (("", "1?", "1", "2", " ", "4", ""), "`Incorrect Answer 2` is empty"),
        (("", "1?", "1", "2", "2", "4", ""), "two of the four answers are the same text"),
        (("", "", "1", "2", "3", "4", ""), "the question is empty"),
    ],
)
def test_broken_rows(tmp_path: Path, row: tuple[str, ...], expected: str) -> None:
    """A row without four different answers is refused, with the line it starts on."""
    path = write(tmp_path / "g.csv", [ROWS[0], row])
    with pytest.raises(TaskDataError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:5: {expected}"


def test_a_missing_column(tmp_path: Path) -> None:
    """A column that is not there is named."""
    path = write(tmp_path / "g.csv", [ROWS[0][:5]], COLUMNS[:5])
    with pytest.raises(TaskDataError, match=r"g\.csv:2: `Incorrect Answer 3` is missing"):
        load(path)


@pytest.mark.parametrize(
    ("choices", "answer"),
    [
        (["A one", "B two", "C three", "D four"], "C"),
        (["A) one", "B) two", "C) three", "D) four"], "(C)"),
        (["(A) one", "(B) two", "(C) three", "(D) four"], "C."),
        (["one", "two", "three", "four"], "C"),
    ],
)
def test_four_choices(tmp_path: Path, choices: list[str], answer: str) -> None:
    """The labels in front of the texts are taken off, the order is kept."""
    row = {"question": "Which is 3?", "choices": choices, "answer": answer}
    path = tmp_path / "g.json"
    path.write_text(json.dumps([row]))
    task = load(path)
    [found] = task.problems
    assert found.choices == {"A": "one", "B": "two", "C": "three", "D": "four"}
    assert (found.target, task.notes) == ("C", ())


def test_texts_that_start_with_a_letter_are_left(tmp_path: Path) -> None:
    """Letters are taken off only where all four stand in order."""
    choices = ["A good one", "two", "three", "four"]
    row = {"question": "Which?", "choices": choices, "answer": "A"}
    [found] = load(jsonl(tmp_path / "g.jsonl", row)).problems
    assert list(found.choices.values()) == choices


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"answer": "E"}, "the target 'E' is none of the choices A, B"),
        ({"choices": "A one"}, "`choices` must be a list of 2 to 10 texts"),
        ({"choices": ["one"]}, "`choices` must be a list of 2 to 10 texts"),
    ],
)
def test_broken_four_choices(tmp_path: Path, change: dict[str, object], expected: str) -> None:
    """Choices that are no list, and an answer that is none of them, are refused."""
    row = {"question": "Which?", "choices": ["A one", "B two"], "answer": "A", **change}
    path = jsonl(tmp_path / "g.jsonl", row)
    with pytest.raises(TaskDataError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:1: {expected}"
