"""Files of samples: written, read back, the same."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError, StoreError, TaskDataError
from slm_mux.store import (
    Draw,
    Reading,
    Record,
    Series,
    Store,
    export_samples,
    import_samples,
)
from slm_mux.store.flat import COLUMNS, record_of, row_of
from slm_mux.store.problems import stored_problems
from slm_mux.types import CodeSpec, Completion, Failure, Problem
from tests.store.making import completed, completion_of, failed, filled, problem, series

# Every character, halves of characters among them.
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
MAYBE = st.none() | TEXTS
NUMBERS = st.none() | st.integers(min_value=0)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
PROBLEMS = st.builds(
    Problem,
    id=TEXTS,
    question=TEXTS,
    kind=st.sampled_from(["number", "choice", "math", "label", "json", "text", "code"]),
    target=MAYBE,
    split=MAYBE,
    choices=st.dictionaries(TEXTS, TEXTS, max_size=3),
    labels=st.lists(TEXTS, max_size=2).map(tuple),
    code=st.none() | st.builds(CodeSpec, prompt=TEXTS, entry_point=TEXTS, tests=MAYBE),
    subject=MAYBE,
)
SERIES = st.builds(
    Series,
    member=TEXTS,
    identity=TEXTS,
    messages=st.lists(st.dictionaries(TEXTS, JSON, max_size=2), max_size=2).map(tuple),
    settings=st.dictionaries(TEXTS, JSON, max_size=3),
    seed=st.none() | st.integers(),
)
COMPLETIONS = st.builds(
    Completion,
    text=TEXTS,
    finish_reason=MAYBE,
    prompt_tokens=NUMBERS,
    completion_tokens=NUMBERS,
    served_model=MAYBE,
    reasoning=MAYBE,
)
FAILURES = st.builds(Failure, error=TEXTS, message=TEXTS, tries=st.integers(0, 2**31 - 1))


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Any record the store can hold."""
    one = draw(SERIES)
    ended: Completion | Failure = draw(COMPLETIONS | FAILURES)
    return Record(
        task=draw(TEXTS),
        source=draw(TEXTS),
        sha256="00",
        position=draw(st.integers(0, 99)),
        problem=draw(PROBLEMS),
        series=one,
        draw=Draw(
            series=one.digest,
            draw=draw(st.integers(0, 2**31 - 1)),
            seed=draw(st.none() | st.integers()),
            completion=ended if isinstance(ended, Completion) else None,
            failure=ended if isinstance(ended, Failure) else None,
            seconds=draw(st.floats(0, 1e6)),
            collected_at=draw(MAYBE),
        ),
        given=draw(st.none() | st.builds(Reading, MAYBE, MAYBE)),
        method=draw(MAYBE),
    )


@given(records())
def test_a_row_is_the_record(record: Record) -> None:
    """A record written as JSON and read back is the same record."""
    line = json.dumps(row_of(record), ensure_ascii=False, allow_nan=False)
    assert record_of(json.loads(line.encode())) == record


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@given(record=records())
@settings(max_examples=15, deadline=None)
def test_a_store_goes_through_a_file(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, record: Record
) -> None:
    """What is stored, exported, imported and exported again is what was stored."""
    folder = tmp_path_factory.mktemp("exchange")
    with Store.open(folder / "one.db") as one, Store.open(folder / "two.db") as two:
        assert one.put_records([record]) == (1, [record.task])
        assert export_samples(one, folder / f"samples{suffix}") == 1
        report = import_samples(two, folder / f"samples{suffix}")
        assert (report.rows, report.new, report.tasks) == (1, 1, (record.task,))
        assert list(two.records(record.task)) == [record]
        assert two.verify().sound


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_whole_store_goes_through_a_file(tmp_path: Path, suffix: str) -> None:
    """Tasks, splits, positions, members and failures are as they were; a second import is none."""
    file = tmp_path / f"samples{suffix}"
    with filled(tmp_path / "one.db") as one, Store.open(tmp_path / "two.db") as two:
        one.put_draws([failed(series("q1"), 9)])
        one.put_task("other", [problem("z", split="test")], source="there", sha256="11")
        one.put_asked("other", [("z", series("q0"))])
        assert export_samples(one, file) == 3 * 2 * 4 + 1 + 4
        assert import_samples(two, file).new == 25
        assert import_samples(two, file).new == 0
        for task in ("demo", "other"):
            assert list(two.records(task)) == list(one.records(task))
            assert stored_problems(two._connection.db, task) == stored_problems(
                one._connection.db, task
            )
        assert [info.source for info in two.tasks()] == ["here", "there"]
        assert export_samples(one, file, tasks=["other"], split="test") == 4
        assert import_samples(two, file, task="third").new == 0
        assert [row.problem for row in two.draw_rows("third")] == ["z"] * 4


def rows(path: Path) -> list[dict[str, Any]]:
    with filled(path.with_suffix(".source.db"), problems=1, members=["m1"], draws=2) as store:
        return [row_of(record) for record in store.records("demo")]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b'{"task": "demo", ', "not a JSON object"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"task": "\xff"}', "not UTF-8"),
        (b'{"problem": "q1", "model": "m1", "answers": ["A"]}', "missing required field `task`"),
        (b'{"task": "demo", "problem": 7}', "Expected `str`, got `int` - at `$.problem`"),
    ],
)
def test_a_broken_line_imports_nothing(tmp_path: Path, line: bytes, complaint: str) -> None:
    """A broken line is named with its file, and nothing before it is kept."""
    file = tmp_path / "samples.jsonl"
    good = json.dumps(rows(file)[0]).encode()
    file.write_bytes(good + b"\n\n" + line + b"\n" + good + b"\n")
    with Store.open(tmp_path / "samples.db") as store:
        with pytest.raises(TaskDataError) as caught:
            import_samples(store, file)
        assert str(caught.value).startswith(f"{file}:3: ")
        assert complaint in str(caught.value)
        assert store.tasks() == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"settings": {"temperature": 2}}, "the row was changed or damaged"),
        ({"text": None}, "either `text` or `error`"),
        ({"error": "X"}, "either `text` or `error`"),
        ({"draw": -1}, "a draw's index"),
        ({"exact": {"text": "%"}}, "base64"),
        ({"exact": {"nothing": "AA=="}}, None),
        ({"series": None}, None),
    ],
)
def test_rows_are_checked(tmp_path: Path, changes: dict[str, Any], complaint: str | None) -> None:
    """A row that contradicts itself is refused; the digest may be left out."""
    file = tmp_path / "samples.jsonl"
    file.write_text(json.dumps(rows(file)[0] | changes))
    with Store.open(tmp_path / "samples.db") as store:
        if complaint is None:
            assert import_samples(store, file).new == 1
            return
        with pytest.raises(TaskDataError) as caught:
            import_samples(store, file)
        assert str(caught.value).startswith(f"{file}:1: ")
        assert complaint in str(caught.value)
        assert store.tasks() == []


def test_one_problem_with_two_questions(tmp_path: Path) -> None:
    """A file that contradicts the store, or itself, is refused whole."""
    file = tmp_path / "samples.jsonl"
    one, two = rows(file)
    file.write_text(json.dumps(one) + "\n" + json.dumps(two | {"target": "8"}))
    with Store.open(tmp_path / "samples.db") as store:
        with pytest.raises(StoreError, match="problem 'q0' of task 'demo' .* another target"):
            import_samples(store, file)
        assert store.tasks() == []


def test_files_that_are_none(tmp_path: Path) -> None:
    """A file that is missing, of another format or of an unknown name is one clear error."""
    with Store.open(tmp_path / "samples.db") as store:
        with pytest.raises(TaskDataError, match="No such file"):
            import_samples(store, tmp_path / "none.jsonl")
        (tmp_path / "text.parquet").write_text("no parquet")
        with pytest.raises(TaskDataError, match="cannot be read as Parquet"):
            import_samples(store, tmp_path / "text.parquet")
        with pytest.raises(InvalidRequestError, match=r"\.jsonl or \.parquet"):
            export_samples(store, tmp_path / "samples.csv")
        with pytest.raises(StoreError, match="cannot be written"):
            export_samples(store, tmp_path / "none" / "samples.jsonl")


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """The file is replaced when the new one is whole, not before."""
    file = tmp_path / "samples.jsonl"
    file.write_text("old")
    with filled(tmp_path / "samples.db") as store, pytest.raises(StoreError):
        export_samples(store, file, tasks=["demo", "unknown"])
    assert file.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"samples.db", "samples.jsonl"}


def test_long_texts_go_through_parquet(tmp_path: Path) -> None:
    """10 MB with NULs come back through both formats."""
    text = "a\x00b" * 3_500_000
    with filled(tmp_path / "one.db", problems=1, draws=1) as one:
        one.put_draws([completed(series("q0"), 5, text)])
        for suffix in (".jsonl", ".parquet"):
            export_samples(one, tmp_path / f"samples{suffix}")
            with Store.open(tmp_path / f"two{suffix}.db") as two:
                import_samples(two, tmp_path / f"samples{suffix}")
                assert completion_of(two, series("q0").digest, 5) == completion_of(
                    one, series("q0").digest, 5
                )


def test_every_column_is_documented() -> None:
    """docs/store.md has a row for each column, in the file's order."""
    text = (Path(__file__).parent.parent.parent / "docs" / "store.md").read_text()
    table = text.partition("| column |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert tuple(name for cell in cells for name in re.findall(r"`(\w+)`", cell)) == COLUMNS


def test_columns_are_those_of_a_row() -> None:
    """Every column is written, by its name."""
    record = Record(
        task="t",
        source="",
        sha256="",
        position=0,
        problem=problem(),
        series=series(),
        draw=completed(series()),
    )
    assert tuple(row_of(record)) == COLUMNS
