"""`slm-mux store`, and imports that fail."""

import os
import sqlite3
from pathlib import Path

from tests.cli.exam import TABLE, imported
from tests.cli.running import slm_mux, slm_mux_process
from tests.importing.files import write_lines


async def test_a_damaged_store(tmp_path: Path) -> None:
    """Verify names the damaged sample and ends with 1; what is sound can be saved."""
    store = imported(tmp_path)
    with sqlite3.connect(store) as db:
        db.execute("UPDATE texts SET body = x'00' WHERE sample = 1")
    db.close()
    saved = str(tmp_path / "saved.db")
    shown = await slm_mux_process("store", "verify", "--store", store, "--salvage", saved)
    assert shown.code == 1
    assert "task exam, problem q1, model m[1], draw 0" in shown.out
    assert "12 samples, 1 of them damaged" in shown.out
    assert "11 samples saved, 1 lost" in shown.out
    assert (await slm_mux("store", "verify", saved)).code == 0
    document = (await slm_mux("store", "verify", store, "--json")).document
    assert (document["sound"], len(document["damaged"])) == (False, 1)


async def test_an_export_of_a_damaged_store(tmp_path: Path) -> None:
    """A damaged sample is left out and named, the command ends with 1, and no import has it."""
    store = imported(tmp_path)
    with sqlite3.connect(store) as db:
        db.execute("UPDATE texts SET body = CAST(x'00' || 'C' AS BLOB) WHERE sample = 1")
    db.close()
    file = str(tmp_path / "out.jsonl")
    shown = await slm_mux("export", file, "--store", store, "--json")
    assert shown.code == 1
    assert "11 samples written, 1 damaged sample left out" in shown.err
    assert "task exam, problem q1, model m[1], draw 0" in shown.err
    assert shown.document["error"]["type"] == "StoreError"
    again = await slm_mux("import", file, "--store", str(tmp_path / "new.db"), "--json")
    assert (again.code, again.document["new"]) == (0, 11)


async def test_a_store_without_its_end(tmp_path: Path) -> None:
    """What a command advises for a file whose end is gone can be done."""
    store = imported(tmp_path)
    size = Path(store).stat().st_size
    os.truncate(store, size - 4096)
    shown = await slm_mux("store", "info", store)
    assert shown.code == 1
    assert f"`slm-mux store verify {store}` says which" in shown.err
    saved = str(tmp_path / "saved.db")
    shown = await slm_mux("store", "verify", store, "--salvage", saved)
    assert (shown.code, "saved.db: " in shown.out) == (1, True)
    assert (await slm_mux("store", "verify", saved)).code == 0


async def test_texts_kept_apart(tmp_path: Path) -> None:
    """Where nobody knows what was asked, the texts are in a file that is named."""
    store = imported(tmp_path)
    with sqlite3.connect(store) as db:
        db.execute("DELETE FROM prompts")
    db.close()
    saved = str(tmp_path / "saved.db")
    shown = await slm_mux("store", "verify", store, "--salvage", saved)
    assert "12 samples, 12 of them damaged; 8 findings beside them" in shown.out
    assert "saved.db: 0 samples saved, 12 lost" in shown.out
    assert f"{saved}.left.jsonl: the 12 texts among the lost that can still be read" in shown.out


async def test_store_info_and_vacuum(tmp_path: Path) -> None:
    """Info counts what is there, by task and model; vacuum leaves it as it is."""
    store = imported(tmp_path)
    before = (await slm_mux("store", "info", store, "--json")).document
    assert (await slm_mux("store", "vacuum", store)).code == 0
    after = (await slm_mux("store", "info", store, "--json")).document
    assert after["tasks"] == before["tasks"]
    assert [each["name"] for each in after["tasks"][0]["models"]] == ["m[1]", "m2"]
    shown = await slm_mux("store", "info", "--store", store)
    assert "m[1]: 6 completions of 2 problems" in shown.out
    nowhere = await slm_mux("store", "info", str(tmp_path / "none.db"))
    assert (nowhere.code, "there is no such file" in nowhere.err) == (1, True)


async def test_an_import_of_half_a_format(tmp_path: Path) -> None:
    """The line where another format begins is named, and nothing is imported."""
    other = {"doc_id": 1, "doc": {}, "resps": [["x"]]}
    file = write_lines(tmp_path / "half.jsonl", [TABLE[0], other])
    store = str(tmp_path / "samples.db")
    shown = await slm_mux("import", str(file), "--task", "exam", "--store", store)
    assert (shown.code, "half.jsonl:2" in shown.err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["half.jsonl"]


async def test_an_export_of_a_split_that_is_not_there(tmp_path: Path) -> None:
    """A misspelt split is an error, not an empty file."""
    store = imported(tmp_path)
    file = tmp_path / "out.jsonl"
    shown = await slm_mux("export", str(file), "--store", store, "--split", "tset")
    assert (shown.code, file.exists()) == (2, False)
    assert "there is no split 'tset'" in shown.err
