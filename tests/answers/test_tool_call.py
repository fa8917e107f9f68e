"""Calls of tools, compared by what they would do."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers import make_kind
from slm_mux.answers.text import TextKind
from slm_mux.answers.tool_call import CALLS, ToolCallKind
from slm_mux.errors import InvalidRequestError
from slm_mux.types import ToolCall, ToolUse

KIND = ToolCallKind(ToolUse())
TEXT = TextKind()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=3)
CALLED = st.lists(st.tuples(st.sampled_from(["f", "g", "get.weather"]), ARGUMENTS), max_size=3)


def call(name: str, arguments: str, id: str | None = None) -> ToolCall:  # noqa: A002
    """Make a call."""
    return ToolCall(id=id, name=name, arguments=arguments)


def key(*calls: ToolCall) -> str | None:
    """The key of a draw that makes these calls."""
    answer = KIND.read_calls(calls)
    return None if answer is None else answer.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [true, null]}', '{ "b":[true,null],"a":1.0 }'),
        ('{"a": 1e2}', '{"a": 100}'),
        ('{"a": "\\u00e9"}', '{"a": "é"}'),
        ("", " {} "),
    ],
)
def test_arguments_are_compared_by_value(one: str, other: str) -> None:
    """Key order, white space, escapes and the writing of numbers do not matter."""
    assert key(call("f", one)) == key(call("f", other)) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("f", "{}")], [("g", "{}")]),
        ([("f", '{"a": 1}')], [("f", '{"a": 2}')]),
        ([("f", '{"a": 1}')], [("f", '{"a": "1"}')]),
        ([("f", '{"a": [1, 2]}')], [("f", '{"a": [2, 1]}')]),
        ([("f", '{"a": true}')], [("f", '{"a": 1}')]),
        ([("f", "{}")], [("f", "{}"), ("f", "{}")]),
        ([("f", "{}")], [("f", "{}"), ("g", "{}")]),
        ([("f", "{}")], [("F", "{}")]),
    ],
)
def test_other_calls_are_another_class(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    """Another function, another value, and a call more or less are told apart."""
    assert key(*[call(*each) for each in one]) != key(*[call(*each) for each in other])


@given(called=CALLED, seed=st.randoms())
def test_keys_are_equal_exactly_where_the_calls_are(called: list[Any], seed: Any) -> None:
    """The order of parallel calls and their ids do not matter; everything else does."""
    calls = [call(name, json.dumps(given)) for name, given in called]
    shuffled = [call(name, json.dumps(given, indent=1), id="x") for name, given in called]
    seed.shuffle(shuffled)
    assert key(*calls) == key(*shuffled)
    if calls:
        assert key(*calls) != key(*calls, call("f", "{}"))
        assert key(*calls) != key(*calls[1:])


@given(called=CALLED.filter(bool), text=st.text())
def test_a_text_is_never_in_one_class_with_a_call(called: list[Any], text: str) -> None:
    """Not even a text that is written like the key of calls."""
    found = key(*[call(name, json.dumps(given)) for name, given in called])
    assert found is not None
    assert found.startswith(CALLS)
    for written in (text, found, found + text):
        answer = KIND.read(written)
        assert answer is None or not answer.key.startswith(CALLS)


@given(text=st.text(), cut_off=st.booleans())
def test_a_draw_that_calls_nothing_is_a_text(text: str, cut_off: bool) -> None:
    """It is read and compared as by the kind text."""
    assert KIND.read(text, cut_off=cut_off) == TEXT.read(text, cut_off=cut_off)
    assert KIND.canonical(text) == TEXT.canonical(text)


@pytest.mark.parametrize(
    "arguments", ["{", "Paris", '"Paris"', "[1]", "5", "null", '{"a": NaN}', '{"a": 1, "a": 2}']
)
def test_arguments_that_are_no_object_cannot_be_read(arguments: str) -> None:
    """One call with such arguments spoils the draw: half of its calls would be another answer."""
    assert key(call("f", arguments)) is None
    assert key(call("f", "{}"), call("g", arguments)) is None


def test_what_else_cannot_be_read() -> None:
    """No call at all, a call without a name, and one that the token limit may have cut short."""
    assert key() is None
    assert key(call("", "{}")) is None
    assert KIND.read_calls([call("f", "{}")], cut_off=True) is None


def test_what_the_tools_do_not_allow_cannot_be_read() -> None:
    """A function that there is not spoils its draw; where a call is due, a text is no answer."""
    kind = ToolCallKind(ToolUse(functions=frozenset({"f", "g"}), must_call=True))
    assert kind.read_calls([call("f", "{}"), call("g", "{}")]) is not None
    assert kind.read_calls([call("f", "{}"), call("h", "{}")]) is None
    assert kind.read("f()") is None


def test_the_answer_shows_the_calls_as_written() -> None:
    """In the model's order, one on a line."""
    answer = KIND.read_calls([call("g", '{"b":1.0}'), call("f", "")])
    assert answer is not None
    assert answer.text == 'g({"b":1.0})\nf()'
    assert answer.key == 'CALLS [{"arguments":{"b":1},"name":"g"},{"arguments":{},"name":"f"}]'


@given(arguments=st.text())
def test_reading_never_raises(arguments: str) -> None:
    """Any arguments are read or unreadable."""
    answer = KIND.read_calls([call("f", arguments)])
    assert answer is None or answer.text


def test_the_kind_needs_tools() -> None:
    """It is made for questions that are asked with tools; nothing is put into the prompt."""
    with pytest.raises(InvalidRequestError, match="the kind tool_call needs tools"):
        make_kind("tool_call")
    made = make_kind("tool_call", tools=ToolUse())
    assert (made.name, made.instruction(), made.may_block) == ("tool_call", "", False)
    with pytest.raises(InvalidRequestError, match="the kind is 'tool_call', not 'label'"):
        make_kind("tool_call", tools=ToolUse(), labels=["a"])
