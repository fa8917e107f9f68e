"""Formats are told apart, files are merged, and poor files are survived or named."""

import gzip
import json
from pathlib import Path

import pytest

from slm_mux.errors import InvalidRequestError, TaskDataError
from slm_mux.importing import FORMATS, Imported, continue_numbering, detect_format, read_import
from tests.importing.files import (
    inspect_header,
    inspect_sample,
    lm_eval_row,
    read,
    texts,
    write_document,
    write_lines,
)

ROW = {"problem": "q1", "model": "m1", "answers": ["A", "B"], "target": "A", "question": "Q?"}
LM_EVAL = lm_eval_row(0, {"question": "Q?"}, "4", ["4"])


def test_formats_are_told_by_content_not_by_name(tmp_path: Path) -> None:
    """Each format is recognised under a name that says nothing, packed or not."""
    record = {"question": "Q?", "reference_answer": "4", "model_response": "4"}
    samples = [inspect_sample(1, 1, "4")]
    files = {
        "plain": write_lines(tmp_path / "a", [ROW]),
        "lm-eval": write_lines(tmp_path / "b", [LM_EVAL]),
        "reference": write_document(tmp_path / "c", {"responses": [record]}),
        "inspect": write_document(tmp_path / "d", inspect_header(samples=samples)),
        "own": write_lines(tmp_path / "e", [{"member": "m", "series": "s", "draw": 0}]),
    }
    assert set(files) == set(FORMATS)
    for form, path in files.items():
        assert detect_format(path) == form
        path.write_bytes(gzip.compress(path.read_bytes()))
        assert detect_format(path) == form
    one_line = write_lines(tmp_path / "f", [inspect_header(samples=samples)])
    assert detect_format(one_line) == "inspect"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"problem,model\n", "line 1 is not JSON"),
        (b'{"problem": "q1"\n', "is not JSON"),
        (b'{"score": 1}\n', "an object with the fields score"),
        (b'[{"problem": "q"}]', "no brackets around them"),
        (b"3", "JSON, but no object"),
        (b"\x1f\x8bxxxx", "not whole gzip data"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"SQLite format 3\0xx", "given with --store"),
        (b"PK\3\4xx", "not a whole zip file"),
        (json.dumps({"results": {}, "configs": {}}).encode(), "the scores of lm-evaluation"),
        (b"[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_what_is_no_log_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """The message starts with the file."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(TaskDataError) as error:
        detect_format(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_an_unknown_form_lists_the_known_ones(tmp_path: Path) -> None:
    """All formats are named where none fits."""
    with pytest.raises(TaskDataError) as error:
        detect_format(write_lines(tmp_path / "x", [{"score": 1}]))
    assert [form for form in FORMATS if f"{form}: " in str(error.value)] == list(FORMATS)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    """A folder is not a file, and says what to give instead."""
    with pytest.raises(TaskDataError, match="this is a folder; name the files in it"):
        detect_format(tmp_path)
    with pytest.raises(TaskDataError, match="cannot be read"):
        detect_format(tmp_path / "nowhere")


def test_a_file_of_two_formats_says_where_it_changes(tmp_path: Path) -> None:
    """The line is named, when detecting and when the format is given."""
    path = write_lines(tmp_path / "x", [ROW, "", LM_EVAL, LM_EVAL])
    for form in ("auto", "plain"):
        with pytest.raises(TaskDataError) as error:
            read(path, form=form)
        assert str(error.value).startswith(f"{path}:3: from here on the file is samples of lm-eval")
    with pytest.raises(TaskDataError, match=":1: is the plain table"):
        read(path, form="lm-eval")


def test_wrong_requests_are_refused(tmp_path: Path) -> None:
    """No file, no task, an unknown format, and code problems are mistakes of the request."""
    path = write_lines(tmp_path / "x", [ROW])
    with pytest.raises(InvalidRequestError, match="at least one file"):
        read()
    with pytest.raises(InvalidRequestError, match="needs a name"):
        read(path, task=" ")
    with pytest.raises(InvalidRequestError, match="no format 'csv'"):
        read(path, form="csv")
    with pytest.raises(InvalidRequestError, match="kind code"):
        read(path, kind="code")
    with pytest.raises(TaskDataError, match="it is imported by itself"):
        read(write_lines(tmp_path / "y", [{"member": "m", "series": "s", "draw": 0}]))


def test_a_kind_without_what_it_needs_is_refused(tmp_path: Path) -> None:
    """A choice needs choices, labels are taken from the options."""
    path = write_lines(tmp_path / "x", [ROW])
    with pytest.raises(TaskDataError, match="cannot be of the kind choice"):
        read(path, kind="choice")
    assert read(path, kind="label", labels=("A", "B")).problems[0].labels == ("A", "B")


def test_files_of_several_models_share_their_problems(tmp_path: Path) -> None:
    """What one file leaves out another may say; gaps are noted."""
    one = write_lines(tmp_path / "1", [ROW, {**ROW, "problem": "q2", "target": None}])
    bare = {"problem": "q1", "model": "m2", "answers": ["A"], "split": "test"}
    imported = read(one, write_lines(tmp_path / "2", [bare]))
    assert [problem.id for problem in imported.problems] == ["q1", "q2"]
    assert (imported.problems[0].split, imported.problems[0].question) == ("test", "Q?")
    assert "m2 has draws on 1 of 2 problems" in imported.notes
    assert [part.member for part in imported.parts] == ["m1", "m2"]
    assert [problem.split for problem in read(one, split="dev").problems] == ["dev", "dev"]


def test_problems_that_are_known_fill_what_a_file_leaves_out(tmp_path: Path) -> None:
    """A later import of another model keeps the task's problems, and has to agree with them."""
    first = read(write_lines(tmp_path / "1", [ROW, {**ROW, "problem": "q0"}]))
    bare = {"problem": "q0", "model": "m2", "answers": ["A"]}
    path = write_lines(tmp_path / "2", [bare])
    later = read_import([path], task="t", known=first.problems)
    assert later.problems == first.problems
    other = write_lines(tmp_path / "3", [{**bare, "target": "C"}])
    with pytest.raises(TaskDataError, match="is 'C' here and 'A' in the store"):
        read_import([other], task="t", known=first.problems)


@pytest.mark.parametrize("field", ["target", "question", "split"])
def test_problems_that_disagree_name_both_places(tmp_path: Path, field: str) -> None:
    """The same problem with another target, question or split is an error."""
    one = write_lines(tmp_path / "1", [{**ROW, "split": "a"}])
    two = write_lines(tmp_path / "2", [{**ROW, "split": "a", "model": "m2", field: "other"}])
    with pytest.raises(TaskDataError) as error:
        read(one, two)
    assert f"{two}:1: the {field} of the problem 'q1' is 'other' here" in str(error.value)
    assert f"in {one}:1" in str(error.value)


def test_the_same_content_twice_is_taken_once(tmp_path: Path) -> None:
    """A copy brings nothing, also packed; a different file of the same model brings more draws."""
    one = write_lines(tmp_path / "1", [ROW])
    copy = tmp_path / "1.gz"
    copy.write_bytes(gzip.compress(one.read_bytes()))
    more = write_lines(tmp_path / "2", [{**ROW, "answers": ["C"]}])
    assert texts(read(one, copy, more), "q1", "m1") == ["A", "B", "C"]
    assert any("holds the same as" in note for note in read(one, copy).notes)
    assert read(one, copy, more).sha256 == read(more, one).sha256


def test_a_model_under_two_settings_is_kept_apart(tmp_path: Path) -> None:
    """Draws at two temperatures never stand in one series."""
    record = {"question": "Q?", "reference_answer": "4", "model_response": "4"}
    document = {"model": "m", "responses": [record]}
    files = [
        write_document(tmp_path / f"{heat}.json", {**document, "temperature": heat})
        for heat in (0.1, 0.9)
    ]
    imported = read(*files)
    assert len({series.digest for _, series in imported.series}) == 2
    assert any("with different settings, which are kept apart" in note for note in imported.notes)


def test_another_prompt_in_another_file_is_refused(tmp_path: Path) -> None:
    """Draws on two prompts are not one vote; another name for one file keeps them apart."""
    files = [
        write_document(
            tmp_path / f"{prompt}.json",
            {
                "model": "m",
                "responses": [{"question": "Q?", "user_prompt": prompt, "model_response": "4"}],
            },
        )
        for prompt in ("one", "two")
    ]
    with pytest.raises(TaskDataError, match="with another prompt than in"):
        read(*files)


def test_hostile_texts_survive(tmp_path: Path) -> None:
    """NUL, raw control characters, lone surrogates, other line ends and 10 MB come through."""
    hard = ["a\0b", "\ud800", "x\u2028y\x85z", "0" * 10_000_000]
    path = write_lines(tmp_path / "x", [{**ROW, "answers": hard}])
    assert texts(read(path), "q1", "m1") == hard
    raw = '{"problem": "q", "model": "m", "answers": ["a\0b\tc", "x\u2028y"]}'
    assert texts(read(write_lines(tmp_path / "y", [raw])), "q", "m") == ["a\0b\tc", "x\u2028y"]


def test_bytes_that_are_no_utf_8_are_replaced_and_noted(tmp_path: Path) -> None:
    """One bad byte costs one character and is reported with its line."""
    path = tmp_path / "x"
    good = json.dumps({**ROW, "model": "m0"}).encode()
    bad = b'{"problem": "q1", "model": "m1", "answers": ["caf\xe9", "\xef\xbf\xbd"]}'
    path.write_bytes(b"\xef\xbb\xbf" + good + b"\r\n" + bad + b"\n")
    imported = read(path)
    assert texts(imported, "q1", "m1") == ["caf\ufffd", "\ufffd"]
    assert imported.notes == (f"{path}:2: 1 piece is not UTF-8; U+FFFD stands there now",)


def stored(*steps: Imported) -> dict[str, list[tuple[int, str | None]]]:
    """What a store would hold after these imports."""
    found: dict[str, list[tuple[int, str | None]]] = {}
    for imported in steps:
        for draw in imported.draws:
            text = draw.completion.text if draw.completion else None
            found.setdefault(draw.series, []).append((draw.draw, text))
    return found


def test_a_later_import_is_numbered_after_the_earlier_one(tmp_path: Path) -> None:
    """A second file of a model gets the next numbers; files that are there already get none."""
    first = write_lines(tmp_path / "1", [ROW, {**ROW, "problem": "q2", "answers": ["C"]}])
    second = write_lines(tmp_path / "2", [ROW, {**ROW, "problem": "q2", "answers": ["D"]}])
    one = read(first)
    held = stored(one)
    assert continue_numbering(one, lambda digest: held.get(digest, [])).draws == ()
    both = continue_numbering(read(first, second), lambda digest: held.get(digest, []))
    assert [draw.draw for draw in both.draws] == [2, 3, 1]
    assert [(one.draw, one.answer) for one in both.readings] == [(2, "A"), (3, "B"), (1, "D")]
    assert [part.path for part in both.parts] == [str(second)]
    held = stored(one, both)
    again = continue_numbering(read(second, first), lambda digest: held.get(digest, []))
    assert again.draws == ()
    assert sum("are in the store already" in note for note in again.notes) == 2


def test_nothing_in_the_store_changes_nothing(tmp_path: Path) -> None:
    """With an empty store the numbers stay."""
    imported = read(write_lines(tmp_path / "1", [ROW]))
    assert continue_numbering(imported, lambda _: []) == imported


def test_plain_paths_need_no_options(tmp_path: Path) -> None:
    """The short call works."""
    imported = read_import([write_lines(tmp_path / "1", [ROW])], task="t")
    assert len(imported.draws) == 2
