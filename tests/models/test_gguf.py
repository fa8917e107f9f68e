"""What the metadata of a GGUF file says of its model."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slm_mux.models.gguf import GgufFacts, gguf_facts
from tests.models.gguf_files import PLAIN, Value, header, written

NOTHING = GgufFacts()


def test_the_context_and_what_a_token_takes(tmp_path: Path) -> None:
    """Layers x kv heads x (key + value length) x 2 bytes is what one token of context takes."""
    assert gguf_facts(written(tmp_path, PLAIN)) == GgufFacts(
        context_length=8192, cache_bytes=23_040
    )


@pytest.mark.parametrize(
    ("more", "cache_bytes"),
    [
        pytest.param({"llama.attention.head_count_kv": [3] * 10 + [0] * 20}, 7680, id="by layer"),
        pytest.param(
            {"llama.attention.key_length": 128, "llama.attention.value_length": 32},
            30 * 3 * (128 + 32) * 2,
            id="its own lengths",
        ),
        pytest.param({"llama.attention.sliding_window": 512}, None, id="forgets"),
        pytest.param({"llama.ssm.state_size": 16}, None, id="keeps a state"),
        pytest.param({"llama.attention.head_count": 0}, None, id="no heads"),
        pytest.param({"llama.block_count": "many"}, None, id="not a number"),
    ],
)
def test_other_models(tmp_path: Path, more: dict[str, Value], cache_bytes: int | None) -> None:
    """Heads may be listed by layer; where layers forget tokens nothing is estimated."""
    assert gguf_facts(written(tmp_path, PLAIN | more)).cache_bytes == cache_bytes


def test_the_vocabulary_is_not_read(tmp_path: Path) -> None:
    """What stands behind the vocabulary's first key does not matter, even if it is broken."""
    path = tmp_path / "long.gguf"
    start = header(PLAIN | {"tokenizer.ggml.model": "gpt2"})
    path.write_bytes(start[:-10])
    assert gguf_facts(path).context_length == 8192


@pytest.mark.parametrize("length", range(0, len(header(PLAIN)), 7))
def test_a_file_that_breaks_off(tmp_path: Path, length: int) -> None:
    """A file that ends amid its metadata gives no facts and no error."""
    path = tmp_path / "short.gguf"
    path.write_bytes(header(PLAIN)[:length])
    assert gguf_facts(path) == NOTHING


@given(data=st.binary(max_size=200), after=st.integers(0, 60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_met(tmp_path: Path, data: bytes, after: int) -> None:
    """Whatever the bytes are, reading them ends without an error."""
    path = tmp_path / "any.gguf"
    path.write_bytes(header(PLAIN)[:after] + data)
    assert isinstance(gguf_facts(path), GgufFacts)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A folder, a missing file and an old version give no facts."""
    old = tmp_path / "old.gguf"
    old.write_bytes(header(PLAIN, version=1))
    assert [gguf_facts(path) for path in (tmp_path, tmp_path / "none.gguf", old)] == [NOTHING] * 3
