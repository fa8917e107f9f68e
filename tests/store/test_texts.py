"""Texts, reasoning and names come back as they were stored."""

from pathlib import Path

import pytest

from slm_mux.store import Draw, Reading
from slm_mux.types import Completion
from tests.store.making import completion_of, failed, failures, filled, series
from tests.store.test_damage import noise


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "a\x00b" * 50,
        "\ud800 alone",
        "\ud83d\ude00 two halves",
        "\U0001f600 whole",
        "x" * 10_000_000,
        noise(3, 300_000),
    ],
    ids=["empty", "nul", "nuls", "surrogate", "halves", "emoji", "10 MB", "noise"],
)
def test_any_text_comes_back(tmp_path: Path, text: str) -> None:
    """Text, reasoning, names and reasons come back exactly, whatever characters they hold."""
    with filled(tmp_path / "samples.db") as store:
        one = series("q0")
        brief = text[:1000]
        completion = Completion(
            text=text, reasoning=text, finish_reason=brief, served_model=brief, prompt_tokens=2**70
        )
        store.put_draws([Draw(series=one.digest, draw=5, seed=2**70, completion=completion)])
        store.put_draws([failed(one, 6, brief)])
        assert completion_of(store, one.digest, 5) == completion
        assert [failure.message for _, failure in failures(store)] == [brief]
        sample = next(row.sample_id for row in store.draw_rows("demo") if row.draw == 5)
        assert store.texts([sample]) == {sample: text}
        store.put_readings("r", [(sample, Reading(brief, brief))])
        assert store.readings("r", [sample]) == {sample: Reading(brief, brief)}
        store.put_verdicts(brief, {(brief, brief): True})
        assert store.verdicts(brief) == {(brief, brief): True}
        assert store.verify().sound
