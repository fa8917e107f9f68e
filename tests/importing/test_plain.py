"""The plain table."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slm_mux.errors import TaskDataError
from slm_mux.types import Answer, Vote
from slm_mux.voting import vote
from tests.importing.files import read, texts, write_lines

ROW = {"problem": "q1", "model": "m1", "answers": ["A", "A", None], "target": "A"}


def test_a_table_becomes_problems_series_draws_and_readings(tmp_path: Path) -> None:
    """Answers are draws in order, null is unreadable, optional fields fill the problem."""
    imported = read(
        write_lines(tmp_path / "t.jsonl", [ROW, {**ROW, "model": "m/2_x", "question": "Why?"}])
    )
    (problem,) = imported.problems
    assert (problem.id, problem.question, problem.target) == ("q1", "Why?", "A")
    assert problem.kind == "text"
    assert imported.members == ("m1", "m/2_x")
    assert texts(imported, "q1", "m1") == ["A", "A", ""]
    assert [(one.answer, one.key) for one in imported.readings[:3]] == [
        ("A", "A"),
        ("A", "A"),
        (None, None),
    ]
    assert imported.series[0][1].identity == "import:plain|m1"
    assert imported.formats == ("plain",)


def test_numbers_and_truth_values_are_the_text_in_the_file(tmp_path: Path) -> None:
    """1e5, 3.0 and true are compared as written, and a whole number of 5,000 digits is fine."""
    row = f'{{"problem": 17, "model": "m", "answers": [3, 3.0, 1e5, true, NaN, {"9" * 5000}]}}'
    imported = read(write_lines(tmp_path / "t.jsonl", [row]))
    answers = [reading.answer for reading in imported.readings]
    assert answers == ["3", "3.0", "1e5", "true", "NaN", "9" * 5000]
    assert imported.problems[0].id == "17"


def test_a_kind_of_the_users_choice_leaves_the_keys_to_that_kind(tmp_path: Path) -> None:
    """With a kind, readings have an answer and no key."""
    imported = read(write_lines(tmp_path / "t.jsonl", [ROW]), kind="math")
    assert imported.problems[0].kind == "math"
    assert [reading.key for reading in imported.readings] == [None, None, None]


def test_two_problems_with_one_question_have_two_series(tmp_path: Path) -> None:
    """Draws on different problems, or of different tasks, never share an address."""
    rows = [{**ROW, "problem": name, "question": "Same?"} for name in ("a", "b")]
    path = write_lines(tmp_path / "t.jsonl", rows)
    digests = {series.digest for task in ("t", "u") for _, series in read(path, task=task).series}
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"model": "m", "answers": ["A"]}, '"problem" is missing'),
        ({"problem": "q", "answers": ["A"]}, '"model" is missing'),
        ({**ROW, "model": " "}, "must be a name"),
        ({**ROW, "answers": []}, "a list of one answer or more"),
        ({**ROW, "answers": "A"}, "a list of one answer or more"),
        ({**ROW, "answers": [["A"]]}, "answer 0 is"),
        ({**ROW, "target": ""}, "the target is empty"),
        ({**ROW, "target": ["A"]}, '"target" is'),
        (ROW, "stand in line 1 already"),
        ("[1]", "is not a JSON object"),
        ('{"problem": "q2", ', "is not JSON"),
        ({"problem": "q9", "model": "m"}, '"answers" is missing'),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: Any, message: str) -> None:
    """The message starts with file and line and says what is wrong."""
    path = write_lines(tmp_path / "t.jsonl", [ROW, "", row])
    with pytest.raises(TaskDataError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}:3: ")
    assert message in str(error.value)


def test_blank_answers_and_unknown_fields_are_noted(tmp_path: Path) -> None:
    """Neither stops the import."""
    imported = read(write_lines(tmp_path / "t.jsonl", [{**ROW, "answers": ["", "A"], "cost": 3}]))
    assert "fields that a plain table does not have: cost" in imported.notes[0]
    assert "1 blank answer counts as unreadable" in imported.notes[1]
    assert [reading.answer for reading in imported.readings] == [None, "A"]


answers = st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=9)
tables = st.dictionaries(
    st.tuples(st.sampled_from(["q1", "q2", "ß q"]), st.sampled_from(["m1", "a/b_c", "m 3"])),
    answers,
    min_size=1,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=tables)
def test_votes_of_an_imported_table_are_those_of_the_given_answers(
    tmp_path: Path, table: dict[tuple[str, str], list[str | None]]
) -> None:
    """Reading a table and voting by the readings' keys is `vote` of the answers in the file."""
    path = write_lines(
        tmp_path / "t.jsonl",
        [
            {"problem": problem, "model": model, "answers": given}
            for (problem, model), given in table.items()
        ],
    )
    imported = read(path)
    readings = {(one.series, one.draw): one for one in imported.readings}
    votes: dict[tuple[str, str], Vote] = {}
    for problem, series in imported.series:
        mine = sorted(draw.draw for draw in imported.draws if draw.series == series.digest)
        drawn = [readings[series.digest, index] for index in mine]
        votes[problem, series.member] = vote(
            series.member,
            [
                None
                if one.answer is None or one.key is None
                else Answer(text=one.answer, key=one.key)
                for one in drawn
            ],
        )
    assert votes == {key: vote(key[1], given) for key, given in table.items()}
