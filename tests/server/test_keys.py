"""Keys: how they are written, which are refused, and who holds one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.server.keys import ANYONE, SHORTEST, Keys
from slm_mux.server.settings import SettingsError

sendable = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","))


def test_how_keys_are_written() -> None:
    """Commas and line breaks separate them; a label may stand before each; = may end a key."""
    text = "first-key-here,\n bob=second-key-here \r\nYWJjZGVmZ2hpamts=="
    keys = Keys.parse(text, source="KEYS")
    assert keys.labels == ("key-1", "bob", "key-3")
    assert keys.owner("Bearer first-key-here") == "key-1"
    assert keys.owner("Bearer second-key-here") == "bob"
    assert keys.owner("bearer  YWJjZGVmZ2hpamts== ") == "key-3"
    assert keys.owner("Bearer bob=second-key-here") is None
    assert "second" not in repr(keys)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ,\n",
        "short",
        "a=short-key",
        "with a blank in it",
        "caf\u00e9-caf\u00e9-caf\u00e9",
        "same-key-here,same-key-here",
        "a=same-key-here,b=same-key-here",
        "a=first-key-here,a=second-key-here",
    ],
)
def test_keys_that_are_refused(text: str) -> None:
    """The message names the variable and the key's label, never the key."""
    with pytest.raises(SettingsError, match="KEYS") as caught:
        Keys.parse(text, source="KEYS")
    assert "key-here" not in str(caught.value)


def test_no_keys() -> None:
    """Without a variable everybody may ask; one that is not set is a mistake."""
    keys = Keys.from_environment(None, {})
    assert not keys
    assert keys.owner(None) == keys.owner("Bearer anything") == ANYONE
    with pytest.raises(SettingsError, match="NAME, for the keys, is not set"):
        Keys.from_environment("NAME", {})


@given(st.lists(sendable.filter(lambda k: len(k) >= SHORTEST), min_size=1, unique=True), sendable)
def test_only_the_keys_themselves_open(given_keys: list[str], other: str) -> None:
    """Each key has its own label, and no other text has any."""
    keys = Keys({f"k{place}": key for place, key in enumerate(given_keys)})
    for place, key in enumerate(given_keys):
        assert keys.owner(f"Bearer {key}") == f"k{place}"
    expected = f"k{given_keys.index(other)}" if other in given_keys else None
    assert keys.owner(f"Bearer {other}") == expected
