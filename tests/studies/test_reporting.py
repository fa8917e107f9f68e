"""The document of a report: its parts agree, and the worst questions come first."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.studies.reporting import ReportRules
from slm_mux.studies.rules import SearchRules
from slm_mux.studies.scaling_task import ScaleRules
from slm_mux.studies.worst import LENGTHS, TextLimits, _fitting, shortened
from tests.evaluation.making import TASK, Drawn, evaluated, problem, series, stored
from tests.reports.making import demo_document, reported
from tests.studies.making import DRAWN, RIGHT, TORN, WRONG, one_split, searched, two_splits

PARTS = {
    "task",
    "evaluation",
    "attribution",
    "search",
    "scale",
    "worst",
    "texts",
    "missing",
    "command",
    "hashes",
    "versions",
}


def test_the_parts_are_those_of_the_commands(tmp_path: Path) -> None:
    """Evaluation and search are what `eval` and `search` give; the rest is measured on test."""
    with two_splits(tmp_path / "s.db") as store:
        document = reported(store)
        assert document["evaluation"] == evaluated(store)
        assert document["search"] | {"seconds": 0} == searched(store) | {"seconds": 0}
    assert set(document) == PARTS
    assert (document["evaluation"]["split"], document["scale"]["split"]) == ("test", "test")
    assert document["search"]["split"] == "validation"
    assert document["missing"] == {}
    assert set(document["hashes"]) == {"evaluation", "search", "scale"}
    json.dumps(document, allow_nan=False)


def test_searched_where_it_is_measured(tmp_path: Path) -> None:
    """A report on validation searches validation; one without splits all problems."""
    with two_splits(tmp_path / "s.db") as store:
        document = reported(store, split="validation")
        assert document["search"]["split"] == "validation"
        assert document["scale"]["search"]["same_problems"]
    with one_split(tmp_path / "t.db", {"a": {"p": RIGHT}, "b": {"p": WRONG}}) as store:
        assert reported(store)["search"]["split"] is None


@pytest.mark.parametrize("methods", [("mux",), ("mux", "single")])
def test_problems_that_were_stopped_early_are_refused(
    tmp_path: Path, methods: tuple[str, ...]
) -> None:
    """A report needs every draw, of mux alone too: what is missing is missing on easy problems."""
    few = {**DRAWN, "b": {**DRAWN["b"], "t0": RIGHT[:1]}}
    with two_splits(tmp_path / "s.db", few) as store:
        store.put_stopped({series("b", "t0").digest: 3})
        with pytest.raises(InvalidRequestError, match=r"1 problem was stopped early.*collect"):
            reported(store, rules=ReportRules(methods=methods))


def test_attribution_and_worst_agree_with_the_evaluation() -> None:
    """On the recording: as many right answers as mux has, and all its wrong ones first."""
    document = demo_document()
    mux = next(row for row in document["evaluation"]["methods"] if row["method"] == "mux")
    assert sum(row["right"] for row in document["attribution"]) == mux["correct"]
    verdicts = [row["correct"] for row in document["worst"]]
    wrong = mux["total"] - mux["correct"]
    assert verdicts == [False] * wrong + [True] * (len(verdicts) - wrong)


def test_order_of_the_worst(tmp_path: Path) -> None:
    """Wrong and sure, wrong and unsure, right and unsure; right and sure is not shown."""
    drawn = {
        "a": {
            "sure": RIGHT,
            "lucky": ["7", "7", "8"],
            "unsure": ["8", "7", "9"],
            "certain": ["8", "8", "8"],
        }
    }
    with one_split(tmp_path / "s.db", drawn) as store:
        document = reported(store)
        assert [row["problem"] for row in document["worst"]] == ["certain", "unsure", "lucky"]
        two = reported(store, ReportRules(worst=2))
    assert [row["problem"] for row in two["worst"]] == ["certain", "unsure"]


def test_what_is_said_of_a_question(tmp_path: Path) -> None:
    """Each model's answers with counts and verdicts, each draw with its text."""
    drawn: Drawn = {"a": {"p": TORN}, "b": {"p": ["?", None, "7"]}}
    with one_split(tmp_path / "s.db", drawn) as store:
        (row,) = reported(store)["worst"]
    assert (row["question"], row["target"], row["correct"]) == ("What of p?", "7", True)
    decided = (row["answer"], row["model"], row["confidence"], row["tie_break"])
    assert decided == ("7", "b", 1 / 3, "validation_accuracy")
    first, second = row["models"]
    assert [(one["answer"], one["count"], one["correct"]) for one in first["answers"]] == [
        ("8", 1, False),
        ("7", 1, True),
        ("9", 1, False),
    ]
    assert (second["unreadable"], second["failed"], second["correct"]) == (1, 1, True)
    assert [draw["status"] for draw in second["draws"]] == ["unreadable", "failed", "answered"]
    assert [draw["text"] for draw in second["draws"]] == ["I do not know", None, "so \\boxed{7}"]


def test_nothing_readable(tmp_path: Path) -> None:
    """No answer at all is wrong, and the study that this leaves no room for says why."""
    with one_split(tmp_path / "s.db", {"a": {"p": ["?", "?"]}, "b": {"p": ["?", "?"]}}) as store:
        document = reported(store)
    assert document["worst"][0] | {"models": []} == document["worst"][0] | {
        "answer": None,
        "model": None,
        "confidence": 0.0,
        "correct": False,
        "models": [],
    }
    assert "could be read" in document["missing"]["scale"]


def test_without_a_target(tmp_path: Path) -> None:
    """A problem that is not scored has no verdicts, and stands after the wrong ones."""
    problems = [problem("p1", target=None), problem("p2")]
    drawn = {"a": {"p1": TORN, "p2": WRONG}}
    with stored(tmp_path / "s.db", problems, drawn) as store:
        first, second = reported(store)["worst"]
    assert (first["problem"], second["problem"], second["correct"]) == ("p2", "p1", None)
    assert {answer["correct"] for answer in second["models"][0]["answers"]} == {None}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (ReportRules(worst=-1), "--worst is -1"),
        (ReportRules(methods=("singel",)), "did you mean 'single'"),
        (ReportRules(scale=ScaleRules(search=SearchRules(at_least=4))), "each model has 3 draws"),
        (ReportRules(scale=ScaleRules(resamples=0)), "--resamples is 0"),
        (ReportRules(scale=ScaleRules(models=("a", "bb"))), "there is no model 'bb'"),
    ],
)
def test_wrong_options(tmp_path: Path, rules: ReportRules, said: str) -> None:
    """Each is one error that names it."""
    with two_splits(tmp_path / "s.db") as store, pytest.raises(InvalidRequestError, match=said):
        reported(store, rules)


def test_mux_is_always_compared(tmp_path: Path) -> None:
    """A report is about it, whatever else is asked for."""
    with two_splits(tmp_path / "s.db") as store:
        document = reported(store, ReportRules(methods=("single",)))
    names = [row["method"] for row in document["evaluation"]["methods"]]
    assert names == ["mux", "single", "single_best_on_evaluated"]


def test_no_such_task(tmp_path: Path) -> None:
    """A task that is not in the store is an error, no empty report."""
    with two_splits(tmp_path / "s.db") as store, pytest.raises((StoreError, InvalidRequestError)):
        reported(store, task=f"{TASK}2")


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_cut_text_keeps_both_ends(text: str, limit: int) -> None:
    """What is no longer than the limit stays; of the rest, limit characters and a note."""
    cut = shortened(text, limit)
    assert cut.characters == len(text)
    if len(text) <= limit:
        assert cut.text == text
    else:
        head, tail = 3 * limit // 10, limit - 3 * limit // 10
        note = f"\n[… {len(text) - limit:,} characters left out …]\n"
        assert cut.text == text[:head] + note + text[len(text) - tail :]


@given(st.lists(st.lists(st.integers(0, 10_000), max_size=4), max_size=6), st.integers(0, 40_000))
def test_texts_fit_together(lengths: list[list[int]], together: int) -> None:
    """The largest length for all with which they fit; else questions are left out at the end."""
    many, limit = _fitting(lengths, together)
    spent = [sum(min(length, limit) for length in each) for each in lengths]
    assert sum(spent[:many]) <= together
    if many < len(lengths):
        assert limit == LENGTHS[-1]
        assert sum(spent[: many + 1]) > together
    elif limit < LENGTHS[0]:
        more = LENGTHS[LENGTHS.index(limit) - 1]
        assert sum(min(length, more) for each in lengths for length in each) > together or many < 1


def test_limits_are_kept(tmp_path: Path) -> None:
    """Long questions, targets and answers are cut too."""
    drawn = {"a": {"p": ["1" * 60, "8"]}}
    long = problem("p", target="1" * 900)
    with stored(tmp_path / "s.db", [long], drawn) as store:
        rules = ReportRules(texts=TextLimits(question=10, answer=20))
        (row,) = reported(store, rules)["worst"]
    assert (row["question_characters"], "characters left out" in row["question"]) == (10, False)
    assert "[… 890 characters left out …]" in row["target"]
    assert "[… 40 characters left out …]" in row["models"][0]["answers"][0]["answer"]
