"""Every error this package raises on purpose.

    SlmMuxError
    ├── InvalidRequestError       the question or an option cannot be served (a ValueError too)
    ├── PoolError                 the pool file, or the pool built in Python, is wrong
    ├── NoAnswerError             no model gave a readable answer; carries each model's reason
    ├── TaskDataError             a data set, or a file of samples, is wrong; starts with the file
    ├── StoreError                the store of samples cannot be used as asked
    ├── SandboxError              model-written code cannot be run safely here
    ├── WeightsError              a model file could not be had
    │   └── HashMismatchError     it is here, but it is not the file it should be
    └── ModelError                one draw of one model got no completion; carries the model
        ├── TransientError        worth another try
        │   ├── RateLimitError    429; carries the wait the endpoint asked for, in seconds
        │   ├── ServerFaultError  408, 5xx, or a reply that is not one
        │   ├── ConnectionLostError     the connection broke or was never made
        │   └── RequestTimeoutError     no reply in time
        └── PermanentError        trying again would give the same
            ├── RequestRefusedError     400 and the other 4xx
            ├── AuthenticationError     401, 403
            ├── QuotaExhaustedError     what was paid for is used up
            ├── ModelNotFoundError      404
            ├── BadReplyError     a reply that no chat endpoint gives (HTML, not JSON)
            └── EmbeddedEngineError     llama.cpp in this process could not be loaded

A message is one or two sentences: what was wrong, where, and what to do. Secrets appear in none.
"""

from collections.abc import Mapping
from typing import Self


class SlmMuxError(Exception):
    """The root of the tree."""


class InvalidRequestError(SlmMuxError, ValueError):
    """The question or one of its options cannot be served as given."""


class PoolError(SlmMuxError):
    """The pool is wrong; the message starts with file and line where there is a file."""


class NoAnswerError(SlmMuxError):
    """No model gave a readable answer.

    Args:
        reasons: what happened to each model, by name, in pool order.
        looked_for: the form of answer that completions were read for, and why; None where no
            completion came in.
    """

    def __init__(self, reasons: Mapping[str, str], *, looked_for: str | None = None) -> None:
        self.reasons = dict(reasons)
        self.looked_for = looked_for
        form = f" ({looked_for})" if looked_for else ""
        lines = "".join(f"\n  {model}: {reason}" for model, reason in self.reasons.items())
        super().__init__(f"no model gave a readable answer{form}{':' if lines else ''}{lines}")


class TaskDataError(SlmMuxError):
    """A data set or a file of samples cannot be used; the message starts with file and line."""


class StoreError(SlmMuxError):
    """The store is not ours, newer than the program, locked, damaged, or lacks what was asked."""


class SandboxError(SlmMuxError):
    """There is no sandbox here, or a probe got out of it: no model-written code is run."""


class WeightsError(SlmMuxError):
    """A model file could not be found, fetched or written."""


class HashMismatchError(WeightsError):
    """A model file's sha256 is not the one that was asked for."""


class ModelError(SlmMuxError):
    """One request to one model brought no completion.

    Args:
        message: one sentence for people, with the remedy.
        model: the model's name in the pool.
    """

    def __init__(self, message: str, *, model: str) -> None:
        super().__init__(message)
        self.model = model
        self.tries = 1
        """How often the request was sent before it was given up."""
        self.status: int | None = None
        """The HTTP status that the endpoint answered with; None where it was not its answer."""
        self.said = ""
        """The endpoint's own words, as far as the message has them."""

    def reworded(self, message: str) -> Self:
        """The same error with another message, for other readers."""
        again = type(self).__new__(type(self), message)
        again.__dict__.update(self.__dict__)
        return again


class TransientError(ModelError):
    """Trying again may help."""


class RateLimitError(TransientError):
    """The endpoint answered 429.

    Args:
        retry_after: the wait it asked for, in seconds, or None.
    """

    def __init__(self, message: str, *, model: str, retry_after: float | None = None) -> None:
        super().__init__(message, model=model)
        self.retry_after = retry_after


class ServerFaultError(TransientError):
    """The endpoint answered 408, 5xx, or with an incomplete reply.

    Args:
        retry_after: the wait it asked for, in seconds, or None.
    """

    def __init__(self, message: str, *, model: str, retry_after: float | None = None) -> None:
        super().__init__(message, model=model)
        self.retry_after = retry_after


class ConnectionLostError(TransientError):
    """The connection could not be made, or broke before the reply was whole.

    Args:
        never_connected: nothing answered at that address; few retries are worth it.
    """

    def __init__(self, message: str, *, model: str, never_connected: bool = False) -> None:
        super().__init__(message, model=model)
        self.never_connected = never_connected


class RequestTimeoutError(TransientError):
    """No reply within the model's timeout."""


class PermanentError(ModelError):
    """Trying again would give the same."""


class RequestRefusedError(PermanentError):
    """The endpoint refused the request (400 and the other 4xx)."""


class AuthenticationError(PermanentError):
    """The endpoint did not accept the key (401, 403)."""


class QuotaExhaustedError(PermanentError):
    """The account's quota or budget is used up; waiting a moment does not bring it back."""


class ModelNotFoundError(PermanentError):
    """The endpoint does not serve that model, or the URL is not a chat endpoint (404)."""


class BadReplyError(PermanentError):
    """The endpoint's reply is not one of a chat endpoint."""


class EmbeddedEngineError(PermanentError):
    """llama.cpp could not be loaded, or not with this file."""
