"""`slm-mux import` and `slm-mux export`: what they say."""

from pathlib import Path
from typing import Any

from tests.cli.running import slm_mux
from tests.importing.files import write_lines


def table(tmp_path: Path, targets: list[str | None]) -> str:
    rows: list[dict[str, Any] | str] = [
        {"problem": f"q{number}", "model": "m1", "answers": ["1"], "target": target}
        for number, target in enumerate(targets)
    ]
    return str(write_lines(tmp_path / "table.jsonl", rows))


async def test_one_sample_of_one_problem(tmp_path: Path) -> None:
    """Numbers and nouns agree."""
    store = str(tmp_path / "s.db")
    shown = await slm_mux("import", table(tmp_path, ["1"]), "--task", "t", "--store", store)
    assert shown.err == ""
    assert shown.out.splitlines() == [
        "m1: 1 new sample of 1 problem",
        f"t: 1 sample, 1 new; the store {store} has 1 problem",
    ]
    file = str(tmp_path / "out.jsonl")
    assert (await slm_mux("export", file, "--store", store)).out == f"{file}: 1 sample\n"


async def test_unscored_problems_are_named(tmp_path: Path) -> None:
    """Some of those without a target, some of those whose target cannot be read, how many more."""
    targets = ["1", *["one or two"] * 7, *[None] * 6]
    file, store = table(tmp_path, targets), str(tmp_path / "s.db")
    task = ("--task", "t", "--kind", "number", "--store", store)
    shown = await slm_mux("import", file, *task)
    reason = "its target 'one or two' cannot be read as number"
    named = "q8, q9, q10, q11, q12 and 1 more"
    assert shown.err.splitlines() == [
        f"note: 6 of 14 problems have no target and are not scored: {named}",
        *(f"warning: t: q{number} is not scored: {reason}" for number in range(1, 6)),
        "… and 2 more such warnings",
    ]
    document = (await slm_mux("import", file, *task, "--json")).document
    assert len(document["unscored"]) == 13
    assert document["unscored"][0] == {
        "task": "t", "problem": "q1", "target": "one or two", "reason": reason,
    }  # fmt: skip


async def test_an_import_that_fails_leaves_no_store(tmp_path: Path) -> None:
    """Nothing is made where nothing was imported."""
    file = write_lines(tmp_path / "bad.jsonl", ["nonsense"])
    store = tmp_path / "s.db"
    shown = await slm_mux("import", str(file), "--task", "t", "--store", str(store))
    assert (shown.code, "bad.jsonl" in shown.err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jsonl"]
