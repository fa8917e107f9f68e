"""What is put into a store comes out of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.store import Draw, DrawRow, Reading, Store
from slm_mux.types import Completion, Failure
from tests.store.making import (
    completed,
    completion_of,
    failed,
    failures,
    filled,
    problem,
    series,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "samples.db") as filled_store:
        yield filled_store


def test_draws_come_back_with_their_texts(store: Store) -> None:
    """A row of analysis, its text and its completion are those that were put."""
    rows = store.draw_rows("demo")
    assert len(rows) == 3 * 2 * 4
    first = rows[0]
    digest = series("q0", "m1").digest
    assert first == DrawRow(
        first.sample_id, "q0", "m1", digest, 0, "completed", "stop", 12, 5, 0.25, first.member_id
    )
    assert store.texts([first.sample_id]) == {first.sample_id: "It is 7."}
    assert completion_of(store, digest, 0) == completed(series("q0"), 0).completion
    assert completion_of(store, digest, 99) is None


def test_rows_are_in_order(store: Store) -> None:
    """Rows come by problem, member and draw."""
    places = [(row.problem, row.member, row.draw) for row in store.draw_rows("demo")]
    assert places == sorted(places)


def test_rows_of_some_members_splits_and_series(store: Store) -> None:
    """Rows can be had of one split, of some members, of some series."""
    store.put_task("demo", [problem("q9", split="test")], source="here", sha256="00")
    store.put_asked("demo", [("q9", series("q9"))])
    store.put_draws([completed(series("q9"))])
    assert [row.problem for row in store.draw_rows("demo", "test")] == ["q9"]
    assert {row.member for row in store.draw_rows("demo", None, ["m2"])} == {"m2"}
    only = store.draw_rows("demo", series=[series("q1", "m2").digest])
    assert {(row.problem, row.member) for row in only} == {("q1", "m2")}


def test_a_completion_is_never_overwritten(store: Store) -> None:
    """A second completion at an address is not stored."""
    one = series("q0")
    assert store.put_draws([completed(one, 0, "It is 8."), failed(one, 1)]) == 0
    got = completion_of(store, one.digest, 0)
    assert got is not None
    assert got.text == "It is 7."
    assert store.drawn([one.digest])[one.digest] == dict.fromkeys(range(4), "completed")


def test_a_failure_gives_way(store: Store) -> None:
    """A failed draw is replaced by a later failure, then by a completion, under its number."""
    one = series("q0")
    assert store.put_draws([failed(one, 7, "first")]) == 1
    assert store.put_draws([failed(one, 7, "second")]) == 0
    assert [failure for _, failure in failures(store)] == [
        Failure("RequestTimeoutError", "second", 2)
    ]
    before = [row.sample_id for row in store.draw_rows("demo") if row.draw == 7]
    assert store.drawn([one.digest])[one.digest][7] == "failed"
    assert store.put_draws([completed(one, 7)]) == 1
    assert failures(store) == []
    assert [row.sample_id for row in store.draw_rows("demo") if row.draw == 7] == before
    assert store.verify().sound


def test_one_batch_with_an_address_twice(store: Store) -> None:
    """Within one batch the same rule holds: the completion stays."""
    one = series("q0")
    batch = [failed(one, 8), completed(one, 8, "a"), completed(one, 8, "b"), failed(one, 8)]
    assert store.put_draws(batch) == 1
    got = completion_of(store, one.digest, 8)
    assert got is not None
    assert got.text == "a"


def test_drawn_knows_every_digest_given(store: Store) -> None:
    """Series that are not stored have no draws, and no error."""
    assert store.drawn(["blake2b-128:00"]) == {"blake2b-128:00": {}}


def test_draws_of_an_unknown_series_are_refused(store: Store) -> None:
    """Draws come after their series, and a batch is stored all or none."""
    stranger = series("q0", "m9")
    with pytest.raises(StoreError, match="put_asked comes before put_draws"):
        store.put_draws([completed(series("q0"), 20), completed(stranger)])
    assert 20 not in store.drawn([series("q0").digest])[series("q0").digest]


@pytest.mark.parametrize(
    "draw",
    [
        Draw(series="s", draw=0),
        Draw(series="s", draw=0, completion=Completion(text=""), failure=Failure("E", "")),
        Draw(series="s", draw=-1, completion=Completion(text="")),
        Draw(series="s", draw=2**31, completion=Completion(text="")),
        Draw(series="s", draw=0, failure=Failure("E", "", tries=2**80)),
    ],
)
def test_draws_that_are_none_are_refused(store: Store, draw: Draw) -> None:
    """A draw has a completion or a failure, and numbers that make sense."""
    with pytest.raises(InvalidRequestError):
        store.put_draws([draw])


def test_members_of_a_task(store: Store) -> None:
    """A name asked with two settings is two members, told apart by their ids."""
    warm = series("q0", settings={"temperature": 1.0})
    store.put_asked("demo", [("q0", warm)])
    store.put_draws([failed(warm)])
    told = [
        (one.name, one.settings, one.series, one.completed, one.failed, one.draws)
        for one in store.members("demo")
    ]
    cold = {"temperature": 0.3, "max_tokens": 64}
    assert told == [
        ("m1", cold, 3, 12, 0, 12),
        ("m2", cold, 3, 12, 0, 12),
        ("m1", {"temperature": 1}, 1, 0, 1, 1),
    ]
    assert len({one.id for one in store.members("demo")}) == 3


def test_two_tasks_share_a_series(store: Store) -> None:
    """What was drawn for one task is there for another that asks the same."""
    store.put_task("other", [problem("x")], source="there", sha256="11")
    store.put_asked("other", [("x", series("q0", member="another name", identity=_IDENTITY))])
    rows = store.draw_rows("other")
    assert [(row.problem, row.member, row.draw) for row in rows] == [
        ("x", "another name", draw) for draw in range(4)
    ]
    assert store.info().completed == 24


_IDENTITY = "openai:http://host/v1|m1"


def test_readings_and_verdicts(store: Store) -> None:
    """Readings belong to a reader, verdicts to a scorer; the later one counts."""
    first, second, *_ = (row.sample_id for row in store.draw_rows("demo"))
    assert store.readings("r1", [first]) == {}
    store.put_readings("r1", [(first, Reading("7", "7")), (second, Reading("8", "8"))])
    store.put_readings("r1", [(second, Reading(None, None))])
    assert store.readings("r1", [first, second, 999]) == {
        first: Reading("7", "7"),
        second: Reading(None, None),
    }
    assert store.readings("r2", [first]) == {}
    with pytest.raises(StoreError):
        store.put_readings("r1", [(999_999, Reading("7", "7"))])
    assert store.verdicts("s1") == {}
    store.put_verdicts("s1", {("7", "7"): False, ("x", ""): None, ("8", "7"): False})
    store.put_verdicts("s1", {("7", "7"): True})
    assert store.verdicts("s1") == {("7", "7"): True, ("x", ""): None, ("8", "7"): False}
    assert store.verdicts("s2") == {}


def test_runs(store: Store) -> None:
    """A run's document comes back; its task and methods are listed."""
    document = {"task": "demo", "methods": [{"method": "mux"}, {"method": "single"}], "k": None}
    number = store.put_run(document)
    assert store.run(number) == document
    store.put_run({"anything": [1.5]})
    told = [(run.id, run.task, run.methods) for run in store.runs()]
    assert told == [(1, "demo", ("mux", "single")), (2, None, ())]
    with pytest.raises(StoreError, match="no run 3; the last is 2"):
        store.run(3)
    with pytest.raises(InvalidRequestError):
        store.put_run({"accuracy": float("nan")})


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    """What fails within a transaction takes everything in it back; a part alone only itself."""
    with store.transaction():
        store.put_task("kept", [problem("a")], source="", sha256="")
        with pytest.raises(StoreError):
            store.put_asked("kept", [("a", series("a")), ("b", series("b"))])
    with contextlib.suppress(ZeroDivisionError), store.transaction():
        store.put_task("lost", [problem("a")], source="", sha256="")
        raise ZeroDivisionError
    assert [task.name for task in store.tasks()] == ["demo", "kept"]
    assert store.info().series == 6


def test_a_closed_store_says_so(store: Store) -> None:
    """A closed store raises one clear error; closing again does not."""
    store.close()
    store.close()
    with pytest.raises(StoreError, match="it has been closed"):
        store.tasks()


def test_a_read_is_one_moment_s_state(tmp_path: Path) -> None:
    """What another connection stores while rows are being read is not half among them."""
    path = tmp_path / "samples.db"
    with filled(path, problems=1, members=["m1"], draws=1) as store, Store.open(path) as other:
        added = False

        def add(statement: str) -> None:
            nonlocal added
            if "FROM members" in statement and not added:
                added = True
                other.put_task("demo", [problem("q9")], source="", sha256="00")
                other.put_asked("demo", [("q9", series("q9", "m1"))])
                other.put_draws([completed(series("q9", "m1"))])

        store._connection.db.set_trace_callback(add)
        assert [row.problem for row in store.draw_rows("demo")] == ["q0"]
        assert added
        assert [row.problem for row in store.draw_rows("demo")] == ["q0", "q9"]
