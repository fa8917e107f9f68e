"""The pool: the models at hand, with the settings each one draws with."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.base import Generation, Limits, Model, Request
from slm_mux.models.pool_file import Lines, ModelEntry, PoolFile, Price, read_pool_file
from slm_mux.types import Stopping, Style

if TYPE_CHECKING:
    from slm_mux.models.embedded import EmbeddedEngine
    from slm_mux.models.endpoint import Endpoint

    Engines = dict[tuple[object, ...], EmbeddedEngine]
    """Engines by file and settings."""

DEFAULT_TASK = "default"
BUILTIN_POOL = ("qwen2.5-coder-0.5b", "smollm2-135m")
"""The pool of someone who has no pool file: small enough to fetch in minutes, best record first."""


class Member(Struct, frozen=True, kw_only=True):
    """A model and how this pool uses it."""

    model: Model
    generation: Generation = Generation()
    samples: int | None = None
    """k for this model, >= 1; None for the pool's."""
    system: str | None = None
    """A system prompt that this member's draws start with."""
    validation_accuracy: dict[str, float] = {}
    """By task, each in [0, 1]; the key `default` stands for every other task."""
    style: Style = "words"
    price: Price | None = None

    @property
    def name(self) -> str:
        """The model's name in the pool."""
        return self.model.name

    def accuracy_on(self, task: str | None) -> float | None:
        """This member's record on a task, else its default, else None."""
        default = self.validation_accuracy.get(DEFAULT_TASK)
        return default if task is None else self.validation_accuracy.get(task, default)


class Pool:
    """The models at hand, in an order that breaks the last tie.

    Args:
        members: at least one, with unique names.
        samples: k, the draws per model; >= 1.
        stopping: when to stop drawing; see `slm_mux.stopping`.
        seed: every draw's seed derives from it.
        retry_seconds: how long the waits between the tries of one draw may be in all.
        path: the file the pool came from.
        methods: settings of methods in which models read each other, by the method's name.
        lines: where the file says what; None for a pool that comes from no file.

    Raises:
        PoolError: no members, or two of one name.
        InvalidRequestError: samples below 1, or a member's validation accuracy outside [0, 1].
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        samples: int = 3,
        stopping: Stopping = "eager",
        seed: int = 0,
        retry_seconds: float = 60.0,
        path: Path | None = None,
        methods: Mapping[str, Any] | None = None,
        lines: Lines | None = None,
    ) -> None:
        names = [member.name for member in members]
        if not names:
            raise PoolError("the pool is empty: it needs at least one model")
        for name in names:
            if names.count(name) > 1:
                raise PoolError(f"two models are named {name!r}; give each its own name")
        if samples < 1:
            raise InvalidRequestError(f"samples is {samples}, but must be at least 1")
        for member in members:
            _check_member(member)
        self.members = tuple(members)
        self.samples = samples
        self.stopping: Stopping = stopping
        self.seed = seed
        self.retry_seconds = retry_seconds
        self.path = path
        self.methods: Mapping[str, Any] = methods or {}
        """As the file has them: what makes the methods checks them."""
        self.lines = lines or Lines(path)

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    def __repr__(self) -> str:
        return f"Pool({', '.join(member.name for member in self.members)})"

    def with_members(self, members: Sequence[Member]) -> "Pool":
        """Make a pool of other members with the same settings.

        Raises:
            PoolError, InvalidRequestError: as of any pool.
        """
        return Pool(
            members,
            samples=self.samples,
            stopping=self.stopping,
            seed=self.seed,
            retry_seconds=self.retry_seconds,
            path=self.path,
            methods=self.methods,
            lines=self.lines,
        )

    @classmethod
    def of(
        cls,
        *models: Model,
        samples: int = 3,
        temperature: float = 0.3,
        max_tokens: int | None = 1024,
        stopping: Stopping = "eager",
        seed: int = 0,
    ) -> Self:
        """Make a pool of models built in Python, all with the same settings."""
        for model in models:
            if not hasattr(model, "complete"):
                raise PoolError(
                    f"{model!r} is not a model; give models one by one: Pool.of(first, second)"
                )
        generation = Generation(temperature=temperature, max_tokens=max_tokens)
        members = [Member(model=model, generation=generation) for model in models]
        return cls(members, samples=samples, stopping=stopping, seed=seed)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        environment: Mapping[str, str] | None = None,
        engines: "Engines | None" = None,
    ) -> Self:
        """Read a pool file.

        Args:
            path: a YAML file; docs/pool-file.md lists its keys.
            environment: where `${VAR}` is looked up; the process's own by default.
            engines: those of other pools, to load a file once for all of them; new ones are put in.

        Raises:
            PoolError: with file, line, and the nearest valid name.
        """
        path = Path(path)
        content, lines = read_pool_file(path, os.environ if environment is None else environment)
        return cls._from_file(content, lines, engines)

    @classmethod
    def builtin(cls, names: Sequence[str] = BUILTIN_POOL, *, samples: int = 3) -> Self:
        """Make a pool of models from the catalogue that run in this process.

        Raises:
            WeightsError: a name that the catalogue does not have.
        """
        from slm_mux.models.catalogue import catalogued

        entries = [
            ModelEntry(
                name=name,
                gguf=f"builtin:{name}",
                validation_accuracy=dict(catalogued(name).validation_accuracy),
            )
            for name in names
        ]
        return cls._from_file(PoolFile(models=entries, samples=samples), Lines())

    @classmethod
    def find(cls) -> Self:
        """Read ./pool.yaml, else the user's own pool file, else take the built-in pool."""
        for path in (Path("pool.yaml"), user_pool_file()):
            # A link that leads nowhere is a pool file too, one with a mistake.
            if os.path.lexists(path):
                return cls.load(path)
        return cls.builtin()

    @classmethod
    def _from_file(cls, content: PoolFile, lines: Lines, engines: "Engines | None" = None) -> Self:
        build = _ModelBuilder(content, lines, {} if engines is None else engines)
        members = [
            Member(
                model=build.model(index),
                generation=build.generation(index),
                samples=entry.samples,
                system=entry.system,
                validation_accuracy=_accuracies(entry),
                style=entry.style,
                price=entry.price,
            )
            for index, entry in enumerate(content.models)
        ]
        return cls(
            members,
            samples=content.samples,
            stopping=content.stopping,
            seed=content.seed,
            retry_seconds=content.retry_seconds,
            path=lines.file,
            methods=content.methods,
            lines=lines,
        )


def user_pool_file() -> Path:
    """Where a user's own pool file lies when there is none in the working folder."""
    from platformdirs import user_config_path

    return user_config_path("slm-mux") / "pool.yaml"


class _ModelBuilder:
    """Builds models so that those of one endpoint, or of one file, share it."""

    def __init__(self, content: PoolFile, lines: Lines, engines: "Engines") -> None:
        self._content = content
        self._lines = lines
        self._endpoints: dict[str, Endpoint] = {}
        self._limits: dict[str, tuple[str, Limits]] = {}
        self._engines = engines
        # One limiter serves all embedded models, so the slots that one of them states are theirs.
        self._slots = next((e.slots for e in content.models if e.slots is not None), None)

    def model(self, index: int) -> Model:
        """Make the model of the entry at this position.

        Raises:
            PoolError: with the line of what is wrong.
        """
        entry = self._content.models[index]
        return self._remote(entry, index) if entry.gguf is None else self._embedded(entry, index)

    def generation(self, index: int) -> Generation:
        """Complete an entry's settings with the pool's.

        Raises:
            PoolError: `extra` sets a field that is set for each draw.
        """
        from slm_mux.models.wire import encode_request

        entry, pool = self._content.models[index], self._content
        generation = Generation(
            temperature=pool.temperature if entry.temperature is None else entry.temperature,
            top_p=pool.top_p if entry.top_p is None else entry.top_p,
            max_tokens=pool.max_tokens if entry.max_tokens is None else entry.max_tokens,
            stop=tuple(entry.stop),
            extra=entry.extra,
        )
        with self._lines.at("models", index, "extra"):
            encode_request(entry.name, Request(messages=(), generation=generation))
        return generation

    def _remote(self, entry: ModelEntry, index: int) -> Model:
        from slm_mux.models.endpoint import Endpoint
        from slm_mux.models.openai import OpenAIModel
        from slm_mux.models.secrecy import checked_headers
        from slm_mux.models.urls import checked_url

        at, url = self._lines.at, str(entry.url)
        with at("models", index, "url"):
            checked_url(url)
        for name, value in entry.headers.items():
            with at("models", index, "headers", name):
                checked_headers({name: value}, where=f"`{entry.name}`")
        # What can still be wrong is the key itself, or a key beside another.
        with at("models", index, "api_key"):
            endpoint = Endpoint(url, api_key=entry.api_key, headers=entry.headers)
        endpoint = self._endpoints.setdefault(endpoint.identity, endpoint)
        optional: dict[str, Any] = {} if entry.timeout is None else {"timeout": entry.timeout}
        return OpenAIModel(
            entry.name,
            model=str(entry.model),
            endpoint=endpoint,
            limits=self._shared_limits(endpoint.identity, entry, index),
            draws_at_once=entry.n,
            context=entry.context,
            **optional,
        )

    def _shared_limits(self, endpoint: str, entry: ModelEntry, index: int) -> Limits:
        given: dict[str, Any] = {}
        if entry.max_in_flight is not None:
            given["max_in_flight"] = entry.max_in_flight
        if entry.requests_per_minute is not None:
            given["requests_per_minute"] = entry.requests_per_minute
        if not given and endpoint in self._limits:
            return self._limits[endpoint][1]
        limits = Limits(**given)
        first, known = self._limits.setdefault(endpoint, (entry.name, limits))
        if known != limits:
            raise self._lines.error(
                ("models", index, next(iter(given))),
                f"`{first}` and `{entry.name}` share one endpoint but state different "
                "limits; state max_in_flight and requests_per_minute once, on the first of them",
            )
        return limits

    def _embedded(self, entry: ModelEntry, index: int) -> Model:
        from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
        from slm_mux.models.weights import fetched

        if entry.slots not in (None, self._slots):
            raise self._lines.error(
                ("models", index, "slots"),
                "embedded models take turns and must have the same slots; an entry above states "
                f"{self._slots}, and stating it once is enough",
            )
        source = self._source(entry, index)
        # Whether the file can be read shows when it is loaded; here only what is written counts.
        with self._lines.at("models", index, "gguf"), contextlib.suppress(OSError):
            fetched(source)
        with self._lines.at("models", index, "sha256"), contextlib.suppress(OSError):
            fetched(source, sha256=entry.sha256)
        options = {"slots": self._slots, "context": entry.context, "threads": entry.threads}
        given: dict[str, Any] = {
            name: value for name, value in options.items() if value is not None
        }
        engine = EmbeddedEngine(source, sha256=entry.sha256, **given)
        named = source.startswith(("builtin:", "hf:"))
        file = source if named else os.path.realpath(source)
        key = (file, entry.sha256, engine.slots, engine.context, entry.threads)
        return EmbeddedModel(entry.name, engine=self._engines.setdefault(key, engine))

    def _source(self, entry: ModelEntry, index: int) -> str:
        """Write an entry's `gguf` so that it means the same from any working folder."""
        source = str(entry.gguf)
        if source.startswith(("builtin:", "hf:")) or self._lines.file is None:
            return source
        try:
            path = Path(source).expanduser()
        except RuntimeError:
            raise self._lines.error(
                ("models", index, "gguf"), f"{source}: there is no such user here"
            ) from None
        return str(self._lines.file.absolute().parent / path)


def _check_member(member: Member) -> None:
    if member.samples is not None and member.samples < 1:
        raise InvalidRequestError(
            f"{member.name}: samples is {member.samples}, but must be at least 1"
        )
    for task, accuracy in member.validation_accuracy.items():
        if not 0 <= accuracy <= 1:
            raise InvalidRequestError(
                f"{member.name}: the validation accuracy for {task!r} is {accuracy}, but must be "
                "between 0 and 1"
            )


def _accuracies(entry: ModelEntry) -> dict[str, float]:
    if isinstance(entry.validation_accuracy, dict):
        return entry.validation_accuracy
    if entry.validation_accuracy is None:
        return {}
    return {DEFAULT_TASK: entry.validation_accuracy}
