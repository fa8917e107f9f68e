"""Task files: YAML that says how to read a data file."""

from pathlib import Path

import pytest

from slm_mux.errors import TaskDataError
from slm_mux.tasks import Task, TaskOptions, load_task
from tests.tasks.files import jsonl, problem


def write(tmp_path: Path, text: str, rows: int = 8) -> Path:
    jsonl(
        tmp_path / "rows.jsonl",
        *({"q": f"{n} + 1?", "a": n + 1, "part": "dev" if n % 2 else "held"} for n in range(rows)),
    )
    path = tmp_path / "sums.yaml"
    path.write_text(text)
    return path


BASE = "data: rows.jsonl\nkind: number\nfields: {question: q, target: a}\n"


def load(path: Path, options: TaskOptions | None = None) -> Task:
    return load_task(str(path), options=options or TaskOptions())


def test_a_task_file(tmp_path: Path) -> None:
    """Its data lies beside it; its name, kind, fields and prompt are used."""
    task = load(write(tmp_path, BASE + "name: little sums\nprompt: 'Add. {question}'\n"))
    assert task.name == "little sums"
    assert task.problems[1].question == "Add. 1 + 1?"
    assert (task.problems[1].target, task.problems[1].kind) == ("2", "number")
    assert task.problems[1].id.startswith("little-sums-")


def test_the_name_is_the_files_where_none_is_given(tmp_path: Path) -> None:
    """A task file without a name gives its own."""
    assert load(write(tmp_path, BASE)).name == "sums"


def test_options_win(tmp_path: Path) -> None:
    """An option on the command line goes before the file's key, a path before its data."""
    path = write(tmp_path, BASE + "prompt: 'Add. {question}'\n")
    task = load(path, TaskOptions(prompt="Sum up: {question}"))
    assert task.problems[0].question == "Sum up: 0 + 1?"
    other = jsonl(tmp_path / "other.jsonl", {"q": "9?", "a": 9})
    assert [p.question for p in load_task(str(path), data=other).problems] == ["Add. 9?"]


def test_splits_by_value(tmp_path: Path) -> None:
    """A split is the problems whose field has one of its values; other values belong to none."""
    text = BASE.replace("target: a", "target: a, split: part")
    task = load(write(tmp_path, text + "splits: {validation: [dev, old]}\n"))
    assert [p.split for p in task.problems] == [None, "validation"] * 4


def test_splits_by_share(tmp_path: Path) -> None:
    """A seeded share is the same every time, and more lines move no problem to another split."""
    text = BASE + "splits: {validation: 0.5, seed: 3}\n"
    few = load(write(tmp_path, text, rows=40))
    again = load(write(tmp_path, text, rows=40))
    more = load(write(tmp_path, text, rows=80))
    assert few.problems == again.problems == more.problems[:40]
    sizes = {split: len(more.select(split)) for split in ("validation", "test")}
    assert all(25 <= size <= 55 for size in sizes.values())
    assert more.notes == (
        f"split by seed 3 (0.5 validation): {sizes['test']} test, {sizes['validation']} validation",
    )
    other = load(write(tmp_path, text.replace("seed: 3", "seed: 4"), rows=40))
    assert other.problems != few.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE + "kinds: x\n", "sums.yaml:4: unknown key `kinds`; did you mean `kind`?"),
        (BASE + "zzzzzz: x\n", "sums.yaml:4: unknown key `zzzzzz`; valid are data, name, kind"),
        (
            "data: rows.jsonl\nfields:\n  question: q\n  targt: a\n",
            "sums.yaml:4: unknown key `targt`; did you mean `target`?",
        ),
        ("kind: number\n", "sums.yaml:1: `data` is missing here"),
        ("data: rows.jsonl\nkind: nubmer\n", "sums.yaml:2: `kind`: invalid enum value 'nubmer'"),
        ("data: rows.jsonl\nlabels: spam\n", "sums.yaml:2: `labels`: expected a list"),
        (BASE + "prompt: Add.\n", "sums.yaml:4: `prompt` has no {question}"),
        (BASE + "name: ''\n", "sums.yaml:4: `name` is empty"),
        (BASE + "name: math\n", "sums.yaml:4: 'math' is a benchmark's name"),
        (BASE + "name:\n", "sums.yaml:4: `name` has no value"),
        (BASE + "kind: math\n", "sums.yaml:4: `kind` is given twice"),
        (BASE + "labels: [a\n", "sums.yaml:5: not valid YAML"),
        (BASE + "labels: [&x a, *x]\n", "sums.yaml:4: an alias (*) is not read here"),
        (BASE + "name: !!python/name:os.system x\n", "sums.yaml:4: the tag "),
        (BASE + f"labels: {'[' * 30}{']' * 30}\n", "sums.yaml:4: lists or mappings nest too deep"),
        (BASE + "? [a]\n: x\n", "sums.yaml:4: a key must be a plain word"),
        ("- data\n", "sums.yaml:1: a task file is a mapping"),
        ("", "sums.yaml:1: a task file is a mapping"),
        ("data: other.jsonl\n", "other.jsonl: there is no such file"),
        (BASE + "splits: {validation: 1.5}\n", "sums.yaml:4: a share is above 0 and below 1"),
        (BASE + "splits: {dev: 0.5}\n", "of `validation` or `test`"),
        (BASE + "splits: {validation: 0.5, test: 0.5}\n", "sums.yaml:4: give the share of one"),
        (BASE + "splits: {validation: dev, seed: 1}\n", "sums.yaml:4: `seed` goes with a share"),
        (BASE + "splits: {validation: 0.5, seed: 0.5}\n", "`seed` must be a whole number"),
        (BASE + "splits:\n  validation: dev\n  test: dev\n", "sums.yaml:6: 'dev' is given twice"),
        (BASE + "splits:\n  validation: {a: b}\n", "sums.yaml:5: must be a value of"),
        (BASE + "splits: {validation: dev}\n", "rows.jsonl:1: no split is given here"),
    ],
)
def test_a_wrong_task_file(tmp_path: Path, text: str, expected: str) -> None:
    """Every mistake has its file, its line, and the nearest valid name."""
    path = write(tmp_path, text)
    with pytest.raises(TaskDataError) as caught:
        load(path)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_task_file_that_is_not_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 and control characters are refused with their line."""
    path = tmp_path / "t.yaml"
    path.write_bytes(b"data: x\nname: \xff\n")
    with pytest.raises(TaskDataError, match=r"t\.yaml:2: not UTF-8"):
        load(path)
    path.write_bytes(b"data: x\nname: \x01\n")
    with pytest.raises(TaskDataError, match=r"t\.yaml:2: not valid YAML: a control character"):
        load(path)


def test_a_choice_in_csv(tmp_path: Path) -> None:
    """Choices in a table's cell are JSON."""
    (tmp_path / "c.csv").write_text('question,target,opts\nRed?,B,"[""sky"", ""blood""]"\n')
    path = tmp_path / "c.yaml"
    path.write_text("data: c.csv\nkind: choice\nfields: {choices: opts}\n")
    [found] = load(path).problems
    assert (found.choices, found.target) == ({"A": "sky", "B": "blood"}, "B")


def test_labels_of_a_task_file(tmp_path: Path) -> None:
    """Labels in a task file hold for every problem."""
    jsonl(tmp_path / "rows.jsonl", problem("Buy now!", "spam"), problem("Hello", "ham"))
    path = tmp_path / "t.yml"
    path.write_text("data: rows.jsonl\nkind: label\nlabels: [spam, ham]\n")
    assert {p.labels for p in load(path).problems} == {("spam", "ham")}
