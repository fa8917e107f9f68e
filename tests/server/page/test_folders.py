"""Kept questions and reports: only what lies in their folders, under its own name."""

from pathlib import Path

import pytest

from slm_mux.server.page.folders import LONGEST, KeptQuestions, NotKeptError, Reports


def test_a_kept_question_is_found_by_its_id_alone(tmp_path: Path) -> None:
    """It is whole, its file and folder are its owner's, and its id cannot be guessed."""
    kept = KeptQuestions(tmp_path / "kept", most=10)
    name = kept.keep("What?", {"answer": "4"})
    found = kept.read(name)
    assert found is not None
    assert (found["question"], found["mux"]) == ("What?", {"answer": "4"})
    assert set(found) == {"form", "kept", "question", "mux"}
    assert len(name) == 32
    assert kept.keep("What?", {"answer": "4"}) != name
    [first, _] = sorted((tmp_path / "kept").iterdir())
    assert first.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["", "..", "a" * 32, "../" + "a" * 29, "a" * 31 + "\n", "x" * 33])
def test_other_names_find_nothing(tmp_path: Path, name: str) -> None:
    """Nor does a file that is none of ours."""
    kept = KeptQuestions(tmp_path, most=10)
    (tmp_path / f"{'b' * 32}.json").write_text("[1]")
    (tmp_path / f"{'c' * 32}.json").write_text("{")
    assert kept.read(name) is None
    assert kept.read("b" * 32) is None
    assert kept.read("c" * 32) is None


def test_there_is_an_end_to_keeping(tmp_path: Path) -> None:
    """So many questions, so many bytes of each, and only where files can be written."""
    kept = KeptQuestions(tmp_path / "kept", most=1)
    with pytest.raises(NotKeptError, match="too long"):
        kept.keep("?" * LONGEST, {})
    kept.keep("What?", {})
    with pytest.raises(NotKeptError, match="as many"):
        kept.keep("What?", {})
    (tmp_path / "file").write_text("")
    with pytest.raises(NotKeptError, match="written"):
        KeptQuestions(tmp_path / "file" / "kept", most=1).keep("What?", {})


def test_reports_are_the_html_files_of_the_folder_itself(tmp_path: Path) -> None:
    """No other file, no folder, nothing in one, and no link, wherever it leads."""
    folder = tmp_path / "reports"
    (folder / "sub.html").mkdir(parents=True)
    (folder / "sub.html" / "in.html").write_text("no")
    (folder / "one.html").write_text("yes")
    (folder / "notes.txt").write_text("no")
    (tmp_path / "out.html").write_text("no")
    (folder / "link.html").symlink_to(tmp_path / "out.html")
    reports = Reports(folder)
    assert [report.name for report in reports.listed()] == ["one.html"]
    assert reports.path("one.html") == folder / "one.html"
    for name in ("../out.html", "link.html", "sub.html", "sub.html/in.html", "notes.txt", ""):
        assert reports.path(name) is None
    assert Reports(tmp_path / "missing").listed() == []
