"""Texts of models on a page."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from slm_mux.reports.texts import json_for_script, plain, plain_values
from tests.reports.making import HOSTILE

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


@given(st.dictionaries(ANY_TEXT, st.lists(ANY_TEXT)))
def test_data_ends_no_script(value: dict[str, list[str]]) -> None:
    """JSON in a script element has no sign that could end it, and says the same."""
    written = json_for_script(plain_values(value))
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == plain_values(value)


def test_the_hostile_sample_is_hostile() -> None:
    """It cannot be written as it is."""
    assert plain(HOSTILE) != HOSTILE
    plain(HOSTILE).encode()
