"""Failed debates as a labeller reads them, and what it says of them."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from slm_mux.collecting.discussing import discuss_all
from slm_mux.collecting.holding import Held as Answered
from slm_mux.dissecting.debates import KINDS
from slm_mux.dissecting.turns import Held
from slm_mux.errors import StoreError
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.readers import Readers
from slm_mux.sampling.sampler import Sampler
from slm_mux.studies.explaining import discussions_of
from slm_mux.studies.explaining_methods import failed_first
from slm_mux.studies.labelling import (
    LABELS,
    Labelling,
    Shown,
    labelling_subjects,
    labels_document,
)
from tests.dissecting.making import debate
from tests.studies.explaining import DEBATES, run_with


def labeller(replies: Sequence[Reply] = ("Answer: capitulation",), *, context: int = 0) -> Pool:
    """A pool of one model that labels."""
    model = ScriptedModel("judge", replies)
    if context:
        vars(model)["context"] = context
    return Pool([Member(model=model, system="Be strict.")])


def asked_about(
    path: Path, pool: Pool, debates: Sequence[Held] = DEBATES
) -> tuple[list[Held], list[Shown]]:
    """The failed debates of a run, and what is asked about them."""
    with run_with(path, {"debate": debates}) as store, closing(Readers()) as readers:
        failed = failed_first("debate", discussions_of(store.run(1))["debate"])
        return failed, labelling_subjects(store, "toy", failed, pool, "judge", readers)


def test_the_labels_are_the_kinds() -> None:
    """Each kind has one label, in the same order."""
    assert tuple(LABELS.values()) == KINDS


def test_what_a_labeller_reads(tmp_path: Path) -> None:
    """The question, what is right, what was said by whom and when, the answer and the labels."""
    failed, subjects = asked_about(tmp_path / "s.db", labeller())
    assert [subject.problem for subject in subjects] == [held.problem for held in failed]
    assert len(subjects) == 4
    (speaker,) = subjects[0].topic.speakers
    system, user = speaker.opening
    assert (system["content"], user["role"]) == ("Be strict.", "user")
    text = str(user["content"])
    assert text.startswith("What of q1?\n\nThe right answer is: 7\n\n")
    assert "they came to: b. That is wrong." in text
    spoken = [
        f"[Agent {agent}, round {number}]\n{name} says [b]{key}[/b] in round {number}"
        for number, keys in ((1, "abb"), (2, "bbb"))
        for agent, (name, key) in enumerate(zip("xyz", keys, strict=True), 1)
    ]
    assert "\n\n".join(spoken) in text
    assert text.endswith("never right, capitulation, outvoted, drifted, unreadable.")
    assert "boxed" not in text
    assert len({subject.topic.problem for subject in subjects}) == 4


def test_a_debate_that_is_too_long_is_cut(tmp_path: Path) -> None:
    """What does not fit the labeller's context loses its beginnings, and that is told."""
    _, whole = asked_about(tmp_path / "s.db", labeller())
    failed, short = asked_about(tmp_path / "t.db", labeller(context=1000))
    lengths = [
        len(str(subjects[0].topic.speakers[0].opening[-1]["content"]))
        for subjects in (whole, short)
    ]
    assert lengths[1] < lengths[0]
    assert "[...] " in str(short[0].topic.speakers[0].opening[-1]["content"])
    nothing = Answered(workflow=Labelling(), reason="it is down")
    found = [labels_document(failed, subjects, nothing, "judge") for subjects in (whole, short)]
    assert [document["cut"] for document in found] == [0, 4]
    assert [one["cut"] for one in found[1]["by_problem"]] == [True] * 4


def test_turns_that_failed_are_not_shown(tmp_path: Path) -> None:
    """A turn without a text is left out."""
    _, subjects = asked_about(tmp_path / "s.db", labeller(), [debate("A!", "bb", problem="q1")])
    text = str(subjects[0].topic.speakers[0].opening[-1]["content"])
    assert "[Agent 1, round 1]" in text
    assert "[Agent 2, round 1]" not in text


def test_texts_that_are_not_there(tmp_path: Path) -> None:
    """They are an error: there would be nothing to read."""
    with (
        run_with(tmp_path / "s.db", {"debate": DEBATES}, texts=False) as store,
        closing(Readers()) as readers,
    ):
        failed = discussions_of(store.run(1))["debate"][:1]
        with pytest.raises(StoreError, match="it has not the text"):
            labelling_subjects(store, "toy", failed, labeller(), "judge", readers)


async def test_labels_beside_kinds(tmp_path: Path) -> None:
    """What cannot be read is no label; each problem has its kind and its label."""
    pool = labeller(
        ["It gave in. Answer: capitulation", "Answer: never right", "Hm.", "Answer: outvoted"]
    )
    failed, subjects = asked_about(tmp_path / "s.db", pool)
    workflow = Labelling()
    found = []
    for subject in subjects:
        found += await discuss_all(workflow, [subject.topic], sampler=Sampler(), seed=0)
    answered = Answered(workflow=workflow, discussions=tuple(found))
    document = labels_document(failed, subjects, answered, "judge")
    assert document["by_problem"] == [
        {"problem": "q1", "kind": "capitulation", "label": "capitulation", "cut": False},
        {"problem": "q2", "kind": "capitulation", "label": "never_right", "cut": False},
        {"problem": "q3", "kind": "outvoted", "label": None, "cut": False},
        {"problem": "q4", "kind": "never_right", "label": "outvoted", "cut": False},
    ]
    assert (document["labelled"]["count"], document["same"]["count"]) == (3, 1)
    assert (document["labeller"], document["reason"]) == ("judge", None)
    assert workflow.calls(["judge"]) == 1
    assert workflow.settings() == {}


def test_a_labeller_that_was_given_up(tmp_path: Path) -> None:
    """The reason stands there, and nothing is labelled."""
    failed, subjects = asked_about(tmp_path / "s.db", labeller())
    answered = Answered(workflow=Labelling(), reason="it is down")
    document = labels_document(failed, subjects, answered, "judge")
    assert (document["reason"], document["labelled"]["count"]) == ("it is down", 0)
    assert {one["label"] for one in document["by_problem"]} == {None}
