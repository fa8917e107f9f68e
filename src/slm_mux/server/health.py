"""Which models answer: from what the requests showed, else by asking their servers."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct, to_builtins

from slm_mux.errors import BadReplyError, ModelError, ModelNotFoundError, WeightsError
from slm_mux.models.base import Model
from slm_mux.server.breaker import GuardedModel
from slm_mux.server.circuit import State, Watched
from slm_mux.server.rosters import Roster
from slm_mux.server.settings import ServerSettings
from slm_mux.server.wire.failures import words_of


class MemberState(Struct, frozen=True, kw_only=True):
    """What is known of one member."""

    pool: str
    model: str
    ok: bool
    breaker: State
    seconds: float | None
    """Of its last completion, or of the probe where there was none."""
    problem: str | None
    """Why it does not answer, without addresses and secrets."""


class _Probe(Struct, frozen=True):
    at: float
    seconds: float
    problem: str | None
    """Without the model's name."""


class Readiness:
    """Knows which members answer, and finds out where nothing shows it.

    Args:
        roster: the members.
        settings: how long knowledge holds, and how long a probe may take.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        roster: Roster,
        settings: ServerSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._roster = roster
        self._holds = settings.ready_seconds
        self._within = settings.probe_seconds
        self._clock = clock
        self._probes: dict[Watched, _Probe] = {}
        self._probing = asyncio.Lock()

    async def members(self) -> list[MemberState]:
        """The state of every member, in the order of the pools."""
        guards = list(self._roster.guards())
        # One look serves all who ask at the same time, so that asking often costs no more.
        async with self._probing:
            unknown = {guard.watched: guard for _, guard in guards if self._is_unknown(guard)}
            probes = await asyncio.gather(*(self._probe(guard) for guard in unknown.values()))
            self._probes |= dict(zip(unknown, probes, strict=True))
        return [self._state(pool, guard) for pool, guard in guards]

    def _is_unknown(self, guard: GuardedModel) -> bool:
        watched, probe = guard.watched, self._probes.get(guard.watched)
        times = [watched.answered_at, watched.failed_at, probe.at if probe else None]
        latest = max((at for at in times if at is not None), default=None)
        return latest is None or self._clock() - latest >= self._holds

    async def _probe(self, guard: GuardedModel) -> _Probe:
        started = self._clock()
        try:
            async with asyncio.timeout(self._within):
                # What cannot be cancelled gets less, so that it is the one to say what is wrong.
                await _look(guard.inner, within=0.8 * self._within)
            problem = None
        except TimeoutError:
            problem = f"no answer within {self._within:g} s"
        except ModelError as error:
            problem = words_of(error, endpoint=guard.endpoint)
        except WeightsError:
            problem = "its file is not there"
        return _Probe(self._clock(), self._clock() - started, problem)

    def _state(self, pool: str, guard: GuardedModel) -> MemberState:
        watched, breaker = guard.watched, guard.circuit.state
        probe = self._probes.get(watched)
        asked_at = max(
            (at for at in (watched.answered_at, watched.failed_at) if at is not None), default=None
        )
        # A failure that the prompt may have caused says nothing of the next question.
        problem = watched.problem if watched.failed_at is not None else None
        if probe is not None and (asked_at is None or probe.at > asked_at):
            problem = probe.problem
        if breaker == "open":
            problem = watched.problem or problem
        seconds = watched.seconds
        if seconds is None and probe is not None and probe.problem is None:
            seconds = probe.seconds
        return MemberState(
            pool=pool,
            model=guard.name,
            ok=problem is None and breaker != "open",
            breaker=breaker,
            seconds=None if seconds is None else round(seconds, 4),
            problem=None if problem is None else f"{guard.name}: {problem}",
        )


def ready_document(members: list[MemberState], *, in_detail: bool) -> dict[str, Any]:
    """Write the reply to GET /ready.

    Args:
        members: all of them.
        in_detail: whether the reader may see more than whether the server is ready.
    """
    ready = any(member.ok for member in members)
    document: dict[str, Any] = {"status": "ready" if ready else "no model answers"}
    if in_detail:
        document["members"] = to_builtins(members)
    return document


async def _look(model: Model, *, within: float) -> None:
    """See whether a model is there, without a completion.

    Args:
        model: the model.
        within: seconds, for what cannot be cancelled.

    Raises:
        ModelError, WeightsError: it is not.
    """
    from slm_mux.models.openai import OpenAIModel

    if isinstance(model, OpenAIModel):
        from slm_mux.models.probe import served_models

        # Where it does not list its models, it answers nevertheless.
        with contextlib.suppress(ModelNotFoundError, BadReplyError):
            await served_models(model.http)
        return
    engine = getattr(model, "engine", None)
    if engine is not None:
        await asyncio.to_thread(_look_for_file, model.name, engine)
        await engine.check(name=model.name, seconds=within)


def _look_for_file(name: str, engine: Any) -> None:
    from slm_mux.models.llama import check_package
    from slm_mux.models.weights import fetched

    check_package(name)
    if not fetched(engine.source, sha256=engine.sha256):
        raise WeightsError(f"{name}: its file is not fetched")
