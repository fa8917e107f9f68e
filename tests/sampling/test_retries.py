"""When a failed request is sent again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.errors import (
    AuthenticationError,
    ConnectionLostError,
    ModelError,
    RateLimitError,
    RequestRefusedError,
    RequestTimeoutError,
    ServerFaultError,
)
from slm_mux.sampling.retries import RetryPolicy


def wait(
    error: ModelError, *, attempt: int = 1, waited: float = 0.0, policy: RetryPolicy | None = None
) -> float | None:
    return (policy or RetryPolicy()).wait_before_next(
        error, attempt=attempt, waited=waited, jitter=random.Random(7)
    )


@pytest.mark.parametrize("error", [AuthenticationError, RequestRefusedError])
def test_what_would_fail_again_is_not_sent_again(error: type[ModelError]) -> None:
    """A permanent error ends the draw at once."""
    assert wait(error("no", model="m")) is None


@pytest.mark.parametrize(
    "error", [RateLimitError, ServerFaultError, RequestTimeoutError, ConnectionLostError]
)
def test_what_may_pass_is_sent_again(error: type[ModelError]) -> None:
    """A transient error is tried again after half to all of the first wait."""
    seconds = wait(error("busy", model="m"))
    assert seconds is not None
    assert 0.25 <= seconds <= 0.5


def test_retry_after_is_the_least_wait() -> None:
    """An endpoint's own word is honoured, with jitter on top."""
    seconds = wait(RateLimitError("busy", model="m", retry_after=7.0))
    assert seconds is not None
    assert 7.0 <= seconds <= 7.25


def test_a_retry_after_beyond_the_time_limit_ends_the_draw() -> None:
    """Waiting an hour for a draw that may take a minute is giving up now."""
    assert wait(RateLimitError("busy", model="m", retry_after=3600.0)) is None


def test_nothing_at_the_address_is_tried_less_often() -> None:
    """A server that is down costs three tries, not eight."""
    down = ConnectionLostError("refused", model="m", never_connected=True)
    assert [wait(down, attempt=n) is None for n in (1, 2, 3)] == [False, False, True]


@given(st.integers(1, 50), st.floats(0, 100))
def test_retries_are_bounded_in_number_and_in_time(attempt: int, waited: float) -> None:
    """No wait begins after the last attempt, or ends after the time limit."""
    policy = RetryPolicy(attempts=6, total_seconds=30.0)
    seconds = wait(
        ServerFaultError("500", model="m"), attempt=attempt, waited=waited, policy=policy
    )
    if seconds is None:
        assert attempt >= 6 or waited + policy.longest_wait > 30.0
    else:
        assert attempt < 6
        assert waited + seconds <= 30.0
        assert seconds <= policy.longest_wait


def test_a_timeout_is_tried_once_more() -> None:
    """However long a request took before it timed out, it is sent again, but only once."""
    slow = RequestTimeoutError("no reply within 600 s", model="m")
    assert [wait(slow, attempt=n) is None for n in (1, 2)] == [False, True]
