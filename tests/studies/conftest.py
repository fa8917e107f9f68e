"""Fixtures of the studies' tests."""

from pathlib import Path

import pytest

from slm_mux.evaluation.recording import recorded_store


@pytest.fixture(scope="package")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the shipped recording once: what one test reads and scores of it is there for all."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SLM_MUX_CACHE", str(tmp_path_factory.mktemp("cache")))
        return recorded_store()
