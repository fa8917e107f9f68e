"""Tasks by name and by path, and what is taken from them."""

import subprocess
import sys
from pathlib import Path

import pytest

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.tasks import TASKS, TaskOptions, load_task
from tests.tasks.files import jsonl, problem


def test_names() -> None:
    """The benchmarks by name."""
    assert list(TASKS) == ["demo", "gsm8k", "math", "gpqa", "humaneval"]


def test_an_unknown_name_brings_the_nearest() -> None:
    """A name that is neither a task nor a file is refused with the nearest task."""
    with pytest.raises(InvalidRequestError, match=r"no task 'gsm8' .*did you mean `gsm8k`\?"):
        load_task("gsm8")
    with pytest.raises(InvalidRequestError, match="there are demo, gsm8k, math, gpqa, humaneval"):
        load_task("zzz")


@pytest.mark.parametrize("name", ["missing.jsonl", "folder/missing", "nul\0.jsonl"])
def test_a_path_without_a_file(name: str) -> None:
    """What looks like a path and is none is said to be missing."""
    with pytest.raises(TaskDataError, match="there is no such file"):
        load_task(name)


def test_a_file_is_a_task(tmp_path: Path) -> None:
    """The path of a data file is a task named like it."""
    path = jsonl(tmp_path / "sums.jsonl", problem("1 + 1?", 2, kind="number"))
    task = load_task(str(path))
    assert (task.name, task.problems[0].target, task.source) == ("sums", "2", str(path))


def test_data_goes_with_a_name(tmp_path: Path) -> None:
    """A second path beside a data file is refused."""
    path = jsonl(tmp_path / "sums.jsonl", problem("1 + 1?", 2))
    with pytest.raises(InvalidRequestError, match="is a data file itself"):
        load_task(str(path), data=path)


def test_options_of_own_files_do_not_go_with_benchmarks(tmp_path: Path) -> None:
    """A field's name or a kind is refused for a benchmark, whose form is known."""
    with pytest.raises(InvalidRequestError, match="`kind` goes with a data file of your own"):
        load_task("gsm8k", data=tmp_path, options=TaskOptions(kind="math"))


def test_select_takes_the_first_of_a_split(tmp_path: Path) -> None:
    """The first N problems of a split come in the order of the file."""
    rows = [problem(f"{n}?", n, kind="number", split="ab"[n % 2], id=str(n)) for n in range(6)]
    task = load_task(str(jsonl(tmp_path / "t.jsonl", *rows)))
    assert task.splits == ("a", "b")
    assert [p.id for p in task.select("b", 2)] == ["1", "3"]
    assert [p.id for p in task.select(None, 3)] == ["0", "1", "2"]
    assert len(task.select("a", 100)) == 3


def test_select_refuses_what_is_not_there(tmp_path: Path) -> None:
    """An unknown split is refused with the valid ones, a limit below 1 too."""
    rows = [problem("1?", 1, kind="number", split="validation")]
    task = load_task(str(jsonl(tmp_path / "t.jsonl", *rows)))
    with pytest.raises(InvalidRequestError, match="did you mean `validation`"):
        task.select("validatoin")
    with pytest.raises(InvalidRequestError, match="limit is 0"):
        task.select(None, 0)
    without = load_task(str(jsonl(tmp_path / "u.jsonl", problem("1?", 1, kind="number"))))
    with pytest.raises(InvalidRequestError, match="has no splits"):
        without.select("test")


def test_the_hash_is_of_the_files_bytes(tmp_path: Path) -> None:
    """`sha256` is the file's own."""
    import hashlib

    path = jsonl(tmp_path / "t.jsonl", problem("1?", 1, kind="number"))
    assert load_task(str(path)).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_importing_is_light() -> None:
    """Importing tasks loads no YAML, no numerics, no HTTP and none of the benchmarks."""
    code = (
        "import sys, slm_mux.tasks; "
        "print([m for m in ('yaml', 'numpy', 'pyarrow', 'sympy', 'aiohttp', 'urllib.request', "
        "'slm_mux.tasks.gsm8k', 'slm_mux.answers.math') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
