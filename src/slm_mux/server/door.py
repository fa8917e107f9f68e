"""Who may come in, and how many: keys, limits of each key, and places."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.types import Scope

from slm_mux.server.admission import Admission, Allowances
from slm_mux.server.keys import ANYONE, Keys
from slm_mux.server.logs import log_event
from slm_mux.server.replies import header
from slm_mux.server.settings import ServerSettings, SettingsError
from slm_mux.server.wire.errors import RefusedError, unauthorised


class Door:
    """Lets requests in.

    Args:
        keys: whose requests are let in; without any, everybody's.
        settings: the limits.
        clock: monotonic seconds.

    Raises:
        SettingsError: the settings limit a key that there is not.
    """

    def __init__(
        self,
        keys: Keys,
        settings: ServerSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        labels = keys.labels or (ANYONE,)
        unknown = sorted(set(settings.keys) - set(labels))
        if unknown:
            raise SettingsError(
                f"`keys`: there is no key {unknown[0]!r}; there are {', '.join(labels)}"
            )
        self._keys = keys
        self._allowances = Allowances(settings, clock=clock)
        self.admission = Admission(
            settings.max_concurrent,
            queue=settings.max_queue,
            longest_wait=settings.queue_seconds,
            clock=clock,
        )

    @property
    def needs_key(self) -> bool:
        """Whether there are keys."""
        return len(self._keys) > 0

    def holds_key(self, scope: Scope) -> bool:
        """Whether a request carries one of the keys, or needs none."""
        return self._keys.owner(header(scope, b"authorization")) is not None

    def check(self, scope: Scope) -> str:
        """Return the label of a request's key.

        Raises:
            RefusedError: it carries none of the keys (401).
        """
        given = header(scope, b"authorization")
        label = self._keys.owner(given)
        if label is None:
            what = "no API key was given" if given is None else "that is not an API key of this one"
            log_event(
                logging.WARNING,
                "wrong_key",
                request_id=scope["state"]["request_id"],
                client=(scope.get("client") or ("",))[0],
            )
            raise RefusedError(
                unauthorised(f"{what}; send one of the server's as Authorization: Bearer KEY")
            )
        scope["state"]["note"]["key"] = label if self.needs_key else None
        return label

    def count(self, label: str) -> None:
        """Count a request of a key.

        Raises:
            BusyError: it asks too often.
        """
        self._allowances.count(label)

    @asynccontextmanager
    async def place(self, label: str) -> AsyncIterator[None]:
        """Hold one of the key's places and one of the server's, waiting for the second.

        Raises:
            BusyError: there is none.
        """
        with self._allowances.one(label):
            async with self.admission.place():
                yield
