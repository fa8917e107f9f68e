"""One request to an OpenAI-compatible endpoint: what is sent, what comes back, how it is read."""

import subprocess
import sys
from typing import Any

import pytest

from slm_mux.errors import InvalidRequestError, PoolError, RequestRefusedError
from slm_mux.models.base import Generation, Limits, Model, Request
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.openai import OpenAIModel
from slm_mux.types import Completion
from tests.endpoints import (
    answers,
    answers_n,
    completion,
    raw,
    replies,
    serving,
)
from tests.models.asking import HELLO, ask, model_at


async def test_a_reply_becomes_a_completion() -> None:
    """The text, finish reason, token counts and served model of a reply are kept."""
    async with serving() as fake:
        model: Model = model_at(fake)
        fake.then(replies(completion("42", model="qwen2.5:7b-q4")))
        found = await model.complete(ask())
        await model.aclose()
    assert found == [
        Completion(
            text="42",
            finish_reason="stop",
            prompt_tokens=10,
            completion_tokens=5,
            served_model="qwen2.5:7b-q4",
        )
    ]


async def test_what_is_not_set_is_not_sent() -> None:
    """A request without settings holds model, messages and stream alone."""
    async with serving() as fake:
        model = model_at(fake)
        await model.complete(ask())
        await model.aclose()
    assert fake.bodies == [{"model": "qwen2.5:7b", "messages": list(HELLO), "stream": False}]


async def test_everything_that_is_set_is_sent() -> None:
    """Settings, seed, n and extra fields arrive in the body."""
    async with serving() as fake:
        model = model_at(fake, draws_at_once=True)
        fake.always = answers_n("1")
        await model.complete(
            ask(
                n=2,
                seed=7,
                temperature=0.0,
                top_p=0.9,
                max_tokens=16,
                stop=("\n", "END"),
                extra={"min_p": 0.1, "chat_template_kwargs": {"enable_thinking": False}},
            )
        )
        await model.aclose()
    assert fake.bodies == [
        {
            "model": "qwen2.5:7b",
            "messages": list(HELLO),
            "stream": False,
            "temperature": 0.0,
            "top_p": 0.9,
            "max_tokens": 16,
            "stop": ["\n", "END"],
            "seed": 7,
            "n": 2,
            "min_p": 0.1,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    ]


@pytest.mark.parametrize("field", ["model", "messages", "n", "seed", "stream"])
async def test_extra_cannot_change_what_a_draw_is(field: str) -> None:
    """An extra field that is set for each draw is refused by name, and nothing is sent."""
    async with serving() as fake:
        model = model_at(fake)
        with pytest.raises(InvalidRequestError, match=field):
            await model.complete(ask(extra={field: True}))
    assert fake.requests == 0


async def test_the_key_and_headers_are_sent() -> None:
    """The key travels as a bearer token, beside the model's own headers."""
    async with serving(key="sk-secret-1") as fake:
        model = model_at(fake, api_key=" sk-secret-1\n", headers={"X-Org": "acme-corp"})
        assert [c.text for c in await model.complete(ask())] == ["42"]
        await model.aclose()
    assert fake.headers[0]["Authorization"] == "Bearer sk-secret-1"
    assert fake.headers[0]["X-Org"] == "acme-corp"
    assert fake.headers[0]["Content-Type"] == "application/json"


async def test_user_and_password_in_the_url_are_basic_authentication() -> None:
    """A URL with user and password sends them as a header, and shows them nowhere."""
    async with serving() as fake:
        url = fake.url.replace("http://", "http://ann:pa%20ss@")
        model = OpenAIModel("m", url=url, model="m")
        await model.complete(ask())
        await model.aclose()
    assert fake.headers[0]["Authorization"] == "Basic YW5uOnBhIHNz"
    assert "pa" not in repr(model).replace("http", "") + model.endpoint


# What comes back


async def test_an_empty_text_is_a_completion() -> None:
    """A null or empty content is a completion with an empty text."""
    async with serving() as fake:
        model = model_at(fake)
        fake.then(replies(completion(None)))
        fake.then(replies(completion("")))
        found = [await model.complete(ask()) for _ in range(2)]
        await model.aclose()
    assert [[c.text for c in cs] for cs in found] == [[""], [""]]


async def test_a_content_of_parts_is_joined() -> None:
    """Text parts are joined; parts of reasoning are kept apart."""
    parts: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "six sevens"}]},
        {"type": "text", "text": "4"},
        {"type": "text", "text": "2"},
        {"type": "image_url", "image_url": {}},
    ]
    reply = completion("")
    reply["choices"][0]["message"]["content"] = parts
    async with serving() as fake:
        model = model_at(fake)
        fake.then(replies(reply))
        [found] = await model.complete(ask())
        await model.aclose()
    assert (found.text, found.reasoning) == ("42", "six sevens")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_kept_apart(field: str) -> None:
    """Reasoning that the endpoint returns in a field of its own is not part of the text."""
    async with serving() as fake:
        model = model_at(fake)
        fake.then(replies(completion("42", **{field: "let me see"})))
        [found] = await model.complete(ask())
        await model.aclose()
    assert (found.text, found.reasoning) == ("42", "let me see")


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        "many",
        [],
        {"prompt_tokens": "12", "completion_tokens": None},
        {"prompt_tokens": -1, "completion_tokens": 1.5},
        {"prompt_tokens": True, "completion_tokens": 10**30},
    ],
)
async def test_a_usage_that_cannot_be_is_absent(usage: Any) -> None:
    """Missing or impossible token counts are None, and the text is kept."""
    async with serving() as fake:
        model = model_at(fake)
        fake.then(replies(completion("42", usage=usage)))
        [found] = await model.complete(ask())
        await model.aclose()
    assert (found.text, found.prompt_tokens, found.completion_tokens) == ("42", None, None)


async def test_a_cut_off_completion_says_so() -> None:
    """The finish reason `length` marks a completion as cut off."""
    async with serving() as fake:
        model = model_at(fake)
        fake.then(replies(completion("4", finish_reason="length")))
        [found] = await model.complete(ask(max_tokens=1))
        await model.aclose()
    assert found.cut_off


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"choices": [{"message": {"content": "\xff42"}}]}', "\ufffd42"),
        (b'{"choices": [{"message": {"content": "\\ud83d42"}}]}', "\ufffd42"),
        (b'{"choices": [{"message": {"content": "\\ud83d\\ude00"}}]}', "\U0001f600"),
        (b'\xef\xbb\xbf{"choices": [{"message": {"content": "42"}}]}', "42"),
        (b'{"choices": [{"message": {"content": "42"}, "logprobs": [NaN, -Infinity]}]}', "42"),
    ],
)
async def test_broken_characters_do_not_spoil_a_text(body: bytes, text: str) -> None:
    """Broken UTF-8 and half surrogate pairs become U+FFFD; NaN in other fields is passed over."""
    async with serving() as fake:
        model = model_at(fake)
        fake.then(raw(body, "application/json"))
        [found] = await model.complete(ask())
        await model.aclose()
    assert found.text == text


async def test_the_type_of_the_content_does_not_matter() -> None:
    """JSON is read as JSON whatever content type it comes under."""
    async with serving() as fake:
        model = model_at(fake)
        fake.then(raw(b'{"choices": [{"message": {"content": "42"}}]}', "text/plain"))
        assert [c.text for c in await model.complete(ask())] == ["42"]
        await model.aclose()


# Several draws in one request


async def test_n_draws_share_their_cost() -> None:
    """The prompt is booked once and completion tokens are shared out, so that sums are right."""
    usage = {"prompt_tokens": 10, "completion_tokens": 11}
    async with serving() as fake:
        model = model_at(fake, draws_at_once=True)
        fake.then(replies(completion("a", "b", "c", usage=usage)))
        found = await model.complete(ask(n=3))
        await model.aclose()
    assert [c.text for c in found] == ["a", "b", "c"]
    assert [c.prompt_tokens for c in found] == [10, 0, 0]
    assert [c.completion_tokens for c in found] == [4, 4, 3]


@pytest.mark.parametrize(("given", "kept"), [(["a"], ["a"]), (list("abcde"), list("abc"))])
async def test_the_choices_are_counted(given: list[str], kept: list[str]) -> None:
    """Fewer choices than n are returned as they are; more are cut to n."""
    async with serving() as fake:
        model = model_at(fake, draws_at_once=True)
        fake.then(answers(*given))
        assert [c.text for c in await model.complete(ask(n=3))] == kept
        await model.aclose()


@pytest.mark.parametrize("n", [0, 2])
async def test_n_is_opt_in(n: int) -> None:
    """A model without draws_at_once refuses n > 1, and any model n < 1."""
    model = OpenAIModel("m", url="http://127.0.0.1:1/v1", model="m")
    with pytest.raises(InvalidRequestError, match=f"n is {n}"):
        await model.complete(ask(n=n))


async def test_a_choice_that_is_an_error_is_left_out() -> None:
    """Of several choices, those that carry an error of their own are not completions."""
    reply = completion("a", "", "c")
    reply["choices"][1] = {
        "error": {"code": 502, "message": "upstream"},
        "message": {"content": ""},
    }
    async with serving() as fake:
        model = model_at(fake, draws_at_once=True)
        fake.then(replies(reply))
        assert [c.text for c in await model.complete(ask(n=3))] == ["a", "c"]
        await model.aclose()


# Texts that cannot be sent


async def test_half_a_surrogate_pair_is_refused() -> None:
    """A text that UTF-8 cannot carry is refused before anything is sent."""
    async with serving() as fake:
        model = model_at(fake)
        request = Request(
            messages=({"role": "user", "content": "smile \ud83d"},), generation=Generation()
        )
        with pytest.raises(RequestRefusedError, match="surrogate pair at character 6"):
            await model.complete(request)
    assert fake.requests == 0


async def test_what_is_not_json_is_refused() -> None:
    """An extra field that JSON cannot hold is refused before anything is sent."""
    model = OpenAIModel("m", url="http://127.0.0.1:1/v1", model="m")
    with pytest.raises(RequestRefusedError, match="cannot be written as JSON"):
        await model.complete(ask(extra={"x": object()}))


# What a model is made of


def test_a_model_says_what_it_is() -> None:
    """Name, limits and draws_at_once are as given; equal URL and key make an equal endpoint."""
    one = OpenAIModel("a", url="http://h:1/v1/", model="x", limits=Limits(max_in_flight=2))
    other = OpenAIModel("b", url="http://h:1/v1/chat/completions", model="y", draws_at_once=True)
    assert (one.name, one.model, one.limits.max_in_flight) == ("a", "x", 2)
    assert (one.draws_at_once, other.draws_at_once) == (False, True)
    assert one.endpoint == other.endpoint == "http://h:1/v1"
    assert repr(one) == "OpenAIModel('a', model='x', url='http://h:1/v1')"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "http://h/v1", "model": ""}, "model is empty"),
        ({"model": "m"}, "there is no url"),
        ({"url": "http://h/v1", "model": "m", "timeout": 0.0}, "timeout is 0.0"),
        ({"url": "http://h/v1", "model": "m", "timeout": float("nan")}, "timeout is nan"),
        ({"url": "http://h/v1", "model": "m", "connect_timeout": -1.0}, "connect_timeout is -1.0"),
        ({"endpoint": Endpoint("http://h/v1"), "api_key": "sk-1", "model": "m"}, "of its own"),
        ({"endpoint": Endpoint("http://h/v1"), "url": "http://i/v1", "model": "m"}, "of its own"),
    ],
)
def test_a_model_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    """Options that cannot be used are refused when the model is made, with the model's name."""
    with pytest.raises(PoolError, match=f"^qwen: .*{message}"):
        OpenAIModel("qwen", **options)


def test_the_protocol_needs_no_network_library() -> None:
    """Importing slm_mux.models.base and the scripted model does not import aiohttp."""
    code = (
        "import sys, slm_mux.models.base, slm_mux.models.scripted\n"
        "sys.exit('aiohttp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
