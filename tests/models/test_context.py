"""The context of an embedded model is no longer than it knows, or than memory holds."""

from pathlib import Path

import pytest

from slm_mux.errors import EmbeddedEngineError
from slm_mux.models import context
from slm_mux.models.context import DEFAULT_CONTEXT, available_memory, checked_context
from slm_mux.models.embedded import EmbeddedModel
from tests.models.gguf_files import PLAIN, written


def test_a_context_above_the_trained_one_is_refused(tmp_path: Path) -> None:
    """The error names the file, both lengths and the remedy."""
    path = written(tmp_path, PLAIN)
    with pytest.raises(EmbeddedEngineError) as caught:
        checked_context(path, 99_999_999, slots=1, name="m")
    assert str(caught.value) == (
        f"{path}: context is 99999999, but the model was trained for 8192 tokens; "
        "set context to 8192 or less"
    )
    assert caught.value.model == "m"
    assert checked_context(path, 8192, slots=1, name="m") == 8192


@pytest.mark.parametrize(("trained", "usual"), [(2048, 2048), (8192, 4096)])
def test_the_usual_context(tmp_path: Path, trained: int, usual: int) -> None:
    """Where none is stated it is 4096, or what the model was trained for if that is less."""
    path = written(tmp_path, PLAIN | {"llama.context_length": trained})
    assert checked_context(path, None, slots=4, name="m") == usual


def test_slots_that_do_not_fit_into_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slots x context x bytes per token is compared with free memory, and both are said."""
    path = written(tmp_path, PLAIN)
    monkeypatch.setattr(context, "available_memory", lambda: 8192 * 100 * 23_040)
    assert checked_context(path, 8192, slots=100, name="m") == 8192
    with pytest.raises(
        EmbeddedEngineError, match=r"101 slots of 8192 tokens need 19\.1 GB .* 18\.9"
    ):
        checked_context(path, 8192, slots=101, name="m")
    monkeypatch.setattr(context, "available_memory", lambda: None)
    assert checked_context(path, 8192, slots=101, name="m") == 8192


def test_more_tokens_than_can_be_counted_are_refused(tmp_path: Path) -> None:
    """Also for a file without facts, slots x context stays within 31 bits."""
    with pytest.raises(EmbeddedEngineError, match="more than llama.cpp can count"):
        checked_context(tmp_path / "unknown.gguf", 2**30, slots=2, name="m")
    assert checked_context(tmp_path / "unknown.gguf", 2**30, slots=1, name="m") == 2**30


def test_the_memory_of_this_machine() -> None:
    """It is known in bytes, or not at all."""
    free = available_memory()
    assert free is None or free > 2**20


def test_the_context_that_is_expected_before_loading(tmp_path: Path) -> None:
    """What is asked for, else the default, or what the file was trained for where that is less."""
    file = written(tmp_path, PLAIN | {"llama.context_length": 2048})
    assert EmbeddedModel("m", gguf=file).context == 2048
    assert EmbeddedModel("m", gguf=file, context=512).context == 512
    assert EmbeddedModel("m", gguf=tmp_path / "gone.gguf").context == DEFAULT_CONTEXT
    assert EmbeddedModel("m", gguf="builtin:smollm2-135m").context == DEFAULT_CONTEXT
