"""`slm-mux eval` of what a store has, `runs`, `import` and `export`."""

import json
import sqlite3
from pathlib import Path

import pytest

from slm_mux.cli.evaluating import Wanted, evaluate_and_show
from slm_mux.store import Store
from tests.cli.exam import RECORDED, figures, imported
from tests.cli.running import slm_mux, slm_mux_process
from tests.evaluation.making import rows
from tests.importing.files import write_lines


async def test_from_a_pile_of_answers_to_a_comparison(tmp_path: Path) -> None:
    """Import, evaluate, show the run again, export, import elsewhere: the same figures."""
    store = imported(tmp_path)
    shown = await slm_mux_process("eval", "exam", "--store", store, "--offline", "--json")
    assert (shown.code, shown.err) == (0, "")
    document = shown.document
    assert (document["task"], document["problems"], document["k"]) == ("exam", 2, 3)
    mux = rows(document)["mux"]
    assert (mux["accuracy"], mux["unreadable"]) == (0.5, 1)
    assert document["differences"][0]["method"] == "mux"

    again = await slm_mux_process("runs", str(document["run"]), "--store", store, "--json")
    assert figures(again.document) == {"command": "eval", **figures(document)}

    file, other = str(tmp_path / "exam.parquet"), str(tmp_path / "other.db")
    exported = await slm_mux_process("export", file, "--store", store)
    assert exported.out == f"{file}: 12 samples\n"
    assert (await slm_mux_process("import", file, "--store", other)).code == 0
    elsewhere = await slm_mux("eval", "exam", "--store", other, "--offline", "--json")
    assert figures(elsewhere.document) == figures(document)


async def test_a_real_recording_end_to_end(tmp_path: Path) -> None:
    """A real model's completions give the same figures from an import as from its own store."""
    store = str(tmp_path / "samples.db")
    shown = await slm_mux("import", str(RECORDED), "--store", store, "--json")
    assert (shown.document["new"], shown.document["tasks"]) == (12, ["demo"])
    document = (await slm_mux("eval", "demo", "--store", store, "--json")).document
    mux = rows(document)["mux"]
    assert (mux["correct"], mux["total"], mux["unreadable"]) == (1, 4, 4)
    assert mux["tokens_per_problem"] == 575.5
    assert document["settings"]["members"][0]["identity"].startswith("gguf:sha256:")
    assert (await slm_mux("store", "verify", store)).out == "12 samples, all sound\n"


async def test_the_tables_cut_no_name(tmp_path: Path) -> None:
    """At 80 columns, and narrower, all names and figures are there in full."""
    store = imported(tmp_path)
    for columns in ("80", "30"):
        shown = await slm_mux("eval", "exam", "--store", store, COLUMNS=columns)
        assert "…" not in shown.out
        for name in ("self_consistency_equal_tokens", "single_best_on_evaluated", "m[1]"):
            assert name in shown.out
    lines = shown.out.splitlines()
    assert any(line.split()[:2] == ["mux", "50.0%"] for line in lines)
    assert "note: m[1], m2: ranked by" in shown.err
    assert "`slm-mux runs 2 --store" in shown.err


async def test_runs_are_listed(tmp_path: Path) -> None:
    """The list names each run's task and methods; an unknown number says which there are."""
    store = imported(tmp_path)
    for method in ("mux", "single"):
        await slm_mux("eval", "exam", "--store", store, "--method", method)
    shown = await slm_mux("runs", "--store", store)
    assert [line.split()[0] for line in shown.out.splitlines()] == ["run", "1", "2"]
    listed = (await slm_mux("runs", "--store", store, "--json")).document["runs"]
    assert listed[0]["methods"] == ["mux"]
    missing = await slm_mux("runs", "7", "--store", store)
    assert (missing.code, "no run 7; the last is 2" in missing.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(("other",), 1, "no task 'other', only: exam", id="unknown task"),
        pytest.param(("exam", "--split", "x"), 2, "no split 'x'", id="unknown split"),
        pytest.param(("exam", "--method", "mix"), 2, "'mix'", id="unknown method"),
        pytest.param(("exam", "-k", "9"), 2, "no problem has 9 draws", id="too many draws"),
        pytest.param(("exam", "--limit", "0"), 2, "--limit is 0", id="no problems"),
        pytest.param(("exam", "--seed", "-1"), 2, "the seed is -1", id="no seed"),
        pytest.param(("exam", "--allow-failures", "7"), 2, "between 0 and 1", id="no share"),
        pytest.param(("exam", "--stopping", "eager"), 2, "live evaluation", id="nothing to stop"),
        pytest.param(("exam", "--retry-failed"), 2, "live evaluation", id="nothing to retry"),
        pytest.param(("exam", "--pool", "nowhere.yaml"), 2, "nowhere.yaml", id="no pool file"),
    ],
)
async def test_what_cannot_be_evaluated(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Each mistake has its exit code and a message that names it."""
    store = imported(tmp_path)
    shown = await slm_mux("eval", *arguments, "--store", store, cwd=tmp_path)
    assert (shown.code, shown.out) == (code, "")
    assert message in shown.err


async def test_without_a_store_or_a_pool(tmp_path: Path) -> None:
    """It says how to get samples."""
    shown = await slm_mux("eval", "gsm8k", cwd=tmp_path)
    assert shown.code == 1
    assert "samples.db: there is no such file" in shown.err
    assert "`slm-mux collect gsm8k`" in shown.err
    assert not (tmp_path / "samples.db").exists()


def test_a_store_in_a_place_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is evaluated; the run is not saved, and says so by its number."""
    store = Path(imported(tmp_path))
    monkeypatch.setattr("slm_mux.store.store.os.access", lambda *_: False)
    wanted = Wanted(
        task="exam", pool=None, store=store, split=None, methods=(), offline=True, samples=None,
        stopping=None, limit=None, seed=None, allow_failures=0.05, data=None,
    )  # fmt: skip
    evaluate_and_show(wanted, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["run"], document["problems"]) == (None, 2)
    assert any("cannot be written here" in note for note in document["notes"])


async def test_too_many_failures(tmp_path: Path) -> None:
    """More than 5 % of failed draws end with 1, after the figures; --allow-failures allows more."""
    store = imported(tmp_path)
    with Store.open(store) as opened:
        digest = opened.asked("exam")[0][2]
    with sqlite3.connect(store) as db:
        series = db.execute("SELECT id FROM series WHERE digest = ?", (digest,)).fetchone()[0]
        db.execute("UPDATE samples SET status = 1 WHERE series = ? AND draw = 0", (series,))
    db.close()
    shown = await slm_mux("eval", "exam", "--store", store, "--json")
    assert (shown.code, shown.document["failed_share"]) == (1, 1 / 12)
    assert "8.3% of the draws failed" in shown.err
    allowed = await slm_mux("eval", "exam", "--store", store, "--allow-failures", "0.1")
    assert allowed.code == 0


async def test_programs_without_a_sandbox(tmp_path: Path) -> None:
    """Where programs cannot be run safely, nothing is run, and the message says what is missing."""
    store, code = tmp_path / "samples.db", tmp_path / "code.jsonl"
    row = json.loads(RECORDED.read_text().splitlines()[0])
    spec = {"prompt": "def f():\n", "entry_point": "f", "tests": "def check(f):\n    f()\n"}
    row |= {
        "kind": "code",
        "code": spec,
        "target": None,
        "text": "```python\ndef f():\n    return 1\n```",
    }
    write_lines(code, [row])
    assert (await slm_mux("import", str(code), "--store", str(store))).code == 0
    shown = await slm_mux("eval", "demo", "--store", str(store), "--json", PATH="/nowhere")
    assert (shown.code, shown.document["error"]["type"]) == (1, "SandboxError")
    assert "bwrap" in shown.err
