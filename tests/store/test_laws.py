"""Laws of the store that hold for every sequence of writes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.errors import StoreError
from slm_mux.store import Draw, Store
from tests.store.making import completed, failed, problem, series

SERIES = [series("q0", "m1"), series("q0", "m2"), series("q1", "m1")]
DRAWS = st.builds(
    lambda number, draw, ends, text: (
        completed(SERIES[number], draw, text) if ends else failed(SERIES[number], draw, text)
    ),
    st.integers(0, 2),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["one", "two", "three"]),
)
PROBLEM_IDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def fresh(path: Path) -> Store:
    store = Store.open(path)
    store.put_task("demo", [problem("q0"), problem("q1")], source="", sha256="00")
    store.put_asked("demo", [("q0", SERIES[0]), ("q0", SERIES[1]), ("q1", SERIES[2])])
    return store


def expected(batches: list[list[Draw]]) -> dict[tuple[str, int], Draw]:
    """The rule in four lines: the first completion stays; before it, the last failure counts."""
    kept: dict[tuple[str, int], Draw] = {}
    for draw in (draw for batch in batches for draw in batch):
        before = kept.get((draw.series, draw.draw))
        if before is None or before.status == "failed":
            kept[draw.series, draw.draw] = draw
    return kept


@given(batches=st.lists(st.lists(DRAWS, max_size=8), max_size=5))
@settings(max_examples=40, deadline=None)
def test_draws_are_never_lost(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Draw]]
) -> None:
    """However draws come, the first completion of each address stays, and all is stored once."""
    with fresh(tmp_path_factory.mktemp("laws") / "samples.db") as store:
        for number, batch in enumerate(batches):
            before = expected(batches[:number])
            after = expected(batches[: number + 1])
            gained = sum(
                address not in before or before[address].status != draw.status
                for address, draw in after.items()
            )
            assert store.put_draws(batch) == gained
            assert store.put_draws([draw for draw in batch if draw.completion]) == 0
        stored = {
            (record.draw.series, record.draw.draw): record.draw for record in store.records("demo")
        }
        assert stored == expected(batches)
        assert store.verify().sound


@given(first=PROBLEM_IDS, second=PROBLEM_IDS)
@settings(max_examples=30, deadline=None)
def test_putting_a_task_again(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], second: list[str]
) -> None:
    """Problems add up; the order is that of the last list that has them all, else of appearance."""
    with Store.open(tmp_path_factory.mktemp("laws") / "samples.db") as store:
        for names in (first, second, second):
            store.put_task("demo", [problem(name) for name in names], source="", sha256="00")
        order = second if set(first) <= set(second) else list(dict.fromkeys(first + second))
        assert [one.id for one in store.problems("demo")] == order


@pytest.mark.parametrize(
    ("change", "still_asked"),
    [({"target": "8"}, True), ({"split": "test"}, True), ({"question": "Who?"}, False)],
)
def test_a_problem_that_changed(
    tmp_path: Path, change: dict[str, object], still_asked: bool
) -> None:
    """Another content is refused; replaced on request, samples of another question are let go."""
    with fresh(tmp_path / "samples.db") as store:
        store.put_draws([completed(SERIES[0])])
        changed = [problem("q0", **change)]
        name = next(iter(change))
        with pytest.raises(StoreError, match=f"problem 'q0' of task 'demo' .* another {name};"):
            store.put_task("demo", changed, source="", sha256="00")
        store.put_task("demo", changed, source="", sha256="00", replace=True)
        assert store.problems("demo") == [changed[0], problem("q1")]
        assert bool(store.draw_rows("demo")) == still_asked
        assert store.drawn([SERIES[0].digest]) == {SERIES[0].digest: {0: "completed"}}
        store.put_asked("demo", [("q0", SERIES[0])])
        assert len(store.draw_rows("demo")) == 1


def test_unknown_tasks_are_named(tmp_path: Path) -> None:
    """A task that is not there is an error that names those that are."""
    with fresh(tmp_path / "samples.db") as store, pytest.raises(StoreError, match="it has: demo"):
        store.problems("dmeo")


def test_splits_and_sources(tmp_path: Path) -> None:
    """A task tells its splits in order, its source, and how many problems it has."""
    with fresh(tmp_path / "samples.db") as store:
        store.put_task(
            "other",
            [problem("a", split="validation"), problem("b", split="test"), problem("c")],
            source="a file",
            sha256="ff",
        )
        told = [(task.name, task.source, task.sha256, task.problems) for task in store.tasks()]
        assert told == [("demo", "", "00", 2), ("other", "a file", "ff", 3)]
        assert store.tasks()[1].splits == ("validation", "test", None)
        assert [one.id for one in store.problems("other", "test")] == ["b"]
        assert store.asked("demo") == [
            ("q0", "m1", SERIES[0].digest),
            ("q0", "m2", SERIES[1].digest),
            ("q1", "m1", SERIES[2].digest),
        ]
