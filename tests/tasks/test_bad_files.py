"""Data files that are wrong, each with one clear message that starts with file and line."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.tasks import TaskOptions, load_task
from tests.tasks.files import jsonl, problem

GOOD = '{"question": "1 + 1?", "target": "2", "kind": "number"}\n'


def complaint(path: Path, options: TaskOptions | None = None) -> str:
    """Load a file that cannot be loaded, and give the message after the folder's name."""
    with pytest.raises(TaskDataError) as caught:
        load_task(str(path), options=options or TaskOptions())
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(f"{path.parent}/")


def of(tmp_path: Path, name: str, content: str | bytes) -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return complaint(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (GOOD + '{"question": "2?", ', "t.jsonl:2: not valid JSON: "),
        (GOOD + "\n[1]\n", "t.jsonl:3: this is a list, but must be an object"),
        (GOOD + "{} {}\n", "t.jsonl:2: not valid JSON: more text after the object"),
        (GOOD + '{"question": "2?", "target": NaN}\n', "t.jsonl:2: not valid JSON: NaN is no"),
        (GOOD + '{"qestion": "2?", "target": 1}\n', "did you mean `qestion`?"),
        (GOOD + '{"question": "2?"}\n', "t.jsonl:2: `target` is missing; the fields are question"),
        (GOOD + '{"question": " ", "target": "2"}\n', "t.jsonl:2: the question is empty"),
        (GOOD + '{"question": [1], "target": "2"}\n', "t.jsonl:2: `question` is a list"),
        (GOOD + '{"question": "a\\u0000b", "target": "2"}\n', "t.jsonl:2: `question` holds a NUL"),
        (GOOD + '{"question": "\\ud800", "target": "2"}\n', "t.jsonl:2: `question` holds half of"),
        (GOOD + "a\0b", "t.jsonl:2: a NUL character; this is not a text file"),
        (GOOD.encode() + b'{"question": "\xe9"}', "t.jsonl:2: not UTF-8 (byte "),
        ("", "t.jsonl:1: the file is empty"),
        ("\n \n", "t.jsonl:1: the file is empty"),
        ("[" * 200_000, "t.jsonl:1: not valid JSON: lists or objects nest too deep"),
        (GOOD + '{"question": "2?", "target": 1, "kind": "nubmer"}', "did you mean 'number'?"),
        (GOOD + '{"question": "2?", "target": 1, "kind": "label"}', "needs `labels`"),
        (GOOD + '{"question": "2?", "target": 1, "kind": "choice"}', "needs `choices`"),
        (GOOD + '{"question": "2?", "target": 1, "kind": "code"}', "`code` must hold prompt"),
    ],
)
def test_a_broken_line(tmp_path: Path, content: str | bytes, expected: str) -> None:
    """Each wrong line is named, with what is wrong with it."""
    assert expected in of(tmp_path, "t.jsonl", content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"[{GOOD},\n  {{]", "t.json:3: not valid JSON"),
        (f"[\n{GOOD}\n{GOOD}]", "t.json:4: not valid JSON: `,` or `]` was expected"),
        (f"[{GOOD}", "t.json:2: not valid JSON: `,` or `]`"),
        (f"[\n{GOOD},\n 7]", "t.json:4: this is the value 7, but must be an object"),
        (f"[{GOOD}]\n[]", "t.json:3: not valid JSON: more text after the end"),
        (GOOD + GOOD, "t.json:2: not valid JSON: more text after the end; a file with one object"),
        ("[]", "t.json:1: the file is empty"),
        ("", "t.json:1: the file is empty"),
        (f"[{GOOD},]", "t.json:2: not valid JSON"),
    ],
)
def test_a_broken_list(tmp_path: Path, content: str, expected: str) -> None:
    """In one JSON document too, the line at which it is broken is named."""
    assert expected in of(tmp_path, "t.json", content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("question,target\n1?,1\n2?,2,3\n", "t.csv:3: this row has 3 fields, the header 2"),
        ('question,target\n"1?\n,still",1\n2?\n', "t.csv:4: this row has 1 field, the header 2"),
        ('question,target\n"1?,1\n', "t.csv:2: not valid CSV"),
        ("question,target,target\n1?,1,2\n", "t.csv:1: two columns are named 'target'"),
        ("question,target\n", "t.csv:1: the file is empty"),
        ("question,answers\n1?,1\n", "t.csv:2: `target` is missing; the fields are"),
    ],
)
def test_a_broken_table(tmp_path: Path, content: str, expected: str) -> None:
    """A row is named by the line that it starts on, also after a field of several lines."""
    assert expected in of(tmp_path, "t.csv", content)


def test_files_that_are_none(tmp_path: Path) -> None:
    """An unknown ending, damaged compression, a false Parquet file, a folder without files."""
    assert "unknown kind of file; its name must end in .jsonl" in of(tmp_path, "t.txt", "x")
    assert "damaged gzip file" in of(tmp_path, "t.jsonl.gz", "x")
    assert "damaged gzip" in of(tmp_path, "u.jsonl.gz", gzip.compress(GOOD.encode())[:-9])
    assert "not a Parquet file" in of(tmp_path, "t.parquet", "x")
    (tmp_path / "folder").mkdir()
    assert "no data file with train, validation or test in" in complaint(tmp_path / "folder")


SIGNS = st.text('[]{},:"\\ \n0aq\0\u2028é', max_size=40).map(str.encode)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["t.jsonl", "t.json", "t.csv", "t.jsonl.gz", "t.parquet", "t.yaml"]),
    content=st.binary(max_size=60) | SIGNS | SIGNS.map(lambda signs: GOOD.encode() + signs),
)
def test_any_bytes_make_a_task_or_one_error(tmp_path: Path, name: str, content: bytes) -> None:
    """Whatever a file holds, it is read, or refused with an error of ours in one line."""
    path = tmp_path / name
    path.write_bytes(content)
    message = ""
    try:
        load_task(str(path))
    except TaskDataError as error:
        message = str(error)
    assert message.startswith(str(path) if message else "")
    assert "\n" not in message


def test_names_of_fields_are_shown_in_one_line(tmp_path: Path) -> None:
    """A field's name with a line feed or half of a surrogate pair spoils no message."""
    path = tmp_path / "t.jsonl"
    path.write_text('{"a\\nb\\ud800": 1}')
    assert complaint(path) == ("t.jsonl:1: `question` is missing; the fields are a b\\ud800")


def test_an_id_that_two_problems_have(tmp_path: Path) -> None:
    """The second of two problems with one id is refused, and the first is named."""
    path = jsonl(tmp_path / "t.jsonl", problem("1?", id="a"), problem("2?", id="a"))
    assert complaint(path).startswith("t.jsonl:2: the id 'a' is taken: ")
    assert "t.jsonl:1 has it too" in complaint(path)


def test_a_target_that_is_none_of_the_choices(tmp_path: Path) -> None:
    """A choice's target must be a label, or one choice's text."""
    choices = {"A": "one", "B": "two"}
    path = jsonl(tmp_path / "t.jsonl", problem("Which?", "C", choices=choices))
    assert complaint(path) == "t.jsonl:1: the target 'C' is none of the choices A, B"


def test_a_target_that_is_none_of_the_labels(tmp_path: Path) -> None:
    """A label's target must be one of the labels, letter for letter."""
    path = jsonl(tmp_path / "t.jsonl", problem("Which?", "Spam"))
    options = TaskOptions(kind="label", labels=("spam", "ham"))
    assert "the target 'Spam' is none of the labels spam, ham" in complaint(path, options)


def test_labels_that_cannot_be_told_apart(tmp_path: Path) -> None:
    """Labels that differ in case alone are refused with the line."""
    path = jsonl(tmp_path / "t.jsonl", problem("Which?", "a", choices={"a": "1", "A": "2"}))
    assert "t.jsonl:1: the labels 'a' and 'A' differ only in case" in complaint(path)


@pytest.mark.parametrize("target", ["", "  ", None])
def test_an_empty_target_is_unscored(tmp_path: Path, target: str | None) -> None:
    """A problem without a target is kept, without a target, and listed."""
    path = jsonl(tmp_path / "t.jsonl", problem("1?", target, kind="number", id="a"), problem("2?"))
    task = load_task(str(path))
    assert [p.target for p in task.problems] == [None, "1"]
    assert task.issues == (f"{path}:1: a is not scored: its target is empty",)


@pytest.mark.parametrize(("kind", "target"), [("number", "3 or 4"), ("math", "--"), ("json", "{")])
def test_a_target_that_cannot_be_read_is_unscored(tmp_path: Path, kind: str, target: str) -> None:
    """A target that is no answer of its kind leaves its problem unscored, and is listed."""
    path = jsonl(tmp_path / "t.jsonl", problem("1?", target, kind=kind, id="a"))
    task = load_task(str(path))
    assert task.problems[0].target is None
    assert task.issues == (
        f"{path}:1: a is not scored: its target {target!r} cannot be read as {kind}",
    )


def test_repeated_questions_are_listed(tmp_path: Path) -> None:
    """A question that comes again is kept under an id of its own, and listed."""
    path = jsonl(
        tmp_path / "t.jsonl",
        problem("1?", 1, kind="number"),
        problem("1?", 1, kind="number"),
        problem("1?", 2, kind="number"),
    )
    task = load_task(str(path))
    first, second, third = (p.id for p in task.problems)
    assert (second, third) == (f"{first}-2", f"{first}-3")
    assert task.issues == (
        f"{path}:2: {second} repeats an earlier question, with the same target",
        f"{path}:3: {third} repeats an earlier question, with another target",
    )


def test_a_prompt_needs_a_place_for_the_question(tmp_path: Path) -> None:
    """A template without {question} would ask every problem alike; it is refused."""
    path = jsonl(tmp_path / "t.jsonl", problem("1?"))
    with pytest.raises(InvalidRequestError, match="has no {question}"):
        load_task(str(path), options=TaskOptions(prompt="Think."))
