"""Fixtures of the studies' tests."""

from pathlib import Path

import pytest

from tests.shipped import shipped_store


@pytest.fixture(scope="package")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped recording: what one test reads and scores of it is there for all."""
    return shipped_store(tmp_path_factory.mktemp("cache"))
