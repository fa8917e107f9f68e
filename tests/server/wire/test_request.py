"""A chat request is honoured, passed on or refused, field by field."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slm_mux.server.wire.caps import Caps, check_draws
from slm_mux.server.wire.errors import RefusedError
from slm_mux.server.wire.fields import fields_of
from slm_mux.server.wire.names import ModelName
from slm_mux.server.wire.request import ChatAsk, parse_chat, settled
from tests.server.wire.asking import TOOL, USER, body, parsed, refusal

POOL = ModelName(pool="home")
MEMBER = ModelName(pool="home", member="phi")


def test_what_is_not_asked_for_is_left_to_the_pool() -> None:
    """A request of model and messages sets nothing else."""
    assert parsed() == ChatAsk(model="mux", conversation=(USER,))


def test_null_is_the_same_as_absent() -> None:
    """Every field but model and messages may be null."""
    names = [field.name for field in fields_of(Caps()) if field.name not in ("model", "messages")]
    assert parsed(**dict.fromkeys(names)) == parsed()


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"temperature": 0}, {"temperature": 0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"max_tokens": 10}, {"max_tokens": 10}),
        ({"max_completion_tokens": 10}, {"max_tokens": 10}),
        ({"max_completion_tokens": 10, "max_tokens": 10.0}, {"max_tokens": 10}),
        ({"stop": "END"}, {"stop": ("END",)}),
        ({"stop": ["a", "b"]}, {"stop": ("a", "b")}),
        ({"stop": []}, {"stop": None}),
        ({"seed": -1}, {"seed": -1}),
        ({"n": 2}, {"n": 2}),
        ({"stream": True}, {"stream": True}),
        (
            {"stream": True, "stream_options": {"include_usage": True}},
            {"stream": True, "include_usage": True},
        ),
        ({"user": "u"}, {"user": "u", "extra": {"user": "u"}}),
        ({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
        ({"service_tier": "auto"}, {"service_tier": "default"}),
        ({"store": False, "modalities": ["text"]}, {}),
        (
            {"logprobs": True, "top_logprobs": 2},
            {"logprobs": True, "extra": {"logprobs": True, "top_logprobs": 2}},
        ),
        ({"frequency_penalty": -1, "top_k": 40}, {"extra": {"frequency_penalty": -1, "top_k": 40}}),
        ({"logit_bias": {"50256": -100}}, {"extra": {"logit_bias": {"50256": -100}}}),
        ({"reasoning_effort": "low"}, {"extra": {"reasoning_effort": "low"}}),
        ({"response_format": {"type": "text"}}, {}),
        (
            {"response_format": {"type": "json_object"}},
            {
                "kind": "json",
                "json_reply": True,
                "extra": {"response_format": {"type": "json_object"}},
            },
        ),
        ({"tools": []}, {}),
        ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, {}),
        (
            {"tools": [TOOL], "tool_choice": "required"},
            {
                "tools": True,
                "kind": "tool_call",
                "extra": {"tools": [TOOL], "tool_choice": "required"},
            },
        ),
        (
            {"tools": [TOOL], "tool_choice": "none", "mux": {"kind": "number"}},
            {
                "kind": "number",
                "extra": {"tools": [TOOL], "tool_choice": "none"},
                "options": ("kind",),
            },
        ),
    ],
)
def test_a_field_is_honoured(fields: dict[str, Any], read: dict[str, Any]) -> None:
    """What it says is in the request that is asked; `extra` goes to every endpoint."""
    assert parsed(**fields) == ChatAsk(**({"model": "mux", "conversation": (USER,)} | read))


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"temperature": 2.5}, "temperature", "must be at most 2"),
        ({"temperature": "0"}, "temperature", "must be a number or null"),
        ({"temperature": True}, "temperature", "is true, but must be a number"),
        ({"top_p": 0}, "top_p", "must be more than 0"),
        ({"max_tokens": 0}, "max_tokens", "must be at least 1"),
        ({"max_tokens": 10**9}, "max_tokens", "must be at most 32,768"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens", "give one of them"),
        ({"stop": ""}, "stop", "is empty"),
        ({"stop": ["a"] * 17}, "stop", "at most 16"),
        ({"stop": [1]}, "stop[0]", "must be a text"),
        ({"n": 0}, "n", "must be at least 1"),
        ({"n": 10**9}, "n", "must be at most 16"),
        ({"n": 10**4000}, "n", "a number of 4001 digits"),
        ({"n": 1.5}, "n", "must be a whole number"),
        ({"seed": 2**63}, "seed", "must be at most"),
        ({"stream": "yes"}, "stream", "must be true or false"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "`stream`: true only"),
        (
            {"stream": True, "stream_options": {"include_obfuscation": True}},
            "stream_options.include_obfuscation",
            "chunks are not padded",
        ),
        ({"top_logprobs": 3}, "top_logprobs", "goes with `logprobs`"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "at most 20"),
        ({"logit_bias": {"1": 101}}, "logit_bias.1", "must be at most 100"),
        ({"metadata": {"a": 1}}, "metadata.a", "must be a text"),
        ({"store": True}, "store", "completions are not stored"),
        ({"service_tier": "flex"}, "service_tier", "there is one tier"),
        ({"modalities": ["text", "audio"]}, "modalities", "answers are texts"),
        ({"audio": {"voice": "alloy"}}, "audio", "answers are texts"),
        ({"prediction": {"type": "content"}}, "prediction", "write every answer anew"),
        ({"web_search_options": {}}, "web_search_options", "no model here searches the web"),
        ({"functions": []}, "functions", "use `tools`"),
        ({"function_call": "auto"}, "function_call", "use `tool_choice`"),
        ({"temprature": 0}, "temprature", "did you mean 'temperature'?"),
        ({"base_url": "http://evil"}, "base_url", "there is no field `base_url`"),
        ({"mux": {"url": "http://evil"}}, "mux.url", "there is no field `url` in `mux`"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "must be one of text"),
        ({"response_format": {"type": "grammar"}}, "response_format.type", "use json_schema"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "`json_schema` is missing",
        ),
        ({"tool_choice": "required"}, "tools", "there are no `tools`"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0].type", "could be compared"),
        ({"tools": [TOOL, TOOL]}, "tools", "two functions are named 'weather'"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "is missing"),
        (
            {
                "tools": [TOOL],
                "tool_choice": {"type": "function", "function": {"name": "time"}},
            },
            "tool_choice.function.name",
            "no function 'time'",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.type", "few"),
        ({"tools": [TOOL], "mux": {"kind": "number"}}, "mux.kind", "does not go with `tools`"),
        (
            {"response_format": {"type": "json_object"}, "mux": {"kind": "number"}},
            "mux.kind",
            "whose kind is json",
        ),
        (
            {"response_format": {"type": "json_object"}, "mux": {"labels": ["a", "b"]}},
            "mux.labels",
            "whose kind is json",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    fields: dict[str, Any], param: str, words: str
) -> None:
    """The error is a 400 with the field and the reason."""
    reply = refusal(**fields)
    assert (reply.status, reply.type, reply.param) == (400, "invalid_request_error", param)
    assert words in reply.message


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"{", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"model": NaN}', "not JSON"),
        (b'{"model": "\xff"}', "not JSON"),
        (b'{"model": "\\ud800"}', "half of a surrogate pair"),
        (b'{"model": "\\uDC00 and \\ud83d\\ude00"}', "half of a surrogate pair"),
        (b'{"model": "\\ud83d\\ude00",}', "trailing comma"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"n": 1e400}', "not JSON"),
        (b'{"n": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"messages": []}', "`model` is missing"),
        (b'{"model": "mux"}', "`messages` is missing"),
        (b'{"model": "", "messages": []}', "`model` is empty"),
    ],
)
def test_a_body_that_is_no_request_is_refused(raw: bytes, words: str) -> None:
    """Whatever comes is answered with a 400."""
    with pytest.raises(RefusedError) as caught:
        parse_chat(raw, [], Caps())
    assert caught.value.reply.status == 400
    assert words in caught.value.reply.message


def test_a_body_over_the_limit_is_refused_as_such() -> None:
    """A body of one byte too many is a 413."""
    raw = json.dumps(body()).encode()
    parse_chat(raw, [], Caps(max_body=len(raw)))
    with pytest.raises(RefusedError) as caught:
        parse_chat(raw, [], Caps(max_body=len(raw) - 1))
    assert caught.value.reply.status == 413


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([field.name for field in fields_of(Caps())]) | st.text(max_size=4),
        JSON,
        max_size=5,
    )
)
def test_any_json_is_a_request_or_is_refused(fields: dict[str, Any]) -> None:
    """Nothing but RefusedError ends the reading of a body, whatever is in its fields."""
    status = 200
    try:
        parse_chat(json.dumps(body() | fields).encode(), [], Caps())
    except RefusedError as error:
        status = error.reply.status
    assert status in (200, 400)


def test_the_kind_of_the_name_is_used() -> None:
    """`mux:number` asks for a number; without it the pool decides by the question."""
    assert settled(parsed(), POOL, members=2).kind == "auto"
    name = ModelName(pool="home", kind="number")
    assert settled(parsed(), name, members=2).kind == "number"
    assert settled(parsed(mux={"kind": "number"}), name, members=2).kind == "number"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mux": {"kind": "text"}}, "and `mux.kind` for text"),
        ({"tools": [TOOL]}, "and `tools` for tool_call"),
        ({"response_format": {"type": "json_object"}}, "and `response_format` for json"),
    ],
)
def test_two_kinds_are_refused(fields: dict[str, Any], words: str) -> None:
    """A name's kind and a request's must be one."""
    with pytest.raises(RefusedError, match="asks for the kind number") as caught:
        settled(parsed(**fields), ModelName(pool="home", kind="number"), members=2)
    assert words in caught.value.reply.message


def test_runners_up_need_models_and_their_draws() -> None:
    """`n` is at most the number of models, and draws all of them unless `stopping` is given."""
    assert settled(parsed(n=2), POOL, members=2).stopping == "none"
    assert settled(parsed(n=2, mux={"stopping": "eager"}), POOL, members=2).stopping == "eager"
    assert settled(parsed(), POOL, members=2).stopping is None
    with pytest.raises(RefusedError, match="asks 2 models"):
        settled(parsed(n=3), POOL, members=2)


def test_token_numbers_belong_to_one_model() -> None:
    """`logit_bias` is refused for a pool of several models, and passed on to one."""
    ask = parsed(logit_bias={"1": 5})
    with pytest.raises(RefusedError, match="number theirs differently"):
        settled(ask, POOL, members=2)
    assert settled(ask, MEMBER).extra == {"logit_bias": {"1": 5}}


def test_a_member_is_asked_once() -> None:
    """`n` needs an endpoint that draws several at once, and our options need a pool."""
    with pytest.raises(RefusedError, match="draws one answer per request"):
        settled(parsed(n=2), MEMBER)
    assert settled(parsed(n=2), MEMBER, draws_at_once=True).n == 2
    with pytest.raises(RefusedError, match="`mux.samples` goes with a pool"):
        settled(parsed(mux={"samples": 3}), MEMBER)


def test_the_fan_out_is_capped() -> None:
    """More draws than the server allows are refused, not cut down."""
    check_draws(10, Caps(max_draws=10))
    with pytest.raises(RefusedError, match="at most 10"):
        check_draws(11, Caps(max_draws=10))
