"""The entries of a pool file for models that were found good together."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from slm_mux.errors import PoolError
from slm_mux.models.base import HIGHEST_TEMPERATURE
from slm_mux.models.catalogue import CATALOGUE
from slm_mux.models.pool import Pool
from slm_mux.store.store import Store

_LIMITS = ("max_in_flight", "requests_per_minute", "slots")
"""What one entry states for all that share its endpoint."""
_GENERATION = ("temperature", "top_p", "max_tokens")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


class Entry(Struct, frozen=True, kw_only=True):
    """One entry of `models:`."""

    content: dict[str, Any]
    remarks: tuple[str, ...] = ()
    """Comments above it."""
    to_fill_in: tuple[str, ...] = ()
    """What the file needs before it can be used, in sentences; among the remarks too."""


def entries_of_file(
    pool: Pool, names: Sequence[str], *, beside: Path
) -> tuple[dict[str, Any], list[Entry]]:
    """Take entries over from a pool file, with everything that it says of them.

    Variables stay variables, so that no key gets into a file. Limits that another entry of the same
    endpoint stated go with the first one that is left.

    Args:
        pool: from a file, which it still agrees with.
        names: of its members.
        beside: the file in which the entries will stand: paths to model files are seen from there.

    Returns:
        The settings of the whole pool, and the entries in the order of the names.

    Raises:
        PoolError: the pool comes from no file, or that is not what it was.
    """
    path = pool.path
    if path is None:
        raise PoolError("this pool comes from no file")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = {str(_filled(each["name"])): dict(each) for each in content["models"]}
        chosen = {name: entries[name] for name in names}
    except (OSError, yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise PoolError(f"{path}: it changed while it was used: {error}") from None
    endpoints = {member.name: member.model.endpoint for member in pool}
    for endpoint in dict.fromkeys(endpoints[name] for name in names):
        together = [entry for name, entry in entries.items() if endpoints.get(name) == endpoint]
        stated = {key: e[key] for e in reversed(together) for key in _LIMITS if key in e}
        mine = [chosen[name] for name in names if endpoints[name] == endpoint]
        for entry in mine:
            for key in _LIMITS:
                entry.pop(key, None)
        mine[0].update(stated)
    same_folder = path.absolute().parent == beside.absolute().parent
    for entry in chosen.values():
        # One k for all: that which was searched with.
        entry.pop("samples", None)
        if "gguf" in entry and not same_folder:
            entry["gguf"] = _seen_from_anywhere(str(entry["gguf"]), path.absolute().parent)
    settings = {key: value for key, value in content.items() if key != "models"}
    return settings, [Entry(content=chosen[name]) for name in names]


def entries_of_store(
    store: Store, task: str, members: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[Entry]]:
    """Make entries of what the store knows of how models were asked.

    Args:
        store: with their samples.
        task: of which they are.
        members: name, identity, settings and seed of each, as a study describes them.

    Returns:
        The settings that all share, and an entry for each.

    Raises:
        PoolError: a name holds `${`, which no pool file can.
        StoreError: the store cannot be read.
    """
    systems = _systems(store, task, members)
    shared, own = _generation(members)
    seeds = {each["seed"] for each in members}
    if len(seeds) == 1 and None not in seeds:
        shared["seed"] = seeds.pop()
    variables: set[str] = set()
    entries = []
    for each, generation in zip(members, own, strict=True):
        name = str(each["name"])
        if "${" in name or "${" in str(each["identity"]):
            raise PoolError(
                f"the model named {name!r} cannot stand in a pool file: `${{...}}` reads the "
                "environment there"
            )
        source, remarks, to_fill_in = _source(name, str(each["identity"]), variables)
        if "temperature" not in each["settings"]:
            remarks.append(f"the temperature of the samples of {name} is not known")
        content = {"name": name, **source, **generation}
        if systems.get(name) is not None:
            content["system"] = systems[name]
        entries.append(
            Entry(
                content=content,
                remarks=(*to_fill_in, *remarks),
                to_fill_in=tuple(to_fill_in),
            )
        )
    return shared, entries


def _source(
    name: str, identity: str, variables: set[str]
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Say where a model is, with remarks, and with what is left to fill in."""
    kind, _, rest = identity.partition(":")
    if kind == "gguf":
        hashed = _SHA256.fullmatch(rest)
        if hashed is None:
            return {"gguf": rest}, [], []
        digits = rest.removeprefix("sha256:")
        for entry in CATALOGUE.values():
            if entry.sha256 == digits:
                return {"gguf": entry.source}, [], []
        variable = _variable("FILE_OF", name, variables)
        return (
            {"gguf": f"${{{variable}}}", "sha256": digits},
            [],
            [f"the store does not know where the file of {name} lies: set {variable}, or write it"],
        )
    where, _, served = rest.partition("|")
    if kind == "openai" and served and "#" not in where and "?" not in where:
        return {"url": where, "model": served}, ["add api_key if its endpoint asks for one"], []
    variable = _variable("URL_OF", name, variables)
    why = (
        "its samples were imported, and logs do not say where a model is served"
        if kind == "import"
        else "its address holds more than the store keeps"
        if kind == "openai"
        else f"the store says only {identity!r}"
    )
    missing = (
        f"where {name} is served is not known ({why}): set {variable}, or write its address, and "
        "see whether it is served under this name"
    )
    return {"url": f"${{{variable}}}", "model": served or name}, [], [missing]


def _variable(prefix: str, name: str, taken: set[str]) -> str:
    """Name a variable of the environment after a model, once each."""
    first = f"{prefix}_{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_').upper() or 'MODEL'}"
    variable, number = first, 2
    while variable in taken:
        variable, number = f"{first}_{number}", number + 1
    taken.add(variable)
    return variable


def _generation(
    members: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Split generation settings into those that all models share, and those of each."""
    usable = [
        {key: value for key, value in each["settings"].items() if _usable(key, value)}
        for each in members
    ]
    shared: dict[str, Any] = {}
    for key in _GENERATION:
        values = [each.get(key) for each in usable]
        if all(value == values[0] for value in values) and values[0] is not None:
            shared[key] = values[0]
    if any(
        each.get("max_tokens") is None and not _imported(member["identity"])
        for each, member in zip(usable, members, strict=True)
    ):
        # Left out, it would be the pool file's default.
        shared["max_tokens"] = None
    return shared, [
        {key: value for key, value in each.items() if key not in shared or value != shared[key]}
        for each in usable
    ]


def _imported(identity: str) -> bool:
    return identity.startswith("import:")


def _usable(key: str, value: Any) -> bool:
    """Whether a pool file takes this setting; a log may hold others, and other values."""
    if isinstance(value, bool):
        return False
    if key == "temperature":
        return isinstance(value, int | float) and 0 <= value <= HIGHEST_TEMPERATURE
    if key == "top_p":
        return isinstance(value, int | float) and 0 < value <= 1
    if key == "max_tokens":
        return isinstance(value, int) and value >= 1
    if key == "stop":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if key == "extra":
        return isinstance(value, dict)
    return key == "style" and value in ("words", "program")


def _systems(
    store: Store, task: str, members: Sequence[Mapping[str, Any]]
) -> dict[str, str | None]:
    """Look up the system prompts of collected members; those of imported logs are the log's own."""
    left = {str(each["name"]): each for each in members if not _imported(str(each["identity"]))}
    systems: dict[str, str | None] = {}
    under_another_name: dict[str, str | None] = {}
    for record in store.records(task) if left else ():
        asked = record.series
        for name, each in left.items():
            if (asked.identity, asked.settings, asked.seed) == (
                each["identity"],
                each["settings"],
                each["seed"],
            ):
                first = asked.messages[0]
                given = str(first.get("content")) if first.get("role") == "system" else None
                if asked.member == name:
                    systems[name] = given
                else:
                    under_another_name.setdefault(name, given)
        left = {name: each for name, each in left.items() if name not in systems}
        if not left:
            break
    return under_another_name | systems


def _seen_from_anywhere(gguf: str, folder: Path) -> str:
    if gguf.startswith(("builtin:", "hf:", "~")) or Path(str(_filled(gguf))).is_absolute():
        return gguf
    return str(folder / gguf)


def _filled(text: object) -> object:
    """Put the environment's variables in; the pool was loaded with them."""
    if not isinstance(text, str):
        return text
    return _VARIABLE.sub(lambda match: os.environ.get(match.group(1), match.group(0)), text)
