"""A damaged file: which samples, and the rest is saved."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from slm_mux.errors import StoreError
from slm_mux.store import DrawRow, Reading, Store, export_samples, import_samples
from slm_mux.wording import counted
from tests.store.making import completed, failed, filled, series

LONG = 3000
"""Characters that do not compress: a text then has a page for itself and its neighbour."""


def noise(seed: int, length: int = LONG) -> str:
    generator = random.Random(seed)
    return "".join(chr(generator.randrange(0x4E00, 0x9FFF)) for _ in range(length // 3))


def damaged_pages(path: Path, table: str) -> list[int]:
    """The pages of a table but its root, from SQLite's own statistics where it has them."""
    database = sqlite3.connect(path)
    root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
    page = root.fetchone()[0]
    database.close()
    return leaves(path, page)


def leaves(path: Path, root: int) -> list[int]:
    """The leaf pages under a table's root page, read from the file."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[16:18], "big")
    start = (root - 1) * size
    if raw[start] == 13:
        return [root]
    assert raw[start] == 5
    cells = int.from_bytes(raw[start + 3 : start + 5], "big")
    children = [int.from_bytes(raw[start + 8 : start + 12], "big")]
    for number in range(cells):
        pointer = start + 12 + 2 * number
        cell = start + int.from_bytes(raw[pointer : pointer + 2], "big")
        children.append(int.from_bytes(raw[cell : cell + 4], "big"))
    return [leaf for child in children for leaf in leaves(path, child)]


def overwrite(path: Path, page: int, garbage: bytes) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(garbage)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store with 8 problems, 2 models, 6 draws, long texts, a failure and a reading."""
    file = tmp_path / "samples.db"
    with filled(file, problems=8, draws=1) as store:
        for problem in range(8):
            for member in ("m1", "m2"):
                one = series(f"q{problem}", member)
                store.put_draws([completed(one, draw, noise(draw)) for draw in range(1, 6)])
        store.put_draws([failed(series("q0"), 9)])
        store.put_readings("reader", [(1, Reading("7", "7")), (96, Reading("8", "8"))])
        store.put_run({"task": "demo"})
    return file


def test_a_sound_store_is_sound(path: Path) -> None:
    """Nothing is reported of a file as it was written."""
    with Store.open(path) as store:
        report = store.verify()
        assert report.sound
        assert report.samples == 8 * 2 * 6 + 1


@pytest.mark.parametrize("garbage", [bytes(4096), b"\xff" * 4096, random.Random(1).randbytes(4096)])
@pytest.mark.parametrize("table", ["texts", "samples"])
def test_damaged_pages_are_named_and_the_rest_is_saved(
    path: Path, tmp_path: Path, table: str, garbage: bytes
) -> None:
    """With a page overwritten, verify names the samples on it, and salvage has the others."""
    before = contents(path)
    pages = damaged_pages(path, table)
    overwrite(path, pages[len(pages) // 2], garbage)
    with Store.open(path, read_only=True) as store:
        report = store.verify()
        assert not report.sound
        named = {
            (place.task, place.problem, place.member, damaged.draw)
            for damaged in report.damaged
            for place in damaged.places
        }
        assert 0 < len(named) < len(before)
        saved = store.salvage(tmp_path / "saved.db")
    assert saved.damaged == report.damaged
    assert saved.lost == {"samples": len(report.damaged)}
    after = contents(tmp_path / "saved.db")
    assert after == {place: text for place, text in before.items() if place not in named}
    with Store.open(tmp_path / "saved.db") as store:
        assert store.verify().sound
        assert store.runs()


def contents(path: Path) -> dict[tuple[str, str, str, int], str | None]:
    with Store.open(path, read_only=True) as store:
        rows = store.draw_rows("demo")
        texts = store.texts([row.sample_id for row in rows])
        return {
            ("demo", row.problem, row.member, row.draw): texts.get(row.sample_id) for row in rows
        }


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE samples SET completion_tokens = 6 WHERE id = 17", "checksum"),
        ("UPDATE samples SET draw = 77 WHERE id = 17", "checksum"),
        (
            "UPDATE texts SET body = (SELECT body FROM texts WHERE sample = 18) WHERE sample = 17",
            "",
        ),
        ("UPDATE texts SET body = substr(body, 1, 40) WHERE sample = 17", "unpacked"),
        ("UPDATE texts SET body = CAST(x'07' || body AS BLOB) WHERE sample = 17", "unpacked"),
        ("DELETE FROM texts WHERE sample = 17", "gone"),
        ("UPDATE samples SET seconds = 'soon' WHERE id = 17", "checksum"),
        ("UPDATE texts SET reasoning = body WHERE sample = 17", "checksum"),
    ],
)
def test_a_changed_sample_is_found(path: Path, statement: str, reason: str) -> None:
    """A change that leaves the file sound for SQLite is found by the checksum."""
    change(path, statement)
    with Store.open(path) as store:
        report = store.verify()
    assert [damaged.sample_id for damaged in report.damaged] == [17]
    assert reason in report.damaged[0].reason
    assert report.integrity == ()


def change(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA ignore_check_constraints = ON")
    database.execute(statement)
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("statement", "other"),
    [
        ("UPDATE prompts SET messages = '[]' WHERE id = 1", "series 1 "),
        ("UPDATE configs SET settings = '{' WHERE id = 1", "series 1 "),
        ("UPDATE problems SET document = '{' WHERE id = 2", "problem 2 ('q1') is damaged"),
        ("DELETE FROM members WHERE id = 2", "belongs to a row of members that is gone"),
    ],
)
def test_damage_of_other_tables_is_found(
    path: Path, tmp_path: Path, statement: str, other: str
) -> None:
    """Series and problems are compared with their digests; what is left can be saved."""
    change(path, statement)
    with Store.open(path) as store:
        report = store.verify()
        assert any(other in line for line in report.others)
        store.salvage(tmp_path / "saved.db")
    with Store.open(tmp_path / "saved.db") as store:
        assert store.verify().sound


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE problems SET document = '{' WHERE id = 2", lambda s: s.problems("demo")),
        ("UPDATE problems SET document = '{}' WHERE id = 2", lambda s: s.problems("demo")),
        ("UPDATE prompts SET messages = '{' WHERE id = 1", lambda s: list(s.records("demo"))),
        ("UPDATE prompts SET messages = '3' WHERE id = 1", lambda s: list(s.records("demo"))),
        ("UPDATE configs SET settings = '{' WHERE id = 1", lambda s: s.members("demo")),
        ("UPDATE configs SET settings = '[]' WHERE id = 1", lambda s: s.members("demo")),
        ("DELETE FROM prompts WHERE id = 1", lambda s: list(s.records("demo"))),
        ("UPDATE runs SET document = '{'", lambda s: s.runs()),
        ("UPDATE runs SET document = '3'", lambda s: s.run(1)),
        ("DELETE FROM texts WHERE sample = 17", lambda s: s.texts([16, 17, 18])),
        ("DELETE FROM texts WHERE sample = 17", lambda s: list(s.records("demo"))),
        ("DELETE FROM failures", lambda s: list(s.records("demo"))),
    ],
)
def test_reading_what_is_damaged_is_one_sentence(
    path: Path, statement: str, read: Callable[[Store], object]
) -> None:
    """A document that cannot be read, or a text that is gone, is a StoreError with the remedy."""
    change(path, statement)
    with Store.open(path) as store, pytest.raises(StoreError, match="store verify"):
        read(store)


OF_M2 = [*range(2, 17, 2), *(17 + number for number in range(80) if number % 10 > 4)]


@pytest.mark.parametrize(
    ("statement", "left_out"),
    [
        ("DELETE FROM texts WHERE sample = 17", [17]),
        ("UPDATE texts SET reasoning = body WHERE sample = 17", [17]),
        ("UPDATE samples SET status = 0, finish_reason = 'length' WHERE id = 17", [17]),
        ("UPDATE prompts SET messages = '[]' WHERE id = 1", [1, 2, *range(17, 27), 97]),
        ("DELETE FROM series WHERE id = 1", [1, *range(17, 22), 97]),
        ("DELETE FROM members WHERE id = 2", OF_M2),
        ("DELETE FROM problems WHERE id = 1", [1, 2, *range(17, 27), 97]),
    ],
)  # fmt: skip
def test_an_export_leaves_damaged_samples_out(
    path: Path, tmp_path: Path, statement: str, left_out: list[int]
) -> None:
    """What is damaged is named and not in the file; an import of it has all other samples."""
    before = {row.sample_id: row for row in rows_of(path)}
    change(path, statement)
    file = tmp_path / "out.jsonl"
    with Store.open(path) as store, pytest.raises(StoreError) as caught:
        export_samples(store, file)
    message = str(caught.value)
    assert (
        f"{97 - len(left_out)} samples written, {counted(len(left_out), 'damaged sample')}"
        in message
    )
    assert f"sample {left_out[0]} (task demo, problem " in message
    assert (f"and {len(left_out) - 10} more" in message) == (len(left_out) > 10)
    with Store.open(tmp_path / "new.db") as store:
        import_samples(store, file)
    addresses = {(row.series, row.draw) for row in rows_of(tmp_path / "new.db")}
    assert addresses == {
        (row.series, row.draw) for sample, row in before.items() if sample not in left_out
    }


def rows_of(path: Path) -> list[DrawRow]:
    with Store.open(path) as store:
        return store.draw_rows("demo")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE samples SET status = 5 WHERE id = 17",
        "UPDATE samples SET status = -1 WHERE id = 17",
        "UPDATE samples SET seconds = 'soon' WHERE id = 17",
        "UPDATE samples SET prompt_tokens = 'many' WHERE id = 17",
        "UPDATE samples SET finish_reason = x'ff' WHERE id = 17",
        "UPDATE samples SET finish_reason = CAST(x'ff' AS TEXT) WHERE id = 17",
        "DELETE FROM members WHERE id = 1",
        "DELETE FROM series WHERE id = 1",
    ],
)
def test_rows_that_cannot_be_are_damage(path: Path, statement: str) -> None:
    """A value that was never written, or a row that is gone, is the error of a damaged store."""
    change(path, statement)
    with Store.open(path) as store, pytest.raises(StoreError, match=r"samples\.db.*store verify"):
        store.draw_rows("demo")


def test_a_damaged_text_is_not_read(path: Path) -> None:
    """A text that is another than was stored is refused, with the sample's place."""
    change(path, "UPDATE texts SET body = (SELECT body FROM texts WHERE sample = 18)")
    with Store.open(path) as store:
        with pytest.raises(StoreError, match="task demo, problem q0, model m1, draw 1.*checksum"):
            store.texts([17])
        with pytest.raises(StoreError, match="draw 1.*draw 3.*store verify"):
            store.draws_of(series("q0").digest)
        assert store.texts([18]) == {18: noise(2)}


def test_salvage_overwrites_nothing(path: Path) -> None:
    """A file that exists is not saved into."""
    with Store.open(path) as store, pytest.raises(StoreError, match="the file exists"):
        store.salvage(path)


def test_reading_a_damaged_page_is_one_sentence(path: Path) -> None:
    """A read that meets the damage says what to do, and names the file."""
    for page in damaged_pages(path, "texts")[2:]:
        overwrite(path, page, b"\xff" * 4096)
    with Store.open(path) as store:
        ids = [row.sample_id for row in store.draw_rows("demo")]
        with pytest.raises(StoreError, match=r"samples.db: .*store verify"):
            store.texts(ids)


def roots(path: Path) -> dict[str, int]:
    """The first page of every table and index."""
    database = sqlite3.connect(path)
    found = dict(database.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0"))
    database.close()
    return found


def test_any_table_may_be_lost_whole(path: Path, tmp_path: Path) -> None:
    """With the first page of any table or index gone, the check and the saving still work."""
    whole = path.read_bytes()
    for name, page in roots(path).items():
        path.write_bytes(whole)
        overwrite(path, page, random.Random(2).randbytes(4096))
        with Store.open(path, read_only=True) as store:
            report = store.verify()
            assert not report.sound, name
            saved = store.salvage(tmp_path / f"saved {name}.db")
        if name in ("samples", "configs", "prompts"):
            assert len(saved.damaged) == 97
            assert saved.left == 96
            Path(f"{tmp_path}/saved {name}.db.left.jsonl").unlink()
        with Store.open(tmp_path / f"saved {name}.db") as store:
            assert store.verify().sound, name
            assert store.info().completed + store.info().failed + len(saved.damaged) == 97, name
