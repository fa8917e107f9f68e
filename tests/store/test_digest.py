"""The content address of a series."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import InvalidRequestError
from slm_mux.store import Series
from tests.store.making import series

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SETTINGS = st.dictionaries(st.text(max_size=5), VALUES, max_size=5)


def reordered(value: Any) -> Any:
    """The same value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def test_a_digest_is_what_it_always_was() -> None:
    """The digest of a given series never changes: stored samples are found by it."""
    assert series().digest == "blake2b-128:2b9e3718994fbefa542a98f480fce9e9"


@given(SETTINGS)
def test_the_order_of_keys_means_nothing(settings: dict[str, Any]) -> None:
    """Equal settings and messages have equal digests, whatever the order of their keys."""
    one = series(settings=settings, messages=({"role": "user", "content": "q", "x": settings},))
    other = series(
        settings=reordered(settings),
        messages=({"x": reordered(settings), "content": "q", "role": "user"},),
    )
    assert one.digest == other.digest


@given(SETTINGS, SETTINGS)
def test_different_settings_have_different_digests(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    """Digests are equal if and only if the settings are, with 1 and true apart."""
    same = typed(one) == typed(two)
    assert (series(settings=one).digest == series(settings=two).digest) == same


def typed(value: Any) -> Any:
    """Tell true from 1, which Python thinks equal."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return (isinstance(value, bool), value)


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": "gguf:sha256:00"},
        {"messages": ({"role": "user", "content": "What?"},)},
        {"messages": ({"role": "system", "content": "What is q1?"},)},
        {"settings": {}},
        {"settings": {"temperature": 0.3}},
        {"settings": {"temperature": 0.31, "max_tokens": 64}},
        {"seed": 1},
        {"seed": None},
    ],
)
def test_every_field_counts(changes: dict[str, Any]) -> None:
    """Another identity, message, setting or seed is another series."""
    assert series(**changes).digest != series().digest


def test_the_name_does_not_count() -> None:
    """Two names for one model share what was drawn."""
    identity = "gguf:sha256:00"
    assert (
        series(member="a", identity=identity).digest == series(member="b", identity=identity).digest
    )


@pytest.mark.parametrize(("one", "two"), [(1, 1.0), (0.3, 0.30), (0, -0.0), (10**15, 1e15)])
def test_equal_numbers_are_equal(one: float, two: float) -> None:
    """1 and 1.0 are one temperature."""
    first, second = ({"temperature": value} for value in (one, two))
    assert series(settings=first).digest == series(settings=second).digest


def test_keys_of_yaml_are_texts() -> None:
    """A number as a key is the text that is sent."""
    bias = {"extra": {"logit_bias": {50256: -100}}}
    as_sent = {"extra": {"logit_bias": {"50256": -100}}}
    assert series(settings=bias).digest == series(settings=as_sent).digest


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {None: 1}])
def test_what_is_no_json_is_refused(value: object) -> None:
    """Settings that could not be sent have no digest."""
    with pytest.raises(InvalidRequestError):
        _ = series(settings={"extra": value}).digest


def test_lone_surrogates_have_digests() -> None:
    """A prompt with half a character is a prompt like any other."""
    halves = {
        series(f"{half}").digest for half in ("\ud83d", "\ude00", "\ud83d\ude00", "\U0001f600")
    }
    assert len(halves) == 4


def test_series_are_compared_by_their_fields() -> None:
    """Having computed the digest does not change what a series equals."""
    one, two = series(), series()
    assert one.digest
    assert one == two
    assert isinstance(one, Series)


def test_keys_that_become_one_are_refused() -> None:
    """1 and "1" as keys of one object would be one key: such settings have no digest."""
    one = {"extra": {"logit_bias": {1: 5, "1": 6}}}
    with pytest.raises(InvalidRequestError, match="same number as a text"):
        _ = series(settings=one).digest
