"""Methods in which models read each other, over the API."""

import asyncio
import json
from typing import Any

import pytest

from slm_mux.models.pool import Member, Pool
from slm_mux.models.scripted import ScriptedModel
from slm_mux.server.served_methods import methods_of
from slm_mux.server.wire.caps import Caps
from tests.endpoints import answers, completion, never_answers, replies, waits_for
from tests.server.asking import asked, endpoints, events, question_body, remote_pool

FULL = (
    "mixture_of_agents",
    "debate",
    "multi_agent_verification",
    "universal_self_consistency",
)
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def boxed(answer: str) -> Any:
    return answers(f"I say \\boxed{{{answer}}}.")


def scripted(*answers_: str, **options: Any) -> Pool:
    """A pool of models a, b and so on, each of which always says the same."""
    models = [
        ScriptedModel(name, [f"\\boxed{{{answer}}}"])
        for name, answer in zip("abcdef", answers_, strict=False)
    ]
    return Pool([Member(model=model) for model in models], **options)


async def test_every_method_answers_and_is_listed() -> None:
    """Under its full name and its short one; the reply is an ordinary one with a discussion."""
    async with asked(scripted("4", "4", "5")) as server:
        _, listed, _ = await server.get("/v1/models")
        names = {model["id"] for model in listed["data"]}
        for method in (*FULL, "moa", "mav", "usc"):
            assert {f"mux+{method}", f"mux@pool+{method}"} & names == {f"mux+{method}"}
            reply = await server.ask(model=f"mux+{method}")
            assert reply["choices"][0]["message"]["content"] == "\\boxed{4}"
            mux = reply["mux"]
            assert mux["answer"] == "4"
            assert mux["method"] in FULL
            assert len(mux["discussion"]["turns"]) == mux["usage"]["samples"]
            assert mux["discussion"]["decided_by"]
        by_kind = await server.ask(model="mux@pool+debate:number")
    assert by_kind["mux"]["kind_reason"] is None


async def test_the_detail_says_how_much_of_a_discussion_is_written() -> None:
    """A summary leaves out the turns, votes their texts; draws has both, in one order."""
    async with asked(scripted("4", "5")) as server:
        found = {
            detail: (await server.ask(model="mux+debate", mux={"detail": detail}))["mux"]
            for detail in ("summary", "votes", "draws")
        }
    assert set(found["summary"]["discussion"]) == {"settings", "decided_by", "breaches"}
    assert all("text" not in turn for turn in found["votes"]["discussion"]["turns"])
    turns = found["draws"]["discussion"]["turns"]
    assert [turn["text"] for turn in turns] == [draw["text"] for draw in found["draws"]["draws"]]
    assert [turn["model"] for turn in turns] == ["a", "b", "a", "b"]
    assert [(v["model"], v["k"]) for v in found["votes"]["votes"]] == [("a", 1), ("b", 1)]
    assert [other["answer"] for other in found["votes"]["runners_up"]] == ["5"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"mux": {"samples": 2}}, "mux.samples"),
        ({"mux": {"stopping": "eager"}}, "mux.stopping"),
        ({"n": 2}, "n"),
        ({"tools": TOOLS}, "tools"),
    ],
)
async def test_what_does_not_fit_is_refused(fields: dict[str, Any], param: str) -> None:
    """With the field and a reason; nothing is asked of the models."""
    pool = scripted("4", "5")
    async with asked(pool) as server:
        body = {"model": "mux+moa", "messages": [{"role": "user", "content": "?"}]}
        status, document, _ = await server.post(body | fields)
    assert (status, document["error"]["param"]) == (400, param)
    assert "does not go with mux@pool+mixture_of_agents" in document["error"]["message"]
    assert not any(m.model.requests for m in pool if isinstance(m.model, ScriptedModel))


async def test_a_json_reply_is_discussed() -> None:
    """The content is the document alone."""
    models = [ScriptedModel(name, ['Here: ```json\n{"a": 1}\n```']) for name in "ab"]
    async with asked(Pool.of(*models)) as server:
        reply = await server.ask(model="mux+debate", response_format={"type": "json_object"})
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"a": 1}
    assert (reply["mux"]["kind"], reply["mux"]["confidence"]) == ("json", 1.0)


async def test_a_temperature_of_zero_stays() -> None:
    """In a discussion no prompt is asked twice, so there is nothing for it to hide."""
    async with asked(scripted("4", "5")) as server:
        reply = await server.ask(model="mux+debate", temperature=0)
    assert reply["mux"]["temperature_used"] == 0


async def test_heartbeats_while_models_discuss() -> None:
    """A stream lives while a round is waited for, and ends with the answer and its discussion."""
    last = asyncio.Event()
    async with endpoints(2) as fakes:
        for fake in fakes:
            fake.then(boxed("4"))
            fake.always = waits_for(last, boxed("4"))
        async with asked(remote_pool(*(f.url for f in fakes)), heartbeat_seconds=0.01) as server:
            body = question_body(model="mux+debate", stream=True)
            url = f"{server.url}/v1/chat/completions"
            async with server.client.post(url, json=body) as reply:
                assert await reply.content.readline() == b": drawing\n"
                last.set()
                lines = (await reply.read()).decode().splitlines()
    assert lines[-2] == "data: [DONE]"
    assert events(lines)[-1]["mux"]["discussion"]["turns"][-1]["step"] == "round 2"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_discussion(stream: bool) -> None:
    """Every request that is out is closed, and no further round is begun."""
    async with endpoints(2) as fakes:
        fakes[0].always = boxed("4")
        fakes[1].always = never_answers()
        async with asked(remote_pool(*(fake.url for fake in fakes))) as server:
            task = asyncio.create_task(server.ask(model="mux+debate", stream=stream))
            await fakes[1].crowded(1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await server.quiet(fakes)
        assert fakes[0].requests == 1


async def test_metrics_by_method() -> None:
    """Decisions, breaches and every turn are counted."""
    pool = scripted("4", "4")
    pool = Pool([*pool.members, Member(model=ScriptedModel("mute", [""]))])
    async with asked(pool) as server:
        await server.ask(model="mux+debate")
        lines = await server.metrics()
    assert any(
        line.startswith("slm_mux_decisions_total") and 'method="debate"' in line for line in lines
    )
    breaches = [line for line in lines if line.startswith("slm_mux_breaches_total")]
    assert breaches == ['slm_mux_breaches_total{breach="silent",method="debate",pool="pool"} 2.0']
    draws = [line for line in lines if line.startswith("slm_mux_draws_total") and "} 2.0" in line]
    assert len(draws) == 3


async def test_each_pool_has_its_own_settings() -> None:
    """What a pool file has below `methods` holds for that pool."""
    pools = {
        "long": scripted("4", "5", methods={"debate": {"rounds": 3}}),
        "short": scripted("4", "5", methods={"debate": {"rounds": 1}}),
    }
    async with asked(pools) as server:
        rounds = {}
        for name in pools:
            reply = await server.ask(model=f"mux@{name}+debate")
            rounds[name] = reply["mux"]["discussion"]["settings"]["rounds"]
            assert len(reply["mux"]["discussion"]["turns"]) == 2 * rounds[name]
    assert rounds == {"long": 3, "short": 1}


def test_what_takes_too_many_draws_is_not_served() -> None:
    """A method whose settings ask for more draws than a request may have is left out, and why."""
    methods = methods_of(scripted(*"444444"), Caps(max_draws=50))
    assert set(methods.refused) == {"multi_agent_verification"}
    assert "takes up to 114 draws" in methods.refused["multi_agent_verification"]
    assert "multi_agent_verification" not in methods.names


async def test_what_the_pool_cannot_do_is_not_served(caplog: pytest.LogCaptureFixture) -> None:
    """Its name is not listed, who asks for it hears why, and the log has it."""
    pool = scripted("4", methods={"moa": {"aggregator": "z"}})
    caplog.set_level("WARNING")
    async with asked(pool) as server:
        _, listed, _ = await server.get("/v1/models")
        body = {"model": "mux+moa", "messages": [{"role": "user", "content": "?"}]}
        status, document, _ = await server.post(body)
    names = {model["id"] for model in listed["data"]}
    assert not {"mux+moa", "mux+mixture_of_agents"} & names
    assert "mux+debate" in names
    assert status == 404
    assert "is not served" in document["error"]["message"]
    assert "method_not_served" in caplog.text


async def test_a_text_that_was_cut_off_is_still_a_text() -> None:
    """Who asks for text by name gets what there is, with the reason why it ended."""
    async with endpoints(1) as (fake,):
        fake.always = replies(completion("Once upon a", finish_reason="length"))
        async with asked(remote_pool(fake.url)) as server:
            for fields in ({"model": "mux:text"}, {"mux": {"kind": "text"}}):
                reply = await server.ask("Tell me a story.", **fields)
                (choice,) = reply["choices"]
                assert choice["message"]["content"] == "Once upon a"
                assert choice["finish_reason"] == "length"
                assert "cut off or not" in reply["mux"]["kind_reason"]
            status, _, _ = await server.post(
                {"model": "mux:number", "messages": [{"role": "user", "content": "?"}]}
            )
    assert status == 422
