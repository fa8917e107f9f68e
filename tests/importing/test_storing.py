"""Files of samples into the store: whole or not at all, numbered on, good for evaluation."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError, StoreError, TaskDataError
from slm_mux.importing import ImportOptions, import_files
from slm_mux.store import Store, export_samples
from slm_mux.store.rows import GIVEN
from tests.evaluation.making import TASK, problem, stored
from tests.importing.files import inspect_header, inspect_sample, write_document, write_lines

ROWS: list[dict[str, Any] | str] = [
    {"problem": "q1", "model": "m1", "answers": ["A", "a", None], "target": "A"},
    {"problem": "q1", "model": "m2", "answers": ["B", "A", "B"]},
    {"problem": "q2", "model": "m2", "answers": ["C", "C", "C"], "target": "C", "split": "test"},
    {"problem": "q2", "model": "m1", "answers": ["C", None, "D"]},
]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store.open(tmp_path / "s.db") as opened:
        yield opened


def readings(store: Store, task: str) -> list[tuple[str, str, int, str | None, str | None]]:
    rows = store.draw_rows(task)
    found = store.readings(GIVEN, (row.sample_id for row in rows))
    return [
        (row.problem, row.member, row.draw, found[row.sample_id].answer, found[row.sample_id].key)
        for row in rows
        if row.sample_id in found
    ]


def test_a_plain_table(store: Store, tmp_path: Path) -> None:
    """Problems, draws and the answers as given are in the store; nothing twice."""
    file = write_lines(tmp_path / "t.jsonl", ROWS)
    summary = import_files(store, [file], task="t")
    assert (summary.tasks, summary.formats) == (("t",), ("plain",))
    assert (summary.problems, summary.samples, summary.new) == (2, 12, 12)
    assert [(m.model, m.problems, m.samples) for m in summary.models] == [
        ("m1", 2, 6),
        ("m2", 2, 6),
    ]
    assert readings(store, "t")[:3] == [
        ("q1", "m1", 0, "A", "A"),
        ("q1", "m1", 1, "a", "a"),
        ("q1", "m1", 2, None, None),
    ]
    again = import_files(store, [file], task="t")
    assert (again.new, again.models) == (0, ())
    assert any("in the store already" in note for note in again.notes)


def test_another_file_of_the_same_models_continues(store: Store, tmp_path: Path) -> None:
    """More draws get the following numbers, with their own answers."""
    import_files(store, [write_lines(tmp_path / "a.jsonl", ROWS[:1])], task="t")
    more = {"problem": "q1", "model": "m1", "answers": ["B", None]}
    summary = import_files(store, [write_lines(tmp_path / "b.jsonl", [more])], task="t")
    assert summary.new == 2
    assert [row[2:4] for row in readings(store, "t")] == [
        (0, "A"), (1, "a"), (2, None), (3, "B"), (4, None),
    ]  # fmt: skip


def test_a_file_that_grew(store: Store, tmp_path: Path) -> None:
    """Only what is new of it is added: more problems, more draws on old ones, or both."""
    rows: list[dict[str, Any] | str] = [
        {"problem": "q1", "model": "m1", "answers": ["A", "B"]},
        {"problem": "q2", "model": "m1", "answers": ["B", "B"]},
    ]
    file = tmp_path / "log.jsonl"
    import_files(store, [write_lines(file, rows)], task="t")
    rows.append({"problem": "q3", "model": "m1", "answers": ["A", "A"]})
    more = import_files(store, [write_lines(file, rows)], task="t")
    assert (more.samples, more.new) == (6, 2)
    assert any("4 draws of m1 are in the store already" in note for note in more.notes)
    rows[0] = {"problem": "q1", "model": "m1", "answers": ["A", "B", "A", None]}
    assert import_files(store, [write_lines(file, rows)], task="t").new == 2
    assert import_files(store, [file], task="t").new == 0
    assert [(row[0], *row[2:4]) for row in readings(store, "t")] == [
        ("q1", 0, "A"), ("q1", 1, "B"), ("q1", 2, "A"), ("q1", 3, None),
        ("q2", 0, "B"), ("q2", 1, "B"), ("q3", 0, "A"), ("q3", 1, "A"),
    ]  # fmt: skip


def test_a_run_of_its_own_that_agrees_in_part(store: Store, tmp_path: Path) -> None:
    """Equal answers to some problems are draws too, where others tell the runs apart."""
    first = [
        {"problem": "q1", "model": "m1", "answers": ["A"]},
        {"problem": "q2", "model": "m1", "answers": ["B"]},
    ]
    second = [*first[:1], {"problem": "q2", "model": "m1", "answers": ["C"]}]
    one = write_lines(tmp_path / "1.jsonl", first)
    two = write_lines(tmp_path / "2.jsonl", second)
    assert import_files(store, [one], task="t").new == 2
    assert import_files(store, [two], task="t").new == 2
    assert import_files(store, [one, two], task="t").new == 0


def test_a_stored_draw_accounts_for_one_draw(store: Store, tmp_path: Path) -> None:
    """Two files of equal answers, imported together, are two runs, also when one is stored."""
    row = {"problem": "q1", "model": "m1", "answers": ["A"]}
    one = write_lines(tmp_path / "1.jsonl", [row])
    two = write_lines(tmp_path / "2.jsonl", [row | {"note": "the second run"}])
    assert import_files(store, [one], task="t").new == 1
    assert import_files(store, [one, two], task="t").new == 1
    assert import_files(store, [two, one], task="t").new == 0
    # Alone it cannot be told from the first.
    assert import_files(store, [two], task="t").new == 0


def test_the_second_of_two_files_grew(store: Store, tmp_path: Path) -> None:
    """Imported with the first one, it is known by what that one leaves."""

    def row(answers: list[str]) -> dict[str, Any]:
        return {"problem": "q1", "model": "m1", "answers": answers}

    one = write_lines(tmp_path / "1.jsonl", [row(["A", "B"])])
    two = write_lines(tmp_path / "2.jsonl", [row(["C", "D"])])
    assert import_files(store, [one, two], task="t").new == 4
    write_lines(two, [row(["C", "D", "E"])])
    three = write_lines(tmp_path / "3.jsonl", [row(["F"])])
    assert import_files(store, [three, two, one], task="t").new == 2
    assert [row[3] for row in readings(store, "t")] == ["A", "B", "C", "D", "E", "F"]
    assert import_files(store, [one, two, three], task="t").new == 0


def test_what_a_later_file_adds_to_a_problem(store: Store, tmp_path: Path) -> None:
    """Target, question and split may come later, each alone; the samples stay the problem's."""
    bare = {"problem": "q1", "model": "m1", "answers": ["A"]}
    import_files(store, [write_lines(tmp_path / "a.jsonl", [bare])], task="t")
    more = {"target": "A", "question": "Which?", "split": "test"}
    for number, (field, value) in enumerate(more.items()):
        row = {"problem": "q1", "model": f"n{number}", "answers": ["A"], field: value}
        import_files(store, [write_lines(tmp_path / f"{field}.jsonl", [row])], task="t")
        assert getattr(store.problems("t")[0], field) == value
    assert [row.member for row in store.draw_rows("t", "test")] == ["m1", "n0", "n1", "n2"]


@pytest.mark.parametrize(
    ("field", "value"), [("target", "B"), ("question", "What?"), ("split", "dev")]
)
def test_what_a_later_file_contradicts(
    store: Store, tmp_path: Path, field: str, value: str
) -> None:
    """The error names the problem, the field, both values and the remedy; nothing changes."""
    row = {"problem": "q1", "model": "m1", "answers": ["A"]}
    told = row | {"target": "A", "question": "Which?", "split": "test"}
    import_files(store, [write_lines(tmp_path / "a.jsonl", [told])], task="t")
    before = store.problems("t")
    other = write_lines(tmp_path / "b.jsonl", [row | {field: value}])
    with pytest.raises(TaskDataError) as error:
        import_files(store, [other], task="t")
    for part in (f"the {field} of the problem 'q1'", repr(value), repr(told[field]), "--task NAME"):
        assert part in str(error.value)
    assert store.problems("t") == before


def test_what_exports_add_to_each_other(tmp_path: Path) -> None:
    """Whichever of two exports tells more: what it tells stands, whatever their order."""
    bare = {"problem": "q1", "model": "m1", "answers": ["A"], "split": "test"}
    told = {"problem": "q1", "model": "m1", "answers": ["A"], "question": "Which?", "target": "A"}
    exports = []
    for name, row in (("bare", bare), ("told", told)):
        with Store.open(tmp_path / f"{name}.db") as store:
            import_files(store, [write_lines(tmp_path / name, [row])], task="t")
            exports.append(tmp_path / f"{name}.jsonl")
            export_samples(store, exports[-1])
    for order in (exports, exports[::-1]):
        with Store.open(tmp_path / f"{order[0].stem} first.db") as store:
            import_files(store, order, task=None)
            (known,) = store.problems("t")
            assert (known.question, known.target, known.split) == ("Which?", "A", "test")
            assert len(store.draw_rows("t")) == 1


def test_exports_that_contradict_each_other(tmp_path: Path) -> None:
    """The error names the problem, the field, both values and the remedy."""
    row = {"problem": "q1", "model": "m1", "answers": ["A"], "question": "Which?"}
    with Store.open(tmp_path / "a.db") as store:
        import_files(store, [write_lines(tmp_path / "a", [row])], task="t")
        export_samples(store, tmp_path / "a.jsonl")
    with Store.open(tmp_path / "b.db") as store:
        import_files(store, [write_lines(tmp_path / "b", [row | {"question": "W?"}])], task="t")
        said = "problem 'q1' .* question: 'W\\?' in the store, 'Which\\?' here; .*--task"
        with pytest.raises(StoreError, match=said):
            import_files(store, [tmp_path / "a.jsonl"], task=None)


def test_a_question_without_a_prompt_is_no_part_of_the_address(
    store: Store, tmp_path: Path
) -> None:
    """Draws of a model belong together, whichever of its files tell the question."""
    told = {"problem": "q1", "model": "m1", "answers": ["A"], "question": "Which?"}
    bare = {"problem": "q1", "model": "m1", "answers": ["B"]}
    files = [
        write_lines(tmp_path / f"{name}.jsonl", [row]) for name, row in (("a", told), ("b", bare))
    ]
    for file in files:
        assert import_files(store, [file], task="t").new == 1
    assert [row[2:4] for row in readings(store, "t")] == [(0, "A"), (1, "B")]
    assert [problem.question for problem in store.problems("t")] == ["Which?"]
    import_files(store, files[::-1], task="u")
    assert [row[2:4] for row in readings(store, "u")] == [(0, "B"), (1, "A")]
    assert [problem.question for problem in store.problems("u")] == ["Which?"]


def test_the_problems_of_a_summary_are_the_task_s(store: Store, tmp_path: Path) -> None:
    """Samples are counted in the files, problems in the task that they went to."""
    import_files(store, [write_lines(tmp_path / "a.jsonl", ROWS)], task="t")
    more = {"problem": "q1", "model": "m3", "answers": ["B"]}
    summary = import_files(store, [write_lines(tmp_path / "b.jsonl", [more])], task="t")
    assert (summary.problems, summary.samples, summary.new) == (2, 1, 1)


def test_one_model_asked_in_two_ways_is_refused(store: Store, tmp_path: Path) -> None:
    """A log of another tool with a model of the same name is no more draws of it."""
    import_files(store, [write_lines(tmp_path / "a.jsonl", ROWS)], task="t")
    log = inspect_header("m1", samples=[inspect_sample("q1", 1, "4", target="A", input="q1")])
    log["eval"]["task"] = "t"
    file = write_document(tmp_path / "b.json", log)
    options = ImportOptions(kind="text")
    before = store.info().completed
    summary = import_files(store, [file], task="other", options=options)
    assert summary.new == 1
    names = [problem.id for problem in store.problems("other")]
    renamed = [{"problem": names[0], "model": "m1", "answers": ["4"]}]
    with pytest.raises(TaskDataError, match=r"c.jsonl: m1 was asked .* \(--model NAME\)"):
        import_files(store, [write_lines(tmp_path / "c.jsonl", renamed)], task="other")
    assert store.info().completed == before + 1
    options = ImportOptions(model="m1-again")
    assert import_files(store, [tmp_path / "c.jsonl"], task="other", options=options).new == 1


def test_all_or_nothing(store: Store, tmp_path: Path) -> None:
    """A mistake in the last file leaves nothing of the first ones."""
    good = write_lines(tmp_path / "a.jsonl", ROWS)
    bad = write_lines(tmp_path / "b.jsonl", [ROWS[0], "{broken"])
    with pytest.raises(TaskDataError, match=r"b\.jsonl:2"):
        import_files(store, [good, bad], task="t")
    with pytest.raises(InvalidRequestError, match="no format"):
        import_files(store, [good], task="t", format="csv")
    assert store.tasks() == []


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
def test_our_own_export(store: Store, tmp_path: Path, name: str) -> None:
    """Recognised by its content under any name, packed or not; answers as given stay so."""
    import_files(store, [write_lines(tmp_path / "a.jsonl", ROWS)], task="t")
    export_samples(store, tmp_path / name)
    renamed = (tmp_path / name).rename(tmp_path / "renamed.dat")
    with Store.open(tmp_path / "other.db") as other:
        summary = import_files(other, [renamed], task=None)
        assert (summary.tasks, summary.formats, summary.new) == (("t",), ("own",), 12)
        assert readings(other, "t") == readings(store, "t")
        assert [m.name for m in other.members("t")] == [m.name for m in store.members("t")]
        assert import_files(other, [renamed], task=None).new == 0
        assert import_files(other, [renamed], task="u").tasks == ("u",)
        with pytest.raises(InvalidRequestError, match="says all of that itself"):
            import_files(other, [renamed], task=None, options=ImportOptions(model="m"))


def test_a_packed_export(store: Store, tmp_path: Path) -> None:
    """Gzip is no hindrance; half a file is an error that says so."""
    import_files(store, [write_lines(tmp_path / "a.jsonl", ROWS)], task="t")
    export_samples(store, tmp_path / "x.jsonl")
    packed = gzip.compress((tmp_path / "x.jsonl").read_bytes())
    (tmp_path / "x.gz").write_bytes(packed)
    with Store.open(tmp_path / "other.db") as other:
        assert import_files(other, [tmp_path / "x.gz"], task=None).new == 12
        (tmp_path / "half.gz").write_bytes(packed[:-30])
        with pytest.raises(TaskDataError, match="not whole gzip data"):
            import_files(other, [tmp_path / "half.gz"], task=None)


def test_the_order_of_models_survives(tmp_path: Path) -> None:
    """The order breaks ties; it is kept although the first was not asked the first problem."""
    drawn = {"z": {"q2": ["7"]}, "a": {"q1": ["7"], "q2": ["7"]}}
    with stored(tmp_path / "s.db", [problem("q1"), problem("q2")], drawn) as store:
        export_samples(store, tmp_path / "x.jsonl")
    with Store.open(tmp_path / "other.db") as other:
        import_files(other, [tmp_path / "x.jsonl"], task=None)
        assert [member.name for member in other.members(TASK)] == ["z", "a"]
        assert [one.id for one in other.problems(TASK)] == ["q1", "q2"]


def test_a_task_needs_a_name(store: Store, tmp_path: Path) -> None:
    """Only our own form carries one."""
    with pytest.raises(InvalidRequestError, match="give the task a name"):
        import_files(store, [write_lines(tmp_path / "a.jsonl", ROWS)], task=None)
