"""What discussions came to, as rows and as documents."""

from pathlib import Path
from typing import Any

from slm_mux.collecting.holding import Held, offline
from slm_mux.discussion.base import Discussion, Topic, Turn
from slm_mux.discussion.debate import Debate
from slm_mux.evaluation.discussed import judge, subjects_of
from slm_mux.evaluation.evaluate import Prepared, describe, prepare
from slm_mux.evaluation.question import Question
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.store import Store
from slm_mux.types import Answer, Completion, Failure, Sample, Usage
from tests.evaluation.making import (
    TASK,
    pool_of,
    problem,
    put_answers,
    reading_and_scoring,
    rows,
)

PROBLEMS = [problem("q1"), problem("q2"), problem("q3", target=None)]
DEBATE = Debate()


def filled(path: Path, pool: Pool) -> Store:
    """Both members answered all three problems once: the better one rightly."""
    store = Store.open(path)
    store.put_task(TASK, PROBLEMS, source="made up", sha256="00")
    for member, answer in zip(pool, ("7", "8"), strict=True):
        put_answers(store, member, PROBLEMS, {one.id: [answer] for one in PROBLEMS})
    return store


def ready(store: Store, pool: Pool, tools: dict[str, Any]) -> Prepared:
    return prepare(store, Question(task=TASK, pool=pool, methods=("mux",)), **tools)


def said(
    index: int,
    text: str | None,
    answer: str | None = None,
    *,
    heard: tuple[int, ...] = (),
    to_question: bool = True,
    tokens: int | None = 5,
) -> Turn:
    sample = Sample(
        model="ab"[index % 2],
        draw=0,
        completion=None
        if text is None
        else Completion(text=text, prompt_tokens=tokens, completion_tokens=tokens),
        failure=Failure("ServerFaultError", "503", 3) if text is None else None,
        answer=None if answer is None else Answer(answer, answer),
    )
    return Turn(
        index=index,
        step=f"round {1 + index // 2}",
        sample=sample,
        heard=heard,
        to_question=to_question,
    )


def discussion(*turns: Turn, answer: str | None = None, **breaches: int) -> Discussion:
    return Discussion(
        method="debate",
        answer=None if answer is None else Answer(answer, answer),
        model=None if answer is None else "b",
        completion=None,
        confidence=0.5 if answer else 0.0,
        decided_by="majority of round 2",
        turns=turns,
        breaches=breaches,
        usage=Usage(),
    )


def turns(one: dict[str, Any]) -> list[list[object]]:
    """Of every turn its step, speaker, key, whether it is right, whom it read and how it ended."""
    names = ("step", "speaker", "key", "correct", "heard", "ended")
    return [[turn[name] for name in names] for turn in one["turns"]]


def test_what_was_said_becomes_a_row_and_a_document(tmp_path: Path) -> None:
    """Answers to the question are scored, verdicts on others are not; failed turns are bounds."""
    pool = pool_of("a", "b", samples=1)
    held = Held(
        workflow=DEBATE,
        discussions=(
            discussion(
                said(0, "It is 7.", "7"),
                said(1, "It is 8.", "8"),
                said(2, "Yes.", "yes", heard=(1,), to_question=False),
                said(3, "<think>hm</think>", heard=(0,)),
                answer="7",
                silent=1,
            ),
            discussion(said(0, None), said(1, "I do not know."), failed=1, unreadable=1),
            discussion(said(0, "7", "7"), answer="7"),
        ),
    )
    with filled(tmp_path / "s.db", pool) as store, reading_and_scoring() as tools:
        prepared = ready(store, pool, tools)
        judged = judge(prepared, [held], store=store, scorer=tools["scorer"])
        document = describe(store, prepared, judged)
        plain = describe(store, prepared)
    row = rows(document)["debate"]
    assert (row["correct"], row["total"], row["calls_per_problem"]) == (1, 2, 7 / 3)
    assert (row["unreadable"], row["failed_problems"], row["bounds"]) == (2, 1, [0.5, 1.0])
    assert row["breaches"] == {"failed": 1, "silent": 1, "unreadable": 1}
    assert row["tokens_per_problem"] == (40 + 10 + 10) / 3
    found = document["discussions"]["debate"]["problems"]
    assert turns(found["q1"]) == [
        ["round 1", "a", "7", True, [], None],
        ["round 1", "b", "8", False, [], None],
        ["round 2", "a", "yes", None, [1], None],
        ["round 2", "b", None, None, [0], "silent"],
    ]
    assert turns(found["q2"]) == [
        ["round 1", "a", None, None, [], "failed"],
        ["round 1", "b", None, None, [], None],
    ]
    assert (found["q2"]["answer_key"], found["q2"]["correct"]) == (None, False)
    assert (turns(found["q3"])[0][3], found["q3"]["correct"]) == (None, None)
    assert document["settings"]["methods"] == {"debate": DEBATE.settings()}
    assert document["data"]["samples"] != plain["data"]["samples"]
    assert (plain["discussions"], plain["settings"]["methods"]) == ({}, {})


def test_tokens_of_one_turn_are_unknown(tmp_path: Path) -> None:
    """Then those of the method are."""
    pool = pool_of("a", "b", samples=1)
    one = discussion(said(0, "7", "7", tokens=None), answer="7")
    with filled(tmp_path / "s.db", pool) as store, reading_and_scoring() as tools:
        prepared = ready(store, pool, tools)
        held = Held(workflow=DEBATE, discussions=(one,) * 3)
        judged = judge(prepared, [held], store=store, scorer=tools["scorer"])
        row = rows(describe(store, prepared, judged))["debate"]
    assert (row["tokens_per_problem"], row["accuracy"]) == (None, 1.0)


def test_a_method_without_its_draws(tmp_path: Path) -> None:
    """It has a row with the reason, and nothing was asked."""
    pool = pool_of("a", "b", samples=1)
    with filled(tmp_path / "s.db", pool) as store, reading_and_scoring() as tools:
        prepared = ready(store, pool, tools)
        held = offline(DEBATE, [None] * 3)
        judged = judge(prepared, [held], store=store, scorer=tools["scorer"])
        row = rows(describe(store, prepared, judged))["debate"]
    assert row["reason"].startswith("3 of 3 problems' discussions are not in the store")
    assert judged.documents["debate"]["problems"] == {}


def test_the_topics_of_an_evaluation(tmp_path: Path) -> None:
    """They are the evaluated problems in order, asked as the pool asks them, best record first."""
    pool = pool_of("a", b={"system": "Be brief.", "validation_accuracy": {"default": 0.9}})
    pool.samples = 1
    with filled(tmp_path / "s.db", pool) as store, reading_and_scoring() as tools:
        prepared = ready(store, pool, tools)
        subjects = subjects_of(prepared, pool, Readers())
        digests = set(store.drawn(store_series(store)))
    assert [one.problem for one in subjects] == ["q1", "q2", "q3"]
    topic: Topic = subjects[0].topic
    assert [one.name for one in topic.speakers] == ["a", "b"]
    assert topic.speakers[1].opening[0] == {"role": "system", "content": "Be brief."}
    assert topic.question == "What of q1?"
    assert topic.kind == "number"
    assert len(digests) == 6


def store_series(store: Store) -> list[str]:
    return [digest for _, _, digest in store.asked(TASK)]
