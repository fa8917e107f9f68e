"""Fixtures of the tests with clients of others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.clients.serving import real_server, scripted_server
from tests.server.page.serving import Served


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, smollm2_gguf: Path) -> Iterator[str]:
    """Give the address of `slm-mux serve` over the 135M model, started once for all tests."""
    with real_server(tmp_path_factory.mktemp("served"), smollm2_gguf) as address:
        yield address


@pytest.fixture
def scripted() -> Iterator[Served]:
    """Serve models that do all that they are asked to; at its end nothing may be in flight."""
    with scripted_server() as server:
        yield server
        server.quiet()
