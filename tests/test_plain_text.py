"""Texts of models and users, made fit to be shown."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from slm_mux.plain_text import plain

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_plain_text_can_be_written(text: str) -> None:
    """What comes out is UTF-8, and has no control characters but tab and line feed."""
    shown = plain(text)
    shown.encode()
    assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cs")} <= {"\n", "\t"}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(ANY_TEXT)
def test_twice_is_once(text: str) -> None:
    """What is plain stays as it is."""
    assert plain(plain(text)) == plain(text)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Cn", "Co"))))
def test_usual_text_is_left_alone(text: str) -> None:
    """Letters of every script, signs and pictures stay."""
    assert plain(text) == text


def test_what_is_made_visible() -> None:
    """NUL, escape, half of a pair, a turn of direction: each has its picture."""
    assert (
        plain("a\x00b\x1bc\x7fd\ud800e\u202ef\r\ng\rh\u2028i") == "a␀b␛c␡d\ufffde[U+202E]f\ng\nh\ni"
    )
