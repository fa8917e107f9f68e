"""How many tokens prompts are reckoned to take, against what models counted."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.discussion.prompts import user
from slm_mux.discussion.sizes import MESSAGE_TOKENS, PROMPT_TOKENS, THIRDS, end_of, size, size_of


@cache
def recorded() -> list[dict[str, Any]]:
    """Every third sample of the shipped recording."""
    from pyarrow import parquet

    columns = ["text", "messages", "prompt_tokens", "completion_tokens"]
    with files("slm_mux.recordings").joinpath("demo.parquet").open("rb") as file:
        rows: list[dict[str, Any]] = parquet.read_table(file, columns=columns)[::3].to_pylist()
    return rows


@pytest.mark.parametrize(
    ("text", "thirds"),
    [
        ("", 0),
        ("To be", 5),
        ("12.5", 12),
        ("a\nb", 5),
        ("ß", 4),
        ("答", 6),
        ("🎉", 8),
        ("\ud800", 6),
    ],
)
def test_size(text: str, thirds: int) -> None:
    """English is three letters to a token; every other sign is one token, or nearly two."""
    assert size(text) == thirds


def test_size_of_messages() -> None:
    """Texts count whatever form the content has, and so does what a template writes around them."""
    messages = [user("abc"), {"role": "user", "content": [{"type": "text", "text": "de"}]}]
    assert size_of(messages) == (PROMPT_TOKENS + 2 * MESSAGE_TOKENS) * THIRDS + 5


def test_completions_are_not_reckoned_too_short() -> None:
    """Of those above 50 tokens at least 99 % are not; the mean is less than half as much again."""
    shares = [
        size(row["text"]) / THIRDS / row["completion_tokens"]
        for row in recorded()
        if (row["completion_tokens"] or 0) > 50
    ]
    assert len(shares) > 400
    assert sum(share >= 1 for share in shares) / len(shares) >= 0.99
    assert sum(shares) / len(shares) < 1.5


def test_prompts_are_not_reckoned_too_short() -> None:
    """What each model counted of a prompt, with its chat template, is never more."""
    rows = [row for row in recorded() if row["prompt_tokens"]]
    sizes = [size_of(json.loads(row["messages"])) for row in rows]
    assert (
        min(own / THIRDS / row["prompt_tokens"] for own, row in zip(sizes, rows, strict=True)) > 1
    )


@given(st.text(), st.text(), st.integers(0, 100))
def test_sizes_add_up(one: str, other: str, most: int) -> None:
    """Pieces together are as large as the whole; an end is as long as its size allows."""
    assert size(one + other) == size(one) + size(other)
    end = end_of(one, most)
    assert one.endswith(end)
    assert size(end) <= most
    assert end == one or size(one[-len(end) - 1 :]) > most
