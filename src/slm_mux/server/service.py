"""What a running server consists of, for the routes to share."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from slm_mux.discussion.workflows import ALIASES
from slm_mux.errors import ModelError
from slm_mux.models.pool import Pool
from slm_mux.server.bodies import Bodies
from slm_mux.server.door import Door
from slm_mux.server.health import Readiness
from slm_mux.server.keys import Keys
from slm_mux.server.logs import log_event
from slm_mux.server.metrics import ServerMetrics
from slm_mux.server.rosters import Roster, ServedPool
from slm_mux.server.served_methods import methods_of
from slm_mux.server.settings import ServerSettings, caps_of
from slm_mux.server.wire.names import names_of
from slm_mux.server.wire.reply import fingerprint_of

_BREAKER_STATES = {"closed": 0.0, "half_open": 0.5, "open": 1.0}


class Service:
    """The parts of one server.

    Args:
        settings: every limit.
        pools: by name; the first is the one that `mux` names.
        keys: whose requests are answered.
        clock: monotonic seconds.

    Raises:
        PoolError: there is no pool, or a name cannot be told from another one.
        SettingsError: the settings limit a key that there is not.
    """

    def __init__(
        self,
        settings: ServerSettings,
        pools: Mapping[str, Pool],
        keys: Keys,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.caps = caps_of(settings)
        self.metrics = ServerMetrics()
        self.roster = Roster(pools, settings, report=self._model_ended, clock=clock)
        self.methods = {name: methods_of(pool, self.caps) for name, pool in pools.items()}
        """By pool."""
        self.names = names_of(
            self.roster.members,
            {pool: methods.names for pool, methods in self.methods.items()},
            aliases=ALIASES,
            refused={pool: methods.refused for pool, methods in self.methods.items()},
        )
        self.door = Door(keys, settings, clock=clock)
        self.bodies = Bodies(settings)
        self.readiness = Readiness(self.roster, settings, clock=clock)
        self.started = int(time.time())
        """Seconds since 1970."""
        self._fingerprints = {served.name: _fingerprint(served) for served in self.roster}
        self._show_gauges()

    def log_methods(self) -> None:
        """Say in the log which methods are not served, and why."""
        for pool, methods in self.methods.items():
            for method, reason in methods.logged.items():
                log_event(
                    logging.WARNING, "method_not_served", pool=pool, method=method, reason=reason
                )

    def fingerprint(self, pool: str) -> str:
        """Name a pool's configuration: it changes with the models and their settings."""
        return self._fingerprints[pool]

    async def aclose(self) -> None:
        """Close every model and worker."""
        await self.roster.aclose()

    def _model_ended(self, pool: str, model: str, seconds: float, error: ModelError | None) -> None:
        self.metrics.model_ended(pool, model, seconds, error)
        if error is None:
            return
        message = str(error)
        if error.said and not self.settings.log_prompts:
            # An endpoint may quote what it was asked.
            message = message.replace(error.said, "…")
        log_event(
            logging.WARNING,
            "model_failed",
            pool=pool,
            model=model,
            error=type(error).__name__,
            status=error.status,
            message=message,
            seconds=round(seconds, 4),
        )

    def _show_gauges(self) -> None:
        show, admission = self.metrics.gauge, self.door.admission
        show("at_work", "Requests being answered.", lambda: admission.at_work)
        show("waiting", "Requests that wait for a place.", lambda: admission.waiting)
        show("body_bytes", "Bytes of the bodies being read.", lambda: self.bodies.held)
        self.metrics.gauges(
            "model_in_flight",
            "Requests on their way to a model.",
            ("pool", "model"),
            lambda: (((p, g.name), float(g.in_flight)) for p, g in self.roster.guards()),
        )
        self.metrics.gauges(
            "breaker_open",
            "1 while a model is not asked, 0.5 while one request may try it.",
            ("pool", "model"),
            lambda: (
                ((p, g.name), _BREAKER_STATES[g.circuit.state]) for p, g in self.roster.guards()
            ),
        )


def _fingerprint(served: ServedPool) -> str:
    members: list[Any] = [
        [
            member.name,
            served.guards[member.name].identity,
            msgspec.to_builtins(member.generation),
            member.samples,
            member.system,
            member.style,
        ]
        for member in served.pool
    ]
    pool = served.pool
    return fingerprint_of(pool.samples, pool.seed, members, dict(pool.methods))
