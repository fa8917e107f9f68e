"""The document that explains a run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.models.pool import Member
from slm_mux.models.scripted import ScriptedModel
from slm_mux.store import Store
from slm_mux.studies.explaining_methods import EXPLAINED
from slm_mux.studies.scaling_task import ScaleRules
from tests.dissecting.making import debate
from tests.evaluation.making import evaluated, problem, put_answers, stored
from tests.studies.explaining import DEBATES, DISCUSSED, DRAWN, QUESTIONS, explained_run, run_with
from tests.studies.making import scaled


def kinds(failures: Mapping[str, Any]) -> dict[str, tuple[list[str], int | None]]:
    return {
        kind["kind"]: (kind["problems"], kind["mux_right"])
        for kind in failures["kinds"]
        if kind["count"]
    }


def test_mux_failures_are_those_of_scale(tmp_path: Path) -> None:
    """The failure table is what `scale` finds on the same samples."""
    with run_with(tmp_path / "s.db", {}) as store:
        document = explained_run(store)
        study = scaled(store, ScaleRules(models=("x", "y", "z"), resamples=1))
    mux = document["mux"]
    assert {key: mux[key] for key in mux if key != "scored"} == study["chosen"]["failures"]
    assert (mux["wrong"], mux["problems"], mux["scored"]) == (2, 5, QUESTIONS)
    assert document["discussions"] == document["worst"] == {}
    (note,) = document["notes"]
    assert "`slm-mux eval toy --pool POOL.yaml --method mux --method debate` makes a run" in note


def test_a_debate_explained(tmp_path: Path) -> None:
    """Rounds, moves, cues, failures beside mux, and each question: failures first."""
    with run_with(tmp_path / "s.db") as store:
        document = explained_run(store)
    found = document["discussions"]["debate"]
    assert (found["problems"], found["right"], found["settings"]) == (5, 1, {"made": "by hand"})
    assert [row["group"]["count"] for row in found["rounds"]] == [3, 1]
    assert (found["first_against_last"]["only_first"], found["moves"]["changed"]) == (2, 4)
    assert [(row["agent"], row["model"], row["changed"]) for row in found["agents"]] == [
        (1, "x", 1),
        (2, "y", 1),
        (3, "z", 2),
    ]
    assert kinds(found["failures"]) == {
        "capitulation": (["q1", "q2"], 1),
        "outvoted": (["q3"], 1),
        "never_right": (["q4"], 0),
    }
    assert (found["failures"]["capitulations"]["count"], found["paper"]["groupthink"]) == (2, 144)
    assert [one["problem"] for one in found["questions"]] == ["q1", "q2", "q3", "q4", "q5"]
    first = found["questions"][0]
    assert (first["kind"], first["mux_correct"], first["answer"]) == ("capitulation", True, "b")
    assert first["rounds"][0][0] == {"model": "x", "answer": "a", "correct": True, "ended": None}
    assert first["changes"] == [
        {
            "agent": 1,
            "model": "x",
            "round": 2,
            "change": "changed",
            "before": "a",
            "after": "b",
            "before_correct": True,
            "after_correct": False,
            "heard": [2, 3],
            "said_by": [2, 3],
            # y has 3 of 3 draws in one class on q1, z has 2 of 3.
            "cues": {"majority": "b", "last": "b", "most_confident": "b"},
        }
    ]
    assert found["questions"][-1]["kind"] is None


def test_every_change_is_told(tmp_path: Path) -> None:
    """Of every question, right or wrong: from right to wrong and back, answers lost and found."""
    debates = (debate("A.b", ".AA", problem="q1"), debate("Abb", "bAb", problem="q2"))
    with run_with(tmp_path / "s.db", {"debate": debates}) as store:
        questions = explained_run(store)["discussions"]["debate"]["questions"]
    keys = ("agent", "change", "before", "after", "before_correct", "after_correct", "said_by")
    told = {
        one["problem"]: [tuple(change[key] for key in keys) for change in one["changes"]]
        for one in questions
    }
    assert told == {
        "q1": [
            (1, "lost", "a", None, True, None, []),
            (2, "found", None, "a", None, True, [1]),
            (3, "changed", "b", "a", False, True, [1]),
        ],
        "q2": [
            (1, "changed", "a", "b", True, False, [2, 3]),
            (2, "changed", "b", "a", False, True, [1]),
        ],
    }


def test_the_most_confident_is_known_from_the_store(tmp_path: Path) -> None:
    """With one draw of each model nobody is known to be confident."""
    one_draw = {name: {q: drawn[:1] for q, drawn in rows.items()} for name, rows in DRAWN.items()}
    with run_with(tmp_path / "s.db", {"debate": DEBATES}, drawn=one_draw) as store:
        found = explained_run(store)["discussions"]["debate"]
    cues = {row["cue"]: row["opposed"]["total"] for row in found["following"]}
    assert cues == {"majority": 3, "last": 10, "most_confident": 0}
    assert {
        change["cues"]["most_confident"] for one in found["questions"] for change in one["changes"]
    } == {None}


def test_the_other_methods_explained(tmp_path: Path) -> None:
    """A mixture has layers and what was aggregated, verification its approvals."""
    with run_with(tmp_path / "s.db") as store:
        document = explained_run(store, methods=("mixture_of_agents", "multi_agent_verification"))
    assert list(document["discussions"]) == ["mixture_of_agents", "multi_agent_verification"]
    mixture, verification = document["discussions"].values()
    assert kinds(mixture["failures"]) == {"overruled": (["q1"], 1)}
    assert (mixture["kept"]["count"], mixture["majority"]["count"]) == (1, 2)
    question = mixture["questions"][0]
    assert question["aggregate"][0]["answer"] == "b"
    assert [len(layer) for layer in question["rounds"]] == [3, 3]
    assert kinds(verification["failures"]) == {"rejected": (["q1", "q3"], 2)}
    candidates = verification["questions"][0]["candidates"]
    assert [one["approvals"] for one in candidates] == [0, 1]
    assert verification["approvals"]["wrong"]["count"] == 2


def test_the_worst_come_with_their_texts(tmp_path: Path) -> None:
    """As many failures as asked for, first those on which somebody was right."""
    with run_with(tmp_path / "s.db") as store:
        worst = explained_run(store, worst=2)["worst"]
        assert [one["problem"] for one in worst["debate"]] == ["q1", "q2"]
        everything = explained_run(store, worst=9)["worst"]
        assert explained_run(store, worst=0)["worst"]["debate"] == []
    assert [one["kind"] for one in everything["debate"]][-1] == "never_right"
    one = worst["debate"][0]
    assert (one["question"], one["target"], one["kind"]) == ("What of q1?", "7", "capitulation")
    assert one["turns"][0]["text"] == "x says [b]a[/b] in round 1"


def test_texts_that_are_not_there(tmp_path: Path) -> None:
    """Figures need no texts; where they are asked for, their lack is an error that names one."""
    with run_with(tmp_path / "s.db", texts=False) as store:
        assert explained_run(store)["discussions"]["debate"]["right"] == 1
        with pytest.raises(StoreError, match=r"it has not the text of x in 'round 1' \(draw 0 of"):
            explained_run(store, worst=1)


def test_the_document_is_plain_json(tmp_path: Path) -> None:
    """It is what its JSON reads as, for every method."""
    with run_with(tmp_path / "s.db", dict.fromkeys(EXPLAINED, ()) | dict(DISCUSSED)) as store:
        document = explained_run(store, worst=1)
    assert json.loads(json.dumps(document)) == document
    assert list(document["discussions"]) == list(EXPLAINED)
    assert document["discussions"]["universal_self_consistency"]["problems"] == 0


def test_unscored_problems_are_left_out(tmp_path: Path) -> None:
    """Nobody is right or wrong where there is no target."""
    with run_with(tmp_path / "s.db", {"debate": DEBATES}, unscored=["q1", "q5"]) as store:
        found = explained_run(store)["discussions"]["debate"]
    assert (found["problems"], found["right"]) == (3, 0)


def test_the_order_of_the_problems_does_not_matter(tmp_path: Path) -> None:
    """A run with its problems the other way round is explained alike."""
    documents = []
    for number, given in enumerate((DEBATES, DEBATES[::-1])):
        with run_with(tmp_path / f"{number}.db", {"debate": given}) as store:
            documents.append(explained_run(store)["discussions"])
    assert documents[0] == documents[1]


def test_samples_that_came_later_do_not_count(tmp_path: Path) -> None:
    """Another model, more draws and other ways of asking change nothing of the run's figures."""
    with run_with(tmp_path / "s.db", {"debate": DEBATES}) as store:
        before = explained_run(store)
        other = Member(model=ScriptedModel("x", ["7"]), system="Think.")
        put_answers(store, other, store.problems("toy"), {"q1": ["9", "9", "9", "9"]})
        after = explained_run(store)
    assert after == before


def test_a_store_that_has_changed(tmp_path: Path) -> None:
    """A note says where the samples are others than the run had."""
    with run_with(tmp_path / "s.db", {"debate": DEBATES}, problems=9) as store:
        assert explained_run(store)["notes"] == [
            "the run was of 9 problems, and 5 have 3 draws of every model in the store now"
        ]
    rows = [{"method": "mux", "correct": 5, "total": 5}]
    with run_with(tmp_path / "t.db", {"debate": DEBATES}, methods=rows) as store:
        (note,) = explained_run(store)["notes"]
    assert note.startswith("mux was right on 5 of 5 in the run, and is on 3 of 5 with the samples")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"settings": {"members": []}}, "the store has none of the run's samples any more"),
        ({"task": "gone"}, "has no task 'gone'"),
        ({"k": 9}, "no problem has 9 draws of every model any more"),
        (
            {
                "k": 9,
                "settings": {"stopping": "frugal", "members": None},
            },
            "the run stopped drawing early",
        ),
    ],
)
def test_discussions_without_mux(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    """Where mux's samples are not to be had, the reason stands in its place."""
    with run_with(tmp_path / "s.db", {"debate": DEBATES}) as store:
        run = store.run(1)
        settings = run["settings"] | changes.get("settings", {})
        settings["members"] = (
            run["settings"]["members"] if settings["members"] is None else settings["members"]
        )
        store.put_run({**run, **changes, "settings": settings})
        document = explained_run(store, 2)
        assert (document["mux"], reason in document["mux_reason"]) == (None, True)
        found = document["discussions"]["debate"]
        assert {kind["mux_right"] for kind in found["failures"]["kinds"]} == {None}
        assert {one["mux_correct"] for one in found["questions"]} == {None}
        # With nothing else to explain, that is an error.
        store.put_run({**run, **changes, "settings": settings, "discussions": {}})
        with pytest.raises(InvalidRequestError, match="run 3: .*; `slm-mux eval"):
            explained_run(store, 3)


def test_what_cannot_be_explained(tmp_path: Path) -> None:
    """Runs that are not there, are no evaluations or are broken; and options out of range."""
    broken = debate("Ab", "Ab", problem="q1")
    with run_with(tmp_path / "s.db", {"debate": [broken]}) as store:
        with pytest.raises(StoreError, match="the store has no run 7; the last is 1"):
            explained_run(store, 7)
        with pytest.raises(InvalidRequestError, match="--worst is -1"):
            explained_run(store, worst=-1)
        with pytest.raises(InvalidRequestError, match=r"no discussions of moa \(it has: debate\)"):
            explained_run(store, methods=("moa",))
        store.put_run({"task": "toy"})
        with pytest.raises(
            StoreError, match="run 2 cannot be explained: it has no split, problems"
        ):
            explained_run(store, 2)
        run = store.run(1)
        run["discussions"]["debate"]["problems"]["q1"]["turns"].pop()
        store.put_run(run)
        with pytest.raises(StoreError, match="on q1, the rounds do not hold one turn"):
            explained_run(store, 3)


def test_a_run_of_before_there_were_discussions(tmp_path: Path) -> None:
    """It has no such key, and is explained all the same."""
    with stored(tmp_path / "s.db", [problem("q1")], {"x": {"q1": ["8"]}}) as store:
        document = evaluated(store)
        document.pop("discussions", None)
        store.put_run(document)
        assert explained_run(store)["mux"]["wrong"] == 1


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    """Explaining needs nothing but reading."""
    run_with(tmp_path / "s.db").close()
    with Store.open(tmp_path / "s.db", create=False, read_only=True) as store:
        assert explained_run(store, worst=1)["mux"]["wrong"] == 2
