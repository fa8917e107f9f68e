"""A vote table of plain records, as `VoteTable.from_records` makes it."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.table import VoteTable
from tests.tables import table_of

draws = st.lists(st.sampled_from(["A", "B", None]), min_size=1, max_size=4)


def record(problem: str = "q1", model: Any = "a", **more: Any) -> dict[str, Any]:
    return {"problem": problem, "model": model, "answers": ["A", "B"], "target": "A"} | more


@given(st.lists(st.lists(draws, min_size=3, max_size=3), min_size=1, max_size=3))
def test_it_is_the_table_of_the_same_draws(drawn: list[list[list[str | None]]]) -> None:
    """Records say the same as the draws that they were made of."""
    by_model = {f"m{m}": rows for m, rows in enumerate(drawn)}
    records = [
        {"problem": f"q{p + 1}", "model": model, "answers": answers, "target": "A"}
        for model, rows in by_model.items()
        for p, answers in enumerate(rows)
    ]
    made, expected = VoteTable.from_records(records), table_of(by_model, ["A"] * 3)
    for field in ("klass", "correct", "scored"):
        assert (getattr(made, field) == getattr(expected, field)).all()
    for field in ("models", "problems", "k", "answers", "splits"):
        assert getattr(made, field) == getattr(expected, field)
    shuffled = records[:]
    random.Random(1).shuffle(shuffled)
    again = VoteTable.from_records(shuffled).restrict()
    assert dict(zip(again.models, again.accuracies(), strict=True)) == dict(
        zip(made.models, made.accuracies(), strict=True)
    )


def test_verdicts_may_be_given() -> None:
    """With `correct` there needs to be no target, and answers that differ may both be right."""
    table = VoteTable.from_records(
        [record(target=None, correct=[True, True], split="test")],
        task="mine",
        validation_accuracy={"a": 0.5},
    )
    assert table.correct.tolist() == [[[True, True]]]
    assert table.scored.tolist() == [True]
    assert (table.task, table.splits, table.validation_accuracy) == ("mine", ("test",), (0.5,))


def test_without_target_and_verdict_it_is_not_scored() -> None:
    """Such a problem stays in the table, and out of every accuracy."""
    table = VoteTable.from_records([record(), record("q2", target=None)])
    assert table.scored.tolist() == [True, False]


def test_no_records_are_an_empty_table() -> None:
    """There is nothing to be wrong about."""
    assert VoteTable.from_records([]).klass.shape == (0, 0, 0)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (["q1"], "record 0 is no mapping with problem, model, answers"),
        ([record(), {"model": "a", "answers": ["A"]}], "record 1: `problem` is None"),
        ([record(model=3)], "record 0: `model` is 3, but must be a name"),
        ([record(answers="A")], "record 0: `answers` is 'A', but must be a list of texts"),
        ([record(answers=[])], "must be a list of texts"),
        ([record(answers=[1.5])], "the answer 1.5 is no text; unreadable is None"),
        ([record(target=7)], "`target` is 7, but must be a text or None"),
        ([record(), record(model="b", target="B")], "record 1: the target of 'q1' is 'B', but an"),
        ([record(), record(model="b", split="test")], "record 1: the split of 'q1' is 'test'"),
        ([record(correct=[True])], "one value, true or false, for each of the 2 answers"),
        ([record(), record()], "two records of draw 0 of the model 'a' on the problem 'q1'"),
    ],
)
def test_what_cannot_be_a_record(records: list[Any], message: str) -> None:
    """The error names the record by its place."""
    with pytest.raises(InvalidRequestError, match=message):
        VoteTable.from_records(records)


def test_an_accuracy_of_nobody() -> None:
    """A name that no record has is most likely misspelt."""
    with pytest.raises(InvalidRequestError, match="no records of 'b', which has a validation"):
        VoteTable.from_records([record()], validation_accuracy={"b": 0.5})
