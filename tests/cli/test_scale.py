"""`slm-mux scale`; and how its page looks."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from slm_mux.cli.scale_display import show_scale
from slm_mux.studies.scaling_task import ScaleRules
from tests.cli.exam import RECORDED, exam_of, imported
from tests.cli.running import slm_mux, slm_mux_process
from tests.importing.files import write_lines
from tests.studies.making import DRAWN, one_split, scaled, two_splits


def page(document: dict[str, Any], *, width: int = 100) -> tuple[list[str], str]:
    """The page's lines, and the notes."""
    out, notes = io.StringIO(), io.StringIO()
    show_scale(
        Console(file=out, width=width, highlight=False),
        Console(file=notes, width=width, highlight=False),
        document,
    )
    return out.getvalue().splitlines(), notes.getvalue()


async def test_from_logs_to_curves(tmp_path: Path) -> None:
    """Import a table of four models, study: the page fits 100 columns, the document has it all."""
    log = write_lines(tmp_path / "log.jsonl", exam_of())
    await slm_mux("import", str(log), "--task", "exam", cwd=tmp_path)
    shown = await slm_mux_process("scale", "exam", cwd=tmp_path, COLUMNS="100")
    assert (shown.code, "…" in shown.out) == (0, False)
    lines = shown.out.splitlines()
    assert lines[0] == "exam, split test: 4 problems, 2 draws of each of 4 models"
    assert lines[1] == "chosen: steady (best by objective on split validation, 4 problems)"
    assert max(map(len, lines)) <= 110
    assert "  2 steady, wide m[0]" in lines
    assert "tokens are unknown, so what draws cost is too: steady (8 of 8 draws)" in shown.err

    several = ("--models", "steady, wide m[0]", "--resamples", "10", "--seed", "3")
    document = (await slm_mux("scale", "exam", *several, "--json", cwd=tmp_path)).document
    assert document["chosen"]["models"] == ["steady", "wide m[0]"]
    assert (document["resamples"], document["seed"], document["n"]) == (10, 3, 2)
    search = ("--correct", "at-least:1", "--penalty", "0.5", "--max-models", "2")
    document = (await slm_mux("scale", "exam", *search, "--json", cwd=tmp_path)).document
    assert list(document["subsets"]) == ["1", "2"]
    assert (document["search"]["correct"], document["search"]["penalty"]) == ("at-least:1", 0.5)
    first = (await slm_mux("scale", "exam", "-k", "1", cwd=tmp_path)).out
    assert "accuracy against K, the best of each size, k = 1" in first


async def test_a_name_with_a_comma(tmp_path: Path) -> None:
    """In double quotes it is one name."""
    log = write_lines(tmp_path / "log.jsonl", exam_of())
    log.write_text(log.read_text().replace('"wide ', '"wide, '))
    await slm_mux("import", str(log), "--task", "exam", cwd=tmp_path)
    subset = ("--models", 'steady, "wide, m[0]"')
    document = (await slm_mux("scale", "exam", *subset, "--json", cwd=tmp_path)).document
    assert document["chosen"]["models"] == ["steady", "wide, m[0]"]


async def test_a_real_recording_of_one_model(tmp_path: Path) -> None:
    """A study of one model, with what its draws cost."""
    store = str(tmp_path / "samples.db")
    await slm_mux("import", str(RECORDED), "--store", store)
    shown = await slm_mux("scale", "demo", "--store", store, cwd=tmp_path)
    assert shown.code == 0
    assert "mux less each" not in shown.out
    assert "is the only model with samples" in shown.err


def test_every_figure_is_on_the_page(tmp_path: Path) -> None:
    """Curves with intervals, differences, sizes, stopping, reliability, readings, failures."""
    with two_splits(tmp_path / "s.db") as store:
        lines, notes = page(scaled(store, ScaleRules(resamples=50)))
    titles = [after for before, after in pairwise(lines) if not before]
    assert titles == [
        "accuracy against k, the draws of each model; 95 % intervals",
        "mux less each, in points of accuracy",
        "accuracy against K, the best of each size, k = 3; tokens per problem",
        "draws per problem that the chosen subset needs, with the same answers",
        "each model and mux: confidence against correctness, k = 3",
        "question types: how often a model is right in 3 draws",
        "A(3, p): what a majority of 3 draws would give, and what was seen",
        "where mux is wrong with k = 3: 1 of 4 problems",
    ]
    head = next(line for line in lines if line.startswith("k  "))
    assert head.split() == ["k", "mux", "one", "draw", "vote", "equal", "vote", "forest", "union"]
    assert "no equal vote from k = 2 on: a: 4 draws are needed, and there are 3" in lines
    assert next(line for line in lines if line.startswith("lost by")).split() == (
        ["lost", "by", "tie-break", "1", "100.0%", "0.5", "0.5"]
    )
    assert notes == ""
    assert not any("-0.0" in line for line in lines)


def test_what_is_not_known_is_a_dash(tmp_path: Path) -> None:
    """One problem has no interval, and one that is always right no correlation."""
    with one_split(tmp_path / "s.db", {"a": {"q": DRAWN["a"]["v0"]}}) as store:
        lines, notes = page(scaled(store))
    row = next(line for line in lines if line.startswith("1 100.0%"))
    assert row.split() == ["1", *["100.0%"] * 6]
    assert next(line for line in lines if line.startswith("a ")).split()[-1] == "–"
    assert "one problem gives no interval" in notes


def test_many_draws_are_thinned_out(tmp_path: Path) -> None:
    """Of 30 draws the page shows a dozen rows, with the first and the last."""
    drawn = {
        "a": {"q1": ["7"] * 30, "q2": ["8", "7"] * 15},
        "b": {"q1": ["8"] * 30, "q2": ["7"] * 30},
    }
    with one_split(tmp_path / "s.db", drawn) as store:
        lines, _ = page(scaled(store, ScaleRules(resamples=10)))
    start = next(place for place, line in enumerate(lines) if line.startswith("k  ")) + 1
    shown = []
    for line in lines[start:]:
        if not line.split()[0].isdigit():
            break
        shown.append(int(line.split()[0]))
    assert shown == [1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 30]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(("other",), 1, "no task 'other', only: exam", id="unknown task"),
        pytest.param(("exam", "--split", "x"), 2, "no split 'x'", id="unknown split"),
        pytest.param(("exam", "--penalty", "nan"), 2, "penalty is nan", id="not a number"),
        pytest.param(("exam", "--models", "mm2"), 2, "did you mean 'm2'", id="unknown model"),
        pytest.param(("exam", "--models", "m2,"), 2, "--models: give one name", id="no name"),
        pytest.param(("exam", "--resamples", "0"), 2, "--resamples is 0", id="no resamples"),
        pytest.param(("exam", "-k", "9"), 2, "no problem has 9 draws", id="too many draws"),
        pytest.param(("exam", "--pool", "nowhere.yaml"), 2, "nowhere.yaml", id="no pool file"),
    ],
)
async def test_what_cannot_be_studied(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Each mistake has its exit code and a message that names it."""
    store = imported(tmp_path)
    shown = await slm_mux("scale", *arguments, "--store", store, cwd=tmp_path)
    assert (shown.code, shown.out) == (code, "")
    assert message in shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("command", ["scale", "search"])
async def test_without_a_store(tmp_path: Path, command: str) -> None:
    """It says how to get samples, and names no other command that would study them."""
    shown = await slm_mux(command, "gsm8k", "--json", cwd=tmp_path)
    assert shown.code == 1
    assert "`slm-mux collect gsm8k`" in shown.document["error"]["message"]
    assert "eval" not in shown.err
    assert not (tmp_path / "samples.db").exists()


@pytest.mark.parametrize("command", ["scale", "search"])
async def test_a_file_that_has_changed_since(tmp_path: Path, command: str) -> None:
    """The error names what to do with any command."""
    store = imported(tmp_path)
    file = tmp_path / "exam.jsonl"
    file.write_text('{"question": "Which?", "answer": "7"}\n')
    shown = await slm_mux(command, str(file), "--store", store)
    assert shown.code == 1
    assert "'exam' in place of the file means those that the store has" in shown.err
    assert "slm-mux eval" not in shown.err
