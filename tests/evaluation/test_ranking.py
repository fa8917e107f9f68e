"""Where validation accuracies come from, in DESIGN's order of trust."""

from pathlib import Path
from typing import Any

from slm_mux.evaluation.ranking import Measured, Stated, ranked_by
from slm_mux.models.pool import Pool
from slm_mux.store import Store
from tests.evaluation.making import TASK, evaluated, pool_of, problem, put_answers, stored

PROBLEMS = [
    *(problem(f"v{number}", split="validation") for number in range(4)),
    *(problem(f"t{number}", split="test") for number in range(2)),
]


def records(document: dict[str, Any]) -> dict[str, tuple[float | None, str]]:
    return {
        record["model"]: (record["accuracy"], record["source"])
        for record in document["validation_accuracies"]
    }


def answers(validation: str, test: str = "77") -> dict[str, list[str]]:
    """One draw for each problem: a character of the text."""
    both = zip(PROBLEMS, validation + test, strict=True)
    return {one.id: [answer] for one, answer in both if answer != " "}


def of_pool(pool: Pool, path: Path, validation: dict[str, str]) -> Store:
    """A store in which a pool's members answered, one draw for each problem."""
    store = stored(path, PROBLEMS, {})
    for member in pool:
        put_answers(store, member, PROBLEMS, answers(validation[member.name]))
    return store


def test_the_order_of_sources() -> None:
    """For this task; the validation split; the default; nothing."""
    validation = Measured(accuracies={"a": 0.1, "b": 0.2}, problems={"a": 9, "b": 8})
    evaluated_ones = Measured(accuracies=dict.fromkeys("abc", 0.5))
    found = ranked_by(
        [
            Stated(model="a", for_task=0.9, default=0.8),
            Stated(model="b", default=0.8),
            Stated(model="c", default=0.8),
            Stated(model="d"),
        ],
        validation=validation,
        evaluated=evaluated_ones,
    )
    assert [record.accuracy for record in found] == [0.9, 0.2, 0.8, None]
    assert [record.problems for record in found] == [None, 8, None, None]
    assert [record.leaks for record in found] == [False, False, False, False]


def test_one_that_leaks_makes_all_leak() -> None:
    """Where a model is ranked by the evaluated problems, all are, so that they compare."""
    found = ranked_by(
        [Stated(model="a", for_task=0.9), Stated(model="b", default=0.8), Stated(model="c")],
        validation=Measured(accuracies={"b": 0.2}, problems={"b": 9}),
        evaluated=Measured(accuracies=dict.fromkeys("abc", 0.5), problems=dict.fromkeys("abc", 4)),
    )
    assert [(r.accuracy, r.problems, r.leaks) for r in found] == [(0.5, 4, True)] * 3


def test_zero_is_an_accuracy() -> None:
    """A stated or measured 0 is not taken for nothing."""
    found = ranked_by(
        [Stated(model="a", for_task=0.0, default=0.8), Stated(model="b", default=0.8)],
        validation=Measured(accuracies={"a": 0.5, "b": 0.0}, problems={"a": 3, "b": 3}),
        evaluated=Measured(),
    )
    assert [record.accuracy for record in found] == [0.0, 0.0]


def test_the_validation_split_of_the_store(tmp_path: Path) -> None:
    """Without a pool file the validation split ranks the models, and nothing leaks."""
    drawn = {"a": answers("7788"), "b": answers("7777")}
    with stored(tmp_path / "s.db", PROBLEMS, drawn) as store:
        document = evaluated(store)
    source = "the validation split in the store"
    assert records(document) == {"a": (0.5, source), "b": (1.0, source)}
    assert document["notes"] == []


def test_the_three_sources_of_one_pool(tmp_path: Path) -> None:
    """Each model has the most trusted source that there is for it."""
    pool = pool_of(
        samples=1,
        a={"validation_accuracy": {TASK: 0.25, "default": 0.9}},
        b={"validation_accuracy": {"default": 0.9}},
        c={"validation_accuracy": {"default": 0.75}},
    )
    given = {"a": "7777", "b": "7788", "c": "    "}
    with of_pool(pool, tmp_path / "s.db", given) as store:
        document = evaluated(store, pool=pool)
    assert records(document) == {
        "a": (0.25, "the pool file, for this task"),
        "b": (0.5, "the validation split in the store"),
        "c": (0.75, "the pool file's default"),
    }


def test_a_pool_of_which_one_member_leaks(tmp_path: Path) -> None:
    """A member without another accuracy puts all on the evaluated problems, and a note says so."""
    pool = pool_of("a", "b", samples=1)
    with of_pool(pool, tmp_path / "s.db", {"a": "7777", "b": "    "}) as store:
        document = evaluated(store, pool=pool)
    assert [record["leaks"] for record in document["validation_accuracies"]] == [True, True]
    assert any(
        note.startswith("a, b: ranked by") and "since not each" in note
        for note in document["notes"]
    )


def test_validation_is_at_the_same_k(tmp_path: Path) -> None:
    """Only the first k draws of the validation problems count, as on those evaluated."""
    drawn = {
        "a": {
            **{f"v{n}": ["7", "8", "8"] for n in range(4)},
            **{f"t{n}": ["7"] for n in range(2)},
        }
    }
    with stored(tmp_path / "s.db", PROBLEMS, drawn) as store:
        document = evaluated(store)
    assert records(document)["a"][0] == 1.0


TWENTY = [
    *(problem(f"v{number}", split="validation") for number in range(20)),
    problem("t", split="test"),
]


def of_twenty(*right: bool | None) -> dict[str, list[str]]:
    """One draw for each validation problem (None: not drawn), and the test problem's."""
    drawn = {f"v{n}": ["7" if ok else "8"] for n, ok in enumerate(right) if ok is not None}
    return {**drawn, "t": ["7"]}


def test_each_model_is_measured_on_its_own_problems(tmp_path: Path) -> None:
    """One problem that a model lacks takes nothing from the others; fewer problems are noted."""
    drawn = {
        "a": of_twenty(*[True] * 10, *[False] * 10),
        "b": of_twenty(*[True] * 19, None),
    }
    with stored(tmp_path / "s.db", TWENTY, drawn) as store:
        document = evaluated(store)
    assert [(r["accuracy"], r["problems"]) for r in document["validation_accuracies"]] == [
        (0.5, 20),
        (1.0, 19),
    ]
    assert "of the 20 validation problems, measured: b on 19" in document["notes"]


def test_a_thinly_collected_model_is_not_measured(tmp_path: Path) -> None:
    """Below 90 % of the others' problems the next source ranks a model; the others keep theirs."""
    pool = pool_of("a", b={"validation_accuracy": {"default": 0.4}}, samples=1)
    drawn = {"a": of_twenty(*[True] * 10, *[False] * 10), "b": of_twenty(*[True] * 3)}
    with stored(tmp_path / "s.db", TWENTY, {}) as store:
        for member in pool:
            put_answers(store, member, TWENTY, drawn[member.name])
        document = evaluated(store, pool=pool)
    assert records(document) == {
        "a": (0.5, "the validation split in the store"),
        "b": (0.4, "the pool file's default"),
    }
    assert document["notes"][0].startswith("b: not measured on the validation split")


def test_evaluating_the_validation_split_itself_leaks(tmp_path: Path) -> None:
    """The split cannot rank the models on itself; the note says so."""
    with stored(tmp_path / "s.db", PROBLEMS, {"a": answers("7788")}) as store:
        document = evaluated(store, split="validation")
    assert document["validation_accuracies"][0]["leaks"]
    assert "which leaks" in document["notes"][0]


def test_the_best_single_model_is_the_best_on_validation(tmp_path: Path) -> None:
    """`single` is chosen by validation; the best on the evaluated problems stands beside it."""
    drawn = {"a": answers("7777", "88"), "b": answers("7888", "77")}
    with stored(tmp_path / "s.db", PROBLEMS, drawn) as store:
        found = {row["method"]: row for row in evaluated(store)["methods"]}
    assert found["single"]["attribution"] == {"a": 0.0, "b": 0.0} | {"a": 1.0}
    assert found["single"]["accuracy"] == 0.0
    assert found["single_best_on_evaluated"]["accuracy"] == 1.0
