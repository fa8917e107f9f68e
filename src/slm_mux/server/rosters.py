"""The pools that are served: each member behind its breaker, limits shared by all of them."""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator, Mapping

from msgspec.structs import replace

from slm_mux.errors import ModelError
from slm_mux.models.base import Model, identity_of
from slm_mux.models.pool import Member, Pool
from slm_mux.mux import AsyncMux
from slm_mux.sampling.limits import Limiter
from slm_mux.sampling.retries import RetryPolicy
from slm_mux.sampling.sampler import Sampler
from slm_mux.server.breaker import GuardedModel
from slm_mux.server.circuit import Circuit, Watched
from slm_mux.server.settings import ServerSettings

Report = Callable[[str, str, float, ModelError | None], None]
"""Told how a request to a model ended: pool, model, seconds, error or None."""


class ServedPool:
    """One pool as it is served.

    Args:
        name: after the @ of a model name.
        pool: its members are guarded models.
        guards: these models, by name, in pool order.
        limiters: by endpoint, shared by all pools.
    """

    def __init__(
        self,
        name: str,
        pool: Pool,
        guards: Mapping[str, GuardedModel],
        limiters: dict[str, Limiter],
    ) -> None:
        self.name = name
        self.pool = pool
        self.guards = guards
        self.sampler = Sampler(RetryPolicy(total_seconds=pool.retry_seconds), limiters=limiters)
        """Draws for all that is asked of this pool, and of its members by their own names."""
        self.mux = AsyncMux(pool, sampler=self.sampler)

    def member(self, name: str) -> Member:
        """The member of that name."""
        return next(member for member in self.pool if member.name == name)


class Roster:
    """All pools of a server, the first being the one that `mux` names.

    Args:
        pools: by name, at least one.
        settings: those of the breakers, of which members that are one model share one.
        report: told how each request to a model ended.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        pools: Mapping[str, Pool],
        settings: ServerSettings,
        *,
        report: Report,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._report = report
        self._clock = clock
        self._limiters = dict[str, Limiter]()
        self._known = dict[Hashable, tuple[Circuit, Watched]]()
        self.pools = {name: self._served(name, pool) for name, pool in pools.items()}

    def __iter__(self) -> Iterator[ServedPool]:
        return iter(self.pools.values())

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """The members' names by pool."""
        return {served.name: tuple(served.guards) for served in self}

    def guards(self) -> Iterator[tuple[str, GuardedModel]]:
        """Every guarded model, with the name of its pool."""
        return ((served.name, guard) for served in self for guard in served.guards.values())

    async def aclose(self) -> None:
        """Close every model and worker.

        Raises:
            ExceptionGroup: some could not be closed; the others are.
        """
        closing = [served.mux.aclose() for served in self]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        if errors:
            raise ExceptionGroup("closing failed", errors)

    def _served(self, name: str, pool: Pool) -> ServedPool:
        guards = {member.name: self._guarded(member.model, pool=name) for member in pool}
        for member in pool:
            # Where pools state different limits of one endpoint, the first pool's count.
            self._limiters.setdefault(member.model.endpoint, Limiter(member.model.limits))
        members = [replace(member, model=guards[member.name]) for member in pool]
        return ServedPool(name, pool.with_members(members), guards, self._limiters)

    def _guarded(self, model: Model, *, pool: str) -> GuardedModel:
        settings, report, clock = self._settings, self._report, self._clock

        def tell(name: str, seconds: float, error: ModelError | None) -> None:
            report(pool, name, seconds, error)

        key = _what_fails_together(model)
        if key not in self._known:
            circuit = Circuit(
                failures=settings.breaker_failures, seconds=settings.breaker_seconds, clock=clock
            )
            self._known[key] = (circuit, Watched())
        circuit, watched = self._known[key]
        return GuardedModel(
            model,
            circuit=circuit,
            watched=watched,
            report=tell,
            check_seconds=settings.check_seconds,
            clock=clock,
        )


def _what_fails_together(model: Model) -> Hashable:
    """Equal for models of which one is down when the other is.

    Of models behind URLs the endpoint counts beside the identity, since it tells keys apart: one
    that is wrong must not cost a pool whose key is right. Of embedded ones the engine does, since
    one file may be loaded with settings that fit into memory and with others that do not.
    """
    engine = getattr(model, "engine", None)
    return (model.endpoint, identity_of(model)) if engine is None else engine
