"""From a request's body to its reply, over a pool of scripted models."""

import json
from typing import Any

from slm_mux import AsyncMux, Pool
from slm_mux.models.base import Request
from slm_mux.models.scripted import ScriptedModel
from slm_mux.sampling.events import Event, SampleDrawn
from slm_mux.server.wire.forms import FORMS
from slm_mux.server.wire.names import names_of
from slm_mux.server.wire.picks import picks
from slm_mux.server.wire.reply import Head, completion, mux_object
from slm_mux.server.wire.request import settled
from slm_mux.server.wire.schema import check
from slm_mux.types import Completion, Sample, ToolCall
from tests.server.wire.asking import TOOL, parsed

HEAD = Head(id="chatcmpl-1f", created=7, model="mux")


async def replied(*models: ScriptedModel, **fields: Any) -> dict[str, Any]:
    """Ask as a server does, and check the reply's form."""
    ask = parsed(**fields)
    name = names_of({"home": [model.name for model in models]}).resolve(ask.model)
    ask = settled(ask, name, members=len(models))
    samples: list[Sample] = []

    def observe(event: Event) -> None:
        if isinstance(event, SampleDrawn):
            samples.append(event.sample)

    async with AsyncMux(Pool.of(*models)) as mux:
        decision = await mux.ask(
            ask.conversation,
            kind=ask.kind or "auto",
            choices=ask.choices,
            labels=ask.labels,
            samples=ask.samples,
            temperature=ask.temperature,
            top_p=ask.top_p,
            max_tokens=ask.max_tokens,
            stop=ask.stop,
            extra=ask.extra,
            stopping=ask.stopping,
            seed=ask.seed,
            fall_back_to_text=True,
            observe=observe,
        )
    picked = picks(decision, samples, n=ask.n)
    reply = completion(
        HEAD,
        ask,
        picked,
        usage=decision.usage,
        mux=mux_object(
            decision,
            ask,
            name,
            temperature_used=ask.temperature,
            picked=picked,
            samples=samples,
        ),
    )
    check(json.loads(json.dumps(reply)), FORMS["ChatCompletion"])
    return reply


def caller(name: str, *arguments: str) -> ScriptedModel:
    """A model that calls the tool with these arguments in turn."""
    return ScriptedModel(
        name,
        [
            Completion(
                text="", tool_calls=(ToolCall(id=f"{name}{n}", name="weather", arguments=a),)
            )
            for n, a in enumerate(arguments)
        ],
    )


async def test_the_most_consistent_call_is_returned() -> None:
    """Arguments that differ in spaces only are one call; a model that wavers loses."""
    sure = caller("sure", '{"city":"Graz"}', '{ "city": "Graz" }', '{"city": "Graz"}')
    unsure = caller("unsure", '{"city":"Linz"}', '{"city":"Wien"}', '{"city":"Wels"}')
    reply = await replied(unsure, sure, tools=[TOOL], mux={"stopping": "none"})
    choice = reply["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {
        "city": "Graz"
    }
    assert (reply["mux"]["model"], reply["mux"]["confidence"]) == ("sure", 1.0)


async def test_a_fenced_document_comes_without_its_fence() -> None:
    """Documents are compared by value, and the content can be parsed."""
    one = ScriptedModel("one", ['```json\n{"a": 1, "b": 2}\n```', '{"b": 2.0, "a": 1}'])
    two = ScriptedModel("two", ['{"a": 3}', "no", '{"a": 4}'])
    reply = await replied(one, two, response_format={"type": "json_object"}, model="mux:json")
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"a": 1, "b": 2}
    assert reply["mux"]["kind"] == "json"


async def test_a_chat_without_an_answer_to_compare_is_still_answered() -> None:
    """Where no number can be read, the texts are compared, and the reply is one of them."""
    shy = ScriptedModel("shy", ["I would rather not say."])
    reply = await replied(shy, mux={"stopping": "none"})
    assert reply["choices"][0]["message"]["content"] == "I would rather not say."
    assert reply["mux"]["kind"] == "text"
    assert "a number was looked for" in reply["mux"]["kind_reason"]


async def test_runners_up_are_the_other_models_answers() -> None:
    """With n, every model's draws are made and its own answer is a choice."""
    models = [
        ScriptedModel("a", ["7"]),
        ScriptedModel("b", ["8", "8", "1"]),
        ScriptedModel("c", ["7", "7", "2"]),
    ]
    reply = await replied(*models, n=3, mux={"kind": "number", "detail": "draws"})
    assert [choice["message"]["content"] for choice in reply["choices"]] == ["7", "8"]
    assert len(reply["mux"]["draws"]) == 9
    assert "3 choices were asked for" in reply["mux"]["warnings"][0]


async def test_every_setting_reaches_the_models() -> None:
    """Sampling settings, further fields and the conversation are in every draw's request."""
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "102"

    await replied(
        ScriptedModel("m", answer),
        temperature=0.5,
        top_p=0.9,
        max_completion_tokens=50,
        stop=["END"],
        user="u",
        top_k=40,
        mux={"kind": "number", "samples": 2, "stopping": "none"},
    )
    assert len(seen) == 2
    for request in seen:
        generation = request.generation
        assert (generation.temperature, generation.top_p) == (0.5, 0.9)
        assert (generation.max_tokens, generation.stop) == (50, ("END",))
        assert generation.extra == {"user": "u", "top_k": 40}
    assert seen[0].seed != seen[1].seed
