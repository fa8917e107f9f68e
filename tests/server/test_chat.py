"""The chat route: what a client asks, what the models are asked, what comes back."""

import json
from typing import Any

import pytest

from tests.endpoints import answers, completion, replies, status
from tests.server.asking import asked, endpoints, events, question_body, remote_pool


async def test_the_pool_answers() -> None:
    """The reply is an ordinary completion with the winner's text, all tokens, and our object."""
    async with endpoints(2) as (a, b):
        a.always, b.always = answers("It is \\boxed{42}."), answers("\\boxed{41}")
        async with asked(remote_pool(a.url, b.url, samples=2, stopping="none")) as server:
            code, reply, headers = await server.post(question_body(user="someone"))
    assert code == 200
    (choice,) = reply["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "It is \\boxed{42}.",
        "refusal": None,
    }
    assert choice["finish_reason"] == "stop"
    assert reply["usage"] == {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 60}
    assert (reply["object"], reply["model"]) == ("chat.completion", "mux")
    assert reply["system_fingerprint"].startswith("fp_")
    assert (reply["mux"]["answer"], reply["mux"]["model"]) == ("42", "a")
    assert [vote["counts"][0]["count"] for vote in reply["mux"]["votes"]] == [2, 2]
    assert headers["X-Mux-Answer-Confidence"] == "1.0000"
    assert (headers["X-Mux-Model"], headers["X-Mux-Samples"]) == ("a", "4")
    assert headers["X-Request-Id"]


async def test_what_the_models_are_asked() -> None:
    """Conversation and settings go upstream; each draw has a seed of its own."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=3)) as server:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": [{"type": "text", "text": "How many?"}, image]},
        ]
        await server.ask(
            messages=messages,
            temperature=0.7,
            top_p=0.9,
            max_completion_tokens=50,
            stop=["END"],
            seed=5,
            frequency_penalty=0.5,
            mux={"kind": "number"},
        )
        sent = a.bodies[0]
    assert sent["model"] == "m"
    assert sent["messages"][:3] == messages[:3]
    assert sent["messages"][3]["content"][:2] == messages[3]["content"]
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"]) == (0.7, 0.9, 50)
    assert (sent["stop"], sent["frequency_penalty"]) == (["END"], 0.5)
    assert len({body["seed"] for body in a.bodies}) == 3
    assert "mux" not in sent


@pytest.mark.parametrize(
    ("asked_for", "samples", "used"), [(0, 3, 0.2), (0, 1, 0), (0.5, 3, 0.5), (None, 3, None)]
)
async def test_a_low_temperature_is_raised_where_draws_would_be_alike(
    asked_for: float | None, samples: int, used: float | None
) -> None:
    """Below the floor it is raised, unless there is one draw only; the reply says what was used."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        reply = await server.ask(temperature=asked_for, mux={"samples": samples})
        assert a.bodies[0].get("temperature") == used
    assert reply["mux"]["asked_temperature"] == asked_for
    assert reply["mux"]["temperature_used"] == used


async def test_a_stream() -> None:
    """The text comes in chunks, the last of them with our object; then usage, then the end."""
    text = "First one thinks for a while about it, in many words, and then says: \\boxed{42}"
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=1)) as server:
        a.always = answers(text)
        lines = await server.stream(stream_options={"include_usage": True})
    assert lines[-1] == "data: [DONE]"
    *chunks, usage = events(lines)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == text
    assert len(chunks) > 3
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-2:] == [None, "stop"]
    assert ["mux" in chunk for chunk in chunks].index(True) == len(chunks) - 1
    assert chunks[-1]["mux"]["answer"] == "42"
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 15


async def test_runners_up() -> None:
    """With `n` the distinct answers of other models follow the winner's, one for each model."""
    async with endpoints(3) as (a, b, c):
        a.always, b.always, c.always = answers("\\boxed{1}"), answers("\\boxed{2}"), answers("2")
        async with asked(remote_pool(a.url, b.url, c.url, samples=2)) as server:
            reply = await server.ask(n=3)
            code, refused, _ = await server.post(question_body(n=4))
    texts = [choice["message"]["content"] for choice in reply["choices"]]
    assert texts == ["\\boxed{1}", "\\boxed{2}"]
    assert [choice["index"] for choice in reply["choices"]] == [0, 1]
    assert (code, refused["error"]["param"]) == (400, "n")


async def test_calls_of_tools() -> None:
    """Calls are compared by function and arguments, and the winning one is returned as a call."""

    def call(arguments: str) -> dict[str, object]:
        function = {"name": "weather", "arguments": arguments}
        return completion(
            None,
            finish_reason="tool_calls",
            tool_calls=[{"id": "call_1", "type": "function", "function": function}],
        )

    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    function = {"name": "weather", "parameters": parameters}
    async with endpoints(2) as (a, b):
        a.then(replies(call('{"city": "Paris", "days": 1}')))
        a.then(replies(call('{"days": 1.0, "city": "Paris"}')))
        b.always = answers("I do not know.")
        async with asked(remote_pool(a.url, b.url, samples=2, stopping="none")) as server:
            reply = await server.ask(
                "How is the weather in Paris?", tools=[{"type": "function", "function": function}]
            )
            assert a.bodies[0]["tools"][0]["function"]["name"] == "weather"
    (choice,) = reply["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (made,) = choice["message"]["tool_calls"]
    assert json.loads(made["function"]["arguments"]) == {"city": "Paris", "days": 1}
    assert (reply["mux"]["kind"], reply["mux"]["confidence"]) == ("tool_call", 1.0)


async def test_json_replies() -> None:
    """With a JSON response format documents are compared by value, and one alone is the content."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=3)) as server:
        a.then(answers('{"a": 1, "b": 2}'))
        a.always = answers('```json\n{"b": 2.0, "a": 1}\n```')
        reply = await server.ask(response_format={"type": "json_object"}, mux={"stopping": "none"})
        assert a.bodies[0]["response_format"] == {"type": "json_object"}
    assert reply["mux"]["confidence"] == 1.0
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"a": 1, "b": 2}


async def test_a_member_by_its_own_name() -> None:
    """A member is asked once, as the client wrote it; nothing is compared and no floor applies."""
    async with endpoints(2) as (a, b):
        b.always = answers("Hello from b")
        async with asked(remote_pool(a.url, b.url)) as server:
            reply = await server.ask("Say hello", model="b", temperature=0)
            lines = await server.stream("Say hello", model="b")
            _, _, headers = await server.post(question_body(model="b"))
            code, refused, _ = await server.post(question_body(model="b", n=2))
        assert (a.requests, b.requests) == (0, 3)
        assert b.bodies[0]["messages"] == [{"role": "user", "content": "Say hello"}]
        assert b.bodies[0]["temperature"] == 0
    assert reply["choices"][0]["message"]["content"] == "Hello from b"
    assert reply["model"] == "b"
    assert "mux" not in reply
    assert (headers["X-Mux-Model"], headers["X-Mux-Samples"]) == ("b", "1")
    assert lines[-1] == "data: [DONE]"
    assert (code, refused["error"]["param"]) == (400, "n")


async def test_two_pools() -> None:
    """The first pool is `mux`; each is also `mux@` its name, and members of one name differ."""
    async with endpoints(2) as (a, b):
        a.always, b.always = answers("\\boxed{1}"), answers("\\boxed{2}")
        pools = {"first": remote_pool(a.url), "second": remote_pool(b.url)}
        async with asked(pools) as server:
            found = [
                (await server.ask(model=name))["choices"][0]["message"]["content"]
                for name in ("mux", "mux@first", "mux@second", "a", "a@second")
            ]
            _, listed, _ = await server.get("/v1/models")
            code, one, _ = await server.get("/v1/models/mux@second")
            missing, error, _ = await server.get("/v1/models/mux@third")
    assert found == ["\\boxed{1}", "\\boxed{1}", "\\boxed{2}", "\\boxed{1}", "\\boxed{2}"]
    names = [model["id"] for model in listed["data"]]
    assert {"mux", "mux@first", "mux@second", "mux+single", "mux:number", "a"} <= set(names)
    assert (code, one["id"]) == (200, "mux@second")
    assert (missing, error["error"]["code"]) == (404, "model_not_found")


async def test_free_text_without_agreement() -> None:
    """Where no two draws agree, the model with the best record answers, with confidence 1/k."""
    async with endpoints(2) as (a, b):
        for place, fake in enumerate((b, a)):
            for draw in range(4):
                fake.then(answers(f"A poem, number {place}{draw}, that nobody else wrote."))
        async with asked(remote_pool(a.url, b.url, samples=4, stopping="none")) as server:
            reply = await server.ask("Write a poem about rain.")
    assert reply["mux"]["kind"] == "text"
    assert (reply["mux"]["model"], reply["mux"]["confidence"]) == ("a", 0.25)


async def test_completions_that_cannot_be_read_as_what_was_guessed() -> None:
    """A chat client gets the texts themselves where `auto` looked for a number and found none."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url, samples=2)) as server:
        a.always = answers("I would rather not say.")
        reply = await server.ask("How many angels are there?")
    assert reply["choices"][0]["message"]["content"] == "I would rather not say."
    assert reply["mux"]["kind"] == "text"


async def test_one_model_of_two_is_down() -> None:
    """The other one answers, and the reply says what happened, without the endpoint's address."""
    async with endpoints(2) as (a, b), asked(remote_pool(a.url, b.url)) as server:
        a.always = status(401, message="wrong key")
        reply = await server.ask()
        url = a.url
    assert reply["mux"]["model"] == "b"
    (issue,) = reply["mux"]["errors"]
    assert (issue["model"], issue["error"]) == ("a", "AuthenticationError")
    assert url not in json.dumps(reply)


async def test_all_models_are_down() -> None:
    """Without any completion the reply is 502 and lists each model's reason, without addresses."""
    async with endpoints(2) as (a, b), asked(remote_pool(a.url, b.url)) as server:
        a.always, b.always = status(401), status(404)
        code, reply, _ = await server.post(question_body())
        urls = a.url, b.url
    assert code == 502
    assert set(reply["error"]["reasons"]) == {"a", "b"}
    assert not any(url in json.dumps(reply) for url in urls)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"", None),
        (b"[1]", None),
        (question_body(tempratur=1), "tempratur"),
        (question_body(n=10**9), "n"),
        (question_body(temperature="hot"), "temperature"),
        (question_body(mux={"samples": 10**6}), "mux.samples"),
        (question_body(functions=[]), "functions"),
        ({"model": "mux", "messages": []}, "messages"),
        (question_body("\x00"), None),
        (b'{"model":"mux","messages":[{"role":"user","content":"\\ud800"}]}', None),
    ],
)
async def test_requests_that_are_refused(body: object, param: str | None) -> None:
    """What cannot be honoured is refused in OpenAI's form with the field, and costs no draw."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        code, reply, _ = await server.post(body)
        if code != 200:  # a NUL is a character that a model may be asked about
            assert a.requests == 0
            assert code == 400
            assert reply["error"]["type"] == "invalid_request_error"
            assert param is None or reply["error"]["param"] == param


async def test_paths_and_methods_that_are_not_served() -> None:
    """They are answered in OpenAI's form, with what is served instead."""
    async with endpoints(1) as (a,), asked(remote_pool(a.url)) as server:
        missing, where, _ = await server.post({}, path="/v1/embeddings")
        wrong, how, headers = await server.get("/v1/chat/completions")
        slash, _, _ = await server.get("/v1/models/")
    assert (missing, where["error"]["code"]) == (404, "unknown_url")
    assert "POST /v1/chat/completions" in where["error"]["message"]
    assert (wrong, how["error"]["code"], headers["Allow"]) == (405, "method_not_allowed", "POST")
    assert slash == 404
