"""What Prometheus may know of the server: counts and times, never texts."""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from slm_mux.errors import ModelError
from slm_mux.types import Decision, Sample

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class ServerMetrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._requests = self._counter(
            "requests", "Requests by route and status.", "route", "status"
        )
        self._seconds = self._histogram(
            "request_seconds", "From a request's head to the end of its reply.", "route"
        )
        self._refused = self._counter(
            "refused", "Requests turned away: queue, rate, key, bodies or shutdown.", "reason"
        )
        self._left = Counter(
            "slm_mux_disconnects", "Clients that left before their reply.", registry=self.registry
        )
        self._draws = self._counter(
            "draws", "Draws by model and how they ended.", "pool", "model", "outcome"
        )
        self._tokens = self._counter("tokens", "Tokens by model and use.", "pool", "model", "use")
        self._retries = self._counter("retries", "Requests sent again.", "pool", "model")
        self._failures = self._counter(
            "model_failures", "Requests to a model that failed.", "pool", "model", "error"
        )
        self._model_seconds = self._histogram(
            "model_seconds", "Of requests to a model that brought a completion.", "pool", "model"
        )
        self._decisions = self._counter(
            "decisions", "Questions decided, by how they were.", "pool", "method", "kind"
        )
        self._undecided = self._counter(
            "undecided", "Questions to which no model gave a readable answer.", "pool", "method"
        )
        self._breaches = self._counter(
            "breaches",
            "Turns of discussions that broke the format, or for which something was cut.",
            "pool",
            "method",
            "breach",
        )
        self._early = self._counter("stopped_early", "Questions settled before all draws.", "pool")
        self._saved = self._counter("draws_saved", "Draws not made after that.", "pool")
        self._confidence = self._histogram(
            "confidence", "The winner's confidence.", "pool", "method", buckets=_SHARES
        )
        self._agreement = self._histogram(
            "agreement",
            "Share of the models whose own answer is the pool's.",
            "pool",
            "method",
            buckets=_SHARES,
        )

    def _counter(self, name: str, help_: str, *labels: str) -> "_Children":
        return _Children(Counter(f"slm_mux_{name}", help_, labels, registry=self.registry))

    def _histogram(
        self, name: str, help_: str, *labels: str, buckets: tuple[float, ...] = _SECONDS
    ) -> "_Children":
        name = f"slm_mux_{name}"
        return _Children(Histogram(name, help_, labels, buckets=buckets, registry=self.registry))

    def gauge(self, name: str, help_: str, value: Callable[[], float]) -> None:
        """Show a value that is looked up whenever it is asked for."""
        Gauge(f"slm_mux_{name}", help_, registry=self.registry).set_function(value)

    def gauges(
        self,
        name: str,
        help_: str,
        labels: tuple[str, ...],
        values: Callable[[], Iterable[tuple[tuple[str, ...], float]]],
    ) -> None:
        """Show values by labels that are looked up whenever they are asked for."""
        self.registry.register(_Looked(f"slm_mux_{name}", help_, labels, values))

    def request_ended(self, route: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            route: one of the server's, not the path that was asked for.
            status: of the reply.
            seconds: that it took.
        """
        self._requests[route, str(status)].inc()
        self._seconds[(route,)].observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a request that was turned away for want of room."""
        self._refused[(reason,)].inc()

    def left(self) -> None:
        """Count a client that left before its reply."""
        self._left.inc()

    def model_ended(self, pool: str, model: str, seconds: float, error: ModelError | None) -> None:
        """Count one request to a model."""
        if error is None:
            self._model_seconds[pool, model].observe(seconds)
        else:
            self._failures[pool, model, type(error).__name__].inc()

    def retried(self, pool: str, model: str) -> None:
        """Count a request to a model that is sent again."""
        self._retries[pool, model].inc()

    def drew(self, pool: str, samples: Iterable[Sample]) -> None:
        """Count the draws of a question, and what they cost."""
        counts: dict[tuple[str, str], int] = {}
        for sample in samples:
            completion, model = sample.completion, sample.model
            found: tuple[tuple[str, int | None], ...]
            if completion is None:
                found = (("failed", 1),)
            else:
                found = (
                    ("unreadable" if sample.answer is None else "read", 1),
                    ("prompt", completion.prompt_tokens),
                    ("completion", completion.completion_tokens),
                )
            for what, number in found:
                if number:
                    counts[model, what] = counts.get((model, what), 0) + number
        # Once for each model: the counters' locks cost more than the additions.
        for (model, what), number in counts.items():
            family = self._tokens if what in ("prompt", "completion") else self._draws
            family[pool, model, what].inc(number)

    def decided(self, pool: str, method: str, decision: Decision) -> None:
        """Count a decision."""
        self._decisions[pool, method, decision.kind or ""].inc()
        self._confidence[pool, method].observe(decision.confidence)
        own = [vote.candidate for vote in decision.votes]
        agreeing = sum(c is not None and c.canonical == decision.canonical for c in own)
        self._agreement[pool, method].observe(agreeing / len(own))
        if decision.discussion is not None:
            for breach, count in decision.discussion.breaches.items():
                self._breaches[pool, method, breach].inc(count)
        saved = sum(vote.not_drawn for vote in decision.votes)
        if saved:
            self._early[(pool,)].inc()
            self._saved[(pool,)].inc(saved)

    def undecided(self, pool: str, method: str) -> None:
        """Count a question without a decision."""
        self._undecided[pool, method].inc()

    def page(self, accept: str | None) -> tuple[bytes, str]:
        """Write everything in the form that was asked for.

        Returns:
            The text and its content type.
        """
        encode, content_type = choose_encoder(accept or "")
        return encode(self.registry), content_type


class _Children(dict[tuple[str, ...], Any]):
    """The members of a family by their labels, of which there is a bounded number.

    Looking one up in the family itself costs ten times what counting does.
    """

    def __init__(self, family: Counter | Histogram) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, labels: tuple[str, ...]) -> Any:
        child = self[labels] = self._family.labels(*labels)
        return child


class _Looked(Collector):
    """Gauges whose values are looked up when they are collected."""

    def __init__(
        self,
        name: str,
        help_: str,
        labels: tuple[str, ...],
        values: Callable[[], Iterable[tuple[tuple[str, ...], float]]],
    ) -> None:
        self._of = (name, help_, labels)
        self._values = values

    def collect(self) -> Iterable[Metric]:
        name, help_, labels = self._of
        family = GaugeMetricFamily(name, help_, labels=labels)
        for of, value in self._values():
            family.add_metric(of, value)
        yield family
