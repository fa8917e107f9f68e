"""JSON documents compared by value, and free text compared as a whole."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers.json_value import DEEPEST, JsonKind
from slm_mux.answers.text import TextKind

JSON = JsonKind()
TEXT = TextKind()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)  # fmt: skip

READ = [
    ('{"b": 1.0, "a": [1, 2]}', '{"a":[1,2],"b":1}', '{"a":[1,2],"b":1}'),
    ('Here:\n```json\n{"a": 1}\n```\nDone {b}', '{"a":1}', '{"a":1}'),
    ('```\n{"a": 1}\n```\n```json\n{"a": 2}\n```', '{"a":2}', '{"a":2}'),
    ('It is {"a": "}"} as said', '{"a":"}"}', '{"a":"}"}'),
    ('First {"a": 1}, then {"a": 2}', '{"a":2}', '{"a":2}'),
    ('First {"a": 1}, then {"a": 2', '{"a":1}', '{"a":1}'),
    ('See [1 and {"a": 1}', '{"a":1}', '{"a":1}'),
    ('Say "x" {"a": 1}', '{"a":1}', '{"a":1}'),
    ('<think>{"a": 1}</think>', None, None),
    ("12", "12", None),
    ('"x"', '"x"', None),
    ("The value is 12", None, None),
    ('{"a": NaN}', None, None),
    ('{"a": 1, "a": 2}', None, None),
    ("", None, None),
    ("[" * 10**5, None, None),
    ("[" * 10**5 + "]" * 10**5, None, None),
    ('{"a": ' * 10**5, None, None),
]


@pytest.mark.parametrize(("text", "whole", "cut"), READ, ids=range(len(READ)))
def test_the_document_is_found_by_rule(text: str, whole: str | None, cut: str | None) -> None:
    """The whole text, else the last fenced document, else the last one in the text."""
    answers = [JSON.read(text), JSON.read(text, cut_off=True)]
    assert [answer and answer.key for answer in answers] == [whole, cut]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("1.0", "1"), ("-0", "0"), ("1e2", "100"), ("0.10", "0.1"), ("10e-1", "1"),
        ("1e999999999", "1e999999999"), ("12.5e-30", "1.25e-29"), ("1" + "0" * 50, "1e50"),
        ("1e99999999999999999999999", None), ("Infinity", None), ('"\\u00e9"', '"\\u00e9"'),
        ('"é"', '"\\u00e9"'), ('"\\ud800"', '"\\ud800"'), ("True", None), ("{'a': 1}", None),
    ],
)  # fmt: skip
def test_numbers_and_strings_have_one_form(written: str, key: str | None) -> None:
    """Equal values are written equally and exactly, however large."""
    assert JSON.canonical(written) == key


def test_nesting_has_a_limit() -> None:
    """The deepest document allowed is read, one level more is not."""
    deepest = "[" * DEEPEST + "]" * DEEPEST
    assert (JSON.canonical(deepest), JSON.canonical(f"[{deepest}]")) == (deepest, None)


@given(VALUES)
def test_a_json_key_keeps_the_value_and_is_its_own_key(value: Any) -> None:
    """The key parses to the same value, whatever the layout, and reads as itself."""
    keys = {JSON.canonical(json.dumps(value, indent=indent)) for indent in (None, 2)}
    [key] = keys
    assert key is not None
    assert (_exactly(key), JSON.canonical(key)) == (_exactly(json.dumps(value)), key)


def _exactly(document: str) -> Any:
    return json.loads(document, parse_int=Decimal, parse_float=Decimal)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Hello  World", "hello\nworld ", True),
        ("STRASSE", "straße", True),
        ("ﬁne", "FINE", True),
        ("yes", "yes.", False),
        ("A", "a", True),
    ],
)
def test_text_folds_case_width_and_space(one: str, other: str, same: bool) -> None:
    """Texts are the same when only case, width or white space differ."""
    assert (TEXT.canonical(one) == TEXT.canonical(other)) == same


def test_text_is_read_whole_or_not_at_all() -> None:
    """Reasoning is left out; blank and cut-off texts are unreadable."""
    answer = TEXT.read("<think>hm</think> Hello ")
    assert answer is not None
    assert (answer.text, answer.key) == ("Hello", "hello")
    assert (TEXT.read(" \n"), TEXT.read("Hello", cut_off=True)) == (None, None)


@given(st.text(alphabet=st.characters()))
def test_a_text_key_is_its_own_key(text: str) -> None:
    """Folding a folded text changes nothing."""
    key = TEXT.canonical(text)
    assert key is None or TEXT.canonical(key) == key
