"""`Mux` and `AsyncMux`, over scripted models."""

import asyncio
import gc
import inspect
import os
import threading
import time
from typing import Any

import pytest

from slm_mux.documents import decision_document
from slm_mux.errors import (
    AuthenticationError,
    ConnectionLostError,
    InvalidRequestError,
    NoAnswerError,
    PoolError,
    SandboxError,
)
from slm_mux.models.base import Limits, Request
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.mux import AsyncMux, Mux
from slm_mux.sampling.events import Event, QuestionPlanned
from slm_mux.sandbox import Sandbox
from slm_mux.types import Completion
from tests.sandboxes import NEEDS_SANDBOX


def boxed(*answers: str) -> list[str]:
    return [f"Let me think.\n\\boxed{{{answer}}}" for answer in answers]


def two_models() -> Pool:
    """One says 7 twice of three times, the other 9 three times of three."""
    return Pool.of(
        ScriptedModel("unsure", boxed("7", "8", "7")), ScriptedModel("sure", boxed("9", "9", "9"))
    )


def test_the_most_self_consistent_model_is_believed() -> None:
    """The decision carries the answer, the winner, the votes and the winning completion."""
    with Mux(two_models()) as mux:
        decision = mux.ask("What is 4 + 5?", kind="number", stopping="none")
    assert (decision.answer, decision.model, decision.confidence) == ("9", "sure", 1.0)
    assert (decision.tie_break, decision.kind, decision.kind_reason) == ("none", "number", None)
    assert decision.text == boxed("9")[0]
    assert [(v.model, v.answer, v.k) for v in decision.votes] == [
        ("unsure", "7", 3),
        ("sure", "9", 3),
    ]
    assert (decision.usage.samples, decision.stopped_early) == (6, False)


async def test_the_async_twin_gives_the_same_decision() -> None:
    """`AsyncMux.ask` decides as `Mux.ask` does."""
    async with AsyncMux(two_models()) as mux:
        decision = await mux.ask("What is 4 + 5?", kind="number", stopping="none")
    assert (decision.answer, decision.model) == ("9", "sure")


def test_the_twins_have_the_same_names_and_options() -> None:
    """Code moves between the two by adding or dropping await."""
    assert inspect.signature(Mux.ask).parameters == inspect.signature(AsyncMux.ask).parameters
    renamed = {"aclose": "close"}
    public = {renamed.get(name, name) for name in vars(AsyncMux) if not name.startswith("_")}
    assert public == {"ask", "close"}
    assert {name for name in vars(Mux) if not name.startswith("_")} == public | {"pool"}


def test_the_prompt_asks_for_the_form_in_the_user_s_message() -> None:
    """Question, choices and instruction go into one user message; a system prompt goes first."""
    model = ScriptedModel("m", ["\\boxed{B}"])
    pool = Pool([Member(model=model, system="Be brief.")])
    with Mux(pool) as mux:
        mux.ask("Which is a fruit?", choices={"A": "stone", "B": "pear"})
    system, user = model.requests[0].messages
    assert system == {"role": "system", "content": "Be brief."}
    assert user["role"] == "user"
    assert user["content"].startswith("Which is a fruit?\n\nA) stone\nB) pear\n\n")
    assert len(user["content"]) > len("Which is a fruit?\n\nA) stone\nB) pear\n\n")


def test_a_conversation_is_sent_whole() -> None:
    """Earlier messages are kept as they are; the caller's list is not changed."""
    model = ScriptedModel("m", ["\\boxed{12}"])
    conversation: list[dict[str, Any]] = [
        {"role": "user", "content": "I have 5 apples."},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": [{"type": "text", "text": "And 7 more. How many?"}]},
    ]
    before = [dict(message) for message in conversation]
    with Mux(Pool.of(model)) as mux:
        assert mux.ask(conversation).answer == "12"
    sent = model.requests[0].messages
    assert (sent[0], sent[1]) == (before[0], before[1])
    assert sent[2]["content"][0] == {"type": "text", "text": "And 7 more. How many?"}
    assert conversation == before


def test_settings_of_the_call_come_before_those_of_the_pool() -> None:
    """samples, temperature, max_tokens and seed given to `ask` reach every draw."""
    model = ScriptedModel("m", ["\\boxed{1}"])
    with Mux(Pool.of(model, samples=3, temperature=0.3)) as mux:
        mux.ask("1?", samples=2, temperature=0.9, max_tokens=17, seed=5, stopping="none")
        mux.ask("1?", stopping="none")
    assert len(model.requests) == 5
    first, later = model.requests[0], model.requests[2]
    assert (first.generation.temperature, first.generation.max_tokens) == (0.9, 17)
    assert (later.generation.temperature, later.generation.max_tokens) == (0.3, 1024)
    assert first.seed != later.seed


def test_the_same_seed_draws_the_same() -> None:
    """Seeds depend on the seed, the model, the question and the draw, and on nothing else."""

    def seeds() -> list[int | None]:
        model = ScriptedModel("m", ["\\boxed{1}"])
        with Mux(Pool.of(model)) as mux:
            mux.ask("1?", seed=7, stopping="none")
        return [request.seed for request in model.requests]

    assert seeds() == seeds()
    assert len(set(seeds())) == 3


def test_auto_says_which_kind_it_chose_and_why() -> None:
    """The kind comes from the question alone, with a reason in words."""
    with Mux(Pool.of(ScriptedModel("m", boxed("5")))) as mux:
        decision = mux.ask("How many legs do five spiders have in total?")
    assert decision.kind == "number"
    assert decision.kind_reason


def test_validation_accuracy_of_the_task_breaks_the_tie() -> None:
    """Naming a task uses its records."""
    pool = Pool(
        [
            Member(
                model=ScriptedModel("a", boxed("1")),
                validation_accuracy={"gsm8k": 0.1, "default": 0.9},
            ),
            Member(model=ScriptedModel("b", boxed("2")), validation_accuracy={"default": 0.5}),
        ]
    )
    with Mux(pool) as mux:
        by_default = mux.ask("1 or 2?", kind="number", stopping="none")
        on_task = mux.ask("1 or 2?", kind="number", stopping="none", task="gsm8k")
    assert (by_default.answer, on_task.answer) == ("1", "2")
    assert by_default.tie_break == on_task.tie_break == "validation_accuracy"


def test_a_mux_is_made_of_a_pool() -> None:
    """A path, or a list of models, is pointed to what makes a pool of it."""
    with pytest.raises(InvalidRequestError, match=r"Pool\.load"):
        Mux("pool.yaml")  # type: ignore[arg-type]
    with pytest.raises(PoolError, match="one by one"):
        Pool.of([ScriptedModel("m", boxed("1"))])  # type: ignore[arg-type]


def test_one_model_is_self_consistency() -> None:
    """A pool of one takes the majority of its draws."""
    with Mux(Pool.of(ScriptedModel("m", boxed("1", "2", "2")))) as mux:
        assert mux.ask("1 or 2?", kind="number", stopping="none").answer == "2"


def test_a_model_that_is_down_costs_its_votes_only() -> None:
    """The other model answers, and the errors say what happened to the first."""
    down = ConnectionLostError("down: nothing answers", model="down", never_connected=True)
    pool = Pool.of(ScriptedModel("down", [down]), ScriptedModel("up", boxed("3")))
    pool.retry_seconds = 0.001
    with Mux(pool) as mux:
        decision = mux.ask("3?", kind="number", stopping="none")
    assert decision.answer == "3"
    assert decision.votes[0].failed == 3
    assert [(e.model, e.draws) for e in decision.errors] == [("down", 3)]


def test_without_any_readable_answer_every_model_s_reason_is_listed() -> None:
    """The error names failures, unreadable completions with an excerpt, and cut-off ones."""
    pool = Pool.of(
        ScriptedModel("locked", [AuthenticationError("the key was refused", model="locked")]),
        ScriptedModel("chatty", ["I would rather not say."]),
        ScriptedModel("long", [Completion(text="so 12", finish_reason="length")]),
    )
    with Mux(pool) as mux, pytest.raises(NoAnswerError) as caught:
        mux.ask("How many?", kind="number")
    assert caught.value.reasons["locked"] == "3 of 3 draws failed: the key was refused"
    assert 'one ends: "I would rather not say."' in caught.value.reasons["chatty"]
    assert "(3 cut off by the token limit)" in caught.value.reasons["long"]
    assert str(caught.value).startswith(
        "no model gave a readable answer (a number was looked for):\n  locked: "
    )


def test_a_kind_that_auto_chose_is_named_with_its_reason() -> None:
    """Who did not ask for a number learns why one was looked for, and how to ask otherwise."""
    with (
        Mux(Pool.of(ScriptedModel("m", ["I would rather not say."]))) as mux,
        pytest.raises(NoAnswerError) as caught,
    ):
        mux.ask("How many?")
    assert caught.value.looked_for == (
        "a number was looked for: it asks for a quantity (“How many”); "
        "give --kind, or kind=, for another"
    )


def test_without_any_completion_the_kind_is_not_the_reason() -> None:
    """Where every draw failed the error says nothing of the form of the answer."""
    refused = AuthenticationError("the key was refused", model="m")
    with Mux(Pool.of(ScriptedModel("m", [refused]))) as mux, pytest.raises(NoAnswerError) as caught:
        mux.ask("How many?")
    assert caught.value.looked_for is None
    assert str(caught.value).startswith("no model gave a readable answer:\n")


def test_choices_that_auto_found_are_not_refused() -> None:
    """Options read out of a question are a guess, over which no question is refused."""
    with Mux(Pool.of(ScriptedModel("m", boxed("A")))) as mux:
        assert mux.ask("Which is right?\nA) one\nB) one").kind == "choice"


def test_choices_may_have_no_texts() -> None:
    """Labels that say it all need no texts."""
    with Mux(Pool.of(ScriptedModel("m", boxed("yes")))) as mux:
        assert mux.ask("Is it?", choices={"yes": "", "no": ""}).answer == "yes"


@pytest.mark.parametrize(
    ("question", "options", "message"),
    [
        ("", {}, "the question is empty"),
        (" \n\t", {}, "the question is empty"),
        ([], {}, "the question is empty"),
        ("a\ud800b", {}, "lone surrogate"),
        ("1?", {"samples": 0}, "samples is 0"),
        ("1?", {"temperature": -1.0}, "temperature is -1.0"),
        ("1?", {"temperature": float("nan")}, "temperature is nan"),
        ("1?", {"temperature": float("inf")}, "temperature is inf, but must be between 0 and 10"),
        ("1?", {"temperature": 50}, "temperature is 50, but must be between 0 and 10$"),
        ("1?", {"choices": {"A": "1"}}, "two choices or more; only 'A' is given"),
        ("1?", {"choices": {"A": "1", "B": "2", "C": " 1"}}, "'A' and 'C' have the same text '1'"),
        ("Which? A) 1 B) 1", {"kind": "choice"}, "'A' and 'B' have the same text '1'"),
        ("1?", {"max_tokens": 0}, "max_tokens is 0"),
        ("1?", {"stopping": "eagre"}, "no stopping 'eagre'; did you mean 'eager'?"),
        ("1?", {"kind": "nmber"}, "no kind 'nmber'; did you mean 'number'?"),
        ("1?", {"kind": "choice"}, "needs its choices"),
        ("1?", {"kind": "label"}, "label"),
        (
            "1?",
            {"kind": "number", "choices": {"A": "1"}},
            "choices were given, but the kind is 'number'",
        ),
        ("1?", {"kind": "number", "labels": ["A"]}, "labels were given, but the kind is 'number'"),
        ("1?", {"choices": {"A": "1"}, "labels": ["A"]}, "either choices or labels"),
        ("1?", {"choices": ["A", "B"]}, "a mapping from label to text"),
        ("1?", {"labels": "spam"}, "a list of texts"),
        ("1?", {"labels": [1, 2]}, "a list of texts"),
        ("1?", {"choices": {1: "x", 2: "y"}}, "not a text by a label"),
        ("1?", {"samples": 2.5}, "samples is 2.5, but must be a whole number"),
        ("1?", {"samples": True}, "samples is True"),
        ("1?", {"seed": 1.5}, "seed is 1.5"),
        ("1?", {"temperature": "hot"}, "temperature is 'hot'"),
        (["hi"], {}, "a chat message is a mapping"),
        ([{"role": "user", "content": 3}], {}, "a chat message is a mapping"),
        (None, {}, "a question is a text, or a list"),
        (b"1?", {}, "a question is a text, or a list"),
    ],
)
def test_bad_input_is_one_clear_error(question: Any, options: dict[str, Any], message: str) -> None:
    """What cannot be asked is refused before the first request, and says what to do."""
    model = ScriptedModel("m", boxed("1"))
    with Mux(Pool.of(model)) as mux, pytest.raises(InvalidRequestError, match=message):
        mux.ask(question, **options)
    assert model.requests == []


def test_temperature_0_is_allowed_and_warned_of() -> None:
    """With k > 1 at temperature 0 the draws may be identical."""
    with Mux(Pool.of(ScriptedModel("m", boxed("1")))) as mux:
        decision = mux.ask("1?", kind="number", temperature=0.0)
    assert any("temperature 0 for m" in warning for warning in decision.warnings)


def test_one_draw_per_model_is_warned_of() -> None:
    """With k = 1 the confidence says nothing, and the record decides."""
    pool = Pool.of(ScriptedModel("a", boxed("1")), ScriptedModel("b", boxed("2")), samples=1)
    with Mux(pool) as mux:
        decision = mux.ask("1?", kind="number")
    assert any("one draw per model" in warning for warning in decision.warnings)


class AnswersAs(ScriptedModel):
    """Is asked for one model, answers under another name."""

    model = "qwen2.5:7b"


@pytest.mark.parametrize(
    ("served", "warned"),
    [("qwen2.5:7b", False), ("qwen2.5:7b-2024-08-06", False), ("llama3:8b", True)],
)
def test_an_endpoint_that_serves_another_model_is_warned_of(served: str, warned: bool) -> None:
    """A dated name of the same model is not another model."""
    model = AnswersAs("m", [Completion(text="\\boxed{1}", served_model=served)])
    with Mux(Pool.of(model)) as mux:
        decision = mux.ask("1?", kind="number")
    assert any("answered as" in warning for warning in decision.warnings) == warned


def test_a_very_long_question_is_asked() -> None:
    """100,000 characters are sent whole."""
    model = ScriptedModel("m", boxed("1"))
    with Mux(Pool.of(model)) as mux:
        mux.ask("1" * 100_000, kind="number")
    assert model.requests[0].messages[0]["content"].startswith("1" * 100_000)


def test_several_threads_may_ask_one_mux() -> None:
    """Questions from different threads run side by side."""
    model = ScriptedModel("m", lambda request: f"\\boxed{{{_number_in(request)}}}", delay=0.01)
    answers: dict[int, str] = {}
    with Mux(Pool.of(model)) as mux:

        def ask(number: int) -> None:
            answers[number] = mux.ask(f"{number}?", kind="number").answer

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {n: str(n) for n in range(8)}


def _number_in(request: Request) -> str:
    return str(request.messages[0]["content"]).partition("?")[0]


async def test_the_sync_mux_works_inside_a_running_loop() -> None:
    """A notebook runs an event loop of its own; `Mux` does not mind."""
    with Mux(Pool.of(ScriptedModel("m", boxed("4")))) as mux:
        assert mux.ask("4?", kind="number").answer == "4"


def test_closing_closes_the_models_and_refuses_questions() -> None:
    """A closed mux says so instead of hanging; closing twice is fine."""
    model = ScriptedModel("m", boxed("1"))
    mux = Mux(Pool.of(model))
    mux.close()
    mux.close()
    assert model.closed == 1
    with pytest.raises(InvalidRequestError, match="closed"):
        mux.ask("1?")


def asking(mux: Mux, outcome: list[object]) -> threading.Thread:
    """Ask in a thread of its own; what comes of it goes into the list."""

    def ask() -> None:
        try:
            outcome.append(mux.ask("1?"))
        except InvalidRequestError as error:
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


def wait_for_requests(model: ScriptedModel, count: int) -> None:
    while model.in_flight < count:
        time.sleep(0.001)


def test_closing_while_a_question_is_asked_ends_it() -> None:
    """Nobody is left waiting for a mux that was closed, and no draw is left running."""
    model = ScriptedModel("m", boxed("1"), delay=30)
    mux = Mux(Pool.of(model))
    outcome: list[object] = []
    thread = asking(mux, outcome)
    wait_for_requests(model, 3)
    mux.close()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert "closed while it was asking" in str(outcome[0])
    assert (model.in_flight, model.closed) == (0, 1)


def test_a_mux_that_is_dropped_closes_itself() -> None:
    """Without `with`, thread and connections end with the last reference."""
    model = ScriptedModel("m", boxed("1"))
    assert Mux(Pool.of(model)).ask("1?", kind="number").answer == "1"
    gc.collect()
    assert model.closed == 1
    assert "mux" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_mux_from_before_a_fork_says_so() -> None:
    """A child process gets an error, not a wait for a thread that it does not have."""
    with Mux(Pool.of(ScriptedModel("m", boxed("1")))) as mux:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                mux.ask("1?")
            except InvalidRequestError as error:
                mux.close()
                code = 0 if "before a fork" in str(error) else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert mux.ask("1?", kind="number").answer == "1"


def test_an_observer_cannot_ask_its_own_mux() -> None:
    """What would wait for itself for ever is an error."""
    with Mux(Pool.of(ScriptedModel("m", boxed("1")))) as mux:

        def observe(event: Event) -> None:
            mux.ask("2?")

        with pytest.raises(InvalidRequestError, match="observer"):
            mux.ask("1?", observe=observe)


def test_an_async_mux_may_be_used_in_one_loop_after_another() -> None:
    """A limiter that was waiting when the first loop ended holds up nothing in the second."""
    model = ScriptedModel("m", boxed("1"), limits=Limits(requests_per_minute=2))
    mux = AsyncMux(Pool.of(model))
    first = asyncio.run(mux.ask("1?", kind="number", samples=2, stopping="none"))
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(mux.ask("2?", kind="number", stopping="none"), 0.05))
    second = asyncio.run(mux.ask("3?", kind="number", samples=2, stopping="none"))
    assert (first.answer, second.answer) == ("1", "1")


class CannotClose(ScriptedModel):
    """Fails when it is closed."""

    async def aclose(self) -> None:
        raise ZeroDivisionError


async def test_one_model_that_cannot_close_leaves_no_other_open() -> None:
    """Every model is closed, and the error is not hidden."""
    other = ScriptedModel("b", boxed("1"))
    mux = AsyncMux(Pool.of(CannotClose("a", boxed("1")), other))
    with pytest.raises(ExceptionGroup):
        await mux.aclose()
    assert other.closed == 1


def test_two_system_prompts_become_one() -> None:
    """A member's own prompt goes before the one of the conversation, in one message."""
    model = ScriptedModel("m", boxed("1"))
    with Mux(Pool([Member(model=model, system="Be brief.")])) as mux:
        mux.ask(
            [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "1?"}],
            kind="number",
        )
    roles = [message["role"] for message in model.requests[0].messages]
    assert roles == ["system", "user"]
    assert model.requests[0].messages[0]["content"] == "Be brief.\n\nBe kind."


PROGRAM = "```python\ndef solution():\n    return {}\n```"


@NEEDS_SANDBOX
def test_a_member_may_answer_by_a_program() -> None:
    """A member of the style `program` is asked for one, and what it returns is its answer."""
    words = ScriptedModel("words", boxed("103"))
    program = ScriptedModel("program", [PROGRAM.format("17 * 6")])
    pool = Pool([Member(model=words), Member(model=program, style="program")], samples=2)
    with Mux(pool) as mux:
        decision = mux.ask("What is 17 * 6?", kind="number", stopping="none")
    assert [vote.answer for vote in decision.votes] == ["103", "102"]
    assert "solution()" in program.requests[0].messages[0]["content"]
    assert "solution()" not in words.requests[0].messages[0]["content"]


def test_without_a_sandbox_no_program_is_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where programs cannot be run safely, none is asked for, and the error says why."""

    def refuse(_: Sandbox) -> None:
        raise SandboxError("bwrap is not on the PATH")

    monkeypatch.setattr(Sandbox, "check", refuse)
    model = ScriptedModel("program", [PROGRAM.format("1")])
    pool = Pool([Member(model=model, style="program")])
    with Mux(pool) as mux, pytest.raises(SandboxError, match="not on the PATH"):
        mux.ask("What is 17 * 6?", kind="number")
    assert model.requests == []


def test_the_plan_is_announced_before_the_first_request() -> None:
    """Observers learn the kind and each model's k first."""
    events: list[Event] = []
    with Mux(two_models()) as mux:
        mux.ask("4 + 5?", kind="number", observe=events.append)
    planned = events[0]
    assert isinstance(planned, QuestionPlanned)
    assert [(d.model, d.k) for d in planned.drawers] == [("unsure", 3), ("sure", 3)]


def test_an_observer_s_error_ends_the_question() -> None:
    """What an observer raises reaches the caller; no draw is left running."""
    model = ScriptedModel("m", boxed("1"), delay=0.01)

    def observe(event: Event) -> None:
        raise ZeroDivisionError

    with Mux(Pool.of(model)) as mux, pytest.raises(ZeroDivisionError):
        mux.ask("1?", observe=observe)
    assert model.in_flight == 0


async def test_cancelling_ask_cancels_its_draws() -> None:
    """A caller that goes away closes every request."""
    model = ScriptedModel("m", boxed("1"), delay=30)
    async with AsyncMux(Pool.of(model)) as mux:
        task = asyncio.create_task(mux.ask("1?"))
        while model.in_flight < 3:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (model.cancelled, model.in_flight) == (3, 0)


def test_the_document_has_every_key_of_the_format() -> None:
    """The JSON form has the documented keys, and nothing that JSON cannot say."""
    import json

    with Mux(two_models()) as mux:
        document = decision_document(mux.ask("4 + 5?", kind="number", stopping="none"))
    assert json.loads(json.dumps(document)) == document
    assert {
        "answer",
        "model",
        "confidence",
        "confidence_bounds",
        "tie_break",
        "kind",
        "text",
        "stopped_early",
        "winner_settled",
        "votes",
        "usage",
        "errors",
    } <= set(document)
    assert {
        "model",
        "k",
        "answer",
        "confidence",
        "counts",
        "unreadable",
        "failed",
        "not_drawn",
        "validation_accuracy",
    } <= set(document["votes"][0])
    assert document["votes"][0]["counts"] == [
        {"answer": "7", "canonical": "7", "count": 2},
        {"answer": "8", "canonical": "8", "count": 1},
    ]
    assert {"samples", "requests", "prompt_tokens", "completion_tokens", "seconds"} <= set(
        document["usage"]
    )
