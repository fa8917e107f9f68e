"""What is known of each model: whether it answers, how fast, how often it failed."""

import math
from collections.abc import Sequence

from msgspec import Struct
from prometheus_client.registry import Collector

from slm_mux.server.breaker import GuardedModel
from slm_mux.server.health import MemberState
from slm_mux.server.service import Service
from slm_mux.wording import counted


class Row(Struct, frozen=True, kw_only=True):
    """One model of one pool."""

    pool: str
    model: str
    css: str
    """good, bad or waiting."""
    state: str
    last: str
    """Seconds of its last completion."""
    mean: str
    """Seconds of all since the start."""
    completions: int
    failures: int
    in_flight: int
    problem: str
    """Blank where there is none; without addresses and secrets."""


async def rows(service: Service) -> list[Row]:
    """Look at every model; those of which nothing is known are tried, as for /ready."""
    members = await service.readiness.members()
    guards = {(pool, guard.name): guard for pool, guard in service.roster.guards()}
    counts = _Counts(service.metrics.registry)
    return [_row(member, guards[member.pool, member.model], counts) for member in members]


def verdict(found: Sequence[Row]) -> str:
    """Say how many of them answer."""
    good = sum(row.css == "good" for row in found)
    if good == len(found):
        return "The model answers." if good == 1 else f"All {good} models answer."
    if not good:
        return "No model answers."
    return f"{good} of {counted(len(found), 'model')} answer."


class _Counts:
    """Sums over the server's own counters."""

    def __init__(self, registry: Collector) -> None:
        self._sums: dict[tuple[str, str, str], float] = {}
        for metric in registry.collect():
            for sample in metric.samples:
                if "model" in sample.labels:
                    key = (sample.name, sample.labels["pool"], sample.labels["model"])
                    self._sums[key] = self._sums.get(key, 0.0) + sample.value

    def of(self, name: str, member: MemberState) -> float:
        return self._sums.get((f"slm_mux_{name}", member.pool, member.model), 0.0)


def _row(member: MemberState, guard: GuardedModel, counts: _Counts) -> Row:
    completions = counts.of("model_seconds_count", member)
    mean = counts.of("model_seconds_sum", member) / completions if completions else None
    css, state = _state(member, guard)
    return Row(
        pool=member.pool,
        model=member.model,
        css=css,
        state=state,
        last=_seconds(guard.watched.seconds),
        mean=_seconds(mean),
        completions=int(completions),
        failures=int(counts.of("model_failures_total", member)),
        in_flight=guard.in_flight,
        problem=member.problem or "",
    )


def _state(member: MemberState, guard: GuardedModel) -> tuple[str, str]:
    circuit = guard.circuit
    if member.breaker == "open":
        failed = counted(circuit.in_a_row, "request")
        wait = counted(math.ceil(circuit.opens_in), "second")
        return "bad", f"not asked: {failed} in a row failed; it is tried again in {wait}"
    if member.breaker == "half_open":
        return "waiting", "being tried again with the next request"
    return ("good", "answers") if member.ok else ("bad", "does not answer")


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f}\u00a0s"
