"""Texts of models on a page."""

import json

from hypothesis import given
from hypothesis import strategies as st

from slm_mux.plain_text import plain
from slm_mux.reports.texts import json_for_script, plain_values
from tests.reports.making import HOSTILE

ANY_TEXT = st.text(st.characters(exclude_categories=()))


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
