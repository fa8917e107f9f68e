"""Questions that models discuss, as `Mux.ask` answers them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slm_mux.documents import decision_document
from slm_mux.errors import (
    BadReplyError,
    InvalidRequestError,
    NoAnswerError,
    PoolError,
    SandboxError,
)
from slm_mux.models.base import Request
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.mux import AsyncMux, Mux
from slm_mux.mux.changes import moves_in
from slm_mux.mux.discussing import ALONE
from slm_mux.sampling.events import (
    DiscussionPlanned,
    Event,
    QuestionPlanned,
    SampleDrawn,
    TurnAsked,
    TurnTaken,
)
from slm_mux.types import Completion
from tests.sandboxes import NEEDS_SANDBOX

METHODS = (
    "mixture_of_agents",
    "debate",
    "multi_agent_verification",
    "universal_self_consistency",
)
ASK = "What is 6 * 7?"


def said(request: Request) -> str:
    return str(request.messages[-1]["content"])


def turncoat(name: str, first: str, then: str) -> ScriptedModel:
    """Answers otherwise once it has read others."""

    def reply(request: Request) -> Reply:
        read = any(word in said(request) for word in ("Reply 1:", "Response 1"))
        return f"I say \\boxed{{{then if read else first}}}"

    return ScriptedModel(name, reply)


def always(name: str, answer: str) -> ScriptedModel:
    return turncoat(name, answer, answer)


def three(**options: Any) -> Pool:
    return Pool.of(always("a", "42"), turncoat("b", "17", "42"), always("c", "5"), **options)


def test_a_debate_becomes_a_decision() -> None:
    """Answer, confidence, votes and usage are the discussion's; its turns are all there."""
    with Mux(three()) as mux:
        decision = mux.ask(ASK, method="debate")
    assert (decision.method, decision.answer, decision.model) == ("debate", "42", "a")
    assert decision.confidence == 2 / 3
    assert decision.confidence_bounds == (2 / 3, 2 / 3)
    assert (decision.tie_break, decision.kind, decision.stopped_early) == ("none", "number", False)
    assert decision.completion is not None
    assert decision.text == decision.completion.text == "I say \\boxed{42}"
    assert [(v.model, v.k, v.answer) for v in decision.votes] == [
        ("a", 1, "42"),
        ("b", 1, "42"),
        ("c", 1, "5"),
    ]
    assert (decision.usage.samples, decision.usage.requests) == (6, 6)
    discussion = decision.discussion
    assert discussion is not None
    assert discussion.settings == {"agents": None, "rounds": 2}
    assert discussion.decided_by == "majority of round 2 (2 of 3 agents)"
    assert [(t.step, t.model, t.answer, t.heard) for t in discussion.turns] == [
        ("round 1", "a", "42", ()),
        ("round 1", "b", "17", ()),
        ("round 1", "c", "5", ()),
        ("round 2", "a", "42", (1, 2)),
        ("round 2", "b", "42", (0, 2)),
        ("round 2", "c", "5", (0, 1)),
    ]
    assert {turn.text for turn in discussion.turns[:2]} == {
        "I say \\boxed{42}",
        "I say \\boxed{17}",
    }


def test_who_changed_after_whom() -> None:
    """The moves of a debate are found in its turns; a method of one answer each has none."""
    with Mux(three()) as mux:
        debated = mux.ask(ASK, method="debate").discussion
        verified = mux.ask(ASK, method="mav").discussion
    assert debated is not None
    assert verified is not None
    moves = moves_in(debated.turns)
    assert [(move.after.speaker, move.change) for move in moves] == [
        ("a", "kept"),
        ("b", "changed"),
        ("c", "kept"),
    ]
    assert [heard.turn.speaker for heard in moves[1].said_by] == ["a"]
    assert moves_in(verified.turns) == ()


@pytest.mark.parametrize("method", [*METHODS, "moa", "mav", "usc"])
def test_every_method_answers(method: str) -> None:
    """By its full name and by its short one; the document is plain JSON values."""
    with Mux(three()) as mux:
        decision = mux.ask(ASK, method=method)
    assert decision.answer == "42"
    assert decision.method in METHODS
    assert decision.discussion is not None
    document = decision_document(decision)
    assert document["method"] == decision.method
    assert len(document["discussion"]["turns"]) == decision.usage.samples


def test_votes_are_what_was_said_last() -> None:
    """Who only judges has no vote; who proposes several times has one vote of that many."""
    pool = Pool(
        [Member(model=always(name, "4")) for name in ("a", "b")],
        methods={
            "debate": {"agents": 3},
            "mav": {"generators": ["b"], "candidates": 2},
        },
    )
    with Mux(pool) as mux:
        debated = mux.ask(ASK, method="debate")
        verified = mux.ask(ASK, method="mav")
    assert [(v.model, v.k, v.confidence) for v in debated.votes] == [("a", 2, 1.0), ("b", 1, 1.0)]
    assert [(vote.model, vote.k) for vote in verified.votes] == [("b", 2)]


def test_the_pool_file_sets_the_method(tmp_path: Path) -> None:
    """Settings stand below `methods`; a mistake there has its line."""
    path = tmp_path / "pool.yaml"
    models = "models:\n  - {name: m, url: 'http://127.0.0.1:9/v1', model: m}\n"
    path.write_text(f"methods:\n  debate: {{rounds: 0}}\n{models}")
    with Mux(Pool.load(path)) as mux, pytest.raises(PoolError, match="2: .*rounds is 0"):
        mux.ask(ASK, method="debate")
    pool = Pool([Member(model=always("a", "4"))], methods={"debate": {"rounds": 3}})
    with Mux(pool) as mux:
        decision = mux.ask(ASK, method="debate")
    assert decision.discussion is not None
    assert [turn.step for turn in decision.discussion.turns] == ["round 1", "round 2", "round 3"]
    assert decision.warnings == (ALONE,)


def test_settings_of_the_question_reach_every_turn() -> None:
    """Temperature, limit and system prompt hold in every round, and the openings are mux's."""
    model = always("m", "4")
    pool = Pool([Member(model=model, system="Be brief.")], samples=1)
    with Mux(pool) as mux:
        mux.ask(ASK, method="debate", temperature=0.9, max_tokens=17, seed=5)
        mux.ask(ASK, temperature=0.9, max_tokens=17, seed=5)
    first, second, plain = model.requests
    assert first == plain
    assert second.generation == first.generation
    assert second.messages[0] == {"role": "system", "content": "Be brief."}


def test_choices_are_part_of_the_question() -> None:
    """Who judges reads the choices, too."""
    model = turncoat("m", "B", "B")
    pool = Pool([Member(model=model)], methods={"mav": {"candidates": 1, "aspects": ["facts"]}})
    with Mux(pool) as mux:
        decision = mux.ask("Which is fruit?", choices={"A": "stone", "B": "pear"}, method="mav")
    assert (decision.answer, decision.kind) == ("B", "choice")
    assert all("B) pear" in said(request) for request in model.requests)


def test_everything_is_observed_as_turns() -> None:
    """The plan, then each turn when it is asked for and when it is in; no draws beside."""
    events: list[Event] = []
    with Mux(three()) as mux:
        decision = mux.ask(ASK, method="debate", observe=events.append)
    assert isinstance(events[0], DiscussionPlanned)
    assert (events[0].method, events[0].models, events[0].kind) == (
        "debate",
        ("a", "b", "c"),
        "number",
    )
    assert not any(isinstance(event, QuestionPlanned | SampleDrawn) for event in events)
    assert decision.discussion is not None
    records = decision.discussion.turns
    asked = [event for event in events if isinstance(event, TurnAsked)]
    assert [(e.index, e.step, e.model, e.heard) for e in asked] == [
        (index, turn.step, turn.model, turn.heard) for index, turn in enumerate(records)
    ]
    taken = {event.index: event for event in events if isinstance(event, TurnTaken)}
    assert [taken[index].sample.model for index in range(6)] == [turn.model for turn in records]


def test_a_model_that_is_down_costs_its_turns() -> None:
    """The others go on; errors and breaches say what happened."""
    down = ScriptedModel("down", [BadReplyError("it broke", model="down")])
    with Mux(Pool.of(always("a", "4"), down)) as mux:
        decision = mux.ask(ASK, method="debate")
    assert (decision.answer, decision.confidence) == ("4", 0.5)
    assert [(error.model, error.draws) for error in decision.errors] == [("down", 2)]
    assert decision.discussion is not None
    assert decision.discussion.breaches == {"failed": 2}
    ended = {turn.model: turn.ended for turn in decision.discussion.turns}
    assert ended == {"a": None, "down": "failed"}
    assert decision.votes[1].failed == 1


@pytest.mark.parametrize("method", METHODS)
def test_no_answer_lists_the_reasons(method: str) -> None:
    """By model, as mux does, with the form that was looked for."""
    silent = ScriptedModel("quiet", ["I cannot say."])
    down = ScriptedModel("down", [BadReplyError("it broke", model="down")])
    with Mux(Pool.of(silent, down)) as mux, pytest.raises(NoAnswerError) as caught:
        mux.ask("How many?", method=method)
    assert set(caught.value.reasons) == {"quiet", "down"}
    assert "unreadable" in caught.value.reasons["quiet"]
    assert "it broke" in caught.value.reasons["down"]
    assert "a number was looked for" in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
def test_without_an_answer_of_its_kind_texts_are_compared(method: str) -> None:
    """Where asked to, what was said last is read as text; whole texts before those cut off."""
    half = Completion(text="It dep", finish_reason="length")
    models = [ScriptedModel("a", [half]), ScriptedModel("b", ["No idea."])]
    with Mux(Pool.of(*models)) as mux:
        decision = mux.ask("How many?", method=method, fall_back_to_text=True)
    assert (decision.answer, decision.model, decision.kind) == ("No idea.", "b", "text")
    assert str(decision.kind_reason).endswith("and not found, so texts are compared")
    with Mux(Pool.of(ScriptedModel("a", [half]))) as mux:
        cut = mux.ask("Tell me.", kind="text", method=method, fall_back_to_text=True)
    assert cut.answer == "It dep"
    assert cut.completion == half
    assert cut.kind_reason == (
        "a text was looked for and not found, so texts are compared, cut off or not"
    )


def test_a_summary_is_no_answer() -> None:
    """It has a text only."""

    def wordy(request: Request) -> Reply:
        return "They say 4." if "Sum up" in said(request) else f"{'so ' * 400}\\boxed{{4}}"

    models = [ScriptedModel("a", wordy), ScriptedModel("b", wordy)]
    for model in models:
        model.context = 700  # type: ignore[attr-defined]
    with Mux(Pool.of(*models, max_tokens=50)) as mux:
        decision = mux.ask(ASK, method="debate")
    assert decision.discussion is not None
    summaries = [t for t in decision.discussion.turns if t.step == "round 2: summary"]
    assert {(turn.answer, turn.text, turn.to_question) for turn in summaries} == {
        (None, "They say 4.", False)
    }


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


@pytest.mark.parametrize(
    "ask",
    [
        lambda mux: mux.ask("?", method="debate", kind="tool_call", extra={"tools": TOOLS}),
        lambda mux: mux.ask(
            [{"role": "user", "content": "?"}, {"role": "tool", "content": "4"}],
            method="moa",
            extra={"tools": TOOLS, "tool_choice": "none"},
        ),
    ],
)
def test_tools_cannot_be_discussed(ask: Callable[[Mux], object]) -> None:
    """They are refused with the reason."""
    with Mux(three()) as mux, pytest.raises(InvalidRequestError, match="tool"):
        ask(mux)


def test_documents_can_be_discussed() -> None:
    """A JSON reply is compared by value, and the form is asked for in every round."""
    models = [ScriptedModel(name, ['{"a": 1}']) for name in "ab"]
    form = {"response_format": {"type": "json_object"}}
    with Mux(Pool.of(*models)) as mux:
        decision = mux.ask("Say it in JSON.", method="moa", extra=form)
    assert (decision.kind, decision.confidence) == ("json", 1.0)
    assert all(request.generation.extra == form for m in models for request in m.requests)


@NEEDS_SANDBOX
def test_programs_are_discussed_with_what_they_print() -> None:
    """A member that writes programs takes part, and others read its result."""
    program = "```python\ndef solution():\n    return 6 * 7\n```"
    other = always("b", "5")
    pool = Pool([Member(model=ScriptedModel("a", [program]), style="program"), Member(model=other)])
    with Mux(pool) as mux:
        decision = mux.ask(ASK, method="debate")
    assert decision.answer == "42"
    assert "This program prints: 42" in said(other.requests[1])


def test_without_a_sandbox_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that could not be run are not paid for."""

    def refuse() -> None:
        raise SandboxError("no")

    monkeypatch.setattr("slm_mux.mux.asynchronous._check_sandbox", refuse)
    model = always("a", "4")
    with (
        Mux(Pool([Member(model=model, style="program")])) as mux,
        pytest.raises(SandboxError),
    ):
        mux.ask(ASK, method="debate")
    assert model.requests == []


async def test_a_question_that_is_given_up_asks_no_more() -> None:
    """Cancelling closes the requests that are out, and no round follows."""
    slow = [ScriptedModel(name, ["\\boxed{4}"], delay=30) for name in "ab"]
    async with AsyncMux(Pool.of(*slow)) as mux:
        task = asyncio.create_task(mux.ask(ASK, method="debate"))
        while not all(model.requests for model in slow):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [len(model.requests) for model in slow] == [1, 1]


def test_a_verdict_of_one_word_is_kept() -> None:
    """What a verifier says is its answer also where it is all that it says; a summary has none."""
    reply = ["\\boxed{42}", *["correct"] * 20]
    with Mux(Pool([Member(model=ScriptedModel("a", reply))], samples=1)) as mux:
        found = mux.ask(ASK, method="mav").discussion
    assert found is not None
    verdicts = [turn for turn in found.turns if not turn.to_question]
    assert verdicts
    assert {(turn.answer, turn.text) for turn in verdicts} == {("correct", "correct")}
