"""`slm-mux search`."""

from pathlib import Path

import pytest

from slm_mux.models.pool import Pool
from slm_mux.store import Store
from tests.cli.exam import RECORDED, exam_of, imported
from tests.cli.running import slm_mux, slm_mux_process
from tests.importing.files import write_lines


async def test_from_logs_to_a_pool_file(tmp_path: Path) -> None:
    """Import a table of four models, search, write: the file names the best, and what it lacks."""
    log = write_lines(tmp_path / "log.jsonl", exam_of())
    await slm_mux("import", str(log), "--task", "exam", cwd=tmp_path)
    shown = await slm_mux_process("search", "exam", "--write", "best.yaml", "--json", cwd=tmp_path)
    assert (shown.code, shown.err) == (0, "")
    document = shown.document
    assert (document["problems"], document["test_problems"], document["k"]) == (4, 4, 2)
    assert document["best"]["models"] == ["steady"]
    assert document["identical"] == [["steady", "same"]]
    assert document["written"] == "best.yaml"
    assert len(document["to_fill_in"]) == 1
    listed = await slm_mux("models", "--pool", "best.yaml", cwd=tmp_path)
    assert "the environment variable URL_OF_STEADY is not set" in listed.err
    address = "http://127.0.0.1:1/v1"
    filled = Pool.load(tmp_path / "best.yaml", environment={"URL_OF_STEADY": address})
    assert [member.name for member in filled] == ["steady"]
    listed = await slm_mux("models", "--pool", "best.yaml", cwd=tmp_path, URL_OF_STEADY=address)
    assert "steady" in listed.out

    again = await slm_mux("search", "exam", "--write", "best.yaml", cwd=tmp_path)
    assert (again.code, again.out) == (2, "")
    assert "best.yaml exists; --force overwrites it" in again.err
    forced = await slm_mux("search", "exam", "--write", "best.yaml", "--force", cwd=tmp_path)
    assert "wrote best.yaml" in forced.err
    assert "to fill in there: where steady is served is not known" in forced.err


async def test_the_page_at_80_columns(tmp_path: Path) -> None:
    """Tables fit, no name is cut, and the verdicts are there in words."""
    log = write_lines(tmp_path / "log.jsonl", exam_of())
    await slm_mux("import", str(log), "--task", "exam", cwd=tmp_path)
    shown = await slm_mux("search", "exam", cwd=tmp_path, COLUMNS="80")
    assert (shown.code, "…" in shown.out) == (0, False)
    lines = shown.out.splitlines()
    assert lines[0] == "exam, split validation: 4 problems, 2 draws of each of 4 models"
    head = next(line for line in lines if "objective" in line)
    assert head.split() == ["objective", "union", "contra", "accuracy", "test", "proven"]
    assert len(head) <= 80
    assert "best: steady" in lines
    assert "  2 steady, wide m[0]" in lines
    words = " ".join(shown.out.split())
    assert "cannot tell the best two subsets apart" in words
    assert "Held out (4 problems): 75.0%; " in words
    assert "identical records, so nothing tells them apart: steady, same" in lines
    assert shown.err == ""


async def test_other_criteria_and_limits(tmp_path: Path) -> None:
    """Each criterion has its page; a proof that was given up is said with its bound."""
    log = write_lines(tmp_path / "log.jsonl", exam_of())
    await slm_mux("import", str(log), "--task", "exam", cwd=tmp_path)
    diverse = await slm_mux("search", "exam", "--objective", "focal-diversity", cwd=tmp_path)
    assert "diversity" in diverse.out
    assert "Not known: stability: " in diverse.out
    given_up = await slm_mux("search", "exam", "--node-limit", "1", cwd=tmp_path)
    assert "is not proven: no subset has more than" in given_up.out
    several = ("--correct", "at-least:1", "--penalty", "0.5", "--max-models", "2", "--seed", "3")
    document = (await slm_mux("search", "exam", *several, "--json", cwd=tmp_path)).document
    assert (document["correct"], document["penalty"], document["settings"]["seed"]) == (
        "at-least:1",
        0.5,
        3,
    )
    assert list(document["best_by_size"]) == ["1", "2"]


async def test_a_real_recording_of_one_model(tmp_path: Path) -> None:
    """A search of one model, with tokens: the best k within a budget, and its pool file."""
    store = str(tmp_path / "samples.db")
    await slm_mux("import", str(RECORDED), "--store", store)
    arguments = ("--store", store, "--cost-limit", "300", "--write", "best.yaml")
    shown = await slm_mux("search", "demo", *arguments, cwd=tmp_path)
    assert shown.code == 0
    assert "within 300 tokens per question: " in shown.out
    assert "is the only model with samples" in shown.err
    pool = Pool.load(tmp_path / "best.yaml")
    with Store.open_to_read(store) as opened:
        member = opened.members("demo")[0]
    assert [each.name for each in pool] == [member.name]
    assert next(iter(pool)).generation.temperature == member.settings["temperature"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(("other",), 1, "no task 'other', only: exam", id="unknown task"),
        pytest.param(("exam", "--split", "x"), 2, "no split 'x'", id="unknown split"),
        pytest.param(("exam", "--penalty", "nan"), 2, "penalty is nan", id="not a number"),
        pytest.param(("exam", "--correct", "most"), 2, "must be modal, or at-least:R", id="word"),
        pytest.param(("exam", "--correct", "at-least:9"), 2, "give 1 to 3", id="more than drawn"),
        pytest.param(("exam", "--cost-limit", "9"), 2, "tokens of 6 of its draws", id="unknown"),
        pytest.param(("exam", "--force"), 2, "--force goes with --write", id="nothing to force"),
        pytest.param(("exam", "--pool", "nowhere.yaml"), 2, "nowhere.yaml", id="no pool file"),
    ],
)
async def test_what_cannot_be_searched(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Each mistake has its exit code and a message that names it."""
    store = imported(tmp_path)
    shown = await slm_mux("search", *arguments, "--store", store, cwd=tmp_path)
    assert (shown.code, shown.out) == (code, "")
    assert message in shown.err


async def test_without_a_store(tmp_path: Path) -> None:
    """It says how to get samples, also as JSON."""
    shown = await slm_mux("search", "gsm8k", "--json", cwd=tmp_path)
    assert shown.code == 1
    assert "`slm-mux collect gsm8k`" in shown.document["error"]["message"]
    assert not (tmp_path / "samples.db").exists()
