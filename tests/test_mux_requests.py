"""What chat clients ask of `Mux.ask`: settings of a request, tools, and some answer in any case."""

from typing import Any, get_args

import pytest

from slm_mux.answers.tool_use import tool_use
from slm_mux.errors import AuthenticationError, InvalidRequestError, NoAnswerError
from slm_mux.models.base import Generation
from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import Reply, ScriptedModel
from slm_mux.mux import AsyncMux, Mux
from slm_mux.sampling.events import Event, SampleDrawn
from slm_mux.types import Completion, Decision, KindName, Problem, ProblemKind, ToolCall, ToolUse
from tests.sandboxes import NEEDS_SANDBOX
from tests.test_mux import boxed

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
QUESTION = "What is the weather in Paris?"
AFTER_A_CALL: list[dict[str, Any]] = [
    {"role": "user", "content": QUESTION},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c", "content": "12 degrees"},
]


def calling(city: str, *, number: str = "1", finish: str = "tool_calls") -> Completion:
    """A draw that asks for the weather."""
    arguments = f'{{"city": "{city}", "days": {number}}}'
    called = ToolCall(id=f"id-{city}-{number}", name="weather", arguments=arguments)
    return Completion(text="", finish_reason=finish, tool_calls=(called,))


def with_tools(question: Any, *models: ScriptedModel, **options: Any) -> Decision:
    """Ask with tools."""
    with Mux(Pool.of(*models)) as mux:
        extra = {"tools": TOOLS}
        return mux.ask(question, kind="tool_call", extra=extra, stopping="none", **options)


def test_settings_of_a_request_reach_every_draw() -> None:
    """top_p, stop and extra fields come over each model's own."""
    model = ScriptedModel("m", boxed("1"))
    own = Generation(top_p=0.9, stop=("END",), extra={"top_k": 5})
    with Mux(Pool([Member(model=model, generation=own)])) as mux:
        mux.ask("1?", top_p=0.5, stop=["\n\n"], extra={"user": "ann", "top_k": 1}, stopping="none")
    sent = Generation(top_p=0.5, stop=("END", "\n\n"), extra={"top_k": 1, "user": "ann"})
    assert [request.generation for request in model.requests] == [sent] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_p": 0}, "top_p is 0, but must be above 0 and at most 1"),
        ({"top_p": 1.5}, r"top_p is 1\.5"),
        ({"top_p": float("nan")}, "top_p is nan"),
        ({"top_p": True}, "top_p is True"),
        ({"top_p": "high"}, "top_p is 'high'"),
        ({"stop": "END"}, "stop is a list of texts"),
        ({"stop": ["END", ""]}, "none of them empty"),
        ({"stop": [1]}, "stop is a list of texts"),
        ({"stop": {"END"}}, "stop is a list of texts"),
        ({"stop": ["\ud800"]}, "a text in stop holds a lone surrogate"),
        ({"extra": [1]}, "extra is a mapping"),
        ({"extra": {1: 2}}, "extra is a mapping"),
        ({"extra": {"n": 2, "seed": 1}}, "may not set n, seed"),
        ({"extra": {"model": "gpt"}}, "may not set model"),
        ({"extra": {"messages": []}}, "may not set messages"),
        ({"extra": {"stream": True}}, "may not set stream"),
        ({"extra": {"top_p": 0.5, "stop": []}}, "give the option stop and top_p in its place"),
        ({"extra": {"user": object()}}, "extra cannot be sent as JSON"),
        ({"extra": {"user": "\ud800"}}, "extra holds a lone surrogate"),
        ({"kind": "tool_call"}, "the kind tool_call needs tools"),
        ({"kind": "tool_call", "extra": {"tools": []}}, "the kind tool_call needs tools"),
        ({"kind": "tool_cal"}, "no kind 'tool_cal'"),
        ({"extra": {"tools": TOOLS}}, "only the kind tool_call reads calls"),
        ({"kind": "number", "extra": {"tools": TOOLS}}, "only the kind tool_call reads calls"),
        (
            {"kind": "tool_call", "extra": {"tools": TOOLS}, "labels": ["a", "b"]},
            "the kind is 'tool_call', not 'label'",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_before_the_first_request(
    options: dict[str, Any], message: str
) -> None:
    """Each bad option is one clear error."""
    model = ScriptedModel("m", boxed("1"))
    with Mux(Pool.of(model)) as mux, pytest.raises(InvalidRequestError, match=message):
        mux.ask("1?", **options)
    assert model.requests == []


def test_the_kinds_that_are_offered_without_tools_do_not_name_tool_call() -> None:
    """Who has no tools is not led to it."""
    with (
        Mux(Pool.of(ScriptedModel("m", boxed("1")))) as mux,
        pytest.raises(InvalidRequestError) as caught,
    ):
        mux.ask("1?", kind="xyzzy")  # type: ignore[arg-type]
    assert "tool_call" not in str(caught.value)
    assert "number" in str(caught.value)


def test_calls_are_counted_by_what_they_would_do() -> None:
    """Draws that call alike agree; the winning completion comes with its calls."""
    sure = ScriptedModel(
        "sure", [calling("Rome"), calling("Paris", number="1.0"), calling("Paris")]
    )
    unsure = ScriptedModel("unsure", [calling("Rome"), "Where?", Completion(text="Rome, I think")])
    decision = with_tools(QUESTION, unsure, sure)
    assert (decision.model, decision.confidence, decision.kind) == ("sure", 2 / 3, "tool_call")
    assert decision.completion is not None
    assert [call.id for call in decision.completion.tool_calls] == ["id-Paris-1.0"]
    assert decision.answer == 'weather({"city": "Paris", "days": 1.0})'
    assert decision.text == ""
    assert [len(vote.counts) for vote in decision.votes] == [3, 2]


def test_a_text_may_win_over_calls() -> None:
    """Draws that call nothing agree as texts."""
    decision = with_tools(QUESTION, ScriptedModel("m", ["Where?", calling("Rome"), "where? "]))
    assert (decision.answer, decision.confidence) == ("Where?", 2 / 3)
    assert decision.completion is not None
    assert decision.completion.tool_calls == ()


def test_calls_that_cannot_be_made_vote_for_nothing() -> None:
    """Arguments that are no JSON, and calls cut off, stay in k as unreadable."""
    broken = Completion(text="", tool_calls=(ToolCall(name="weather", arguments='{"city": '),))
    replies: list[Reply] = [broken, calling("Rome", finish="length"), calling("Paris")]
    decision = with_tools(QUESTION, ScriptedModel("m", replies))
    assert (decision.confidence, decision.votes[0].unreadable) == (1 / 3, 2)
    with pytest.raises(NoAnswerError, match="a call of a tool or a text was looked for") as caught:
        with_tools(QUESTION, ScriptedModel("m", [broken]))
    assert caught.value.reasons["m"].endswith('one ends: "weather({"city": )"')


@pytest.mark.parametrize(
    ("tools", "choice", "use"),
    [
        ([], None, None),
        (TOOLS, None, ToolUse(functions=frozenset({"weather"}))),
        (TOOLS, "auto", ToolUse(functions=frozenset({"weather"}))),
        (TOOLS, "required", ToolUse(functions=frozenset({"weather"}), must_call=True)),
        (
            [*TOOLS, {"type": "function", "function": {"name": "time"}}],
            {"type": "function", "function": {"name": "time"}},
            ToolUse(functions=frozenset({"time"}), must_call=True),
        ),
        (
            TOOLS,
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}},
            ToolUse(functions=frozenset({"weather"}), must_call=True),
        ),
        ([*TOOLS, {"type": "custom", "custom": {"name": "sql"}}], None, ToolUse()),
        ("tools", {"type": 5}, ToolUse()),
        ([5], {}, ToolUse()),
    ],
)
def test_what_tools_allow(tools: Any, choice: Any, use: ToolUse | None) -> None:
    """Names and duties come from the request's own fields; what is unknown allows everything."""
    assert tool_use({"tools": tools, "tool_choice": choice}) == use


def test_a_call_that_is_due_is_not_replaced_by_a_text() -> None:
    """Endpoints that ignore tool_choice give texts; they agree in vain."""
    extra = {"tools": TOOLS, "tool_choice": "required"}
    model = ScriptedModel("m", ["Where?", "Where?", calling("Rome")])
    with Mux(Pool.of(model)) as mux:
        decision = mux.ask(QUESTION, kind="tool_call", extra=extra, stopping="none")
    assert (decision.confidence, decision.votes[0].unreadable) == (1 / 3, 2)
    assert decision.answer == 'weather({"city": "Rome", "days": 1})'


def test_long_arguments_are_read_in_a_thread() -> None:
    """Nothing that takes long holds up other requests; the answer is the same."""
    long = calling("x" * 50_000)
    assert with_tools(QUESTION, ScriptedModel("m", [long])).confidence == 1.0


def test_with_tools_a_conversation_is_sent_as_it_is() -> None:
    """Calls without content, a tool's result at the end and images are not touched."""
    model = ScriptedModel("m", ["It is 12 degrees."])
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    first = {"role": "user", "content": [{"type": "text", "text": QUESTION}, shown]}
    conversation = [first, *AFTER_A_CALL[1:]]
    assert with_tools(conversation, model).answer == "It is 12 degrees."
    assert list(model.requests[0].messages) == conversation
    assert model.requests[0].generation.extra == {"tools": TOOLS}


def test_a_tool_may_return_nothing() -> None:
    """An empty result at the end is no empty question."""
    conversation = [*AFTER_A_CALL[:2], {**AFTER_A_CALL[2], "content": ""}]
    assert with_tools(conversation, ScriptedModel("m", ["Done."])).answer == "Done."


def test_a_tool_s_result_at_the_end_needs_tools() -> None:
    """Without definitions nothing can be asked about it."""
    with (
        Mux(Pool.of(ScriptedModel("m", ["x"]))) as mux,
        pytest.raises(InvalidRequestError, match="ends with the result of a tool"),
    ):
        mux.ask(AFTER_A_CALL)


def test_tools_that_must_not_be_called_go_with_any_kind() -> None:
    """With tool_choice none the answer is a text, read as asked."""
    extra = {"tools": TOOLS, "tool_choice": "none"}
    with Mux(Pool.of(ScriptedModel("m", boxed("12")))) as mux:
        assert mux.ask("How many degrees?", kind="number", extra=extra).answer == "12"


def test_an_image_alone_is_a_question() -> None:
    """What is asked of it may stand in a system prompt."""
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    model = ScriptedModel("m", ["A cat."])
    with Mux(Pool.of(model)) as mux:
        assert mux.ask([{"role": "user", "content": [shown]}]).kind == "text"
        with pytest.raises(InvalidRequestError, match="the question is empty"):
            mux.ask([{"role": "user", "content": [{"type": "text", "text": " "}]}])
    assert model.requests[0].messages[0]["content"] == [shown]


@pytest.mark.parametrize(
    ("hidden", "message"),
    [("\ud800", "the question holds a lone surrogate"), ({1, 2}.pop, "cannot be sent as JSON")],
)
def test_everything_in_a_conversation_can_be_sent(hidden: Any, message: str) -> None:
    """What is not text of a message is looked at too, before anything is asked."""
    calls = [{"id": "c", "function": {"name": "f", "arguments": hidden}}]
    called = {"role": "assistant", "content": None, "tool_calls": calls}
    with (
        Mux(Pool.of(ScriptedModel("m", ["x"]))) as mux,
        pytest.raises(InvalidRequestError, match=message),
    ):
        mux.ask([called, {"role": "user", "content": "Well?"}])


def test_a_member_that_writes_programs_calls_tools_too() -> None:
    """It is not asked for a program then, so no sandbox is needed."""
    model = ScriptedModel("m", [calling("Paris")])
    with Mux(Pool([Member(model=model, style="program")])) as mux:
        decision = mux.ask(QUESTION, kind="tool_call", extra={"tools": TOOLS})
    assert decision.confidence == 1.0
    assert model.requests[0].messages == ({"role": "user", "content": QUESTION},)


def test_the_kinds_of_problems_leave_out_tool_call() -> None:
    """No data set has problems that need tools."""
    assert set(get_args(KindName)) - set(get_args(ProblemKind)) == {"tool_call"}
    assert Problem.__annotations__["kind"] is ProblemKind


def test_without_an_answer_of_its_kind_texts_are_compared() -> None:
    """Where asked to, a guess of `auto` that fits no completion gives way, and says so."""
    replies = ["I cannot say.", "It depends.", "It  depends."]
    models = [ScriptedModel("a", replies), ScriptedModel("b", ["No idea", "x?", "y?"])]
    with Mux(Pool.of(*models)) as mux:
        decision = mux.ask("How many?", fall_back_to_text=True)
    assert (decision.answer, decision.model, decision.confidence) == ("It depends.", "a", 2 / 3)
    assert (decision.kind, decision.text) == ("text", "It depends.")
    assert decision.kind_reason == (
        "a number was looked for (it asks for a quantity (“How many”)) and not found, "
        "so texts are compared"
    )
    assert (decision.usage.samples, decision.usage.requests) == (6, 6)
    assert (decision.answer_settled, decision.stopped_early) == (True, False)
    assert [len(model.requests) for model in models] == [3, 3]


def test_one_readable_answer_needs_no_fall_back() -> None:
    """A draw of the kind that was looked for decides, as without the option."""
    with Mux(Pool.of(ScriptedModel("m", ["I cannot say.", *boxed("7"), "No."]))) as mux:
        decision = mux.ask("How many?", fall_back_to_text=True)
    assert (decision.answer, decision.kind, decision.confidence) == ("7", "number", 1 / 3)


def test_whole_texts_come_before_those_that_were_cut_off() -> None:
    """Half a text is compared only where there is no whole one."""
    half = Completion(text="Once upon", finish_reason="length")
    with Mux(Pool.of(ScriptedModel("m", [half, half, "The end."]))) as mux:
        whole = mux.ask("How many?", fall_back_to_text=True)
    with Mux(Pool.of(ScriptedModel("m", [half]))) as mux:
        cut = mux.ask("Tell me a story.", fall_back_to_text=True)
    assert (whole.answer, whole.confidence) == ("The end.", 1 / 3)
    assert (cut.answer, cut.confidence, cut.kind) == ("Once upon", 1.0, "text")
    assert cut.completion == half
    assert str(cut.kind_reason).endswith("so texts are compared, cut off or not")


@NEEDS_SANDBOX
def test_programs_that_give_no_answer_are_texts_too() -> None:
    """First what the programs return is compared, then what was written."""
    says = "```python\ndef solution():\n    return 'a lot'\n```"
    with Mux(Pool([Member(model=ScriptedModel("m", [says]), style="program")])) as mux:
        assert mux.ask("How many?", fall_back_to_text=True).answer == "a lot"
    with Mux(Pool([Member(model=ScriptedModel("m", ["No."]), style="program")])) as mux:
        assert mux.ask("How many?", fall_back_to_text=True).answer == "No."


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        ({"kind": "number"}, "I cannot say."),
        ({}, ""),
        ({}, AuthenticationError("the key was refused", model="m")),
    ],
)
def test_where_nothing_falls_back(options: dict[str, Any], reply: Reply) -> None:
    """A kind that was asked for stays, and where there is no text there is no answer."""
    with (
        Mux(Pool.of(ScriptedModel("m", [reply]))) as mux,
        pytest.raises(NoAnswerError) as caught,
    ):
        mux.ask("How many?", fall_back_to_text=True, **options)
    assert "text" not in str(caught.value.looked_for)


async def test_an_observer_sees_every_completion_with_its_calls() -> None:
    """Each draw's event has the completion, so the calls of the runners-up are there too."""
    drawn: list[Completion | None] = []

    def observe(event: Event) -> None:
        if isinstance(event, SampleDrawn):
            drawn.append(event.sample.completion)

    async with AsyncMux(Pool.of(ScriptedModel("m", [calling("Paris"), "?"]))) as mux:
        await mux.ask(
            QUESTION,
            kind="tool_call",
            extra={"tools": TOOLS},
            samples=2,
            stopping="none",
            observe=observe,
        )
    assert drawn == [calling("Paris"), Completion(text="?", finish_reason="stop", served_model="m")]
