"""Values of programs: canonical form, text, and the encoding between two processes."""

import math
from collections import Counter, OrderedDict, defaultdict, namedtuple
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.sandbox.inside.values import (
    LONGEST,
    Opaque,
    TooLargeError,
    as_text,
    canonical,
    decode,
    encode,
)
from slm_mux.sandbox.replies import read_calls

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(alphabet=st.characters()),
    st.binary(),
    st.complex_numbers(allow_nan=False),
)
HASHABLE = st.recursive(
    ATOMS,
    lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner, max_size=3)),
    max_leaves=6,
)
VALUES = st.recursive(
    st.one_of(ATOMS, st.sets(HASHABLE, max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(HASHABLE, inner, max_size=3), st.tuples(inner)
    ),
    max_leaves=12,
)
Point = namedtuple("Point", "x y")


@given(value=VALUES)
def test_plain_values_arrive_as_they_left(value: Any) -> None:
    """Decoding gives an equal value of the same type."""
    there = decode(encode(value))
    assert (there, type(there)) == (value, type(value))


@given(data=st.binary())
def test_decoding_anything_is_safe(data: bytes) -> None:
    """Bytes that are no encoding raise one of three errors and do nothing else."""
    try:
        decode(data)
    except (ValueError, TypeError, OverflowError):
        return


@given(value=VALUES)
def test_values_that_python_calls_equal_have_one_form(value: Any) -> None:
    """A value and what arrives of it elsewhere are the same behaviour."""
    assert canonical(decode(encode(value))) == canonical(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (0.1 + 0.2, 0.3),
        (1e22, 10**22),
        (math.nan, -math.nan),
        ({1, 2, 3}, {3.0, 2, 1}),
        ({1, 2}, frozenset({2, 1})),
        ({"a": 1, "b": 2}, OrderedDict(b=2, a=1)),
        (Counter("aab"), {"a": 2, "b": 1}),
        (defaultdict(int, a=1), {"a": 1}),
        ([1, [2]], [1.0, [2.0000000000001]]),
        (b"x", bytearray(b"x")),
        (map(str, [1]), map(str, [1])),
    ],
)
def test_equal_up_to_rounding_is_one_form(one: Any, other: Any) -> None:
    """What tests would accept in place of each other has one canonical form."""
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (10**20, 10**20 + 1),
        (1.00000001, 1.0),
        ("1", 1),
        ([1, 2], (1, 2)),
        ([1, 2], [2, 1]),
        ("", None),
        ("ab", ["a", "b"]),
        (["a,b"], ["a", "b"]),
        ({}, set()),
        ([[]], [[], []]),
        (b"a", "a"),
        (list(range(9999)), list(range(9998))),
        (Fraction(1, 3), Fraction(2, 3)),
    ],
)
def test_different_values_have_different_forms(one: Any, other: Any) -> None:
    """What tests would tell apart has different canonical forms."""
    assert canonical(one) != canonical(other)


def test_long_values_are_hashed() -> None:
    """A canonical form has a bounded length."""
    assert len(canonical("x" * 1_000_000)) < LONGEST


def test_endless_values_are_refused() -> None:
    """A generator without end, or a value within itself, does not stall."""

    def endless() -> Iterator[int]:
        while True:
            yield 1

    loop: list[Any] = []
    loop.append(loop)
    assert "..." in canonical(loop)
    for refuse in (canonical, encode):
        with pytest.raises(TooLargeError):
            refuse(endless())
    with pytest.raises(TooLargeError):
        encode(loop)


def test_objects_are_compared_by_class_and_attributes() -> None:
    """The address in a default repr is no behaviour."""

    class Thing:
        def __init__(self, size: int) -> None:
            self.size = size

    assert canonical(Thing(1)) == canonical(Thing(1)) != canonical(Thing(2))
    assert canonical(object()) == canonical(object())
    assert canonical(lambda: 1) == canonical(lambda: 2)


def test_an_object_that_claims_to_equal_everything_arrives_as_what_it_is() -> None:
    """Subclasses lose their own methods on the way; other objects arrive as nothing usable."""

    class Text(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    class Thing:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    text, thing = decode(encode([Text("a"), Thing()]))
    assert (type(text), text, type(thing), thing == 1) == (str, "a", Opaque, False)
    assert decode(encode(Point(1, 2))) == (1, 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21, "21"),
        (21.0, "21"),
        (20.999999999999996, "21"),
        (0.1 + 0.2, "0.3"),
        (7.5, "7.5"),
        (1e-7, "0.0000001"),
        (123456789.4, "123456789.4"),
        (2.5e300, str(int(2.5e300))),
        (2.0**60, "1152921504606846976"),
        (Fraction(5, 6), "5/6"),
        (True, "True"),
        ("B", "B"),
        (["B"], "B"),
        ((1, 2), "(1, 2)"),
        ({"a": [1]}, '{"a": [1]}'),
        (math.inf, "inf"),
    ],
)
def test_returned_values_become_text(value: Any, text: str) -> None:
    """A result is written as an answer would be."""
    assert as_text(value) == text


@given(data=st.binary(), count=st.integers(0, 3))
def test_reports_are_read_with_distrust(data: bytes, count: int) -> None:
    """Whatever the sandbox writes, there are as many outcomes as calls, or none."""
    calls = read_calls(data, count)
    assert len(calls.calls) in (0, count)
