"""Data files of the user's own."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.tasks import Task, TaskOptions, load_task
from slm_mux.tasks.checks import content_id
from tests.tasks.files import jsonl, problem


def load(path: Path, **options: object) -> Task:
    return load_task(str(path), options=TaskOptions(**options))  # type: ignore[arg-type]


def test_fields_by_name(tmp_path: Path) -> None:
    """Options name the fields; every value is read as text."""
    row = {"q": " 2 * 3? ", "a": 6, "key": 17, "part": "dev"}
    path = jsonl(tmp_path / "own.jsonl", row)
    task = load(
        path,
        kind="number",
        question_field="q",
        target_field="a",
        id_field="key",
        split_field="part",
    )
    [found] = task.problems
    assert (found.question, found.target, found.id, found.split) == ("2 * 3?", "6", "17", "dev")


@pytest.mark.parametrize("name", ["own.json", "own.jsonl", "own.jsonl.gz", "own.csv", "own.tsv"])
def test_every_form_reads_the_same(tmp_path: Path, name: str) -> None:
    """The same rows make the same problems in each form."""
    rows = [problem("1,5 + 1?", "2.5"), problem('a "b"\nc?', "3")]
    path = tmp_path / name
    if ".csv" in name or ".tsv" in name:
        mark = "\t" if ".tsv" in name else ","
        path.write_text(
            f'question{mark}target\n"1,5 + 1?"{mark}2.5\n"a ""b""\nc?"{mark}3\n', newline=""
        )
    elif name == "own.json":
        path.write_text(json.dumps(rows, indent=2))
    else:
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    found = load(path, kind="number").problems
    assert [(p.question, p.target) for p in found] == [("1,5 + 1?", "2.5"), ('a "b"\nc?', "3")]


def test_parquet(tmp_path: Path) -> None:
    """Parquet files are read too, lists in their cells included."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [problem("Which is red?", "B", choices=["sky", "blood"], id="x")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "own.parquet")
    [found] = load(tmp_path / "own.parquet").problems
    assert (found.kind, found.target) == ("choice", "B")
    assert found.choices == {"A": "sky", "B": "blood"}


def test_windows_files(tmp_path: Path) -> None:
    """A byte order mark and CR LF are no part of the data."""
    path = tmp_path / "own.csv"
    path.write_bytes(b"\xef\xbb\xbfquestion,target\r\n1 + 1?,2\r\n")
    [found] = load(path, kind="number").problems
    assert (found.question, found.target) == ("1 + 1?", "2")


def test_line_separators_inside_a_text(tmp_path: Path) -> None:
    """Unicode's line separators inside a question end no line."""
    path = tmp_path / "own.jsonl"
    path.write_text('{"question": "one\u2028two\x85three", "target": "1"}\n')
    assert load(path, kind="number").problems[0].question == "one\u2028two\x85three"


@pytest.mark.parametrize(
    ("choices", "target", "label"),
    [
        ({"x": "sky", "y": "blood"}, "y", "y"),
        (["sky", "blood"], "B", "B"),
        (["sky", "blood"], "blood", "B"),
        ('{"A": "sky", "B": "blood"}', "A", "A"),
        ('["1", "2"]', 2, "B"),
    ],
)
def test_choices(tmp_path: Path, choices: object, target: object, label: str) -> None:
    """Choices are a mapping, a list, or either as JSON; the target is a label or a text."""
    path = jsonl(tmp_path / "own.jsonl", problem("Which is red?", target, choices=choices))
    task = load(path)
    [found] = task.problems
    assert task.notes == ()
    assert (found.kind, found.target) == ("choice", label)
    assert len(found.choices) == 2


def test_a_file_named_like_a_benchmark(tmp_path: Path) -> None:
    """A benchmark's name is not taken by a file: its task has the file's full name."""
    path = jsonl(tmp_path / "gsm8k.jsonl", problem("1?", kind="number"))
    assert load(path).name == "gsm8k.jsonl"


def test_labels(tmp_path: Path) -> None:
    """Labels come with the options, or with the row."""
    given_labels = jsonl(tmp_path / "a.jsonl", problem("Buy now!", "spam"))
    with_row = jsonl(tmp_path / "b.jsonl", problem("Buy now!", "spam", labels=["spam", "ham"]))
    one = load(given_labels, labels=("spam", "ham")).problems[0]
    two = load(with_row).problems[0]
    assert (one.kind, one.labels, one.target) == (two.kind, two.labels, two.target)
    assert (one.kind, one.labels) == ("label", ("spam", "ham"))


def test_kinds_are_decided_where_none_is_given(tmp_path: Path) -> None:
    """Without a kind the question's words decide, as for a single question, and a note says so."""
    path = jsonl(
        tmp_path / "own.jsonl",
        problem("How many legs have 3 cats and 2 hens?", 16),
        problem("Which is red? A) sky B) blood", "B"),
    )
    task = load(path)
    assert [p.kind for p in task.problems] == ["number", "choice"]
    assert task.problems[1].choices == {"A": "sky", "B": "blood"}
    assert task.notes == ("kinds decided from the questions: number 1, choice 1",)


def test_an_unknown_kind(tmp_path: Path) -> None:
    """A kind that is none is refused with the nearest."""
    path = jsonl(tmp_path / "own.jsonl", problem("1?"))
    with pytest.raises(InvalidRequestError, match="did you mean 'number'"):
        load(path, kind="nummber")


def test_code(tmp_path: Path) -> None:
    """A programming problem holds its prompt, its function's name and its tests; all three stay."""
    code = {"prompt": "def f():\n", "entry_point": "f", "tests": "def check(c):\n    c()\n"}
    rows = [
        {"question": "Write f.", "kind": "code", "code": code},
        {"question": "Write g.", "kind": "code", "code": {"prompt": "", "entry_point": "g"}},
    ]
    task = load(jsonl(tmp_path / "own.jsonl", *rows))
    first, second = task.problems
    assert first.code is not None
    assert (first.code.entry_point, first.code.tests) == ("f", code["tests"])
    assert second.target is None
    assert [issue.rpartition(": ")[2] for issue in task.issues] == ["it has no tests"]


def test_json_targets(tmp_path: Path) -> None:
    """A target of the kind json may be JSON itself."""
    path = jsonl(tmp_path / "own.jsonl", problem("Give JSON.", {"a": [1]}))
    assert load(path, kind="json").problems[0].target == '{"a": [1]}'


def test_the_prompt_goes_around_the_question(tmp_path: Path) -> None:
    """The template's other braces stay; ids are those of the bare question."""
    path = jsonl(tmp_path / "own.jsonl", problem("1?", kind="number"))
    plain, prompted = load(path), load(path, prompt="Use {x}. {question} {question}")
    assert prompted.problems[0].question == "Use {x}. 1? 1?"
    assert prompted.problems[0].id == plain.problems[0].id == content_id("own", "1?")


def test_the_split_in_a_files_name(tmp_path: Path) -> None:
    """A file named by its split belongs to it; an option and a field of the row go before that."""
    path = jsonl(tmp_path / "own-train.jsonl", problem("1?"), problem("2?", split="other"))
    assert [p.split for p in load(path, kind="number").problems] == ["validation", "other"]
    assert load(path, kind="number", split="mine").problems[0].split == "mine"


def test_a_folder_of_splits(tmp_path: Path) -> None:
    """A folder's files that are named by their split make one task, validation first."""
    jsonl(tmp_path / "test.jsonl", problem("2?"))
    jsonl(tmp_path / "dev.jsonl", problem("1?"))
    jsonl(tmp_path / "notes.jsonl", problem("3?"))
    task = load(tmp_path, kind="number")
    assert [(p.question, p.split) for p in task.problems] == [("1?", "validation"), ("2?", "test")]
    assert task.source == f"{tmp_path} (dev.jsonl, test.jsonl)"
    alone = load(tmp_path, kind="number", split="test")
    assert [p.question for p in alone.problems] == ["2?"]


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.text("ab1 é?", min_size=1).filter(str.strip), min_size=1, max_size=8),
    st.lists(st.text("ab1 é?", min_size=1).filter(str.strip), max_size=4),
)
def test_ids_stay_when_lines_are_added(
    tmp_path: Path, questions: list[str], more: list[str]
) -> None:
    """Whatever is appended, the problems that were there keep their ids; all ids are unique."""
    before = jsonl(tmp_path / "t.jsonl", *map(problem, questions))
    ids = [p.id for p in load(before, kind="number").problems]
    after = jsonl(tmp_path / "t.jsonl", *map(problem, questions + more))
    found = [p.id for p in load(after, kind="number").problems]
    assert found[: len(ids)] == ids
    assert len(set(found)) == len(found)


def test_the_task_s_name_is_in_the_ids(tmp_path: Path) -> None:
    """Two files under one name are one task: a question in both has one id."""
    found = []
    for file in ("one.jsonl", "two.jsonl"):
        path = tmp_path / file
        path.write_text(json.dumps({"question": "What is 3 + 4?", "target": "7"}))
        found.append(load_task(str(path), options=TaskOptions(name="exam")))
    assert [task.name for task in found] == ["exam", "exam"]
    assert found[0].problems == found[1].problems
    assert found[0].problems[0].id.startswith("exam-")


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (["test", None, "test"], ["1 of 3 problems has no split: `eval` takes it"]),
        (["test", None, ""], ["2 of 3 problems have no split: `eval` takes them"]),
        (["test", "validation"], []),
        ([None, None], []),
    ],
)
def test_problems_without_a_split(
    tmp_path: Path, splits: list[str | None], said: list[str]
) -> None:
    """A note counts them where others have one: an evaluation of a split passes them by."""
    rows = [problem(f"{i}?", split=split) for i, split in enumerate(splits)]
    notes = load(jsonl(tmp_path / "own.jsonl", *rows), kind="number").notes
    assert [note.partition(" with")[0] for note in notes] == said
