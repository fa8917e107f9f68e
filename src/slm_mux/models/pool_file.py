"""The pool file's form, and one clear line for each thing that can be wrong with it.

YAML is read into nodes that know their line, checked there for duplicate keys and `${VAR}`, then
converted to frozen Structs; a Struct's complaint is traced back to its node. What only the making
of a model can find wrong is traced back by `slm_mux.models.pool`, with the same `Lines`.
"""

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
import yaml
from msgspec import Struct

from slm_mux.errors import InvalidRequestError, PoolError, WeightsError
from slm_mux.models.base import HIGHEST_TEMPERATURE
from slm_mux.types import Stopping, Style
from slm_mux.yaml_lines import FileLines, KeyPath, YamlReader, located, nearest, standard_tags


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an endpoint asks for a million tokens, in the currency of its bill."""

    prompt: float
    """>= 0; of the tokens sent."""
    completion: float
    """>= 0; of the tokens generated."""

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The cost of so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


class ModelEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of `models:`; exactly one of `url` and `gguf` is set."""

    name: str
    url: str | None = None
    model: str | None = None
    api_key: str | None = None
    headers: dict[str, str] = {}
    n: bool = False
    max_in_flight: int | None = None
    requests_per_minute: float | None = None
    timeout: float | None = None
    gguf: str | None = None
    sha256: str | None = None
    slots: int | None = None
    context: int | None = None
    threads: int | None = None
    samples: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: list[str] = []
    system: str | None = None
    extra: dict[str, Any] = {}
    validation_accuracy: float | dict[str, float] | None = None
    style: Style = "words"
    price: Price | None = None

    def __repr__(self) -> str:
        """Name the model and its source; the key and the headers stay out."""
        shown = ", ".join(f"{field}={value!r}" for field, value in self.__rich_repr__())
        return f"ModelEntry({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Give rich the same as `repr`: left alone, a Struct gives it every field."""
        return [("name", self.name), ("model", self.model), ("gguf", self.gguf)]


class PoolFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    models: list[ModelEntry]
    samples: int = 3
    temperature: float = 0.3
    top_p: float | None = None
    max_tokens: int | None = 1024
    stopping: Stopping = "eager"
    seed: int = 0
    retry_seconds: float = 60.0
    methods: dict[str, Any] = {}


ONLY_WITH_URL = (
    "model",
    "api_key",
    "headers",
    "n",
    "max_in_flight",
    "requests_per_minute",
    "timeout",
)
ONLY_WITH_GGUF = ("sha256", "slots", "threads")

_AT_LEAST_ONE = ("samples", "max_tokens", "max_in_flight", "slots", "context", "threads")
_POSITIVE = ("requests_per_minute", "timeout", "retry_seconds")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAGS = standard_tags("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge")


class Lines(FileLines[PoolError]):
    """On which line of the pool file each key and each list entry stands.

    Args:
        file: named in the messages; None for a pool that comes from no file.
    """

    def __init__(self, file: Path | None = None) -> None:
        super().__init__(file, PoolError)

    @contextlib.contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Make an error of the pool, with its line, of what the body finds wrong.

        Raises:
            PoolError: in place of a PoolError, WeightsError or InvalidRequestError.
        """
        try:
            yield
        except (PoolError, WeightsError, InvalidRequestError) as error:
            raise self.error(path, str(error)) from None


def read_pool_file(path: Path, environment: Mapping[str, str]) -> tuple[PoolFile, Lines]:
    """Read and check a pool file.

    Args:
        path: a YAML file.
        environment: where `${VAR}` is looked up.

    Returns:
        What it says, and where it says it.

    Raises:
        PoolError: with file, line, and the nearest valid name.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path.is_symlink():
            raise PoolError(f"{path}: this link leads to no file; mend or remove it") from None
        raise PoolError(f"{path}: there is no such file; `slm-mux init` writes one") from None
    except IsADirectoryError:
        raise PoolError(f"{path}: this is a folder, not a pool file") from None
    except UnicodeDecodeError as error:
        raise PoolError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from None
    except OSError as error:
        raise PoolError(f"{path}: cannot be read: {error.strerror}") from None
    lines = Lines(path)
    content = _Reader(lines, environment).read(text)
    try:
        pool = msgspec.convert(content, PoolFile)
    except msgspec.ValidationError as error:
        raise _explained(str(error), lines) from None
    _check(pool, lines)
    return pool, lines


class _Reader(YamlReader[PoolError]):
    deepest = 40  # Only `extra` and `methods` need more than three.
    not_a_mapping = "a pool file is a mapping with the key `models`; see `slm-mux init`"
    alias = "not valid YAML: an alias (*) is not read here; write its value out"
    too_deep = "not valid YAML: lists or mappings nest too deep"
    half_a_pair = "not valid YAML: half of a surrogate pair is no character"
    control_character = "the control character U+{:04X}"
    odd_tag = "not valid YAML here: the tag {tag!r} has no meaning"
    bad_value = "not valid YAML here: {problem}"
    points_at_key = True

    def __init__(self, lines: Lines, environment: Mapping[str, str]) -> None:
        super().__init__(lines)
        self._environment = environment

    def allows_tag(self, node: yaml.Node) -> bool:
        return node.tag.startswith(_TAGS)

    def refusal(self, event: yaml.Event, depth: int) -> str | None:
        # A scalar in the deepest list is one level deeper.
        return super().refusal(event, depth + isinstance(event, yaml.ScalarEvent))

    def scalar(self, node: yaml.Node, at: KeyPath) -> Any:
        value = super().scalar(node, at)
        if not isinstance(value, str):
            return value
        if at[-1:] == ("api_key",) and not _VARIABLE.search(value):
            raise self.lines.error(
                at,
                "a key does not belong in a file: put it in an environment variable and write "
                "`api_key: ${NAME}`",
            )
        return self._filled(value, at)

    def _filled(self, text: str, at: KeyPath) -> str:
        def look_up(match: re.Match[str]) -> str:
            name = match.group(1)
            value = self._environment.get(name)
            if value is None or _SURROGATE.search(value):
                must = "set" if value is None else "UTF-8"
                raise self.lines.error(at, f"the environment variable {name} is not {must}")
            return value

        return _VARIABLE.sub(look_up, text)


def _explained(complaint: str, lines: Lines) -> PoolError:
    message, at = located(complaint)
    if bad_value := re.search(r"Invalid enum value '(.*?)'", message):
        key, name = at[-1], bad_value[1]
        allowed = get_args(Style if key == "style" else Stopping)
        return lines.error(
            at,
            f"`{key}` cannot be `{name}`{nearest(name, allowed)}; one of {', '.join(allowed)}",
        )
    return lines.explained(
        complaint, {(): PoolFile, ("models",): ModelEntry, ("models", "price"): Price}
    )


def _check(pool: PoolFile, lines: Lines) -> None:
    _check_values(pool, (), lines)
    if not pool.models:
        raise lines.error(("models",), "`models` is empty: a pool needs at least one model")
    seen: dict[str, int] = {}
    for index, entry in enumerate(pool.models):
        path: KeyPath = ("models", index)
        _check_values(entry, path, lines)
        _check_source(entry, path, lines)
        if not entry.name.strip():
            raise lines.error((*path, "name"), "a model needs a name")
        if entry.name in seen:
            raise lines.error(
                (*path, "name"),
                f"two models are named `{entry.name}` (the other is on line "
                f"{lines.known['models', seen[entry.name], 'name']}); give each its own "
                "name",
            )
        seen[entry.name] = index


def _check_source(entry: ModelEntry, path: KeyPath, lines: Lines) -> None:
    if (entry.url is None) == (entry.gguf is None):
        raise lines.error(
            path, f"`{entry.name}` needs either `url` (an endpoint) or `gguf` (a model file)"
        )
    if entry.gguf is not None and (not entry.gguf.strip() or "\0" in entry.gguf):
        raise lines.error((*path, "gguf"), "`gguf` cannot be the name of a file")
    foreign = ONLY_WITH_GGUF if entry.gguf is None else ONLY_WITH_URL
    for field in foreign:
        if (*path, field) in lines.known:
            wanted = "gguf" if entry.gguf is None else "url"
            raise lines.error((*path, field), f"`{field}` only goes with `{wanted}`")
    if entry.url is not None and not entry.model:
        raise lines.error(
            path, f"`{entry.name}` needs `model`: the name under which its endpoint serves it"
        )


def _check_values(holder: PoolFile | ModelEntry, path: KeyPath, lines: Lines) -> None:
    for keys, value in _numbers(holder):
        field = keys[0]
        valid, must = True, ""
        if field in _AT_LEAST_ONE:
            valid, must = value >= 1, "at least 1"
        elif field in _POSITIVE:
            valid, must = 0 < value < math.inf, "above 0"
        elif field == "temperature":
            valid = 0 <= value <= HIGHEST_TEMPERATURE
            must = f"between 0 and {HIGHEST_TEMPERATURE:g}"
        elif field == "top_p":
            valid, must = 0 < value <= 1, "above 0 and at most 1"
        elif field == "validation_accuracy":
            valid, must = 0 <= value <= 1, "between 0 and 1"
        elif field == "price":
            valid, must = 0 <= value < math.inf, "0 or more"
        if not valid:
            shown = " for ".join(f"`{key}`" for key in keys)
            raise lines.error((*path, *keys), f"{shown} is {value}, but must be {must}")


def _numbers(holder: Struct) -> Iterator[tuple[tuple[str, ...], float]]:
    for field in holder.__struct_fields__:
        value = getattr(holder, field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (field,), value
        elif field == "validation_accuracy" and value is not None:
            yield from (((field, task), accuracy) for task, accuracy in value.items())
        elif field == "price" and value is not None:
            yield from (((field, part), getattr(value, part)) for part in ("prompt", "completion"))
