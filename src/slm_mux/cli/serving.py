"""What `slm-mux serve` does: read everything, open the sockets, serve."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from slm_mux.cli.console import messages, print_line
from slm_mux.cli.interrupts import leave
from slm_mux.cli.options import pool_at, with_checked_methods
from slm_mux.cli.pauses import fewer_pauses
from slm_mux.errors import PoolError
from slm_mux.models.pool import Pool
from slm_mux.server.app import make_app
from slm_mux.server.keys import Keys
from slm_mux.server.logs import write_logs
from slm_mux.server.page.routes import page_routes
from slm_mux.server.running import (
    Running,
    allow_connections,
    check_exposure,
    is_loopback,
    listen,
    url_of,
)
from slm_mux.server.settings import ServerSettings, checked
from slm_mux.server.settings_file import read_settings
from slm_mux.wording import counted

if TYPE_CHECKING:
    from slm_mux.models.pool import Engines

BUILTIN = "builtin"
"""The name of the pool of models from the catalogue."""


def serve_pools(paths: Sequence[Path], *, config: Path | None, options: Mapping[str, Any]) -> None:
    """Serve pools until the process is told to stop.

    Args:
        paths: pool files; none for the pool that is found.
        config: the settings file.
        options: settings of the command line; None leaves one to the file.

    Raises:
        InvalidRequestError, PoolError: the settings or a pool are wrong.
        WeightsError, EmbeddedEngineError: the models of a pool cannot be had.
    """
    settings = read_settings(config) if config else ServerSettings()
    given = {name: value for name, value in options.items() if value is not None}
    settings = checked(replace(settings, **given))
    keys = Keys.from_environment(settings.api_key_env, os.environ)
    check_exposure(settings, keys)
    pools = named_pools(paths)
    for pool in pools.values():
        if any(hasattr(member.model, "engine") for member in pool):
            # Imported for those alone who need it: a fifth of the time to start.
            from slm_mux.cli.fetching import fetch_missing_weights

            fetch_missing_weights(pool)
    named = keys and not is_loopback(settings.host)
    app = make_app(settings, pools, keys=keys, any_host=bool(named), more_routes=[page_routes])
    sockets = listen(settings)
    write_logs(settings)
    allow_connections(settings.max_connections)
    shown = ", ".join(f"mux@{name} ({counted(len(pool), 'model')})" for name, pool in pools.items())
    needed = f"; keys: {', '.join(keys.labels)}" if keys else ""
    line = f"serving {shown} at {url_of(settings, sockets)}/v1{needed}; Ctrl-C to stop"

    async def run() -> None:
        server = Running(app, settings, on_start=lambda: print_line(messages(), line))
        await server.serve(sockets=sockets)
        if server.ended_at_once:
            # Requests are still at work; nobody wants to wait for them any more.
            leave()

    with fewer_pauses():
        asyncio.run(run())


def named_pools(paths: Sequence[Path]) -> dict[str, Pool]:
    """Load pools, each under its file's name without the ending; a model file is loaded once.

    Raises:
        PoolError: one is wrong, or two have one name.
    """
    if not paths:
        pool = pool_at(None)
        return {BUILTIN if pool.path is None else pool.path.stem: pool}
    pools: dict[str, Pool] = {}
    engines: Engines = {}
    for path in paths:
        if path.stem in pools:
            raise PoolError(
                f"{path}: there is a pool named {path.stem!r} already; rename one of the files"
            )
        pools[path.stem] = with_checked_methods(Pool.load(path, engines=engines))
    return pools
