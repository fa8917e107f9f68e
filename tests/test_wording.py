"""Words of messages that depend on a number."""

import pytest

from slm_mux.wording import counted, listed


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 draws"), (1, "1 draw"), (2, "2 draws"), (12345, "12,345 draws")]
)
def test_a_number_with_its_noun(count: int, words: str) -> None:
    """One has the singular, all others the plural; thousands are set apart."""
    assert counted(count, "draw") == words


def test_a_plural_of_its_own() -> None:
    """A noun whose plural takes more than an s is given both."""
    assert [counted(n, "reply", "replies") for n in (1, 2)] == ["1 reply", "2 replies"]


def test_names_are_listed_as_people_do() -> None:
    """Commas between names, and a word before the last."""
    names = ["a", "b", "c"]
    found = [listed(names[:count]) for count in range(4)]
    assert found == ["", "a", "a and b", "a, b and c"]
