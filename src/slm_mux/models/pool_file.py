"""The pool file's form, and one clear line for each thing that can be wrong with it.

YAML is read into nodes that know their line, checked there for duplicate keys and `${VAR}`, then
converted to frozen Structs; a Struct's complaint is traced back to its node. What only the making
of a model can find wrong is traced back by `slm_mux.models.pool`, with the same `Lines`.
"""

import contextlib
import difflib
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
_PLAIN_TAGS = tuple(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge")
)
_DEPTH = 40
"""Lists and mappings may nest so deep; only `extra` and `methods` need more than three."""
_Path = tuple[str | int, ...]


class Lines:
    """On which line of the pool file each key and each list entry stands, for error messages.

    Args:
        file: named in the messages; None for a pool that comes from no file.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.known: dict[_Path, int] = {}
        """Line numbers from 1, by the keys and list positions that lead to a node."""

    def error(self, path: _Path, message: str) -> PoolError:
        """Point at the line of the nearest node that is known, in one line of text."""
        while path and path not in self.known:
            path = path[:-1]
        where = f"{self.file}:{self.known.get(path, 1)}: " if self.file else ""
        return PoolError(where + re.sub(r"\s*[\r\n]\s*", " ", message))

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
    return _Reader(lines, environment).read(text), lines


class _Loader(yaml.SafeLoader):
    """Composes trees of bounded depth: an alias can recurse, or grow without end in few lines."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        problem = None
        if self.check_event(yaml.AliasEvent):
            problem = "an alias (*) is not read here; write its value out"
        elif self.depth > _DEPTH:
            problem = "lists or mappings nest too deep"
        if problem:
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode) and _SURROGATE.search(node.value):
            problem = "half of a surrogate pair is no character"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return node


class _Reader:
    def __init__(self, lines: Lines, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lines = lines
        self.error = lines.error

    def read(self, text: str) -> PoolFile:
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise self._error_on(line, f"not valid YAML: {error.problem}") from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            what = f"the control character U+{ord(text[error.position]):04X}"
            raise self._error_on(line, f"not valid YAML: {what}") from None
        if not isinstance(node, yaml.MappingNode):
            raise self.error(
                (), "a pool file is a mapping with the key `models`; see `slm-mux init`"
            )
        content = self._plain(node, ())
        try:
            pool = msgspec.convert(content, PoolFile)
        except msgspec.ValidationError as error:
            raise self._explained(str(error)) from None
        self._check(pool)
        return pool

    def _error_on(self, line: int, message: str) -> PoolError:
        return PoolError(f"{self._lines.file}:{line}: {message}")

    def _plain(self, node: yaml.Node, path: _Path) -> Any:
        self._lines.known.setdefault(path, node.start_mark.line + 1)
        if not node.tag.startswith(_PLAIN_TAGS):
            raise self.error(path, f"not valid YAML here: the tag {node.tag!r} has no meaning")
        if isinstance(node, yaml.MappingNode):
            content: dict[str, Any] = {}
            for key_node, value_node in node.value:
                line = key_node.start_mark.line + 1
                if not isinstance(key_node, yaml.ScalarNode):
                    raise self._error_on(line, "a key must be a plain word")
                key = str(key_node.value)
                here = (*path, key)
                if key in content:
                    raise self._error_on(line, f"`{key}` is given twice")
                self._lines.known[here] = line
                content[key] = self._plain(value_node, here)
            return content
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(child, (*path, index)) for index, child in enumerate(node.value)]
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            problem = getattr(error, "problem", None) or error
            raise self.error(path, f"not valid YAML here: {problem}") from None
        if path[-1:] == ("api_key",) and isinstance(value, str) and not _VARIABLE.search(value):
            raise self.error(
                path,
                "a key does not belong in a file: put it in an environment variable and write "
                "`api_key: ${NAME}`",
            )
        return self._filled(value, path) if isinstance(value, str) else value

    def _filled(self, text: str, path: _Path) -> str:
        def look_up(match: re.Match[str]) -> str:
            name = match.group(1)
            value = self._environment.get(name)
            if value is None or _SURROGATE.search(value):
                must = "set" if value is None else "UTF-8"
                raise self.error(path, f"the environment variable {name} is not {must}")
            return value

        return _VARIABLE.sub(look_up, text)

    def _explained(self, complaint: str) -> PoolError:
        message, _, at = complaint.partition(" - at `$")
        path = tuple(
            int(index) if index else name
            for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", at.rstrip("`"))
        )
        unknown = re.search(r"unknown field `(.*?)`", message)
        if unknown:
            name = unknown.group(1)
            holder = Price if path[-1:] == ("price",) else ModelEntry if path else PoolFile
            fields = holder.__struct_fields__
            return self.error((*path, name), f"unknown key `{name}`{_nearest(name, fields)}")
        required = re.search(r"missing required field `(.*?)`", message)
        if required:
            return self.error(path, f"`{required.group(1)}` is missing here")
        bad_value = re.search(r"Invalid enum value '(.*?)'", message)
        if bad_value:
            allowed = get_args(Style if path[-1] == "style" else Stopping)
            name = bad_value.group(1)
            return self.error(
                path,
                f"`{path[-1]}` cannot be `{name}`{_nearest(name, allowed)}; "
                f"one of {', '.join(allowed)}",
            )
        where = f"`{path[-1]}`: " if path and isinstance(path[-1], str) else ""
        wording = re.sub(r"`object( \| null)?`", "a mapping", message).replace("`array`", "a list")
        return self.error(path, f"{where}{wording[0].lower()}{wording[1:]}")

    def _check(self, pool: PoolFile) -> None:
        self._check_values(pool, ())
        if not pool.models:
            raise self.error(("models",), "`models` is empty: a pool needs at least one model")
        seen: dict[str, int] = {}
        for index, entry in enumerate(pool.models):
            path: _Path = ("models", index)
            self._check_values(entry, path)
            self._check_source(entry, path)
            if not entry.name.strip():
                raise self.error((*path, "name"), "a model needs a name")
            if entry.name in seen:
                raise self.error(
                    (*path, "name"),
                    f"two models are named `{entry.name}` (the other is on line "
                    f"{self._lines.known['models', seen[entry.name], 'name']}); give each its own "
                    "name",
                )
            seen[entry.name] = index

    def _check_source(self, entry: ModelEntry, path: _Path) -> None:
        if (entry.url is None) == (entry.gguf is None):
            raise self.error(
                path, f"`{entry.name}` needs either `url` (an endpoint) or `gguf` (a model file)"
            )
        if entry.gguf is not None and (not entry.gguf.strip() or "\0" in entry.gguf):
            raise self.error((*path, "gguf"), "`gguf` cannot be the name of a file")
        foreign = ONLY_WITH_GGUF if entry.gguf is None else ONLY_WITH_URL
        for field in foreign:
            if (*path, field) in self._lines.known:
                wanted = "gguf" if entry.gguf is None else "url"
                raise self.error((*path, field), f"`{field}` only goes with `{wanted}`")
        if entry.url is not None and not entry.model:
            raise self.error(
                path, f"`{entry.name}` needs `model`: the name under which its endpoint serves it"
            )

    def _check_values(self, holder: PoolFile | ModelEntry, path: _Path) -> None:
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
                raise self.error((*path, *keys), f"{shown} is {value}, but must be {must}")


def _numbers(holder: Struct) -> Iterator[tuple[tuple[str, ...], float]]:
    for field in holder.__struct_fields__:
        value = getattr(holder, field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield (field,), value
        elif field == "validation_accuracy" and value is not None:
            yield from (((field, task), accuracy) for task, accuracy in value.items())
        elif field == "price" and value is not None:
            yield from (((field, part), getattr(value, part)) for part in ("prompt", "completion"))


def _nearest(name: str, valid: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else f"; valid are {', '.join(valid)}"
