"""A task's problems when the data behind them changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from slm_mux.errors import StoreError
from slm_mux.store import Store
from slm_mux.types import Problem
from tests.store.making import completed, problem, series

NAMES = ["q0", "q1", "q2", "q3"]
DATA = [problem(name) for name in NAMES]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Four problems, each asked once with one draw."""
    with Store.open(tmp_path / "s.db") as opened:
        put(opened, DATA)
        ask(opened, NAMES)
        yield opened


def put(store: Store, data: list[Problem], *, of: int | None = None, replace: bool = False) -> None:
    """Register the first problems of some data."""
    store.put_task("demo", data[:of], source="", sha256="", data=data, replace=replace)


def ask(store: Store, names: list[str]) -> None:
    asked = [(name, series(name)) for name in names]
    store.put_asked("demo", asked)
    store.put_draws([completed(one, 0) for _, one in asked])


def ids(store: Store) -> list[str]:
    return [one.id for one in store.problems("demo")]


def test_data_that_lacks_problems_takes_none_away(store: Store) -> None:
    """Without `replace` what is stored stays, and new problems come behind it."""
    put(store, [problem("q9"), *DATA[2:]])
    assert ids(store) == [*NAMES, "q9"]
    assert len(store.draw_rows("demo")) == 4


def test_replacing_leaves_the_data_s_problems(store: Store) -> None:
    """What left the data leaves the task, with its place in it; the order is the data's."""
    put(store, [problem("q9"), DATA[3], DATA[1]], replace=True)
    assert ids(store) == ["q9", "q3", "q1"]
    assert [(name, member) for name, member, _ in store.asked("demo")] == [
        ("q3", "m1"),
        ("q1", "m1"),
    ]
    assert {row.problem for row in store.draw_rows("demo")} == {"q1", "q3"}
    assert store.members("demo")[0].series == 2


def test_no_sample_leaves_the_store(store: Store) -> None:
    """Samples of a problem that left are found under their address when it comes back."""
    put(store, DATA[:1], replace=True)
    assert store.drawn([series("q3").digest])[series("q3").digest] == {0: "completed"}
    assert store.verify().sound
    put(store, DATA, replace=True)
    store.put_asked("demo", [("q3", series("q3"))])
    assert [row.problem for row in store.draw_rows("demo")] == ["q0", "q3"]


def test_a_selection_is_not_the_data(store: Store) -> None:
    """With a part of the data, the rest of it stays in the task, and what is new is not added."""
    data = [*DATA[1:], problem("q9")]
    put(store, data, of=1, replace=True)
    assert ids(store) == ["q1", "q2", "q3"]


def test_replacing_takes_all_that_changed(store: Store) -> None:
    """A stored problem beside the selection gets the data's content, too, and loses its samples."""
    changed = replace(DATA[3], question="What now?")
    put(store, [*DATA[:3], changed], of=1, replace=True)
    assert store.problems("demo")[3] == changed
    assert {row.problem for row in store.draw_rows("demo")} == {"q0", "q1", "q2"}


def test_another_task_keeps_its_problems(store: Store) -> None:
    """A problem of the same id in another task is another problem."""
    store.put_task("other", DATA, source="", sha256="")
    put(store, DATA[:1], replace=True)
    assert [one.id for one in store.problems("other")] == NAMES


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"choices": {"A": "x"}}, "with other choices;"),
        ({"labels": ("a", "b")}, "with other labels;"),
        ({"question": "What?", "target": "9"}, "with another question and another target;"),
        ({"target": "9", "choices": {"A": "x"}}, "with another target and other choices;"),
    ],
)
def test_what_changed_is_said_with_the_remedy(
    store: Store, change: dict[str, object], said: str
) -> None:
    """The message names problem, task, what differs, and how to go on."""
    with pytest.raises(StoreError) as refused:
        put(store, [replace(DATA[0], **change), *DATA[1:]])
    assert f"problem 'q0' of task 'demo' is in the store {said}" in str(refused.value)
    assert "`slm-mux collect --replace`" in str(refused.value)
