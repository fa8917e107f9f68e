"""What `slm-mux init` does: probe, choose, write a commented pool file."""

import asyncio
import math
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import yaml

from slm_mux.cli.console import messages, print_json
from slm_mux.errors import InvalidRequestError, PoolError
from slm_mux.models.endpoint import Endpoint
from slm_mux.models.pool import BUILTIN_POOL
from slm_mux.models.probe import (
    KNOWN,
    FoundServer,
    find_local_servers,
    names_an_embedding,
    served_models,
)
from slm_mux.models.urls import checked_url, without_user

ACTIVE_MODELS = 5
"""A pool larger than this is rarely better (paper, K = 2..5); the rest is written as comments."""

_SECRET_NAME = re.compile(
    r"(key|token|secret|pass|passw(or)?d|pwd|auth|code|sig|signature|credentials?)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"(sk|pk|gsk|hf|ghp|nvapi|xai)[-_]\w"  # how well-known services begin their keys
    r"|.*(?<![a-z0-9])(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{16}"  # no word and no date is so mixed
    r"|.*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE | re.DOTALL,
)

HEADER = """\
# A pool for slm-mux: each model answers a question `samples` times on its own; the model that
# agrees with itself most is believed. docs/pool-file.md explains every key.
samples: 3          # draws per model
temperature: 0.3    # above 0, or all draws of a model are alike
stopping: eager     # eager: least time; frugal: fewest draws; none: all draws. Same answer.

# The order breaks the last tie, so put the model you trust most first. Better: give each model its
# share of right answers on problems like yours, as `validation_accuracy`.
models:
"""


def write_pool_file(
    path: Path,
    *,
    urls: Sequence[str],
    api_key_env: str | None,
    builtin: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write a pool file for the servers that answer.

    Raises:
        InvalidRequestError: the file exists, the options do not go together, or an address holds
            a secret, which would end up in the file.
        PoolError: no server answers, or none of them serves a model; or the file cannot be written.
        ModelError: an address given by `--url` does not answer as it should.
    """
    if path.exists() and not force:
        raise InvalidRequestError(f"{path} exists; --force overwrites it, --output names another")
    if builtin and urls:
        raise InvalidRequestError("give either --builtin or --url, not both")
    if api_key_env is not None and not urls:
        raise InvalidRequestError("--api-key-env goes with --url")
    for url in urls:
        _refuse_secrets(url)
    servers = [] if builtin else asyncio.run(_servers(urls, api_key_env))
    if not builtin and not any(server.models for server in servers):
        raise PoolError(_nothing_found(servers))
    entries = _builtin_entries() if builtin else _server_entries(servers, api_key_env)
    shown = [
        entry if index < ACTIVE_MODELS else _commented(entry) for index, entry in enumerate(entries)
    ]
    try:
        path.write_text(HEADER + "\n".join(shown), encoding="utf-8")
    except OSError as error:
        raise PoolError(f"{path}: cannot be written: {error.strerror}") from None
    if as_json:
        print_json(
            {
                "path": str(path),
                "servers": [
                    {"name": s.name, "url": without_user(s.url), "models": list(s.models)}
                    for s in servers
                ],
                "models": len(entries),
            }
        )
        return
    console = messages()
    for server in servers:
        served = ", ".join(server.models) or "no models"
        # Names come from the server: neither [red] nor :cat: in them means anything.
        console.print(f"{_place(server)}: {served}", markup=False, emoji=False)
    console.print(f'wrote {path}; try: slm-mux ask "What is 17 * 6?"', markup=False, emoji=False)


def _refuse_secrets(url: str) -> None:
    """Refuse an address that cannot stand in a file.

    Raises:
        InvalidRequestError: it has user:password, or a query that looks as if it held a secret.
        PoolError: it is not a URL.
    """
    parts = checked_url(url)
    items = [item.partition("=") for item in unquote(parts.query).split("&")]
    if "@" in parts.netloc:
        found = "user:password"
    elif any(
        _SECRET_VALUE.match(value or name) or (value and _SECRET_NAME.search(name))
        for name, _, value in items
    ):
        found = "a query that looks like a secret"
    else:
        return
    raise InvalidRequestError(
        f"{without_user(url)} was given with {found}, which must not stand in a file: leave it "
        "out, and name the environment variable that holds the key with --api-key-env"
    )


async def _servers(urls: Sequence[str], api_key_env: str | None) -> list[FoundServer]:
    if not urls:
        return await find_local_servers()
    key = None
    if api_key_env is not None:
        key = os.environ.get(api_key_env)
        if not key:
            raise InvalidRequestError(f"the environment variable {api_key_env} is not set")
    return [await _ask(url, key) for url in urls]


async def _ask(url: str, key: str | None) -> FoundServer:
    endpoint = Endpoint(url, api_key=key)
    started = time.perf_counter()
    try:
        served = await served_models(endpoint)
    finally:
        await endpoint.aclose()
    return FoundServer(
        name="the server",
        url=url,
        models=tuple(model for model in served if not names_an_embedding(model)),
        seconds=time.perf_counter() - started,
    )


def _place(server: FoundServer) -> str:
    return f"{server.name} at {without_user(server.url)}"


def _nothing_found(servers: Sequence[FoundServer]) -> str:
    if servers:
        places = ", ".join(map(_place, servers))
        return f"{places} answers, but serves no model: load one there and try again"
    tried = ", ".join(f"{name} ({url})" for name, url in KNOWN.items())
    return (
        f"no model server answers on this machine (tried {tried}). Start one, or give --url, or "
        "take the built-in models with --builtin"
    )


def _server_entries(servers: Sequence[FoundServer], api_key_env: str | None) -> list[str]:
    names: set[str] = set()
    entries = []
    for server in servers:
        for model in server.models:
            if "${" in model:
                raise PoolError(
                    f"{_place(server)} serves a model named {model!r}, which no pool file can "
                    "hold: `${...}` reads the environment there"
                )
            lines = [
                f"  - name: {_yaml(_unique_name(model, names))}",
                f"    url: {_yaml(server.url)}    # {server.name}",
                f"    model: {_yaml(model)}",
            ]
            if api_key_env is not None:
                lines.append(f"    api_key: ${{{api_key_env}}}")
            lines.append("    # validation_accuracy: {default: 0.74}")
            entries.append("\n".join(lines) + "\n")
    return entries


def _builtin_entries() -> list[str]:
    return [
        f"  - name: {name}\n    gguf: builtin:{name}    # runs in this process\n"
        for name in BUILTIN_POOL
    ]


def _commented(entry: str) -> str:
    return "".join(f"#{line}\n" for line in entry.splitlines())


def _unique_name(model: str, taken: set[str]) -> str:
    """Make a short name: the last part of a path, without the file's ending."""
    short = re.sub(r"\.gguf$", "", model.rstrip("/").rpartition("/")[2], flags=re.IGNORECASE)
    short = short.replace(":", "-") or "model"
    name, number = short, 2
    while name in taken:
        name, number = f"{short}-{number}", number + 1
    taken.add(name)
    return name


def _yaml(text: str) -> str:
    """Write a scalar so that YAML reads back this text."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9._:/-]*[A-Za-z0-9]", text)
    words = {"true", "false", "yes", "no", "on", "off", "null"}
    if plain and text.lower() not in words:
        return text
    # Not a JSON string: YAML reads its surrogate pairs as two characters.
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)
    return str(quoted).rstrip("\n")
