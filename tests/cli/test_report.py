"""`slm-mux report`."""

import os
from pathlib import Path

import pytest

from tests.cli.exam import exam_of
from tests.cli.running import slm_mux
from tests.importing.files import write_lines
from tests.shipped import shipped_store


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A folder with a store of four models."""
    log = write_lines(tmp_path / "log.jsonl", exam_of())
    await slm_mux("import", str(log), "--task", "exam", cwd=tmp_path)
    return tmp_path


async def test_a_page_figures_and_the_document(folder: Path) -> None:
    """All three at once; the page names the command, and nothing else is left behind."""
    arguments = ("report", "exam", "-o", "r.html", "--figures", "pictures", "--json")
    done = await slm_mux(*arguments, cwd=folder)
    assert done.code == 0, done.err
    assert done.document["command"] == f"slm-mux {' '.join(arguments)}"
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert f"wrote r.html ({len(page.encode()):,} bytes)" in done.err
    assert f"<code>slm-mux {' '.join(arguments)}</code>" in page
    pictures = sorted(path.suffix for path in (folder / "pictures").iterdir())
    assert pictures.count(".svg") == pictures.count(".png") >= 10
    assert f"wrote {len(pictures)} figures to pictures" in done.err
    left = {path.name for path in folder.iterdir()} - {"samples.db-wal", "samples.db-shm"}
    assert left == {"log.jsonl", "samples.db", "r.html", "pictures"}
    assert (folder / "r.html").stat().st_mode & 0o777 == 0o666 & ~_umask()


async def test_a_file_that_is_there(folder: Path) -> None:
    """It is left alone, unless --force is given."""
    (folder / "r.html").write_text("mine")
    refused = await slm_mux("report", "exam", "-o", "r.html", cwd=folder)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "error: r.html exists; --force overwrites it, -o names another\n"
    assert (folder / "r.html").read_text() == "mine"
    forced = await slm_mux("report", "exam", "-o", "r.html", "--force", cwd=folder)
    assert forced.code == 0
    assert (folder / "r.html").read_text().startswith("<!doctype html>")


WRONG_USAGE = {
    (): "where is the report to go? give -o report.html, --figures DIR or --json",
    ("-o", "no/r.html"): "no/r.html: there is no folder no; make it first",
    ("-o", "."): ". is a folder; -o names a file",
    ("--force", "--json"): "--force goes with -o",
    ("--figures", "samples.db"): "samples.db is a file; --figures names a folder",
    ("--json", "--worst", "-1"): "--worst is -1, but must be in 0 .. 1,000",
    ("--json", "--method", "singel"): "there is no method 'singel'; did you mean 'single'?",
    ("-o", "r.html", "--models", "stedy"): "there is no model 'stedy'; did you mean 'steady'?",
}


async def test_wrong_usage(folder: Path) -> None:
    """One clear error each, and nothing is written."""
    for arguments, said in WRONG_USAGE.items():
        done = await slm_mux("report", "exam", *arguments, cwd=folder)
        assert (done.code, done.err) == (2, f"error: {said}\n"), arguments
    assert not list(folder.glob("*.html"))


async def test_without_the_converter(folder: Path) -> None:
    """--figures says what to install; a page needs nothing of it."""
    hidden = folder / "hidden"
    hidden.mkdir()
    (hidden / "vl_convert.py").write_text("raise ImportError('not here')\n")
    wanted = ("report", "exam", "-o", "r.html")
    done = await slm_mux(*wanted, "--figures", "f", cwd=folder, PYTHONPATH=str(hidden))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "pip install 'slm-mux[figures]'" in done.err
    assert (await slm_mux(*wanted, cwd=folder, PYTHONPATH=str(hidden))).code == 0


async def test_the_recording_needs_no_store(tmp_path: Path) -> None:
    """`report demo` works where nothing was collected."""
    shipped_store(tmp_path / "cache")
    done = await slm_mux(
        "report", "demo", "-o", "r.html", "--worst", "3",
        cwd=tmp_path, SLM_MUX_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (tmp_path / "r.html").read_text().count('<details class="question">') == 3


async def test_parts_that_cannot_be_made_are_said(tmp_path: Path) -> None:
    """Without targets the page is written, and a note says what it lacks."""
    rows = [{"problem": "q", "model": m, "answers": ["A", "B"], "target": None} for m in "ab"]
    log = write_lines(tmp_path / "log.jsonl", rows)
    await slm_mux("import", str(log), "--task", "exam", cwd=tmp_path)
    done = await slm_mux("report", "exam", "-o", "r.html", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "note: the report has no search: exam: none of 1 problem can be scored" in done.err
    assert "note: the report has no scale:" in done.err


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
