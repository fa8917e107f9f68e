"""What a client may write as `model`: `mux[@POOL][+METHOD][:KIND]`, or a member's own name.

The first pool is `mux`; every pool is also `mux@POOL`. A member is asked under its own name, or as
`NAME@POOL` where two pools have one of that name (the plain name is then the first pool's).
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self, cast

from msgspec import Struct

from slm_mux.errors import PoolError
from slm_mux.questions import KindRequest
from slm_mux.server.wire.errors import shortened, unknown_model

PREFIX = "mux"
DEFAULT_METHOD = "mux"
KINDS: tuple[KindRequest, ...] = ("number", "choice", "math", "label", "json", "text")
"""The kinds that a client may ask for. Programs belong to tasks, and tools ask for themselves."""

_MUX_NAME = re.compile(r"mux(?:@([\w.-]+))?(?:\+(\w+))?(?::(\w+))?", re.ASCII)
_POOL_NAME = re.compile(r"[\w.-]+", re.ASCII)


class ModelName(Struct, frozen=True, kw_only=True):
    """What a request is asked of."""

    pool: str | None = None
    """The pool's name; None in a parsed name that names none, never in one that was resolved."""
    method: str = DEFAULT_METHOD
    """Always `DEFAULT_METHOD` for a member."""
    kind: KindRequest = "auto"
    """Always "auto" for a member."""
    member: str | None = None
    """The member that is asked alone; None for a pool."""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Take a name of a pool apart; None where it has another form. Nothing is looked up."""
        found = _MUX_NAME.fullmatch(text)
        if found is None:
            return None
        pool, method, kind = found.groups()
        kind = cast(KindRequest, kind or "auto")
        return cls(pool=pool, method=method or DEFAULT_METHOD, kind=kind)

    def __str__(self) -> str:
        if self.member is not None:
            return f"{self.member}@{self.pool}" if self.pool else self.member
        pool = f"@{self.pool}" if self.pool else ""
        method = f"+{self.method}" if self.method != DEFAULT_METHOD else ""
        kind = f":{self.kind}" if self.kind != "auto" else ""
        return f"{PREFIX}{pool}{method}{kind}"


class Names:
    """Every name that is served; made by `names_of`."""

    def __init__(
        self,
        pools: Mapping[str, Sequence[str]],
        methods: Mapping[str, Sequence[str]],
        kinds: Sequence[KindRequest],
        aliases: Mapping[str, str],
        refused: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._pools = {pool: tuple(members) for pool, members in pools.items()}
        self._methods = {
            pool: _with_aliases((DEFAULT_METHOD, *methods[pool]), aliases) for pool in pools
        }
        self._kinds = tuple(kinds)
        self._aliases = aliases
        self._refused = refused
        self._members: dict[str, ModelName] = {}
        for pool, members in self._pools.items():
            for member in members:
                name = ModelName(pool=pool, member=member)
                self._members.setdefault(member, name)
        for pool, members in self._pools.items():
            for member in members:
                name = ModelName(pool=pool, member=member)
                self._members.setdefault(str(name), name)

    def resolve(self, text: str) -> ModelName:
        """Find what a client's `model` means; the pool is always filled in.

        Raises:
            RefusedError: 404 for a name that is not served, with the nearest that is.
        """
        if (member := self._members.get(text)) is not None:
            return member
        parsed = ModelName.parse(text)
        if parsed is None:
            raise unknown_model(f"there is no model {shortened(text)!r}{self._hint(text)}")
        pool = parsed.pool or next(iter(self._pools))
        methods = self._methods.get(pool, ())
        method = self._aliases.get(parsed.method, parsed.method)
        if reason := self._refused.get(pool, {}).get(method):
            raise unknown_model(f"{shortened(text)!r} is not served: {reason}")
        parts: tuple[tuple[str, str, Sequence[str]], ...] = (
            ("pool", pool, tuple(self._pools)),
            ("method", parsed.method, methods),
            ("kind", parsed.kind, ("auto", *self._kinds)),
        )
        for part, name, valid in parts:
            if name not in valid:
                raise unknown_model(
                    f"there is no model {shortened(text)!r}: its {part} {shortened(name)!r} is "
                    f"none of {', '.join(valid)}{nearest(name, valid)}"
                )
        return ModelName(pool=pool, method=method, kind=parsed.kind)

    def listed(self) -> tuple[str, ...]:
        """The names that GET /v1/models shows: each pool plain, by method, by kind; the members."""
        return tuple(dict.fromkeys(self._listed()))

    def all(self) -> tuple[str, ...]:
        """Every name that `resolve` takes."""
        first = next(iter(self._pools))
        names = (
            str(ModelName(pool=pool, method=method, kind=kind))
            for pool in (None, *self._pools)
            for method in self._methods[pool or first]
            for kind in ("auto", *self._kinds)
        )
        return (*names, *self._members)

    def _listed(self) -> Iterator[str]:
        first = next(iter(self._pools))
        for pool in self._pools:
            base = None if pool == first else pool
            yield str(ModelName(pool=base))
            yield str(ModelName(pool=pool))
            for method in self._methods[pool]:
                yield str(ModelName(pool=base, method=method))
            for kind in self._kinds:
                yield str(ModelName(pool=base, kind=kind))
        for name, member in self._members.items():
            if name == member.member or self._members[str(member.member)] != member:
                yield name

    def _hint(self, text: str) -> str:
        return nearest(text, self.all()) or "; GET /v1/models lists what is served"


def names_of(
    pools: Mapping[str, Sequence[str]],
    methods: Mapping[str, Sequence[str]] | Sequence[str] = (),
    kinds: Sequence[KindRequest] = KINDS,
    *,
    aliases: Mapping[str, str] = MappingProxyType({}),
    refused: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Names:
    """Work out every name that is served.

    Args:
        pools: the members' names by pool, the first pool being `mux`; at least one.
        methods: those that may be asked for beside `mux`, of every pool, or by pool.
        kinds: those that may be asked for beside `auto`.
        aliases: the methods that have short names, by these.
        refused: why a method is not served, by pool and method.

    Raises:
        PoolError: a pool's name or a member's cannot be told from another name.
    """
    if not pools:
        raise PoolError("there is no pool to serve")
    for pool, members in pools.items():
        if not _POOL_NAME.fullmatch(pool):
            raise PoolError(
                f"the pool {pool!r} cannot be named in a model name: rename its file, with letters "
                "of ASCII, digits, points, dashes and underscores only"
            )
        for member in members:
            if ModelName.parse(member) is not None:
                raise PoolError(
                    f"{pool}: the model {member!r} cannot be told from the pool {PREFIX!r}; give "
                    "it another name"
                )
    by_pool = methods if isinstance(methods, Mapping) else dict.fromkeys(pools, methods)
    return Names(pools, by_pool, kinds, aliases, refused)


def _with_aliases(methods: Sequence[str], aliases: Mapping[str, str]) -> tuple[str, ...]:
    """The methods, each with its short names before it."""
    short = {method: [name for name, of in aliases.items() if of == method] for method in methods}
    return tuple(name for method in short for name in (*short[method], method))


def models_document(names: Names, *, created: int) -> dict[str, Any]:
    """Write the reply to GET /v1/models.

    Args:
        names: what is served.
        created: when the server was started, in seconds since 1970.
    """
    return {
        "object": "list",
        "data": [model_document(names, name, created=created) for name in names.listed()],
    }


def model_document(names: Names, name: str, *, created: int) -> dict[str, Any]:
    """Write the reply to GET /v1/models/NAME.

    Raises:
        RefusedError: 404 for a name that is not served.
    """
    found = names.resolve(name)
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "slm-mux" if found.member is None else str(found.pool),
    }


def nearest(name: str, valid: Sequence[str]) -> str:
    """Write "; did you mean ...?" where something comes close, else nothing."""
    # Longer names are no slip of anybody's, and comparing them would take time.
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5) if len(name) <= 200 else []
    return f"; did you mean {close[0]!r}?" if close else ""
